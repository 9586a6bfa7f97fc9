// One SSH connection of either role: libssh's state machine between a socket and the messages 80 to 100.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sallyport/bytes.hpp>
#include <sallyport/clock.hpp>
#include <sallyport/connection_info.hpp>
#include <sallyport/result.hpp>
#include <sallyport/transport.hpp>

#include "net/loop/fd.hpp"
#include "ssh/keys/handles.hpp"
#include "ssh/transport/carrier.hpp"
#include "ssh/transport/input_buffer.hpp"
#include "ssh/transport/later_exchanges.hpp"
#include "ssh/transport/loop_io.hpp"
#include "ssh/transport/message_queue.hpp"
#include "ssh/transport/socket_pump.hpp"
#include "ssh/transport/turn_budget.hpp"

namespace sallyport::ssh {

/// Who drives a connection until it is logged in.
class LoginDriver {
 public:
  virtual ~LoginDriver() = default;
  /// libssh has taken in a line or a packet. May call libssh and SshTransport's functions; must run nobody else's code
  /// and destroy nothing.
  virtual void on_progress() = 0;
  /// A USERAUTH_REQUEST, from inside libssh: only to be noted. on_progress() follows. False: libssh isn't to verify it.
  virtual bool on_userauth_packet(ByteView payload) = 0;
  /// Server role: an INFO_RESPONSE, likewise.
  virtual void on_info_response_packet(ByteView payload) { static_cast<void>(payload); }
  /// Asked for by SshTransport::call_driver(), with nothing on the stack: anything may be done here. Only while is_alive().
  virtual void on_turn() = 0;
  /// The end, with nothing on the stack; nothing follows. The connection may be destroyed here.
  virtual void on_dead(const Error& why) = 0;
};

enum class Role : std::uint8_t { server, client };

/// Carries a session over a socket. It is made for a LoginDriver, and from hand_over() on it is a Transport like any other.
class SshTransport final : public Transport, private SocketUser, private TurnUser, private LaterExchanges::Host {
 public:
  /// Before the login a peer may send so much: dozens of logins' worth.
  static constexpr std::uint64_t kMaxBytesBeforeLogin = 512 * 1024;
  /// Nor is more held for it, answers to what it asks before all.
  static constexpr std::size_t kMaxOutputBeforeLogin = 192 * 1024;
  static constexpr std::size_t kMaxAnswersBeforeLogin = 16 * 1024;
  /// A peer that has more answers than this to read is not read any more: what it asks for isn't to pile up here. Data
  /// doesn't count, or two relays in series that both have much to send would wait for each other.
  static constexpr std::size_t kMaxAnswers = 64 * 1024;
  /// So long it may take to begin to read them.
  static constexpr Duration kAnswersLimit{60000};
  /// While keys are exchanged nothing can be sent, and the peer has to be read: then more answers than this end it.
  static constexpr std::size_t kMaxAnswersInExchange = 256 * 1024;
  /// Who has used up a turn with small messages isn't read for so long: several who pour them would keep the loop busy all the
  /// time, and the kernel makes a thread that never sleeps wait its turn. More than 200 000 messages a second get through.
  static constexpr Duration kRestFromSmall{1};
  /// disconnect() waits at most so long for the peer to read and to close.
  static constexpr Duration kDisconnectLimit{2000};
  /// Acknowledgements aren't delayed until so long after the login: by then the first channel is open.
  static constexpr Duration kQuickAfterLogin{1000};
  static constexpr std::size_t kFlushAt = 64 * 1024;
  /// Packets above this make libssh's buffers grow so much that giving them back pays.
  static constexpr std::size_t kLargePacket = 1024;

  SshTransport(LoopIo& io, SessionHandle session, Role role, LoginDriver& driver);
  ~SshTransport() override;
  SshTransport(const SshTransport&) = delete;
  SshTransport& operator=(const SshTransport&) = delete;

  /// What the socket leads through, which lives as long as the connection. Before start().
  void keep(std::unique_ptr<Carrier> carrier) { carrier_ = std::move(carrier); }
  /// Takes the socket and begins to read. `identification` (of the client role) may be empty.
  Result<> start(net::Fd fd, const std::string& identification);

  // For the driver.
  ssh_session_struct* session() { return session_.get(); }
  /// False once it has died or DISCONNECT is on its way.
  bool is_alive() const { return state_ == State::alive; }
  /// Nothing more is fed until release(): a decision is pending.
  void hold() { held_ = true; }
  void release();
  /// on_turn() will be called.
  void call_driver();
  /// The same, once everything is sent.
  void call_driver_when_sent();
  /// One message of the login, RFC 4252's.
  void send_login_message(ByteView payload) { send(payload); }
  /// Ends it without a word to the peer; on_dead or on_closed follows.
  void die(Error why);
  /// The login is done: the driver hears nothing more. What the peer sends waits for attach().
  void hand_over();
  ConnectionInfo info() const;
  /// The beginning of what the peer has sent, its version or other lines in front of it; empty once the login is over.
  const std::string& first_words() const { return login_.first_words; }

