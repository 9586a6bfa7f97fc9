#include "ssh/transport/connection.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "net/loop/error.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/round_trip.hpp"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? std::string{} : std::string{text}; }

constexpr std::uint8_t kMsgDisconnect = 1;    // RFC 4253, 12
constexpr std::uint8_t kMsgChannelData = 94;  // RFC 4254, 9
constexpr std::uint8_t kMsgChannelExtendedData = 95;
constexpr std::uint8_t kFirstOfConnection = 80;
constexpr std::uint8_t kLastOfConnection = 100;
/// So much of what a peer says first tells whether it wants to be talked to.
constexpr std::size_t kFirstWords = 32;
/// Memory worth giving back to the system as soon as it is free.
constexpr std::size_t kMuchHeld = 1024 * 1024;
constexpr std::size_t kMuchHeldForUser = 4 * kMuchHeld;

}  // namespace

// The trampolines of the seam. None of them may destroy the connection, so that what throws can end it.
struct SeamEvents {
  template <typename Act>
  static void call(void* owner, Act act) noexcept {
    auto& self = *static_cast<Connection*>(owner);
    if (auto why = net::guarded(self.io_.loop().uv(), [&] { act(self); })) self.die(std::move(*why));
  }
  static void output(void* owner, const std::uint8_t* data, std::size_t length) noexcept {
    call(owner, [&](Connection& self) { self.output({data, length}); });
  }
  static std::uint8_t* reserve(void* owner, std::size_t size) noexcept {
    std::uint8_t* space = nullptr;
    call(owner, [&](Connection& self) { space = self.out_.reserve(size); });
    return space;
  }
  static void commit(void* owner, std::size_t size) noexcept {
    call(owner, [&](Connection& self) {
      self.out_.commit(size);
      self.output_grew();
    });
  }
  static void message(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    call(owner, [&](Connection& self) { self.message({payload, length}); });
  }
  static int userauth_request(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    bool wanted = true;
    call(owner, [&](Connection& self) {
      wanted = self.driver_ == nullptr || self.driver_->on_userauth_packet({payload, length});
    });
    return wanted ? 1 : 0;
  }
  static void info_response(void* owner, const std::uint8_t* payload, std::size_t length) noexcept {
    call(owner, [&](Connection& self) {
      if (self.driver_ != nullptr) self.driver_->on_info_response_packet({payload, length});
    });
  }
  static void exchange(void* owner) noexcept { static_cast<Connection*>(owner)->taken_ = true; }
  static constexpr spssh_events kTable{output, reserve, commit, message, userauth_request, info_response, exchange};
};

// And those of a session that is lent: it only sends.
struct LoanEvents {
  static void output(void* owner, const std::uint8_t* data, std::size_t length) noexcept {
    Bytes& output = static_cast<Loan*>(owner)->output;
    output.insert(output.end(), data, data + length);
  }
  static std::uint8_t* reserve(void*, std::size_t) noexcept { return nullptr; }
  static void commit(void*, std::size_t) noexcept {}
  static void ignore(void*, const std::uint8_t*, std::size_t) noexcept {}
  static int ignore_request(void*, const std::uint8_t*, std::size_t) noexcept { return 1; }
  static void exchange(void*) noexcept {}
  static constexpr spssh_events kTable{output, reserve, commit, ignore, ignore_request, ignore, exchange};
};

// A chunk that libuv writes once the socket takes something again. libuv's until its callback.
struct Connection::Write {
  uv_write_t uv{};
  Connection* owner = nullptr;
  std::unique_ptr<Chunk> chunk;
};

Connection::Connection(LoopIo& io, SessionHandle session, Role role, LoginDriver& driver)
    : Connection(io, std::move(session), role, &driver) {}

Connection::Connection(LoopIo& io, SessionHandle session, Role role, LoginDriver* driver)
    : io_(io), session_(std::move(session)), role_(role), driver_(driver), out_(io.chunks()) {}

Connection::~Connection() {
  if (session_) spssh_detach(session_.get());
  if (loan_ != nullptr) loan_->lender = nullptr;
  io_.forget(*this);
  if (writing_ != nullptr) writing_->owner = nullptr;
}

