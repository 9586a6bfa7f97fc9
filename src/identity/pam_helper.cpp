#include "identity/pam_helper.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sallyport::identity {

using log::escaped;
using pam::Failed;

PamHelper::PamHelper(PamEnvironment& environment, ConnectionId connection, pam::Start start, PamHelperEvents& events)
    : environment_(environment), connection_(connection), start_(std::move(start)), events_(&events) {
  ProcessSpec spec;
  spec.argv = {environment_.program};
  process_ = environment_.launcher.launch_on_socket(std::move(spec), static_cast<child::SocketProcessEvents&>(*this));
}

PamHelper::~PamHelper() = default;

void PamHelper::on_started(net::Fd socket) {
  socket_ = std::move(socket);
  const bool watched = poll_.open(*this, uv_poll_init, environment_.loop.uv(), socket_.get()) &&
                       uv_poll_start(poll_.get(), UV_READABLE, on_ready) == 0;
  if (!watched) return fail_now({Failed::Kind::unavailable, "the PAM helper's socket can't be watched"});
  send(pam::frame(start_));
}

void PamHelper::on_failed(const Error& why) {
  ended_ = true;
  fail_now({Failed::Kind::unavailable, "the PAM helper can't be started: " + why.detail});
}

void PamHelper::on_error_line(std::string_view line) {
  if (++lines_ > kMaxLoggedLines) return;
  environment_.records.of_source(start_.remote_host)
      .warn("conn={} PAM helper stderr=\"{}\"", connection_, escaped(line, child::SocketProcess::kMaxLine));
}

void PamHelper::on_exit(const ProcessEnd& end) {
  ended_ = true;
  if (!end.signal.empty())
    environment_.records.of_source(start_.remote_host).warn("conn={} PAM helper ended signal={}", connection_, end.signal);
  // What it said last may still be in the socket, and is read from there.
  if (const auto on_ended = std::exchange(on_ended_, nullptr)) on_ended();
}

void PamHelper::on_ready(uv_poll_t* uv, int, int) noexcept {
  Poll::call(uv, &PamHelper::read_some, [](PamHelper& self, const Error& why) {
    self.fail_now({Failed::Kind::unavailable, why.detail});
  });
}

void PamHelper::read_some() {
  std::uint8_t block[4096];
  const ssize_t count = ::recv(socket_.get(), block, sizeof block, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (count <= 0) {
    poll_.close();
    return fail_now({Failed::Kind::unavailable, "the PAM helper has ended without a word"});
  }
  received_.insert(received_.end(), block, block + count);
  for (;;) {
    const pam::Cut cut = pam::cut_frame(received_);
    if (cut.broken) return fail_now({Failed::Kind::unavailable, "the PAM helper makes no sense"});
    if (!cut.frame) return;
    if (!take(*cut.frame)) return;
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(cut.used));
  }
}

bool PamHelper::take(const pam::Frame& frame) {
  const auto broken = [this] {
    fail_now({Failed::Kind::unavailable, "the PAM helper makes no sense"});
    return false;
  };
  if (events_ == nullptr) return true;
  switch (frame.type) {
    case pam::Type::questions: {
      auto questions = pam::parse_questions(frame.fields);
      if (!questions) return broken();
      events_->on_pam_questions(std::move(*questions));
      return true;
    }
    case pam::Type::changing: events_->on_pam_changing(); return true;
    case pam::Type::authenticated: events_->on_pam_authenticated(); return true;
    case pam::Type::opened: events_->on_pam_opened(); return true;
    case pam::Type::failed: {
      auto failed = pam::parse_failed(frame.fields);
      if (!failed) return broken();
      fail_now(std::move(*failed));
      return false;
    }
    default: return broken();
  }
}

void PamHelper::answer(std::vector<SecretString> answers) { send(pam::frame(answers)); }

void PamHelper::open_session() {
  if (!failed_) return send(pam::frame(pam::Type::open));
  // It died while another method was asked for, when nobody listened.
  failing_ = environment_.loop.work([] {},
                                    [this] {
                                      PamHelperEvents* const events = std::exchange(events_, nullptr);
                                      if (events != nullptr)
                                        events->on_pam_failed({Failed::Kind::unavailable, "the PAM helper has ended"});
                                    });
}

void PamHelper::close(std::function<void()> on_ended) {
  events_ = nullptr;
  on_ended_ = std::move(on_ended);
  if (socket_) static_cast<void>(::shutdown(socket_.get(), SHUT_WR));
}

// A frame is far smaller than the socket's buffer, and the helper reads each before it asks again: what doesn't go at once
// goes nowhere.
void PamHelper::send(Bytes frame) {
  const ssize_t sent = ::send(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  const bool whole = sent == static_cast<ssize_t>(frame.size());
  wipe(frame);
  // Told by read_some(), as the end of the helper.
  if (!whole) static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR));
}

void PamHelper::fail_now(Failed failed) {
  poll_.close();
  if (std::exchange(failed_, true)) return;
  // Nothing follows a failure.
  if (PamHelperEvents* const events = std::exchange(events_, nullptr)) events->on_pam_failed(std::move(failed));
}

Result<std::string> find_pam_helper() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return fail(Errc::config, "auth.pam_service: the daemon can't find itself: " + error.message());
  const fs::path installed = (folder / ".." / SALLYPORT_LIBEXECDIR / "sallyport" / "sallyport-pam").lexically_normal();
  for (const fs::path& candidate : {folder / "sallyport-pam", installed}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return fail(Errc::config, "auth.pam_service needs the program sallyport-pam, which is not at " + installed.string());
}

Result<> check_pam_service(const std::string& service) {
  // The second is where distributions put theirs, as pam.d(5) has it.
  const std::string folders[] = {"/etc/pam.d/", "/usr/lib/pam.d/"};
  for (const std::string& folder : folders) {
    if (::access((folder + service).c_str(), R_OK) == 0) return {};
  }
  return fail(Errc::config, "auth.pam_service: there is no " + folders[0] + service);
}

}  // namespace sallyport::identity