  /// A connection on its way from one loop to another, on any thread.
  struct Parts {
    SessionHandle session;
    Role role{};
    net::Fd fd;
    Bytes unread;
  };
  /// Takes it apart; it can then only be destroyed. After hand_over(), with nothing unsent, and nobody attached.
  Result<Parts> take_apart();
  /// Puts it together on the thread of `io`. What has led there is to be kept (keep()) again.
  static Result<std::unique_ptr<SshTransport>> adopt(LoopIo& io, Parts parts);

  // Transport
  void attach(TransportEvents* user) override;
  void charge_to(std::shared_ptr<Account> account) override;
  void send(ByteView head, ByteView tail = {}) override;
  std::size_t backlog() const override;
  std::uint64_t sent() const override;
  std::uint64_t acknowledged() override { return socket_.acknowledged(); }
  std::chrono::microseconds round_trip() override { return socket_.round_trip(); }
  std::uint32_t segment() override { return socket_.segment(); }
  Bytes session_id() const override;
  void pause() override;
  void resume() override;
  void disconnect(DisconnectReason reason, std::string_view text) override;

 private:
  enum class State : std::uint8_t {
    alive,      // the driver's or the user's
    flushing,   // DISCONNECT is in the queue; what comes in is dropped
    lingering,  // everything is written; waiting for the peer to close, lest a reset overtakes our DISCONNECT
    dead,       // to be told
    told,
  };

  /// Up to hand_over().
  struct Login {
    LoginDriver* driver = nullptr;  ///< null from then on
    bool wanted = false;            ///< on_turn() is to be called …
    bool waits = false;             ///< … once everything is sent
    std::uint64_t bytes = 0;        ///< that the peer has sent
    std::string first_words;
  };
  /// What has been read, and how much of it is worked at when.
  struct Input {
    InputBuffer rest;
    TurnBudget budget;
    bool unfed = false;  ///< the rest may hold whole packets
    std::unique_ptr<Timer> rests_from_small;
    std::optional<Pourers::Place> pours;  ///< from its first rest until one at whose end nothing waits
  };
  /// Messages, while keys are exchanged.
  struct Unsent {
    MessageQueue waiting;
    std::size_t queued = 0;  ///< what libssh has of them: the one that made it begin
    std::size_t bytes() const { return queued + waiting.size(); }
  };
  struct Ending {
    Bytes goodbye;  ///< DISCONNECT, while the session is away
    std::unique_ptr<Timer> deadline;
    Error why;
  };
  struct SinceSweep {
    bool active = false;
    bool large_packets = false;  ///< libssh's buffers have grown
  };

  SshTransport(LoopIo& io, SessionHandle session, Role role, LoginDriver* driver);
  friend struct SeamEvents;

  // SocketUser
  std::span<std::uint8_t> room_to_read() noexcept override;
  void on_bytes(std::uint8_t* data, std::size_t size) override;
  void on_end_of_input() override;
  void on_written() override { io_.at_end_of_turn(*this); }
  void on_socket_failed(Error why) override { die(std::move(why)); }
  void on_socket_exception(const Error& why) override;
  // From libssh
  void output(ByteView bytes);
  void output_grew();
  void message(ByteView payload);
  void tell_other_message(std::uint8_t type);
  // From LoopIo
  void end_of_turn() override;
  void on_exception(const Error& why) override { die(why); }
  bool sweep() override;
  // LaterExchanges::Host
  SessionHandle give_session(ExchangeTask& to) override;
  void on_session_back(SessionHandle session, ByteView output) override;
  void on_exchange_overdue() override;

  bool may_feed() const;
  std::size_t answers() const { return socket_.out().answers() + unsent_.waiting.answers(); }
  bool has_too_many_answers() const;
  void look_at_answers();
  void look_at_exchange();
  void look_at_held();
  bool has_had_its_turn();
  bool may_work();
  void rest_from_small();
  void send_waiting();
  bool say(ByteView goodbye);
  std::size_t feed(std::uint8_t* data, std::size_t size);
  void feed_rest();
  void check_session();
  void update_reading();
  void linger();
  void tell_end();
  void note_backlog();
  const char* peer_identification() const;

  LoopIo& io_;
  SessionHandle session_;
  const Role role_;
  Login login_;
  TransportEvents* user_ = nullptr;
  SocketPump socket_;
  State state_ = State::alive;
  bool feeding_ = false;  // libssh is on the stack
  bool held_ = false;
  bool paused_ = false;
  bool congested_ = false;
  bool much_held_ = false;  // since it drained last
  SinceSweep since_sweep_;
  Input input_;
  Unsent unsent_;
  std::shared_ptr<Account> account_;
  LaterExchanges exchanges_;  // while the session is away for one, session_ is null
  std::unique_ptr<Timer> answers_deadline_;
  std::unique_ptr<Carrier> carrier_;  // null: TCP
  Ending ending_;
};

}  // namespace sallyport::ssh