Result<> Connection::start(net::Fd fd, const std::string& identification) {
  // These fail on a Unix socket, where they aren't needed.
  const int one = 1;
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
  static_cast<void>(setsockopt(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kNotSentLowWater, sizeof kNotSentLowWater));
  if (auto opened = open(std::move(fd)); !opened) return opened;
  const char* line = identification.empty() ? nullptr : identification.c_str();
  if (spssh_attach(session_.get(), &SeamEvents::kTable, this, line) != 0) return fail(Errc::limit, "out of memory");
  if (role_ == Role::server) spssh_wipe_input(session_.get());
  update_reading();
  return {};
}

Result<> Connection::open(net::Fd fd) {
  if (auto opened = tcp_.open(*this, uv_tcp_init, io_.loop().uv()); !opened) return opened;
  if (int rc = uv_tcp_open(tcp_.get(), fd.get()); rc != 0) return fail(net::from_uv(rc, "open socket"));
  static_cast<void>(fd.release());  // libuv's now
  rearm_quick_ack();
  return {};
}

Result<Connection::Parts> Connection::take_apart() {
  if (state_ != State::alive || backlog() > 0) return fail(Errc::io, "the connection ended during the login");
  uv_os_fd_t fd = -1;
  if (int rc = uv_fileno(reinterpret_cast<uv_handle_t*>(tcp_.get()), &fd); rc != 0) return fail(net::from_uv(rc, "socket"));
  Parts parts;
  parts.fd = net::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));  // libuv doesn't give one back
  if (!parts.fd) return fail(net::from_errno(errno, "duplicate a socket"));
  parts.unread.assign(rest_.data(), rest_.data() + rest_.size());
  spssh_detach(session_.get());
  parts.session = std::move(session_);
  parts.role = role_;
  state_ = State::told;
  io_.forget(*this);
  tcp_.close();
  return parts;
}

Result<std::unique_ptr<Connection>> Connection::adopt(LoopIo& io, Parts parts) {
  std::unique_ptr<Connection> connection(new Connection(io, std::move(parts.session), parts.role, nullptr));
  if (auto opened = connection->open(std::move(parts.fd)); !opened) return fail(std::move(opened.error()));
  if (!parts.unread.empty()) {
    std::memcpy(connection->rest_.reserve(parts.unread.size()), parts.unread.data(), parts.unread.size());
    connection->rest_.commit(parts.unread.size());
  }
  spssh_move(connection->session_.get(), &SeamEvents::kTable, connection.get());
  connection->hand_over();
  return connection;
}

void Connection::release() {
  if (!held_) return;
  held_ = false;
  io_.at_end_of_turn(*this);
}

void Connection::call_driver() {
  driver_wanted_ = true;
  io_.at_end_of_turn(*this);
}

void Connection::call_driver_when_sent() {
  driver_waits_ = true;
  call_driver();
}

void Connection::hand_over() {
  driver_ = nullptr;
  first_words_ = {};
  held_ = user_ == nullptr;
  // libssh overwrites each packet in the buffers that a password has been in: from now on that is a waste of time.
  spssh_trim(session_.get());
  if (io_.exchange_desk() != nullptr) spssh_take_exchanges(session_.get());
  quick_until_ = io_.clock().now() + kQuickAfterLogin;
  io_.at_end_of_turn(*this);
}

