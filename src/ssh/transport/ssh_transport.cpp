#include "ssh/transport/ssh_transport.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ssh/seam/seam.h"
#include "ssh/transport/ssh_transport_seam.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? std::string{} : std::string{text}; }

constexpr std::uint8_t kMsgDisconnect = 1;    // RFC 4253, 12
constexpr std::uint8_t kMsgChannelData = 94;  // RFC 4254, 9
constexpr std::uint8_t kMsgChannelExtendedData = 95;
/// Memory worth giving back to the system as soon as it is free.
constexpr std::size_t kMuchHeld = 1024 * 1024;
constexpr std::size_t kMuchHeldForUser = 4 * kMuchHeld;

}  // namespace

SshTransport::SshTransport(LoopIo& io, SessionHandle session, Role role, LoginDriver& driver)
    : SshTransport(io, std::move(session), role, &driver) {}

SshTransport::SshTransport(LoopIo& io, SessionHandle session, Role role, LoginDriver* driver)
    : io_(io), session_(std::move(session)), role_(role), socket_(io, *this), exchanges_(io.clock(), *this) {
  login_.driver = driver;
}

SshTransport::~SshTransport() {
  if (session_) spssh_detach(session_.get());
  io_.forget(*this);
}

Result<> SshTransport::start(net::Fd fd, const std::string& identification) {
  SocketPump::tune(fd);
  if (auto opened = socket_.open(std::move(fd)); !opened) return opened;
  const char* line = identification.empty() ? nullptr : identification.c_str();
  if (spssh_attach(session_.get(), &kConnectionEvents, this, line) != 0) return fail(Errc::limit, "out of memory");
  if (role_ == Role::server) spssh_wipe_input(session_.get());
  update_reading();
  return {};
}

Result<SshTransport::Parts> SshTransport::take_apart() {
  if (state_ != State::alive || backlog() > 0) return fail(Errc::io, "the connection ended during the login");
  auto fd = socket_.duplicate();
  if (!fd) return fail(std::move(fd.error()));
  Parts parts;
  parts.fd = std::move(*fd);
  parts.unread.assign(input_.rest.data(), input_.rest.data() + input_.rest.size());
  spssh_detach(session_.get());
  parts.session = std::move(session_);
  parts.role = role_;
  state_ = State::told;
  io_.forget(*this);
  socket_.close();
  return parts;
}

Result<std::unique_ptr<SshTransport>> SshTransport::adopt(LoopIo& io, Parts parts) {
  std::unique_ptr<SshTransport> connection(new SshTransport(io, std::move(parts.session), parts.role, nullptr));
  if (auto opened = connection->socket_.open(std::move(parts.fd)); !opened) return fail(std::move(opened.error()));
  if (!parts.unread.empty()) {
    std::memcpy(connection->input_.rest.reserve(parts.unread.size()), parts.unread.data(), parts.unread.size());
    connection->input_.rest.commit(parts.unread.size());
  }
  spssh_move(connection->session_.get(), &kConnectionEvents, connection.get());
  connection->hand_over();
  return connection;
}

void SshTransport::release() {
  if (!held_) return;
  held_ = false;
  io_.at_end_of_turn(*this);
}

void SshTransport::call_driver() {
  login_.wanted = true;
  io_.at_end_of_turn(*this);
}

void SshTransport::call_driver_when_sent() {
  login_.waits = true;
  call_driver();
}

void SshTransport::hand_over() {
  login_.driver = nullptr;
  login_.first_words = {};
  held_ = user_ == nullptr;
  // libssh overwrites each packet in the buffers that a password has been in: from now on that is a waste of time.
  spssh_trim(session_.get());
  if (io_.exchange_desk() != nullptr) spssh_take_exchanges(session_.get());
  socket_.acknowledge_quickly_until(io_.clock().now() + kQuickAfterLogin);
  io_.at_end_of_turn(*this);
}

