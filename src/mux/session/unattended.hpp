// Programs that a client has asked for without wanting an answer, and has closed the channel of at once: sshd runs them, and so
// do we.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/journal.hpp>

#include "mux/admission/admission.hpp"
#include "mux/protocol/graveyard.hpp"
#include "mux/relay/local_endpoint.hpp"
#include "mux/session/program_start.hpp"
#include "mux/upstream/pool.hpp"

namespace sallyport::mux {

/// Owns them until they have been started at their target, or have ended on the bastion. They outlive the connection of their
/// client, as at sshd.
class Unattended {
 public:
  /// A user may leave so many behind at a time.
  static constexpr std::size_t kMostOfUser = 32;

  Unattended(Pool& pool, Graveyard& graveyard, Journal& journal);
  ~Unattended();
  Unattended(const Unattended&) = delete;
  Unattended& operator=(const Unattended&) = delete;

  bool has_room_for(const std::string& user) const;
  /// Starts the program as soon as there is a channel to `target`, and closes that. Of `client` is kept what the journal wants.
  void start(const Admission& client, const ChannelIds& ids, ProgramStart start, TrunkAccess access);
  /// Lets the program run to its end. It has no terminal.
  void keep(const Admission& client, const ChannelIds& ids, std::unique_ptr<LocalEndpoint> program);

 private:
  class Program;
  class AtTarget;
  class OnBastion;

  void remove(const Program& program);

  Pool& pool_;
  Graveyard& graveyard_;
  Journal& journal_;
  std::vector<std::unique_ptr<Program>> programs_;
};

}  // namespace sallyport::mux
