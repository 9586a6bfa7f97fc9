// Talks to an agent: ssh-agent on the bastion, or a client's own through its connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

#include "net/loop/fd.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/stream.hpp"
#include "ssh/upstream/agent_protocol.hpp"

namespace sallyport::ssh {

/// One connection to an agent, which never blocks. One request at a time; destroying it gives up what is under way. It has no
/// time limit of its own: whoever asks has one.
class AgentClient {
 public:
  /// `fd` is connected and non-blocking.
  static Result<std::unique_ptr<AgentClient>> open(net::Loop& loop, net::Fd fd);

  /// Tells the agent which connection it is to sign for, so that keys which are bound to hosts may be used. Whatever it answers
  /// is as good: most agents don't know what that is.
  void bind(const agent::SessionBinding& binding, std::function<void(Result<>)> done);
  /// `done` is called once, later or (when the agent has gone) inside the call, and may destroy the client.
  void list(std::function<void(Result<std::vector<AgentIdentity>>)> done);
  /// The same; the value is a signature as it stands on the wire. Errc::denied when the agent doesn't make it.
  void sign(ByteView key_blob, ByteView data, agent::RsaDigest digest, std::function<void(Result<Bytes>)> done);

 private:
  using Answered = std::function<void(Result<Bytes>)>;

  AgentClient() = default;
  void ask(const Bytes& request, Answered done);
  void on_data(ByteView bytes);
  void answer(Result<Bytes> message);

  std::unique_ptr<net::Stream> stream_;
  Bytes received_;
  Answered done_;  // set while a request is under way
  bool ended_ = false;
};

}  // namespace sallyport::ssh