ConnectionInfo SshTransport::info() const {
  ssh_session session = session_.get();
  ConnectionInfo info;
  info.peer_identification = text_or_empty(peer_identification());
  info.kex = text_or_empty(ssh_get_kex_algo(session));
  info.host_key = text_or_empty(spssh_host_key_algorithm(session));
  info.cipher_in = text_or_empty(ssh_get_cipher_in(session));
  info.cipher_out = text_or_empty(ssh_get_cipher_out(session));
  info.mac_in = text_or_empty(ssh_get_hmac_in(session));
  info.mac_out = text_or_empty(ssh_get_hmac_out(session));
  info.strict_kex = spssh_strict_kex(session) == SPSSH_STRICT;
  return info;
}

const char* SshTransport::peer_identification() const {
  return role_ == Role::server ? ssh_get_clientbanner(session_.get()) : ssh_get_serverbanner(session_.get());
}

void SshTransport::attach(TransportEvents* user) {
  user_ = user;
  held_ = false;
  io_.at_end_of_turn(*this);
}

void SshTransport::charge_to(std::shared_ptr<Account> account) {
  socket_.out().charge_to(account);
  unsent_.waiting.charge_to(account);
  input_.rest.charge_to(account);
  account_ = std::move(account);
}

void SshTransport::send(ByteView head, ByteView tail) {
  if (state_ != State::alive) return;
  since_sweep_.active = true;
  // What is sent while the peer is being read is what he has asked for, unless it is data.
  const bool is_answer = feeding_ && head[0] != kMsgChannelData && head[0] != kMsgChannelExtendedData;
  if (feeding_) socket_.out().count_answers(is_answer);
  const bool waits = session_ == nullptr || !unsent_.waiting.empty();
  switch (waits ? SPSSH_WAITS : spssh_send(session_.get(), head.data(), head.size(), tail.data(), tail.size())) {
    case SPSSH_SENT: break;
    case SPSSH_QUEUED:
      unsent_.queued = head.size() + tail.size();
      look_at_exchange();
      break;
    case SPSSH_WAITS: unsent_.waiting.push(head, tail, is_answer); break;
    case SPSSH_FAILED:
      check_session();
      die(Error{Errc::limit, "a message could not be sent"});  // if the session itself has nothing to say
      return;
  }
  if (feeding_) socket_.out().count_answers(true);
  if (head.size() + tail.size() > kLargePacket) since_sweep_.large_packets = true;
  note_backlog();
  io_.at_end_of_turn(*this);
}

void SshTransport::send_waiting() {
  unsent_.waiting.send_each([this](ByteView message, bool is_answer) {
    const bool before = socket_.out().count_answers(is_answer);
    const spssh_sent sent = spssh_send(session_.get(), message.data(), message.size(), nullptr, 0);
    socket_.out().count_answers(before);
    if (sent == SPSSH_QUEUED) {
      unsent_.queued = message.size();
      exchanges_.note_next();
    }
    if (sent == SPSSH_FAILED) die(Error{Errc::limit, "a message could not be sent"});
    return sent == SPSSH_SENT || sent == SPSSH_QUEUED;
  });
  note_backlog();
  io_.at_end_of_turn(*this);
}

std::size_t SshTransport::backlog() const { return socket_.unwritten() + unsent_.bytes(); }

std::uint64_t SshTransport::sent() const { return socket_.out().put_in() + unsent_.bytes(); }

Bytes SshTransport::session_id() const {
  if (session_ == nullptr) return exchanges_.session_id();
  std::size_t length = 0;
  const std::uint8_t* const id = spssh_session_id(session_.get(), &length);
  return id == nullptr ? Bytes{} : Bytes(id, id + length);
}

void SshTransport::note_backlog() {
  if (backlog() <= kHighMark) return;
  congested_ = true;
  look_at_held();
}

