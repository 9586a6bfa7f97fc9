#include "mux/downstream/link.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "mux/admission/permission.hpp"
#include "mux/forward/agent_loan.hpp"
#include "wire/forwards.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kHostKeys = "hostkeys-00@openssh.com";
/// A client asks once; each of them may cost a signature by each key.
constexpr std::uint32_t kMaximumProofs = 4;
constexpr std::string_view kCrowded = "too much is held for this user";

}  // namespace

using route::Act;
using route::ActKind;
using wire::OpenFailureReason;

Link::Link(const Services& services, Admission client, std::unique_ptr<Transport> transport, const Settings& settings,
           LinkEvents& owner)
    : Connection(std::move(transport), services.clock, services.graveyard, settings.keepalive, settings.credit, settings.account),
      services_(services),
      client_(std::move(client)),
      maximum_channels_(settings.maximum_channels),
      maximum_forwarded_(settings.maximum_forwarded),
      owner_(owner),
      order_(services.pool, services.clock),
      forwards_(services_, client_, order_, static_cast<LinkForwardsHost&>(*this), settings.maximum_forwards),
      since_(services.clock.now()) {
  if (client_.host_keys != nullptr) tell(kHostKeys, client_.host_keys->announcement());
}

Link::~Link() = default;

bool Link::refuse(Act act, const wire::ChannelOpen& open) {
  OpenFailureReason reason = OpenFailureReason::administratively_prohibited;
  std::string_view why;
  if (act == Act::session && no_more_sessions_) {
    why = "no more sessions were to be opened";
  } else if (open.maximum_packet == 0) {
    why = "a maximum packet size of 0";
  } else if (open.rest.size() > kMaximumFields) {
    why = "too long a name";
  } else if (const std::string_view full = act == Act::session ? refuses_sessions() : refuses_forwarded(); !full.empty()) {
    reason = OpenFailureReason::resource_shortage;
    why = full;
  } else {
    why = owner_.refuses_channels();
  }
  if (why.empty()) return false;
  refuse_open(open.sender, reason, why);
  services_.journal.tell(facts::ChannelOpenRefused{client_.who(), open.type, why});
  return true;
}

std::string_view Link::refuses_sessions() const {
  if (sessions_ >= maximum_channels_) return "too many channels on this connection: max_channels_per_connection";
  return account()->is_crowded() ? kCrowded : std::string_view();
}

std::string_view Link::refuses_forwarded() const {
  if (account()->is_crowded()) return kCrowded;
  if (open_channels() - sessions_ < maximum_forwarded_) return {};
  return "too many forwarded connections on this connection: max_forwarded_per_connection";
}

void Link::on_channel_open(const wire::ChannelOpen& open, const wire::OpenFields& fields) {
  const Act act = *route::act_of(ActKind::client_channel, open.type);
  if (auto forward = forward_of(fields)) {
    if (!refuse(act, open)) open_forward(act, open, *std::move(forward));
    return;
  }
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = act});
  if (verdict.denial() != nullptr || act != Act::session) return refuse_unknown(open, verdict);
  if (!refuse(act, open)) open_session(open);
}

void Link::refuse_unknown(const wire::ChannelOpen& open, const route::Verdict& verdict) {
  constexpr std::string_view kTold = "unknown channel type";
  refuse_open(open.sender, OpenFailureReason::unknown_channel_type, kTold);
  services_.journal.tell(
      facts::ChannelOpenRefused{client_.who(), open.type, verdict.denial() != nullptr ? verdict.reason() : kTold});
}

void Link::open_session(const wire::ChannelOpen& open) {
  Channel& channel = accept(open);
  // Nothing is known yet that could take data: the window opens when the session has its endpoint.
  channel.confirm(0);
  const ChannelId id = owner_.next_channel_id();
  services_.journal.tell(facts::ChannelOpened{client_.who(), id, open.type});
  keep(channel.local(), std::make_unique<Session>(services_, client_, order_, id, channel, static_cast<LenderEvents&>(*this)));
}

