#include "mux/session/trunk_binding.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "mux/client/lending.hpp"

namespace sallyport::mux {

TrunkBinding::TrunkBinding(const Services& services, const Admission& client, const ChannelIds& ids, const std::string& target,
                           Channel& downstream, LenderEvents& lender, TrunkBindingHost& host)
    : services_(services), client_(client), ids_(ids), target_(target), downstream_(downstream), lender_(lender), host_(host) {}

TrunkAccess TrunkBinding::access_to(const ResolvedTarget& target, const SessionRequests& requests) {
  // A channel rule may lead to another target than the one that was thought of when the client lent something.
  lends_agent_ = requests.agent() && borrows(target, Loan::agent);
  lends_display_ = requests.display() && borrows(target, Loan::display);
  return trunk_access(client_, target, {lends_agent_, lends_display_});
}

bool TrunkBinding::is_bound(const TrunkAccess& access) const { return bound_ == Bound{access.key, access.client.lends_agent}; }

void TrunkBinding::bind(TrunkAccess access, OpenRequest request) {
  bound_ = Bound{access.key, access.client.lends_agent};
  is_afresh_ = request.afresh;
  channel_wish_ = services_.pool.wish_for_channel(std::move(access), std::move(request), *this);
}

void TrunkBinding::drop() {
  bound_.reset();
  end_login();
  channel_wish_.reset();  // at once: what it would still bring along is not what is wanted any more
  if (Channel* channel = std::exchange(channel_, nullptr)) channel->abandon();
}

std::optional<bool> TrunkBinding::lend(const wire::SessionRequest& request) {
  const bool is_agent = std::holds_alternative<wire::AgentRequest>(request);
  if (!is_agent && !std::holds_alternative<wire::X11Request>(request)) return std::nullopt;
  if (!(is_agent ? lends_agent_ : lends_display_)) return false;
  Trunk* const trunk = services_.pool.find(*ids_.trunk);  // of this connection alone: see trunk_access()
  if (trunk == nullptr) return false;                     // going; the channel will tell
  services_.journal.tell(facts::ForwardOpened{client_.who(), ids_, wire::type_of(request), {}, target_});
  if (is_agent && !trunk->lend_agent(lender_)) return true;  // it has it already
  if (!is_agent) trunk->lend_display(lender_);
  return std::nullopt;
}

// --- the login ---------------------------------------------------------------------------------------------------

void TrunkBinding::on_agent_wanted(UpstreamAnswers& to) {
  if (!lends_agent_) return ChannelWishEvents::on_agent_wanted(to);
  agent_borrower_ = std::make_shared<AgentBorrower>(AgentBorrower{&to, target_});
  lender_.lend_agent_to(agent_borrower_);
}

void TrunkBinding::on_question(UpstreamAnswers& to, const UpstreamQuestion& question) {
  const PtyRequest* const terminal = host_.terminal();
  if (terminal == nullptr) return ChannelWishEvents::on_question(to, question);
  if (host_.has_input_ended() && !question.prompts.empty())
    return to.refuse_answer("it asks a question, and there is no input to answer it");
  host_.on_person_asked();
  // A question may be the second one, and come while the first one's handler is on the stack.
  services_.graveyard.bury(std::move(dialog_));
  dialog_ = std::make_unique<LoginDialog>(
      downstream_, terminal->dimensions.columns, target_,
      LoginDialog::Handlers{.answered = [&to](std::vector<SecretString> answers) { to.answer(std::move(answers)); },
                            .cancelled = [&to] { to.refuse_answer("the question that it asks was not answered"); }});
  dialog_->ask(question);
}

void TrunkBinding::end_login() {
  if (agent_borrower_ != nullptr) std::exchange(agent_borrower_, nullptr)->to = nullptr;
  services_.graveyard.bury(std::move(dialog_));
}

bool TrunkBinding::takes_data(ByteView bytes) {
  if (dialog_ == nullptr) return false;
  dialog_->on_data(bytes);
  return true;
}

bool TrunkBinding::takes_eof() {
  if (dialog_ == nullptr) return false;
  dialog_->on_eof();
  return true;
}

bool TrunkBinding::takes_window() {
  if (dialog_ == nullptr) return false;
  dialog_->on_window();
  return true;
}

std::size_t TrunkBinding::take_stray(std::size_t available) {
  const std::size_t taken = std::min<std::size_t>(available, stray_);
  stray_ -= static_cast<std::uint32_t>(taken);
  return taken;
}

// --- its outcome -------------------------------------------------------------------------------------------------

void TrunkBinding::on_wish_granted(Channel& channel, TrunkId trunk) {
  end_login();
  stray_ = is_afresh_ ? 0 : downstream_.granted();
  services_.graveyard.bury(std::move(channel_wish_));  // it is on the stack
  channel_ = &channel;
  host_.on_bound(channel, trunk);
}

void TrunkBinding::on_wish_failed(wire::OpenFailureReason, Told told) {
  services_.graveyard.bury(std::move(channel_wish_));
  end_login();
  host_.on_not_bound(told);
}

}  // namespace sallyport::mux