void SshTransport::look_at_held() {
  if (state_ != State::alive) return;
  if (login_.driver != nullptr && role_ == Role::server && socket_.out().held() > kMaxOutputBeforeLogin) {
    return die(Error{Errc::limit, "it does not read what it is sent before the login"});
  }
  if (account_ == nullptr) return;
  if (account_->held() > kMuchHeld) much_held_ = true;
  if (account_->is_over()) disconnect(DisconnectReason::by_application, "too much would have to be held for this connection");
}

// ---- answers

bool SshTransport::has_too_many_answers() const {
  return answers() > (login_.driver != nullptr ? kMaxAnswersBeforeLogin : kMaxAnswers);
}

void SshTransport::look_at_answers() {
  if (state_ != State::alive) return;
  if (!has_too_many_answers()) {
    if (answers_deadline_ == nullptr) return;
    answers_deadline_.reset();
    return io_.at_end_of_turn(*this);  // it is read again
  }
  if (exchanges_.going_on() && answers() > kMaxAnswersInExchange) {
    return disconnect(DisconnectReason::protocol_error, "too many requests while keys are exchanged");
  }
  if (answers_deadline_ != nullptr) return;
  answers_deadline_ = io_.clock().after(
      kAnswersLimit, [this] { disconnect(DisconnectReason::protocol_error, "it does not read the answers to what it asks"); });
}

// ---- exchanges of keys after the login

// After each call that may have begun or ended one.
void SshTransport::look_at_exchange() {
  if (login_.driver != nullptr || state_ != State::alive) return;
  if (unsent_.queued > 0 && spssh_has_queued(session_.get()) == 0) unsent_.queued = 0;
  if (!unsent_.waiting.empty()) send_waiting();
  const bool exchanging = state_ == State::alive && spssh_in_rekey(session_.get()) != 0;
  if (exchanges_.note(exchanging)) io_.at_end_of_turn(*this);  // it has to be read, also while paused
}

void SshTransport::on_exchange_overdue() { disconnect(DisconnectReason::protocol_error, "keys were not exchanged in time"); }

SessionHandle SshTransport::give_session(ExchangeTask& to) {
  to.session_id = session_id();
  spssh_move(session_.get(), &kTaskEvents, &to);
  return std::move(session_);
}

void SshTransport::on_session_back(SessionHandle session, ByteView output) {
  session_ = std::move(session);
  spssh_move(session_.get(), &kConnectionEvents, this);
  socket_.out().append(output);
  if (const Bytes goodbye = std::exchange(ending_.goodbye, {}); !goodbye.empty()) static_cast<void>(say(goodbye));
  check_session();
  look_at_exchange();
  note_backlog();
  io_.at_end_of_turn(*this);
}

void SshTransport::pause() {
  if (paused_) return;
  paused_ = true;
  update_reading();
}

void SshTransport::resume() {
  if (!paused_) return;
  paused_ = false;
  io_.at_end_of_turn(*this);  // what is in input_.rest comes first
}

void SshTransport::disconnect(DisconnectReason reason, std::string_view text) {
  if (state_ != State::alive) return;
  constexpr std::string_view kNoLanguage;
  wire::Writer message;
  message.byte(kMsgDisconnect).uint32(static_cast<std::uint32_t>(reason)).string(text).string(kNoLanguage);
  state_ = State::flushing;
  ending_.why = Error{Errc::closed, "disconnected: " + std::string{text}};
  exchanges_.withdraw();
  unsent_.waiting.clear();
  input_.rest.consume(input_.rest.size());
  if (session_ == nullptr) {
    ending_.goodbye = message.bytes();
  } else if (!say(message.bytes())) {
    return;
  }
  ending_.deadline = io_.clock().after(kDisconnectLimit, [this] { die(ending_.why); });
  update_reading();
  io_.at_end_of_turn(*this);
}

