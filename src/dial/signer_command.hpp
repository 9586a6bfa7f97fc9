// A target's `signer`: a program that makes certificates.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/told_once.hpp>

#include "child/launch/launcher.hpp"
#include "child/launch/socket_process.hpp"
#include "log/records.hpp"
#include "net/loop/loop.hpp"
#include "net/sockets/stream.hpp"
#include "route/resolved_target.hpp"
#include "ssh/keys/certificate_signer.hpp"

namespace sallyport::dial {

/// Runs the program once. It gets the public key on its standard input and, where an argument holds {key}, in a file of that
/// name, which ends in ".pub". The certificate is what it prints or, as `ssh-keygen -s` does it, the file that ends in
/// "-cert.pub" beside that one. Standard error goes to the log.
class SignerCommand final : public ssh::CertificateSigner, private child::SocketProcessEvents {
 public:
  static constexpr std::size_t kMaxCertificate = 64 * 1024;
  /// Of its standard error; the rest is dropped.
  static constexpr std::uint32_t kMaxLoggedLines = 20;

  /// `loop`, `launcher` and `records` outlive the command. `user` is the client's.
  SignerCommand(net::Loop& loop, child::LocalLauncher& launcher, log::Records& records, const ResolvedTarget& target,
                std::string user);
  ~SignerCommand() override;

  void sign(std::string public_key, ssh::CertificateRequest request, std::function<void(Result<std::string>)> done) override;

 private:
  class Folder;

  void on_started(net::Fd socket) override;
  void on_failed(const Error& why) override;
  void on_error_line(std::string_view line) override;
  void on_exit(const ProcessEnd& end) override;

  bool needs_file() const;
  void run(const std::string& key_file);
  void on_printed(ByteView bytes);
  /// It has ended, and everything that it printed is there.
  void look_whether_done();
  void finish(Result<std::string> certificate);

  net::Loop& loop_;
  child::LocalLauncher& launcher_;
  log::Records& records_;
  const std::string target_;
  const std::string login_;  // login name upstream
  const std::string user_;
  const std::vector<std::string> argv_;
  std::string public_key_;
  ssh::CertificateRequest request_;
  OutcomeOnce<Result<std::string>> done_;
  std::shared_ptr<Folder> folder_;  // null: no argument needs a file
  std::unique_ptr<net::Work> work_;
  std::unique_ptr<child::SocketProcess> process_;
  std::unique_ptr<net::Stream> stream_;
  std::string printed_;
  bool print_ended_ = false;
  bool exited_ = false;
  std::uint32_t lines_ = 0;
};

}  // namespace sallyport::dial
