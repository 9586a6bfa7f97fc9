#include "dial/signer_command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "log/escape.hpp"
#include "match/names.hpp"
#include "net/loop/fd.hpp"
#include "ssh/keys/key_file.hpp"

namespace sallyport::dial {
namespace {

constexpr std::size_t kInputLimit = 16 * 1024;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

bool is_certificate(std::string_view line) { return line.substr(0, line.find(' ')).ends_with("-cert-v01@openssh.com"); }

}  // namespace

/// A folder of its own for the key and what is made of it. All but the constructor blocks; the destructor for no longer than
/// it takes to forget three names.
class SignerCommand::Folder {
 public:
  ~Folder() {
    if (path_.empty()) return;
    static_cast<void>(::unlink(key_file().c_str()));
    static_cast<void>(::unlink(certificate_file().c_str()));
    static_cast<void>(::rmdir(path_.c_str()));
  }
  Result<> make(std::string_view public_key) {
    const char* const parent = std::getenv("TMPDIR");
    std::string path = std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/sallyport-signer.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return fail(Errc::io, "make " + path + ": " + std::strerror(errno));
    path_ = path;
    const net::Fd fd{::open(key_file().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!fd || ::write(fd.get(), public_key.data(), public_key.size()) != static_cast<ssize_t>(public_key.size()))
      return fail(Errc::io, "write " + key_file() + ": " + std::strerror(errno));
    return {};
  }
  Result<std::string> certificate() const { return ssh::read_file(certificate_file(), kMaxCertificate); }
  std::string key_file() const { return path_ + "/key.pub"; }

 private:
  std::string certificate_file() const { return path_ + "/key-cert.pub"; }

  std::string path_;
};

SignerCommand::SignerCommand(net::Loop& loop, child::LocalLauncher& launcher, log::Records& records, const ResolvedTarget& target,
                             std::string user)
    : loop_(loop),
      launcher_(launcher),
      records_(records),
      target_(target.name),
      login_(target.user),
      user_(std::move(user)),
      argv_(target.signer) {}

SignerCommand::~SignerCommand() = default;

bool SignerCommand::needs_file() const {
  return std::any_of(argv_.begin(), argv_.end(),
                     [](const std::string& argument) { return argument.find("{key}") != std::string::npos; });
}

void SignerCommand::sign(std::string public_key, ssh::CertificateRequest request, std::function<void(Result<std::string>)> done) {
  public_key_ = std::move(public_key) + "\n";
  request_ = std::move(request);
  done_ = OutcomeOnce<Result<std::string>>(std::move(done));
  if (!needs_file()) return run({});
  folder_ = std::make_shared<Folder>();
  auto made = std::make_shared<Result<>>(fail(Errc::io, "signer: no folder for the key"));
  work_ = loop_.work([folder = folder_, made, key = public_key_] { *made = folder->make(key); },
                     [this, made] {
                       work_.reset();
                       *made ? run(folder_->key_file()) : finish(fail(made->error()));
                     });
}

void SignerCommand::run(const std::string& key_file) {
  const std::string principals = joined(request_.principals);
  const std::string validity = std::to_string(std::chrono::ceil<std::chrono::seconds>(request_.validity).count()) + "s";
  const auto placeholders =
      config::signer_placeholders({user_, target_, login_, request_.identity, principals, validity, key_file});
  ProcessSpec spec;
  spec.client = user_;
  for (const std::string& argument : argv_) spec.argv.push_back(config::expand(argument, placeholders).value_or(argument));
  process_ = launcher_.launch_on_socket(std::move(spec), static_cast<child::SocketProcessEvents&>(*this));
}

void SignerCommand::on_started(net::Fd socket) {
  auto stream = net::Stream::open(loop_, std::move(socket), kInputLimit,
                                  {.on_data = [this](ByteView bytes) { on_printed(bytes); },
                                   .on_end =
                                       [this](const Error&) {
                                         print_ended_ = true;
                                         look_whether_done();
                                       },
                                   .on_finished = {}});
  if (!stream) return finish(fail(stream.error()));
  stream_ = std::move(*stream);
  static_cast<void>(stream_->write(public_key_));  // shorter than the limit
  stream_->finish();
}

void SignerCommand::on_failed(const Error& why) { finish(fail(why.code, "signer: " + why.detail)); }

void SignerCommand::on_error_line(std::string_view line) {
  if (++lines_ > kMaxLoggedLines) return;
  records_.detail(user_).info("signer target={} user={} stderr=\"{}\"", target_, user_,
                              log::escaped(line, child::SocketProcess::kMaxLine));
}

void SignerCommand::on_printed(ByteView bytes) {
  printed_ += text_of(bytes);
  if (printed_.size() > kMaxCertificate) finish(fail(Errc::limit, "signer: it prints too much"));
}

void SignerCommand::on_exit(const ProcessEnd& end) {
  if (!end.signal.empty()) return finish(fail(Errc::unavailable, "signer: ended by signal " + end.signal));
  if (end.status != 0) return finish(fail(Errc::denied, "signer: exit status " + std::to_string(end.status)));
  exited_ = true;
  look_whether_done();
}

void SignerCommand::look_whether_done() {
  if (!exited_ || !print_ended_ || done_.is_over()) return;
  if (is_certificate(printed_)) return finish(std::move(printed_));
  if (folder_ == nullptr) return finish(fail(Errc::config, "signer: it printed no certificate"));
  auto certificate = std::make_shared<Result<std::string>>(fail(Errc::io, "not read"));
  work_ = loop_.work([folder = folder_, certificate] { *certificate = folder->certificate(); },
                     [this, certificate] {
                       work_.reset();
                       finish(*certificate ? std::move(*certificate)
                                           : Result<std::string>(fail(Errc::config, "signer: it made no certificate")));
                     });
}

void SignerCommand::finish(Result<std::string> certificate) {
  done_(std::move(certificate));  // last: it may destroy *this
}

}  // namespace sallyport::dial