ConnectionInfo Connection::info() const {
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

const char* Connection::peer_identification() const {
  return role_ == Role::server ? ssh_get_clientbanner(session_.get()) : ssh_get_serverbanner(session_.get());
}

void Connection::attach(TransportEvents* user) {
  user_ = user;
  held_ = false;
  io_.at_end_of_turn(*this);
}

void Connection::charge_to(std::shared_ptr<Account> account) {
  out_.charge_to(account);
  waiting_.charge_to(account);
  rest_.charge_to(account);
  account_ = std::move(account);
}

void Connection::send(ByteView head, ByteView tail) {
  if (state_ != State::alive) return;
  active_ = true;
  // What is sent while the peer is being read is what he has asked for, unless it is data.
  const bool is_answer = feeding_ && head[0] != kMsgChannelData && head[0] != kMsgChannelExtendedData;
  if (feeding_) out_.count_answers(is_answer);
  const bool waits = session_ == nullptr || !waiting_.empty();
  switch (waits ? SPSSH_WAITS : spssh_send(session_.get(), head.data(), head.size(), tail.data(), tail.size())) {
    case SPSSH_SENT: break;
    case SPSSH_QUEUED:
      queued_ = head.size() + tail.size();
      look_at_exchange();
      break;
    case SPSSH_WAITS: waiting_.push(head, tail, is_answer); break;
    case SPSSH_FAILED:
      check_session();
      die(Error{Errc::limit, "a message could not be sent"});  // if the session itself has nothing to say
      return;
  }
  if (feeding_) out_.count_answers(true);
  if (head.size() + tail.size() > kLargePacket) large_packets_ = true;
  note_backlog();
  io_.at_end_of_turn(*this);
}

void Connection::send_waiting() {
  waiting_.send_each([this](ByteView message, bool is_answer) {
    const bool before = out_.count_answers(is_answer);
    const spssh_sent sent = spssh_send(session_.get(), message.data(), message.size(), nullptr, 0);
    out_.count_answers(before);
    if (sent == SPSSH_QUEUED) {
      queued_ = message.size();
      exchanging_ = false;  // another exchange has begun, with a limit of its own
    }
    if (sent == SPSSH_FAILED) die(Error{Errc::limit, "a message could not be sent"});
    return sent == SPSSH_SENT || sent == SPSSH_QUEUED;
  });
  note_backlog();
  io_.at_end_of_turn(*this);
}

std::size_t Connection::backlog() const { return out_.size() + in_flight_ + queued_ + waiting_.size(); }

std::uint64_t Connection::sent() const { return out_.put_in() + queued_ + waiting_.size(); }

std::uint64_t Connection::acknowledged() {
  if (std::exchange(acknowledged_in_, io_.turn()) == io_.turn()) return acknowledged_;
  uv_os_fd_t fd = -1;
  if (!tcp_ || uv_fileno(reinterpret_cast<const uv_handle_t*>(tcp_.get()), &fd) != 0) return acknowledged_;
  const std::uint64_t written = out_.put_in() - out_.size() - in_flight_;
  const std::uint64_t on_the_way = unacknowledged(fd);
  // What was written by the login thread counts there alone, and a Unix socket counts more than was written.
  if (on_the_way < written) acknowledged_ = std::max(acknowledged_, written - on_the_way);
  return acknowledged_;
}

std::chrono::microseconds Connection::round_trip() {
  look_at_way();
  return round_trip_;
}

std::uint32_t Connection::segment() {
  look_at_way();
  return segment_;
}

void Connection::look_at_way() {
  const TimePoint now = io_.clock().now();
  if (now - way_seen_ < kWayLook) return;
  uv_os_fd_t fd = -1;
  if (!tcp_ || uv_fileno(reinterpret_cast<const uv_handle_t*>(tcp_.get()), &fd) != 0) return;
  way_seen_ = now;
  const WayToPeer way = way_to_peer(fd);
  segment_ = way.segment;
  // The kernel forgets its smallest one after some minutes, and a queue may have stood in the way ever since.
  const std::chrono::microseconds seen = way.smallest_round_trip;
  if (seen.count() != 0 && (round_trip_.count() == 0 || seen < round_trip_)) round_trip_ = seen;
}

Bytes Connection::session_id() const {
  if (session_ == nullptr) return loan_->session_id;
  std::size_t length = 0;
  const std::uint8_t* const id = spssh_session_id(session_.get(), &length);
  return id == nullptr ? Bytes{} : Bytes(id, id + length);
}

void Connection::note_backlog() {
  if (backlog() <= kHighMark) return;
  congested_ = true;
  look_at_held();
}

void Connection::look_at_held() {
  if (state_ != State::alive) return;
  if (driver_ != nullptr && role_ == Role::server && out_.held() > kMaxOutputBeforeLogin) {
    return die(Error{Errc::limit, "it does not read what it is sent before the login"});
  }
  if (account_ == nullptr) return;
  if (account_->held() > kMuchHeld) much_held_ = true;
  if (account_->is_over()) disconnect(DisconnectReason::by_application, "too much would have to be held for this connection");
}

// ---- answers

bool Connection::has_too_many_answers() const { return answers() > (driver_ != nullptr ? kMaxAnswersBeforeLogin : kMaxAnswers); }

void Connection::look_at_answers() {
  if (state_ != State::alive) return;
  if (!has_too_many_answers()) {
    if (answers_deadline_ == nullptr) return;
    answers_deadline_.reset();
    return io_.at_end_of_turn(*this);  // it is read again
  }
  if (exchanging_ && answers() > kMaxAnswersInExchange) {
    return disconnect(DisconnectReason::protocol_error, "too many requests while keys are exchanged");
  }
  if (answers_deadline_ != nullptr) return;
  answers_deadline_ = io_.clock().after(
      kAnswersLimit, [this] { disconnect(DisconnectReason::protocol_error, "it does not read the answers to what it asks"); });
}

// ---- exchanges of keys after the login

// After each call that may have begun or ended one.
void Connection::look_at_exchange() {
  if (driver_ != nullptr || state_ != State::alive) return;
  if (queued_ > 0 && spssh_has_queued(session_.get()) == 0) queued_ = 0;
  if (!waiting_.empty()) send_waiting();
  const bool exchanging = state_ == State::alive && spssh_in_rekey(session_.get()) != 0;
  if (exchanging == exchanging_) return;
  exchanging_ = exchanging;
  io_.at_end_of_turn(*this);  // it has to be read, also while paused
  if (exchanging) {
    exchange_deadline_ = io_.clock().after(
        kExchangeLimit, [this] { disconnect(DisconnectReason::protocol_error, "keys were not exchanged in time"); });
    return;
  }
  exchange_deadline_.reset();
  next_exchange_ = io_.clock().now() + std::chrono::ceil<Duration>(kRestPerWork * work_);
  work_ = {};
}

// A message of one is there. The first one waits until the peer may have another exchange: meanwhile it isn't read, and
// we go on sending.
void Connection::rest_or_queue() {
  const TimePoint now = io_.clock().now();
  if (exchanging_ || now >= next_exchange_) return queue_loan();
  rest_timer_ = io_.clock().after(next_exchange_ - now, [this] {
    rest_timer_.reset();
    queue_loan();
  });
}

void Connection::queue_loan() {
  loan_ = std::make_shared<Loan>();
  loan_->lender = this;
  if (account_ != nullptr) loan_->user = account_->root();
  io_.exchange_desk()->queue(loan_);
}

void Connection::withdraw_loan() {
  rest_timer_.reset();
  if (loan_ == nullptr || session_ == nullptr) return;
  loan_->lender = nullptr;
  loan_.reset();
}

void Connection::lend(Loan& loan) {
  loan.session_id = session_id();
  loan.session = std::move(session_);
  spssh_move(loan.session.get(), &LoanEvents::kTable, &loan);
}

void Connection::take_back(Loan& loan) {
  session_ = std::move(loan.session);
  spssh_move(session_.get(), &SeamEvents::kTable, this);
  loan_.reset();
  taken_ = false;
  work_ += loan.spent;
  out_.append(loan.output);
  if (const Bytes goodbye = std::exchange(goodbye_, {}); !goodbye.empty()) static_cast<void>(say(goodbye));
  check_session();
  look_at_exchange();
  note_backlog();
  io_.at_end_of_turn(*this);
}

void Connection::pause() {
  if (paused_) return;
  paused_ = true;
  update_reading();
}

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  io_.at_end_of_turn(*this);  // what is in rest_ comes first
}

