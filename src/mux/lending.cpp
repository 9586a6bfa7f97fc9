#include "mux/lending.hpp"

#include <algorithm>

#include "wire/forwards.hpp"

namespace sallyport::mux {
namespace {

constexpr std::size_t kMaximumX11Text = 512;

bool is_xauth_word(std::string_view text) {
  constexpr std::string_view kAllowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:/-_";
  return !text.empty() && text.size() <= kMaximumX11Text &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

std::optional<std::string> why_not_lent(const Admission& client, Loan loan) {
  const bool agent = loan == Loan::agent;
  if (!(agent ? client.grant.agent_forwarding : client.grant.x11_forwarding)) return "the key's options forbid it";
  if (!client.decision) return client.refusal;
  const auto decision = route::decide_channel(*client.decision, {.request = agent ? "agent" : "x11"});
  if (const auto* denied = decision.denied()) return denied->told;
  const ResolvedTarget& target = *decision.target();
  if (target.kind == TargetKind::local) return "target " + target.name + " is the bastion itself";
  if (!borrows(target, loan)) return agent ? "forward_agent is false" : "forward_x11 is false";
  return std::nullopt;
}

bool borrows(const ResolvedTarget& target, Loan loan) {
  if (target.kind == TargetKind::local) return false;
  return loan == Loan::agent ? target.options.forward_agent : target.options.forward_x11;
}

bool is_sound_x11_request(ByteView rest) {
  const auto request = wire::parse_x11_request(rest);
  return request && is_xauth_word(request->protocol) && is_xauth_word(request->cookie);
}

}  // namespace sallyport::mux
