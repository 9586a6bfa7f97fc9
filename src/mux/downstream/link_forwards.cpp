#include "mux/downstream/link_forwards.hpp"

#include <algorithm>
#include <utility>

#include "mux/admission/permission.hpp"
#include "mux/upstream/trunk.hpp"
#include "wire/forwards.hpp"

namespace sallyport::mux {

/// A forward is to be cancelled: when it is the wish's turn, and until the target has answered. The forward stays that long, and
/// with it the trunk, unless it comes to its end before.
class LinkForwards::Cancel final : public GlobalAnswerEvents {
 public:
  Cancel(LinkForwards& owner, RemoteForward& its_forward, GlobalReplies::Ticket its_ticket)
      : forward(&its_forward),
        ticket(its_ticket),
        owner_(owner),
        wish_(owner.order_.enter(its_forward.target(), [this] { ask(); })) {}
  ~Cancel() override {
    if (trunk_ != nullptr) trunk_->forget(*this);
  }

  /// Asks the target, if it is its turn.
  void ask() {
    if (trunk_ != nullptr) return;
    const auto on = forward == nullptr ? std::nullopt : forward->asked_on();
    if (!wish_->may_go(on)) return;
    if (!on) return finish(forward == nullptr);  // it has come to nothing, or it is gone already
    trunk_ = &forward->cancel(*this);
    wish_->note_gone(on);
  }

  void on_global_answer(bool success, ByteView) override { finish(success); }
  void on_global_timeout() override {
    trunk_->forget(*this);
    finish(false);
  }
  void on_global_lost() override { finish(true); }  // nothing listens any more

  RemoteForward* forward;  // null: it has ended
  GlobalReplies::Ticket ticket;

 private:
  void finish(bool success) {
    trunk_ = nullptr;
    WishOrder::Entry::arrive(wish_);
    owner_.on_cancelled(*this, success);
  }