// The last word. False when it can't be said, and the connection is dead.
bool SshTransport::say(ByteView goodbye) {
  const spssh_sent sent = spssh_send(session_.get(), goodbye.data(), goodbye.size(), nullptr, 0);
  if (sent == SPSSH_FAILED) die(ending_.why);
  if (sent == SPSSH_QUEUED) unsent_.queued = goodbye.size();
  return sent != SPSSH_FAILED;
}

void SshTransport::die(Error why) {
  if (state_ == State::dead || state_ == State::told) return;
  // After our DISCONNECT its reason is the one that counts.
  if (state_ == State::alive) ending_.why = std::move(why);
  state_ = State::dead;
  exchanges_.withdraw();
  update_reading();
  io_.at_end_of_turn(*this);
}

// libssh's failures don't come back as return values: after each call that may fail its state is looked at.
void SshTransport::check_session() {
  if (state_ != State::alive || spssh_phase(session_.get()) != SPSSH_DEAD) return;
  std::string text = session_error(session_.get(), "the connection failed");
  // The peer's own words, in libssh's.
  const bool closed = text.starts_with("Received SSH_MSG_DISCONNECT");
  die(Error{closed ? Errc::closed : Errc::protocol, std::move(text)});
}

// ---- what LoopIo calls

void SshTransport::end_of_turn() {
  if (state_ == State::told) return;
  feed_rest();
  update_reading();  // a hold or a pause may have ended
  socket_.flush();
  look_at_answers();
  socket_.send_acknowledgement();
  if (state_ == State::flushing && backlog() == unsent_.queued && ending_.goodbye.empty()) linger();
  // At most one call to the outside, and nothing after it: *this may be gone.
  if (state_ == State::dead) return tell_end();
  if (login_.wanted && login_.driver != nullptr && state_ == State::alive && !(login_.waits && backlog() > 0)) {
    login_.wanted = login_.waits = false;
    return login_.driver->on_turn();
  }
  if (congested_ && state_ == State::alive && backlog() <= kLowMark) {
    congested_ = false;
    if (std::exchange(much_held_, false)) io_.trim_later();
    if (user_ != nullptr) user_->on_drained();
  }
}

void SshTransport::tell_end() {
  if (login_.driver == nullptr && user_ == nullptr) return;  // attach() comes back to this
  state_ = State::told;
  socket_.close();
  ending_.deadline.reset();
  exchanges_.stop();
  answers_deadline_.reset();
  input_.rests_from_small.reset();
  input_.pours.reset();
  // From here on there is nobody to tell anything: a login that was done must not be told behind its end.
  LoginDriver* const driver = std::exchange(login_.driver, nullptr);
  TransportEvents* const user = std::exchange(user_, nullptr);
  login_.wanted = login_.waits = false;
  const bool much = account_ != nullptr && (account_->held() > kMuchHeld || account_->root()->held() > kMuchHeldForUser);
  if (much_held_ || driver != nullptr || much) io_.trim_later();
  const Error why = ending_.why;
  driver != nullptr ? driver->on_dead(why) : user->on_closed(why);
}

bool SshTransport::sweep() {
  if (state_ != State::alive) return false;
  if (since_sweep_.active || exchanges_.message_waits()) {
    since_sweep_.active = false;
    io_.sweep_later(*this);
    return false;
  }
  spssh_trim(session_.get());
  since_sweep_.large_packets = false;
  return true;
}

// ---- writing

void SshTransport::output(ByteView bytes) {
  socket_.out().append(bytes);
  output_grew();
}

void SshTransport::output_grew() {
  if (backlog() > kHighMark) congested_ = true;
  if (socket_.out().size() >= kFlushAt) socket_.flush();
  io_.at_end_of_turn(*this);
}

// Everything is written, DISCONNECT at its end. Closing now with unread data would make the kernel send a reset, which
// can overtake it.
void SshTransport::linger() {
  state_ = State::lingering;
  if (!socket_.shut_down()) die(ending_.why);
}

}  // namespace sallyport::ssh
