// Whether connections that are there would still get what they were granted.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <sallyport/config.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/journal.hpp>

#include "mux/downstream/hub.hpp"
#include "net/loop/loop.hpp"

namespace sallyport::entry {

/// Why a connection has to go. `told` is for the client, `detail` for the log.
struct GrantLost {
  std::string told;
  std::string detail;
};

/// Whether that login would be granted the same by `config`: by one of its chains of methods, with the same key or
/// certificate (still the user's, not revoked, valid now, with the same options), as a user who has a password or a
/// secret if one was asked for, by a route that leads to the same target with the same rights and rules. Hours
/// (`valid`) are the policy's to look at, for each request; passwords, codes and PAM aren't asked again. What can't be
/// read grants nothing. Reads files and runs the program for keys, which `given_up` ends: for the thread pool.
std::optional<GrantLost> lost_grant(const std::shared_ptr<const Config>& config, const mux::Admission& client,
                                    const std::atomic<bool>& given_up);

/// Goes through connections one after the other, in the thread pool, and ends those that have lost their grant.
class Recheck {
 public:
  /// The references outlive it.
  Recheck(net::Loop& loop, mux::Hub& hub, Journal& journal) : loop_(loop), hub_(hub), journal_(journal) {}
  ~Recheck() { *given_up_ = true; }
  Recheck(const Recheck&) = delete;
  Recheck& operator=(const Recheck&) = delete;

  /// All that are there now; what was to be looked at by an earlier configuration is looked at by this one.
  void begin(std::shared_ptr<const Config> config);
  /// One more, which has logged in by an earlier configuration than that of begin().
  void add(ConnectionId id);

 private:
  void next();
  void end(const mux::Admission& client, const GrantLost& why);

  net::Loop& loop_;
  mux::Hub& hub_;
  Journal& journal_;
  std::shared_ptr<const Config> config_;
  std::deque<ConnectionId> waiting_;
  std::unique_ptr<net::Work> work_;
  std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace sallyport::entry
