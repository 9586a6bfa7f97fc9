// A login at a target whose key exchange and signatures are worked at on another thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sallyport/secret.hpp>
#include <sallyport/upstream.hpp>

#include "ssh/transport/carrier.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/upstream/client_options.hpp"

namespace sallyport::ssh {

/// A ClientConnection on the loop of `away`, whose outcome is told on that of `home`, where the transport then lives, as does
/// the carrier from the beginning. Both may be one loop.
class ClientLogin final : public UpstreamAttempt {
 public:
  /// `home`, `away` and `events` outlive the attempt. What `options` call is called at home.
  ClientLogin(LoopIo& home, LoopIo& away, ClientOptions options, UpstreamEvents& events,
              std::unique_ptr<Carrier> carrier = nullptr);
  ~ClientLogin() override;
  ClientLogin(const ClientLogin&) = delete;
  ClientLogin& operator=(const ClientLogin&) = delete;

  // UpstreamAnswers
  [[nodiscard]] std::unique_ptr<Stream> lend_agent(StreamEvents& events) override;
  void refuse_agent(std::string why) override;
  void answer(std::vector<SecretString> answers) override;
  void refuse_answer(std::string told) override;

 private:
  class Shared;
  LoopIo& home_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sallyport::ssh