void Connection::disconnect(DisconnectReason reason, std::string_view text) {
  if (state_ != State::alive) return;
  constexpr std::string_view kNoLanguage;
  wire::Writer message;
  message.byte(kMsgDisconnect).uint32(static_cast<std::uint32_t>(reason)).string(text).string(kNoLanguage);
  state_ = State::flushing;
  why_ = Error{Errc::closed, "disconnected: " + std::string{text}};
  withdraw_loan();
  waiting_.clear();
  rest_.consume(rest_.size());
  if (session_ == nullptr) {
    goodbye_ = message.bytes();
  } else if (!say(message.bytes())) {
    return;
  }
  deadline_ = io_.clock().after(kDisconnectLimit, [this] { die(why_); });
  update_reading();
  io_.at_end_of_turn(*this);
}

// The last word. False when it can't be said, and the connection is dead.
bool Connection::say(ByteView goodbye) {
  const spssh_sent sent = spssh_send(session_.get(), goodbye.data(), goodbye.size(), nullptr, 0);
  if (sent == SPSSH_FAILED) die(why_);
  if (sent == SPSSH_QUEUED) queued_ = goodbye.size();
  return sent != SPSSH_FAILED;
}

void Connection::die(Error why) {
  if (state_ == State::dead || state_ == State::told) return;
  // After our DISCONNECT its reason is the one that counts.
  if (state_ == State::alive) why_ = std::move(why);
  state_ = State::dead;
  withdraw_loan();
  update_reading();
  io_.at_end_of_turn(*this);
}

