#include "mux/forward/agent_loan.hpp"

#include <utility>

#include "wire/forwards.hpp"

namespace sallyport::mux {
namespace {

constexpr std::string_view kOrigin = "agent for the login";

}  // namespace

AgentLoan::AgentLoan(const Services& services, const Admission& client, ChannelId id, std::shared_ptr<AgentBorrower> borrower)
    : LinkChannel(services, client, {client.id, id, std::nullopt}, borrower->target),
      borrower_(std::move(borrower)),
      relay_(services.clock, *this) {}

AgentLoan::~AgentLoan() = default;

void AgentLoan::describe(ChannelRow& row) const {
  row.type = wire::kAgent;
  row.command = kOrigin;
  row.state = relay_.joined() ? "open" : "connecting";
}

void AgentLoan::on_open_confirmed() {
  downstream_->attach(&relay_.events(Side::downstream));
  if (borrower_->to == nullptr) return leave();  // nobody wants it any more
  services_.journal.tell(facts::ForwardOpened{client_.who(), ids_, wire::kAgent, kOrigin, target_name_});
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
  services_.journal.tell(
      facts::ForwardRefused{client_.who(), ids_, wire::kAgent, kOrigin, "the client refused it: " + std::string(description)});
  if (borrower_->to != nullptr) std::exchange(borrower_->to, nullptr)->refuse_agent("the client has no agent");
}

void AgentLoan::on_open_lost(Told) {
  downstream_ = nullptr;
  leave();
}

void AgentLoan::on_relay_over(Side by, std::string_view) {
  if (by == Side::downstream) downstream_ = nullptr;
  leave();
}

void AgentLoan::end(Told) { leave(); }

void AgentLoan::let_go() {
  relay_.end();
  if (endpoint_ != nullptr) endpoint_->abandon();  // the login takes it for the end of the agent
  if (Channel* downstream = std::exchange(downstream_, nullptr)) downstream->abandon();
  if (borrower_->to != nullptr) std::exchange(borrower_->to, nullptr)->refuse_agent("the client's agent has gone");
}

}  // namespace sallyport::mux
