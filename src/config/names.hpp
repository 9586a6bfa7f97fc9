// Which names are safe in paths, log lines and logins elsewhere, and how placeholders are filled with them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::config {

inline constexpr std::size_t kMaxUserLength = 64;
inline constexpr std::size_t kMaxTargetLength = 255;

/// Letters, digits and . _ - @ +, no more than kMaxUserLength, no ".." anywhere, no "-" or "." in front.
bool is_safe_user(std::string_view user);

/// Letters, digits and . _ -, no more than kMaxTargetLength, no ".." anywhere, no "-" or "." in front.
bool is_safe_target(std::string_view target);

/// A host name or a literal address: letters, digits and . _ - : (and a zone behind %), not "-" in front.
bool is_safe_host(std::string_view host);

/// What may stand between the braces of a template, and what it becomes.
struct Placeholder {
  std::string_view name;
  std::string_view value;
};

/// What a target's proxy_command may hold in its arguments.
std::vector<Placeholder> proxy_placeholders(std::string_view host, std::string_view port, std::string_view user,
                                            std::string_view target);

/// Fills in a template. Nothing when it has a placeholder that is not listed, or a brace that belongs to none.
std::optional<std::string> expand(std::string_view text, const std::vector<Placeholder>& placeholders);

}  // namespace sallyport::config