// libssh's failures don't come back as return values: after each call that may fail its state is looked at.
void Connection::check_session() {
  if (state_ != State::alive || spssh_phase(session_.get()) != SPSSH_DEAD) return;
  std::string text = session_error(session_.get(), "the connection failed");
  // The peer's own words, in libssh's.
  const bool closed = text.starts_with("Received SSH_MSG_DISCONNECT");
  die(Error{closed ? Errc::closed : Errc::protocol, std::move(text)});
}

// ---- what LoopIo calls

void Connection::end_of_turn() {
  if (state_ == State::told) return;
  feed_rest();
  update_reading();  // a hold or a pause may have ended
  flush();
  look_at_answers();
  if (std::exchange(owes_ack_, false)) rearm_quick_ack();
  if (state_ == State::flushing && backlog() == queued_ && goodbye_.empty()) end_disconnect();
  // At most one call to the outside, and nothing after it: *this may be gone.
  if (state_ == State::dead) return tell_end();
  if (driver_wanted_ && driver_ != nullptr && state_ == State::alive && !(driver_waits_ && backlog() > 0)) {
    driver_wanted_ = driver_waits_ = false;
    return driver_->on_turn();
  }
  if (congested_ && state_ == State::alive && backlog() <= kLowMark) {
    congested_ = false;
    if (std::exchange(much_held_, false)) io_.trim_later();
    if (user_ != nullptr) user_->on_drained();
  }
}

void Connection::tell_end() {
  if (driver_ == nullptr && user_ == nullptr) return;  // attach() comes back to this
  state_ = State::told;
  tcp_.close();
  deadline_.reset();
  exchange_deadline_.reset();
  answers_deadline_.reset();
  rests_from_small_.reset();
  // From here on there is nobody to tell anything: a login that was done must not be told behind its end.
  LoginDriver* const driver = std::exchange(driver_, nullptr);
  TransportEvents* const user = std::exchange(user_, nullptr);
  driver_wanted_ = driver_waits_ = false;
  const bool much = account_ != nullptr && (account_->held() > kMuchHeld || account_->root()->held() > kMuchHeldForUser);
  if (much_held_ || driver != nullptr || much) io_.trim_later();
  const Error why = why_;
  driver != nullptr ? driver->on_dead(why) : user->on_closed(why);
}

bool Connection::sweep() {
  if (state_ != State::alive) return false;
  if (active_ || taken_) {
    active_ = false;
    io_.sweep_later(*this);
    return false;
  }
  spssh_trim(session_.get());
  large_packets_ = false;
  return true;
}

// ---- reading

bool Connection::may_feed() const {
  if (state_ != State::alive || held_ || taken_ || rests_from_small_ != nullptr) return false;
  // A pause must not stop an exchange of keys: our own output may be waiting for its end, and whoever asked for the
  // pause for that output.
  return exchanging_ || (!paused_ && !has_too_many_answers());
}

void Connection::update_reading() {
  const bool wanted = may_feed() || state_ == State::flushing || state_ == State::lingering;
  if (wanted == reading_ || !tcp_) return;
  reading_ = wanted;
  const int rc = wanted ? uv_read_start(stream(), on_alloc, on_read) : uv_read_stop(stream());
  if (rc != 0) die(net::from_uv(rc, "read"));
}

void Connection::on_alloc(uv_handle_t* uv, std::size_t, uv_buf_t* buffer) noexcept {
  auto* self = Tcp::owner_of(uv->data);
  // Without a buffer libuv reads nothing in this turn, and nothing has to be asked of the kernel for it.
  if (self == nullptr || self->has_had_its_turn()) {
    *buffer = uv_buf_init(nullptr, 0);
    return;
  }
  // A short rest is put in front of the new bytes in the shared buffer, a long one has room behind itself.
  const std::size_t size = self->driver_ == nullptr ? LoopIo::kReadSize : LoopIo::kReadHeadroom;
  std::uint8_t* space = self->io_.read_buffer() + LoopIo::kReadHeadroom;
  if (self->rest_.size() > LoopIo::kReadHeadroom) {
    if (auto why = net::guarded(uv->loop, [&] { space = self->rest_.reserve(size); })) {
      *buffer = uv_buf_init(nullptr, 0);  // which reads nothing
      return self->die(std::move(*why));
    }
  }
  *buffer = uv_buf_init(reinterpret_cast<char*>(space), static_cast<unsigned int>(size));
}

