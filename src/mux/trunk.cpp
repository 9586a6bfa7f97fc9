#include "mux/trunk.hpp"

#include <utility>

namespace sallyport::mux {

Trunk::Trunk(TrunkId id, std::string target, std::unique_ptr<Transport> transport, Clock& clock, Graveyard& graveyard,
             KeepaliveSettings keepalive, Credit credit, TrunkEvents& owner, Journal& journal)
    : Connection(std::move(transport), clock, graveyard, keepalive, credit),
      id_(id),
      loss_told_("the connection to target " + target + " was lost"),
      owner_(owner),
      journal_(journal) {}

void Trunk::on_channel_open(const wire::ChannelOpen& open) {
  // Forwarded ports, agents and displays have no channel to come on: nothing here asks a target for them.
  refuse_open(open.sender, wire::OpenFailureReason::administratively_prohibited, "nobody asked for this channel");
}

void Trunk::on_global_request(const wire::GlobalRequest& request) {
  // hostkeys-00@openssh.com is among these: keys are learnt from known_hosts alone.
  if (request.want_reply) send_global_reply(false);
}

void Trunk::on_channel_gone(LocalChannel) { owner_.on_slot_free(*this); }

void Trunk::say_goodbye(std::string_view why) {
  loss_told_ += ": " + std::string(why);
  disconnect(DisconnectReason::by_application, why);
}

void Trunk::on_violation(std::string_view what) { journal_.trunk_violation(id_, what); }

void Trunk::on_connection_closed(const Error& why) { owner_.on_trunk_closed(*this, why); }

}  // namespace sallyport::mux