void Link::open_forward(Act act, const wire::ChannelOpen& open, ForwardRequest request) {
  const ChannelId id = owner_.next_channel_id();
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = act, .destination = &request.destination});
  if (const route::Denial* denied = verdict.denial()) {
    refuse_open(open.sender, OpenFailureReason::administratively_prohibited, denied->told);
    return services_.journal.tell(
        facts::ForwardRefused{client_.who(), {client_.id, id, {}}, request.type, request.destination.text(), verdict.reason()});
  }
  Channel& channel = accept(open);
  services_.journal.tell(facts::ChannelOpened{client_.who(), id, open.type});
  keep(channel.local(),
       std::make_unique<Forward>(services_, client_, order_, id, channel, std::move(request), *verdict.permit()));
}

void Link::keep(LocalChannel local, std::unique_ptr<LinkChannel> channel) {
  if (number(local) >= by_number_.size()) by_number_.resize(number(local) + 1);
  if (channel->is_session()) ++sessions_;
  by_number_[number(local)] = std::move(channel);
}

void Link::on_global_request(const wire::GlobalRequest& request, const wire::GlobalFields& fields, GlobalReplies::Ticket ticket) {
  const Act act = *route::act_of(ActKind::global_request, request.name);
  if (const auto* at = std::get_if<wire::TcpipForward>(&fields))
    return forwards_.handle(act, request, route::Destination::of_port(at->address, at->port), ticket);
  if (const auto* at = std::get_if<wire::StreamlocalForward>(&fields))
    return forwards_.handle(act, request, route::Destination::of_socket(at->path), ticket);
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = act});
  if (verdict.permit() != nullptr && act == Act::prove_host_keys) return prove_host_keys(request.rest, ticket);
  if (verdict.denial() != nullptr)
    services_.journal.tell(facts::RequestRefused{client_.who(), std::nullopt, request.name, verdict.reason()});
  // Honoured here and not passed on: sshd would end the trunk at the next client's session.
  if (verdict.permit() != nullptr && act == Act::no_more_sessions) no_more_sessions_ = true;
  answer_global(ticket, verdict.permit() != nullptr);
}

void Link::prove_host_keys(ByteView fields, GlobalReplies::Ticket ticket) {
  if (ticket == GlobalReplies::Ticket::none) return;
  if (client_.host_keys == nullptr || proof_ != nullptr || proofs_ == kMaximumProofs) return answer_global(ticket, false);
  ++proofs_;
  proof_ =
      client_.host_keys->prove(fields, {session_id(), client_.host_key_algorithm}, [this, ticket](std::optional<Bytes> answer) {
        proof_.reset();
        answer_global(ticket, answer.has_value(), answer ? ByteView(*answer) : ByteView());
      });
}

void Link::take_channel(Trunk& trunk, const wire::ChannelOpen& open, TargetChannelInfo info) {
  OpenFailureReason reason = OpenFailureReason::administratively_prohibited;
  std::string_view why = owner_.refuses_channels();
  if (!usable()) {
    why = loss_told().text();
  } else if (why.empty() && !refuses_forwarded().empty()) {
    reason = OpenFailureReason::resource_shortage;
    why = refuses_forwarded();
  }
  if (!why.empty()) return trunk.refuse(open, reason, why);
  const auto act = route::act_of(ActKind::target_channel, open.type);
  if (!act) return trunk.refuse(open, OpenFailureReason::unknown_channel_type, "unknown channel type");
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = *act});
  if (verdict.denial() != nullptr) return trunk.refuse(open, reason, verdict.denial()->told);
  const ChannelIds ids{client_.id, owner_.next_channel_id(), trunk.id()};
  services_.journal.tell(facts::ChannelOpened{client_.who(), ids.channel, open.type});
  auto channel = std::make_unique<TargetChannel>(services_, client_, ids, trunk.accept(open), *verdict.permit(), std::move(info));
  // The fields of these types are texts and numbers, which have one encoding.
  OpenRequest request{std::string(open.type), channel->initial_grant(), Bytes(open.rest.begin(), open.rest.end())};
  Channel& downstream = Connection::open(request, *channel);
  channel->set_downstream(downstream);
  keep(downstream.local(), std::move(channel));
}

void Link::on_lent_channel(Trunk& trunk, const wire::ChannelOpen& open, std::string_view originator) {
  std::string origin = open.type == wire::kAgent ? "agent" : "display";
  if (!originator.empty()) origin += " from " + std::string(originator);
  take_channel(trunk, open, {std::string(open.type), trunk.target(), std::move(origin)});
}