  LinkForwards& owner_;
  std::unique_ptr<WishOrder::Entry> wish_;
  Trunk* trunk_ = nullptr;  // once it has been asked, until it has answered
};

LinkForwards::LinkForwards(const Services& services, const Admission& client, WishOrder& order, LinkForwardsHost& host,
                           std::uint32_t maximum)
    : services_(services), client_(client), order_(order), host_(host), maximum_(maximum) {}

LinkForwards::~LinkForwards() = default;

void LinkForwards::handle(route::Act act, const wire::GlobalRequest& request, const route::Destination& address,
                          GlobalReplies::Ticket ticket) {
  if (request.rest.size() > Connection::kMaximumFields) return refuse(request.name, {}, "its fields are too long", ticket);
  const bool begins = act == route::Act::tcpip_forward || act == route::Act::streamlocal_forward;
  const route::Verdict verdict = ask_policy(client_, services_.clock, {.act = act, .destination = &address});
  if (verdict.denial() != nullptr) return refuse(request.name, address.text(), verdict.reason(), ticket);
  begins ? listen(address, request.name, *verdict.permit(), ticket) : cancel(address, request.name, ticket);
}

void LinkForwards::listen(const route::Destination& address, std::string_view request, const route::Permit& permit,
                          GlobalReplies::Ticket ticket) {
  std::string_view why = host_.refuses_forwards();
  // A flood of cancels whose forwards are gone is one as well.
  const auto left = std::count_if(cancels_.begin(), cancels_.end(), [](const auto& one) { return one->forward == nullptr; });
  if (forwards_.size() + static_cast<std::size_t>(left) >= maximum_)
    why = "too many forwards on this connection: max_forwards_per_connection";
  if (!why.empty()) return refuse(request, address.text(), why, ticket);
  forwards_.push_back({std::make_unique<RemoteForward>(services_, client_, order_, host_.next_forward_id(), address, permit,
                                                       static_cast<RemoteForwardEvents&>(*this)),
                       ticket});
}

void LinkForwards::cancel(const route::Destination& address, std::string_view request, GlobalReplies::Ticket ticket) {
  RemoteForward* const forward = find(address);
  if (forward == nullptr) return refuse(request, address.text(), "this connection has no such forward", ticket);
  forward->note_cancelled();
  cancels_.push_back(std::make_unique<Cancel>(*this, *forward, ticket));
  cancels_.back()->ask();
}

RemoteForward* LinkForwards::find(const route::Destination& address) {
  const auto entry = std::find_if(forwards_.rbegin(), forwards_.rend(), [&address](const Entry& one) {
    return !one.forward->cancelled() && one.forward->address() == address;
  });
  return entry == forwards_.rend() ? nullptr : entry->forward.get();
}

void LinkForwards::refuse(std::string_view request, std::string_view address, std::string_view why,
                          GlobalReplies::Ticket ticket) {
  services_.journal.tell(facts::RemoteForwardRefused{client_.who(), request, address, why});
  host_.answer_forward(ticket, false, {});
}

void LinkForwards::on_cancelled(Cancel& cancel, bool success) {
  const auto place = std::find_if(cancels_.begin(), cancels_.end(), [&cancel](const auto& one) { return one.get() == &cancel; });
  const GlobalReplies::Ticket ticket = cancel.ticket;
  if (cancel.forward != nullptr) {
    Entry entry = take_out(*cancel.forward);
    services_.journal.tell(facts::RemoteForwardEnded{client_.who(), entry.forward->which(), "cancelled by the client"});
    services_.graveyard.bury(std::move(entry.forward));
  }
  services_.graveyard.bury(std::move(*place));
  cancels_.erase(place);
  host_.answer_forward(ticket, success, {});
}

void LinkForwards::on_forward_listening(RemoteForward& forward) {
  services_.journal.tell(facts::RemoteForwardListening{client_.who(), forward.which()});
  const auto entry =
      std::find_if(forwards_.begin(), forwards_.end(), [&forward](const Entry& one) { return one.forward.get() == &forward; });
  const auto ticket = std::exchange(entry->ticket, GlobalReplies::Ticket::none);
  // A client that asked for a port of its own choice wants no field back, and OpenSSH's would stumble over one.
  const route::Destination& address = forward.address();
  host_.answer_forward(ticket, true, forward.port_was_chosen() ? wire::build_chosen_port(address.port) : Bytes{});
}

void LinkForwards::on_forward_failed(RemoteForward& forward, std::string_view why) {
  Entry entry = take_out(forward);
  const facts::RemoteForward which = forward.which();
  services_.graveyard.bury(std::move(entry.forward));
  refuse(which.request, which.listen, why, entry.ticket);
}

void LinkForwards::on_forward_lost(RemoteForward& forward, Told told) {
  Entry entry = take_out(forward);
  services_.journal.tell(facts::RemoteForwardEnded{client_.who(), forward.which(), told.text()});
  services_.graveyard.bury(std::move(entry.forward));
  host_.on_forward_lost(told);
}

void LinkForwards::on_forward_taken_over(RemoteForward& forward) {
  Entry entry = take_out(forward);
  services_.journal.tell(facts::RemoteForwardEnded{client_.who(), forward.which(), "another connection of the user has it now"});
  services_.graveyard.bury(std::move(entry.forward));
}

void LinkForwards::on_forward_connection(RemoteForward& forward, Trunk& trunk, const wire::ChannelOpen& open,
                                         std::string_view originator) {
  std::string origin = forward.address().text();
  if (!originator.empty()) origin += " from " + std::string(originator);
  host_.take_channel(trunk, open, {std::string(open.type), forward.target(), std::move(origin)});
}

LinkForwards::Entry LinkForwards::take_out(const RemoteForward& forward) {
  const auto place =
      std::find_if(forwards_.begin(), forwards_.end(), [&forward](const Entry& one) { return one.forward.get() == &forward; });
  Entry entry = std::move(*place);
  forwards_.erase(place);
  for (const auto& cancel : cancels_)
    if (cancel->forward == &forward) cancel->forward = nullptr;
  return entry;
}

void LinkForwards::add_rows(std::vector<ForwardRow>& rows) const {
  for (const Entry& entry : forwards_)
    if (!entry.forward->cancelled()) rows.push_back(entry.forward->row());
}

std::size_t LinkForwards::count() const {
  return static_cast<std::size_t>(
      std::count_if(forwards_.begin(), forwards_.end(), [](const Entry& entry) { return !entry.forward->cancelled(); }));
}

std::vector<TrunkId> LinkForwards::trunks() const {
  std::vector<TrunkId> trunks;
  for (const Entry& entry : forwards_)
    if (const auto trunk = entry.forward->trunk()) trunks.push_back(*trunk);
  return trunks;
}

void LinkForwards::leave() {
  cancels_.clear();
  for (Entry& entry : forwards_) {
    if (entry.forward->listens())
      services_.journal.tell(facts::RemoteForwardEnded{client_.who(), entry.forward->which(), "the client is gone"});
    entry.forward->drop();
    services_.graveyard.bury(std::move(entry.forward));
  }
  forwards_.clear();
}

}  // namespace sallyport::mux
