#include "mux/client/lending.hpp"

#include <string_view>

namespace sallyport::mux {
namespace {

constexpr std::size_t kMaximumX11Text = 512;

bool is_xauth_word(std::string_view text) {
  constexpr std::string_view kAllowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:/-_";
  return !text.empty() && text.size() <= kMaximumX11Text && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

bool borrows(const ResolvedTarget& target, Loan loan) {
  if (target.kind == TargetKind::local) return false;
  return loan == Loan::agent ? target.options.forward_agent : target.options.forward_x11;
}

bool is_sound_x11_request(const wire::X11Request& request) {
  return is_xauth_word(request.protocol) && is_xauth_word(request.cookie);
}

}  // namespace sallyport::mux