void Link::lend_agent_to(std::shared_ptr<AgentBorrower> borrower) {
  UpstreamAnswers& login = *borrower->to;
  if (!usable()) return login.refuse_agent("the client has gone");
  if (const std::string_view why = refuses_forwarded(); !why.empty()) return login.refuse_agent(std::string(why));
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = Act::agent_channel});
  if (verdict.denial() != nullptr) return login.refuse_agent(verdict.reason());
  const ChannelId id = owner_.next_channel_id();
  services_.journal.tell(facts::ChannelOpened{client_.who(), id, wire::kAgent});
  auto loan = std::make_unique<AgentLoan>(services_, client_, id, std::move(borrower));
  // Nothing is granted before there is a socket that takes it.
  Channel& downstream = Connection::open({std::string(wire::kAgent), 0, {}}, *loan);
  loan->set_downstream(downstream);
  keep(downstream.local(), std::move(loan));
}

void Link::on_forward_lost(Told told) {
  // The protocol has no way to tell the client that a port is gone. Without the bastion its connection would have ended
  // here, and whoever wants the forward back (autossh, a service manager) waits for just that.
  disconnect(DisconnectReason::by_application, std::string(told.text()) + ", and a forwarded port with it");
}

void Link::on_channel_gone(LocalChannel local) {
  if (number(local) >= by_number_.size() || by_number_[number(local)] == nullptr) return;
  std::unique_ptr<LinkChannel> channel = std::move(by_number_[number(local)]);
  if (channel->is_session()) --sessions_;
  channel->leave();
  graveyard_.bury(std::move(channel));
}

void Link::on_unsound(wire::Form form, std::string_view name, std::string_view why, const Channel* channel) {
  if (channel != nullptr) {
    const LinkChannel& user = *by_number_[number(channel->local())];
    return services_.journal.tell(
        facts::RequestRefused{client_.who(), ChannelIds{client_.id, user.id(), user.trunk()}, name, why});
  }
  form == wire::Form::channel_open ? services_.journal.tell(facts::ChannelOpenRefused{client_.who(), name, why})
                                   : services_.journal.tell(facts::RequestRefused{client_.who(), std::nullopt, name, why});
}

void Link::on_violation(std::string_view what) { services_.journal.tell(facts::ClientViolation{client_.who(), what}); }

void Link::on_ignored(std::string_view what, std::uint64_t count) {
  services_.journal.tell(facts::ClientMessageIgnored{client_.who(), what, count});
}

void Link::on_channel_changed(const Channel& channel, ChannelState from) {
  if (services_.journal.follows_steps())
    services_.journal.tell(facts::ClientChannelStep{client_.who(), channel.local(), name_of(from), name_of(channel.state())});
}

void Link::on_connection_closed(const Error& why) {
  proof_.reset();
  forwards_.leave();
  for (auto& channel : by_number_) graveyard_.bury(std::move(channel));
  by_number_.clear();
  sessions_ = 0;
  services_.journal.tell(facts::ConnectionClosed{client_.who(), why, bytes_received(), bytes_sent(), clock_.now() - since_});
  owner_.on_link_closed(*this);
}

ConnectionRow Link::row() const {
  ConnectionRow row;
  row.id = client_.id;
  row.user = client_.user;
  row.source = client_.source.address + ":" + std::to_string(client_.source.port);
  if (client_.decision) {
    row.target = client_.decision->target.name;
    row.route = client_.decision->route().name;
  }
  row.method = client_.method;
  row.key_fingerprint = client_.fingerprint;
  row.certificate = client_.grant.certificate;
  row.since = since_;
  row.channels = open_channels();
  row.bytes = {bytes_received(), bytes_sent()};
  return row;
}

void Link::add_rows(std::vector<ChannelRow>& rows) const {
  for (const auto& channel : by_number_)
    if (channel != nullptr) rows.push_back(channel->row());
}

bool Link::end_channel(ChannelId id, std::string_view reason) {
  for (const auto& channel : by_number_) {
    if (channel == nullptr || channel->id() != id) continue;
    channel->end(Told(reason));
    return true;
  }
  return false;
}

std::vector<TrunkId> Link::trunks() const {
  std::vector<TrunkId> trunks = forwards_.trunks();
  for (const auto& channel : by_number_)
    if (channel != nullptr && channel->trunk()) trunks.push_back(*channel->trunk());
  std::sort(trunks.begin(), trunks.end());
  trunks.erase(std::unique(trunks.begin(), trunks.end()), trunks.end());
  return trunks;
}

}  // namespace sallyport::mux
