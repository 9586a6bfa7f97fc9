#include "mux/forward/agent_loan.hpp"

#include <utility>

#include "wire/forwards.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kOrigin = "agent for the login";

}  // namespace

AgentLoan::AgentLoan(const Services& services, const Admission& client, ChannelId id, std::shared_ptr<AgentBorrower> borrower)
    : services_(services),
      client_(client),
      ids_{client.id, id, std::nullopt},
      borrower_(std::move(borrower)),
      relay_(services.clock, *this),
      since_(services.clock.now()) {}

AgentLoan::~AgentLoan() = default;

ChannelRow AgentLoan::row() const {
  ChannelRow row;
  row.id = ids_.channel;
  row.connection = ids_.connection;
  row.user = client_.user;
  row.target = borrower_->target;
  row.type = wire::kAgent;
  row.command = kOrigin;
  row.since = since_;
  row.state = relay_.joined() ? "open" : "connecting";
  row.bytes = {relay_.bytes_from(Side::downstream), relay_.bytes_from(Side::upstream)};
  return row;
}

void AgentLoan::on_open_confirmed() {
  downstream_->attach(&relay_.events(Side::downstream));
  if (borrower_->to == nullptr) return leave();  // nobody wants it any more
  services_.journal.forward_opened(client_, ids_, wire::kAgent, kOrigin, borrower_->target);
  bool lent = false;
  const auto make = [&](StreamEvents& events) {
    std::unique_ptr<Stream> stream = std::exchange(borrower_->to, nullptr)->lend_agent(events);
    lent = stream != nullptr;
    return stream;
  };
  endpoint_ = std::make_unique<StreamEndpoint>(make, relay_.events(Side::upstream), static_cast<StreamOpenEvents&>(*this),
                                               downstream_->account());
  if (!lent) leave();
}

void AgentLoan::on_stream_open() {
  if (downstream_ == nullptr) return endpoint_->abandon();
  relay_.join(*std::exchange(downstream_, nullptr), *endpoint_);
}

void AgentLoan::on_stream_failed(const Error&) { leave(); }

void AgentLoan::on_open_refused(wire::OpenFailureReason, std::string_view description) {
  downstream_ = nullptr;
  services_.journal.forward_refused(client_, ids_, wire::kAgent, kOrigin, "the client refused it: " + std::string(description));
  if (borrower_->to != nullptr) std::exchange(borrower_->to, nullptr)->refuse_agent("the client has no agent");
}

void AgentLoan::on_open_lost(std::string_view) {
  downstream_ = nullptr;
  leave();
}

void AgentLoan::on_relay_over(Side by, std::string_view) {
  if (by == Side::downstream) downstream_ = nullptr;
  leave();
}

void AgentLoan::end(std::string_view) { leave(); }

void AgentLoan::leave() {
  if (std::exchange(left_, true)) return;
  relay_.end();
  if (endpoint_ != nullptr) endpoint_->abandon();  // the login takes it for the end of the agent
  if (Channel* downstream = std::exchange(downstream_, nullptr)) downstream->abandon();
  if (borrower_->to != nullptr) std::exchange(borrower_->to, nullptr)->refuse_agent("the client's agent has gone");
  services_.journal.channel_closed(client_, ids_, relay_.bytes_from(Side::downstream), relay_.bytes_from(Side::upstream),
                                   services_.clock.now() - since_);
}

}  // namespace sallyport::mux
