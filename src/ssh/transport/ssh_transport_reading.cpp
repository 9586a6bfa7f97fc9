// A connection's input: from the socket through libssh, within what a turn of the loop has for it.
#include <algorithm>
#include <cstring>
#include <utility>

#include "net/loop/guard.hpp"
#include "ssh/seam/seam.h"
#include "ssh/transport/ssh_transport.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::uint8_t kFirstOfConnection = 80;  // RFC 4250, 4.1
constexpr std::uint8_t kLastOfConnection = 100;
/// So much of what a peer says first tells whether it wants to be talked to.
constexpr std::size_t kFirstWords = 32;

}  // namespace

bool SshTransport::may_feed() const {
  if (state_ != State::alive || held_ || exchanges_.message_waits() || input_.rests_from_small != nullptr) return false;
  // A pause must not stop an exchange of keys: our own output may be waiting for its end, and whoever asked for the
  // pause for that output.
  return exchanges_.going_on() || (!paused_ && !has_too_many_answers());
}

void SshTransport::update_reading() {
  socket_.set_reading(may_feed() || state_ == State::flushing || state_ == State::lingering);
}

std::span<std::uint8_t> SshTransport::room_to_read() noexcept {
  if (has_had_its_turn()) return {};
  // A short rest is put in front of the new bytes in the shared buffer, a long one has room behind itself.
  const std::size_t size = login_.driver == nullptr ? LoopIo::kReadSize : LoopIo::kReadHeadroom;
  std::uint8_t* space = io_.read_buffer() + LoopIo::kReadHeadroom;
  if (input_.rest.size() > LoopIo::kReadHeadroom) {
    if (auto why = net::guarded(io_.loop().uv(), [&] { space = input_.rest.reserve(size); })) {
      die(std::move(*why));
      return {};
    }
  }
  return {space, size};
}

void SshTransport::on_end_of_input() {
  die(Error{Errc::closed, peer_identification() == nullptr ? "the peer closed the connection before it had identified itself"
                                                           : "the peer closed the connection"});
}

void SshTransport::on_socket_exception(const Error& why) {
  feeding_ = false;
  die(why);
}

void SshTransport::on_bytes(std::uint8_t* data, std::size_t size) {
  if (state_ != State::alive) return;  // dropped: our DISCONNECT is on its way
  since_sweep_.active = true;
  if (socket_.owe_acknowledgement()) io_.at_end_of_turn(*this);
  if (login_.driver != nullptr) {
    if (login_.bytes == 0) login_.first_words.assign(text_of(ByteView(data, std::min(size, kFirstWords))));
    login_.bytes += size;
    if (login_.bytes > kMaxBytesBeforeLogin) {
      return die(Error{Errc::limit, "too much data before the login"});
    }
  }
  if (input_.rest.size() > LoopIo::kReadHeadroom) {
    input_.rest.commit(size);
    feed_rest();
    look_at_held();
    return;
  }
  if (const std::size_t rest = input_.rest.size(); rest > 0) {
    data -= rest;
    size += rest;
    std::memcpy(data, input_.rest.data(), rest);
    input_.rest.consume(rest);
  }
  const std::size_t taken = feed(data, size);
  if (state_ == State::alive && taken < size) {
    const std::size_t left = size - taken;
    std::memcpy(input_.rest.reserve(left), data + taken, left);
    input_.rest.commit(left);
  }
}

void SshTransport::feed_rest() {
  if (input_.rest.empty() || feeding_) return;
  const std::size_t taken = feed(input_.rest.data(), input_.rest.size());
  input_.rest.consume(state_ == State::alive ? taken : input_.rest.size());
}

bool SshTransport::has_had_its_turn() { return state_ == State::alive && (input_.unfed || !may_work()); }

bool SshTransport::may_work() {
  return input_.budget.has_more(io_.turn(), input_.pours ? io_.pourers().time() : TurnBudget::kTime);
}

std::size_t SshTransport::feed(std::uint8_t* data, std::size_t size) {
  std::size_t taken = 0;
  bool is_short = false, is_late = false;
  feeding_ = true;
  socket_.out().count_answers(true);
  while (taken < size && may_feed()) {
    is_late = !may_work();
    if (is_late) break;
    const std::size_t count = spssh_feed(session_.get(), data + taken, size - taken);
    // libssh decrypts in place: what a client types before its login is not to stay here.
    if (login_.driver != nullptr && role_ == Role::server) ::explicit_bzero(data + taken, count);
    taken += count;
    input_.budget.use(count);
    check_session();
    is_short = count == 0;
    if (is_short || state_ != State::alive) break;
    look_at_exchange();
    if (spssh_last_packet_length(session_.get()) > kLargePacket) since_sweep_.large_packets = true;
    if (user_ != nullptr) tell_other_message(spssh_last_packet_type(session_.get()));
    if (login_.driver != nullptr) {
      login_.driver->on_progress();
      if (role_ == Role::server) spssh_forget_packet(session_.get());
      check_session();
    }
  }
  socket_.out().count_answers(false);
  feeding_ = false;
  input_.unfed = taken < size && !is_short;
  if (is_late && input_.budget.went_for_little()) rest_from_small();
  if (!input_.unfed) input_.pours.reset();
  if (input_.unfed && may_feed()) io_.at_end_of_turn(*this);  // the next one goes on
  note_backlog();
  look_at_answers();
  if (since_sweep_.large_packets) io_.sweep_later(*this);
  update_reading();
  if (exchanges_.message_waits() && state_ == State::alive)
    exchanges_.work_at(*io_.exchange_desk(), account_ == nullptr ? nullptr : account_->root());
  return taken;
}

void SshTransport::rest_from_small() {
  if (login_.driver != nullptr || input_.rests_from_small != nullptr || state_ != State::alive) return;
  if (!input_.pours) input_.pours.emplace(io_.pourers());
  input_.rests_from_small = io_.clock().after(kRestFromSmall, [this] {
    input_.rests_from_small.reset();
    io_.at_end_of_turn(*this);  // which goes on
  });
}

void SshTransport::message(ByteView payload) {
  if (state_ == State::alive && user_ != nullptr) user_->on_message(payload);
}

void SshTransport::tell_other_message(std::uint8_t type) {
  const bool is_told = type >= kFirstOfConnection && type <= kLastOfConnection;
  if (!is_told && state_ == State::alive) user_->on_other_message(type);
}

}  // namespace sallyport::ssh