void Connection::on_read(uv_stream_t* uv, ssize_t count, const uv_buf_t* buffer) noexcept {
  auto* self = Tcp::owner_of(uv->data);
  if (self == nullptr || count == 0 || count == UV_ENOBUFS) return;
  // Nothing in here destroys the connection.
  auto why = net::guarded(uv->loop, [&] {
    if (count < 0) return self->read_failed(static_cast<int>(count));
    self->read_some(reinterpret_cast<std::uint8_t*>(buffer->base), static_cast<std::size_t>(count));
  });
  if (!why) return;
  self->feeding_ = false;
  self->die(std::move(*why));
}

void Connection::read_failed(int rc) {
  reading_ = false;
  static_cast<void>(uv_read_stop(stream()));
  if (rc != UV_EOF) return die(net::from_uv(rc, "read"));
  die(Error{Errc::closed, peer_identification() == nullptr ? "the peer closed the connection before it had identified itself"
                                                           : "the peer closed the connection"});
}

void Connection::read_some(std::uint8_t* data, std::size_t size) {
  if (state_ != State::alive) return;  // dropped: our DISCONNECT is on its way
  active_ = true;
  if (io_.clock().now() < quick_until_) {
    owes_ack_ = true;
    io_.at_end_of_turn(*this);
  }
  if (driver_ != nullptr) {
    if (bytes_before_login_ == 0) first_words_.assign(text_of(ByteView(data, std::min(size, kFirstWords))));
    bytes_before_login_ += size;
    if (bytes_before_login_ > kMaxBytesBeforeLogin) {
      return die(Error{Errc::limit, "too much data before the login"});
    }
  }
  if (rest_.size() > LoopIo::kReadHeadroom) {
    rest_.commit(size);
    feed_rest();
    look_at_held();
    return;
  }
  if (const std::size_t rest = rest_.size(); rest > 0) {
    data -= rest;
    size += rest;
    std::memcpy(data, rest_.data(), rest);
    rest_.consume(rest);
  }
  const std::size_t taken = feed(data, size);
  if (state_ == State::alive && taken < size) {
    const std::size_t left = size - taken;
    std::memcpy(rest_.reserve(left), data + taken, left);
    rest_.commit(left);
  }
}

void Connection::feed_rest() {
  if (rest_.empty() || feeding_) return;
  const std::size_t taken = feed(rest_.data(), rest_.size());
  rest_.consume(state_ == State::alive ? taken : rest_.size());
}

bool Connection::has_had_its_turn() { return state_ == State::alive && (unfed_ || !budget_.has_more(io_.turn())); }

std::size_t Connection::feed(std::uint8_t* data, std::size_t size) {
  std::size_t taken = 0;
  bool is_short = false;
  feeding_ = true;
  out_.count_answers(true);
  while (taken < size && may_feed() && budget_.has_more(io_.turn())) {
    const std::size_t count = spssh_feed(session_.get(), data + taken, size - taken);
    // libssh decrypts in place: what a client types before its login is not to stay here.
    if (driver_ != nullptr && role_ == Role::server) ::explicit_bzero(data + taken, count);
    taken += count;
    budget_.use(count);
    check_session();
    is_short = count == 0;
    if (is_short || state_ != State::alive) break;
    look_at_exchange();
    if (spssh_last_packet_length(session_.get()) > kLargePacket) large_packets_ = true;
    if (user_ != nullptr) tell_other_message(spssh_last_packet_type(session_.get()));
    if (driver_ != nullptr) {
      driver_->on_progress();
      if (role_ == Role::server) spssh_forget_packet(session_.get());
      check_session();
    }
  }
  out_.count_answers(false);
  feeding_ = false;
  unfed_ = taken < size && !is_short;
  if (budget_.went_for_little()) rest_from_small();
  if (unfed_ && may_feed()) io_.at_end_of_turn(*this);  // the next one goes on
  note_backlog();
  look_at_answers();
  if (large_packets_) io_.sweep_later(*this);
  update_reading();
  if (taken_ && loan_ == nullptr && rest_timer_ == nullptr && state_ == State::alive) rest_or_queue();
  return taken;
}

