#include "mux/upstream/trunk.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "mux/upstream/host_key_lesson.hpp"
#include "wire/channel_opens.hpp"

namespace sallyport::mux {
namespace {

constexpr std::size_t kMaximumOriginator = 255;

/// Clients end their connection over a text that they don't like.
bool is_clean(std::string_view originator) {
  return originator.size() <= kMaximumOriginator && std::none_of(originator.begin(), originator.end(), [](char c) {
           return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
         });
}

}  // namespace

using wire::OpenFailureReason;

Trunk::Trunk(const facts::Trunk& which, std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard,
             KeepaliveSettings keepalive, Credit credit, std::shared_ptr<Account> account, TrunkEvents& owner, Journal& journal)
    : Connection(std::move(transport), clock, graveyard, keepalive, credit, std::move(account)),
      id_(which.id),
      user_(which.user),
      target_(which.target),
      loss_told_("the connection to target " + target_ + " was lost"),
      owner_(owner),
      journal_(journal) {}

void Trunk::on_channel_open(const wire::ChannelOpen& open, const wire::OpenFields& fields) {
  if (open.maximum_packet == 0) return refuse(open, OpenFailureReason::administratively_prohibited, "a maximum packet size of 0");
  if (open.rest.size() > kMaximumFields) return refuse(open, OpenFailureReason::administratively_prohibited, "too long a name");
  if (const auto* to = std::get_if<wire::ForwardedTcpip>(&fields))
    return on_forwarded(open, route::Destination::of_port(to->address, to->port), to->originator);
  if (const auto* to = std::get_if<wire::ForwardedStreamlocal>(&fields))
    return on_forwarded(open, route::Destination::of_socket(to->path), {});
  if (std::holds_alternative<wire::AgentOpen>(fields)) return on_lent(agent_, open, {});
  if (const auto* to = std::get_if<wire::X11Open>(&fields)) return on_lent(display_, open, to->originator);
  refuse(open, OpenFailureReason::unknown_channel_type, "unknown channel type");
}

void Trunk::on_forwarded(const wire::ChannelOpen& open, const route::Destination& address, std::string_view originator) {
  if (!is_clean(originator)) return refuse(open, OpenFailureReason::administratively_prohibited, "malformed");
  ListenerEvents* user = forwards_.find(address);
  if (user == nullptr) return refuse(open, OpenFailureReason::administratively_prohibited, "nobody asked for this channel");
  user->on_connection(open, originator);
}

void Trunk::on_lent(LenderEvents* lender, const wire::ChannelOpen& open, std::string_view originator) {
  if (!is_clean(originator)) return refuse(open, OpenFailureReason::administratively_prohibited, "malformed");
  if (lender == nullptr) return refuse(open, OpenFailureReason::administratively_prohibited, "nobody asked for this channel");
  lender->on_lent_channel(*this, open, originator);
}

void Trunk::refuse(const wire::ChannelOpen& open, OpenFailureReason reason, std::string_view why) {
  journal_.tell(facts::TargetOpenRefused{which(), open.type, why});
  refuse_open(open.sender, reason, why);
}

bool Trunk::lend_agent(LenderEvents& lender) { return std::exchange(agent_, &lender) == nullptr; }

void Trunk::lend_display(LenderEvents& lender) { display_ = &lender; }

void Trunk::end_loan() { agent_ = display_ = nullptr; }

void Trunk::on_global_request(const wire::GlobalRequest& request, const wire::GlobalFields& /*fields*/,
                              GlobalReplies::Ticket ticket) {
  if (request.name == HostKeyLesson::kTold) owner_.tell(&TrunkEvents::on_host_keys, *this, request.rest);
  answer_global(ticket, false);
}

void Trunk::on_unsound(wire::Form form, std::string_view name, std::string_view why, const Channel* /*channel*/) {
  form == wire::Form::channel_open ? journal_.tell(facts::TargetOpenRefused{which(), name, why})
                                   : journal_.tell(facts::TargetRequestRefused{which(), name, why});
}

void Trunk::on_channel_gone(LocalChannel) { owner_.tell(&TrunkEvents::on_slot_free, *this); }

void Trunk::say_goodbye(std::string_view why) {
  loss_told_ += ": " + std::string(why);
  disconnect(DisconnectReason::by_application, why);
}

void Trunk::on_violation(std::string_view what) { journal_.tell(facts::TargetViolation{which(), what}); }

void Trunk::on_ignored(std::string_view what, std::uint64_t count) {
  journal_.tell(facts::TargetMessageIgnored{which(), what, count});
}

void Trunk::on_channel_changed(const Channel& channel, ChannelState from) {
  if (journal_.follows_steps())
    journal_.tell(facts::TrunkChannelStep{which(), channel.local(), name_of(from), name_of(channel.state())});
}

void Trunk::on_connection_closed(const Error& why) { owner_.end(&TrunkEvents::on_trunk_closed, *this, why); }

}  // namespace sallyport::mux
