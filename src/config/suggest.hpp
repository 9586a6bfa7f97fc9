// "did you mean": the known name that is nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::config {

/// The candidate with the fewest insertions, deletions, replacements and swaps of neighbours between it and `name`
/// (case counts for nothing); empty when even that is too far off to help.
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates);

/// `; did you mean "x"?`, or nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace sallyport::config