void Connection::rest_from_small() {
  if (driver_ != nullptr || rests_from_small_ != nullptr || state_ != State::alive) return;
  rests_from_small_ = io_.clock().after(kRestFromSmall, [this] {
    rests_from_small_.reset();
    io_.at_end_of_turn(*this);  // which goes on
  });
}

void Connection::message(ByteView payload) {
  if (state_ == State::alive && user_ != nullptr) user_->on_message(payload);
}

void Connection::tell_other_message(std::uint8_t type) {
  const bool is_told = type >= kFirstOfConnection && type <= kLastOfConnection;
  if (!is_told && state_ == State::alive) user_->on_other_message(type);
}

// Linux forgets this setting by itself after some segments, hence "re-arm". Without it a peer that writes a small
// packet and waits, with Nagle's algorithm on, waits for 40 ms. Where an answer goes out in the same turn it carries the
// acknowledgement, and this would only send another segment.
void Connection::rearm_quick_ack() {
  int fd = -1;
  if (!tcp_ || uv_fileno(reinterpret_cast<uv_handle_t*>(tcp_.get()), &fd) != 0) return;
  const int one = 1;
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one));
}

// ---- writing

void Connection::output(ByteView bytes) {
  out_.append(bytes);
  output_grew();
}

void Connection::output_grew() {
  if (backlog() > kHighMark) congested_ = true;
  if (out_.size() >= kFlushAt) flush();
  io_.at_end_of_turn(*this);
}

void Connection::flush() {
  while (!out_.empty() && writing_ == nullptr && tcp_) {
    std::array<uv_buf_t, OutputQueue::kMaxBuffers> buffers;
    const unsigned int count = out_.front(buffers);
    std::size_t offered = 0;
    for (unsigned int i = 0; i < count; ++i) offered += buffers[i].len;
    const int written = uv_try_write(stream(), buffers.data(), count);
    if (written < 0 && written != UV_EAGAIN) {
      out_.clear();
      return die(net::from_uv(written, "write"));
    }
    if (written > 0) {
      out_.consume(static_cast<std::size_t>(written));
      owes_ack_ = false;
    }
    if (written < 0 || static_cast<std::size_t>(written) < offered) return write_when_ready();
  }
}

void Connection::write_when_ready() {
  auto write = std::make_unique<Write>();
  write->owner = this;
  write->chunk = out_.take_front();
  write->uv.data = write.get();
  const std::size_t size = write->chunk->end - write->chunk->begin;
  const uv_buf_t buffer =
      uv_buf_init(reinterpret_cast<char*>(write->chunk->data.data() + write->chunk->begin), static_cast<unsigned int>(size));
  if (int rc = uv_write(&write->uv, stream(), &buffer, 1, on_written); rc != 0) {
    return die(net::from_uv(rc, "write"));
  }
  in_flight_ = size;
  writing_ = write.release();
}

void Connection::on_written(uv_write_t* uv, int status) noexcept {
  const std::unique_ptr<Write> write{static_cast<Write*>(uv->data)};
  Connection* self = write->owner;
  if (self == nullptr) return;
  auto why = net::guarded(self->io_.loop().uv(), [&] { self->written(std::move(write->chunk), status); });
  if (why) self->die(std::move(*why));
}

void Connection::written(std::unique_ptr<Chunk> chunk, int status) {
  writing_ = nullptr;
  in_flight_ = 0;
  out_.give_back(std::move(chunk));
  if (status != 0) {
    out_.clear();
    return die(net::from_uv(status, "write"));
  }
  flush();
  io_.at_end_of_turn(*this);
}

// Everything is written, DISCONNECT at its end. Closing now with unread data would make the kernel send a reset, which
// can overtake it.
void Connection::end_disconnect() {
  state_ = State::lingering;
  struct Shutdown {
    uv_shutdown_t uv{};
  };
  auto request = std::make_unique<Shutdown>();
  request->uv.data = request.get();
  const int rc =
      uv_shutdown(&request->uv, stream(), [](uv_shutdown_t* uv, int) noexcept { delete static_cast<Shutdown*>(uv->data); });
  if (rc != 0) return die(why_);
  static_cast<void>(request.release());
}

}  // namespace sallyport::ssh
