// The way in for whoever has shown who it is: a place, a route, and the hub.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/config.hpp>
#include <sallyport/journal.hpp>
#include <sallyport/result.hpp>
#include <sallyport/transport.hpp>

#include "auth/limits/slot_counter.hpp"
#include "entry/recheck.hpp"
#include "mux/admission/admission.hpp"
#include "mux/downstream/hub.hpp"
#include "net/loop/loop.hpp"

namespace sallyport::entry {

/// Lets clients in, whatever way they have come.
class Admitter {
 public:
  /// The references outlive it.
  Admitter(net::Loop& loop, Clock& clock, mux::Hub& hub, Journal& journal)
      : clock_(clock), hub_(hub), journal_(journal), recheck_(loop, hub, journal) {}

  /// The configuration in force. Until there is one nobody can be let in.
  void set_config(std::shared_ptr<const Config> config) { config_ = std::move(config); }
  /// A place among the user's connections, given back with the last copy. Errc::limit when there is none left; its detail may
  /// be told to the client.
  Result<auth::SlotCounter::Slot> place_of(const std::string& user);
  /// Gives the client its route, by the configuration that it has logged in by, with a place there, and to the hub. Who has no
  /// route, or finds it full, is let in and told so on its first channel: earlier there is nowhere to say it.
  void admit(mux::Admission client, std::unique_ptr<Transport> transport, const std::shared_ptr<const Config>& logged_in_by);
  /// Ends, in time, the connections to which the configuration in force wouldn't grant what they have.
  void recheck() { recheck_.begin(config_); }

 private:
  void choose_route(mux::Admission& client, const std::shared_ptr<const Config>& config) const;
  void take_place_on_route(mux::Admission& client);

  Clock& clock_;
  mux::Hub& hub_;
  Journal& journal_;
  Recheck recheck_;
  std::shared_ptr<const Config> config_;
  auth::SlotCounter of_user_;   // connections
  auth::SlotCounter on_route_;  // connections, by the route's name
};

}  // namespace sallyport::entry
