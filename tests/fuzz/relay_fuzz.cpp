// Random schedules through the relay: two clients and the servers behind their trunks, all of them honest, do what the
// input says; a third client sends the input's bytes as they are. Each honest peer checks what reaches it against a
// plain model: known numbers, windows kept, bytes in order, CLOSE once, statuses not lost.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "fakes/fake_clock.hpp"
#include "fakes/fake_connector.hpp"
#include "fakes/fake_launcher.hpp"
#include "fakes/fake_streams.hpp"
#include "fakes/memory_transport.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/ssh_messages.hpp"
#include "mux/downstream/hub.hpp"
#include "wire/vocabulary.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::fakes;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "the model says: %s\n", what);
  std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data, size) {}
  bool empty() const { return data_.empty(); }
  std::uint8_t byte() {
    if (data_.empty()) return 0;
    const std::uint8_t value = data_[0];
    data_ = data_.subspan(1);
    return value;
  }
  Bytes bytes(std::size_t count) {
    const ByteView taken = data_.first(std::min(count, data_.size()));
    data_ = data_.subspan(taken.size());
    return {taken.begin(), taken.end()};
  }

 private:
  ByteView data_;
};

/// The k-th byte that is sent on the session called `tag`, in one direction.
char pattern(std::uint32_t tag, std::uint64_t k) { return static_cast<char>((k * 31 + tag * 7) & 0xff); }

/// One channel as one honest peer knows it.
struct Chan {
  std::uint32_t daemons = 0;  // the daemon's number
  std::uint32_t tag = 0;      // which session; the server learns it from the command
  bool confirmed = false, started = false, eof_in = false, eof_out = false, close_in = false, close_out = false;
  std::uint64_t window_in = 0, window_out = 0, received = 0, sent = 0;
  std::optional<std::uint32_t> status;
  bool over() const { return close_in && close_out; }
};

/// What is known of a session across both ends.
struct Truth {
  bool status_sent = false;
};

class Peer {
 public:
  Peer(MemoryPeer& its_wire, bool client, std::map<std::uint32_t, Truth>& truths)
      : wire(its_wire), client_(client), truths_(truths) {}

  /// Reads what has come, and reacts as the protocol demands.
  void read() {
    for (const Bytes& message : wire.take()) handle(message);
  }

  void open(std::uint32_t tag, std::uint32_t window) {
    if (chans.size() > 20) return;
    Chan& chan = chans[++last_];
    chan.tag = tag;
    chan.window_in = window;
    wire.deliver(open_message(last_, window));
  }
  Chan* pick(std::uint8_t choice) {
    if (chans.empty()) return nullptr;
    auto it = chans.begin();
    std::advance(it, choice % chans.size());
    return it->second.confirmed && !it->second.close_out ? &it->second : nullptr;
  }
  void send_data(Chan& chan, std::size_t size) {
    if (chan.eof_out || !chan.started) return;
    size = std::min<std::uint64_t>({size, chan.window_out, mux::Channel::kMaximumPacket});
    std::string text(size, ' ');
    for (char& c : text) c = pattern(chan.tag + (client_ ? 0 : 1000), chan.sent++);
    chan.window_out -= size;
    wire.deliver(data_message(chan.daemons, text));
  }
  void send_eof(Chan& chan) {
    if (std::exchange(chan.eof_out, true)) return;
    wire.deliver(eof_message(chan.daemons));
  }
  void send_close(std::uint32_t own, Chan& chan) {
    if (std::exchange(chan.close_out, true)) return;
    const std::uint32_t daemons = chan.daemons;
    if (chan.over()) chans.erase(own);
    wire.deliver(close_message(daemons));
  }
  void grant(Chan& chan, std::uint32_t bytes) {
    chan.window_in += bytes;
    wire.deliver(adjust_message(chan.daemons, bytes));
  }

  MemoryPeer& wire;
  std::map<std::uint32_t, Chan> chans;  // by the peer's own number

 private:
  Chan& known(std::uint32_t own) {
    const auto entry = chans.find(own);
    require(entry != chans.end(), "a message for a number that isn't in use");
    require(!entry->second.close_in, "a message behind CLOSE");
    return entry->second;
  }
  void data(std::uint32_t own, ByteView bytes, bool check) {
    Chan& chan = known(own);
    require(!chan.eof_in, "data behind EOF");
    require(bytes.size() <= chan.window_in, "data beyond the window");
    chan.window_in -= bytes.size();
    if (!check) return;
    for (const std::uint8_t byte : bytes)
      require(static_cast<char>(byte) == pattern(chan.tag + (client_ ? 1000 : 0), chan.received++), "bytes in order");
  }
  void handle(const Bytes& m) {
    using wire::MessageType;
    namespace w = sallyport::wire;
    switch (static_cast<MessageType>(m[0])) {
      case MessageType::channel_open: {
        const auto open = *w::parse_channel_open(m);
        for (const auto& [own, chan] : chans) require(chan.daemons != number(open.sender), "the daemon's number is still in use");
        Chan& chan = chans[++last_];
        chan.daemons = number(open.sender);
        chan.confirmed = true;
        chan.window_out = open.initial_window;
        chan.window_in = 3000;
        this->wire.deliver(confirm_message(chan.daemons, last_, 3000));
        return;
      }
      case MessageType::channel_open_confirmation: {
        const auto c = *w::parse_channel_open_confirmation(m);
        Chan& chan = known(number(c.recipient));
        require(!std::exchange(chan.confirmed, true), "a second confirmation");
        for (const auto& [own, other] : chans)
          require(&other == &chan || !other.confirmed || other.daemons != number(c.sender), "a number twice");
        chan.daemons = number(c.sender);
        chan.window_out = c.initial_window;
        chan.started = true;  // the program's request is on its way at once
        this->wire.deliver(exec_message(chan.daemons, std::to_string(chan.tag)));
        return;
      }
      case MessageType::channel_open_failure: chans.erase(number(w::parse_channel_open_failure(m)->recipient)); return;
      case MessageType::channel_window_adjust: {
        const auto adjust = *w::parse_channel_window_adjust(m);
        known(number(adjust.recipient)).window_out += adjust.bytes;
        return;
      }
      case MessageType::channel_data: {
        const auto d = *w::parse_channel_data(m);
        return data(number(d.recipient), d.data, true);
      }
      case MessageType::channel_extended_data: {  // only the daemon's own words come this way
        const auto d = *w::parse_channel_extended_data(m);
        return data(number(d.recipient), d.data, false);
      }
      case MessageType::channel_eof: {
        Chan& chan = known(number(*w::parse_channel_only(m)));
        require(!std::exchange(chan.eof_in, true), "a second EOF");
        return;
      }
      case MessageType::channel_close: {
        const std::uint32_t own = number(*w::parse_channel_only(m));
        Chan& chan = known(own);
        chan.close_in = true;
        if (client_ && !chan.close_out && truths_[chan.tag].status_sent) require(chan.status.has_value(), "a status was lost");
        if (chan.close_out) {
          chans.erase(own);
        } else {
          send_close(own, chan);
        }
        return;
      }
      case MessageType::channel_request: {
        const auto request = *w::parse_channel_request(m);
        Chan& chan = known(number(request.recipient));
        const auto speaker = client_ ? w::Speaker::target : w::Speaker::client;
        require(w::Reading(w::Form::channel_request, speaker, request.type, request.rest).sound(), "a malformed request");
        const auto read = w::parse_session_request(request.type, request.rest);
        if (const auto* exec = read ? std::get_if<w::Exec>(&*read) : nullptr) {
          require(!chan.started, "a second program");
          chan.tag = static_cast<std::uint32_t>(std::stoul(exec->command));
          chan.started = true;
        }
        if (const auto* exit = read ? std::get_if<w::ExitStatus>(&*read) : nullptr) chan.status = exit->status;
        if (request.want_reply && !chan.close_out) this->wire.deliver(success_message(chan.daemons));
        return;
      }
      case MessageType::channel_success:
      case MessageType::channel_failure: known(number(*w::parse_channel_only(m))); return;
      case MessageType::global_request:
        if (w::parse_global_request(m)->want_reply) this->wire.deliver(type_only(MessageType::request_failure));
        return;
      default: return;
    }
  }

  bool client_;
  std::map<std::uint32_t, Truth>& truths_;
  std::uint32_t last_ = 0;
};

std::shared_ptr<const Config> make_config() {
  Config config;
  Target target;
  target.name = "web1";
  target.host = "web1.example";
  target.credentials = {Credential{Credential::Kind::key_file, "key"}};
  target.known_hosts = "known_hosts";
  config.targets["web1"] = target;
  Route route;
  route.name = "all";
  route.to = "web1";
  config.routes.push_back(route);
  config.defaults.channels_per_trunk = 4;
  return std::make_shared<const Config>(config);
}

struct Scene {
  Scene()
      : hub(clock, journal, connector, launcher, streams,
            {.channels_per_connection = 8, .channel_window = 200000, .trunks_per_user = 4, .waiting_channels = 8}) {
    for (std::uint64_t i = 1; i <= 3; ++i) {
      mux::Admission client;
      client.id = ConnectionId{i};
      client.user = "alice";
      client.method = "publickey";
      client.decision = *route::Router(config).route({"alice", "web1", "192.0.2.1"});
      hub.admit(std::move(client), wires.emplace_back().transport(), {Duration::zero(), 3});
    }
    clients.emplace_back(wires[0], true, truths);
    clients.emplace_back(wires[1], true, truths);
  }
  /// Everybody reads until nothing more comes.
  void settle() {
    for (int i = 0; i < 50; ++i) {
      clock.turn();
      for (auto& client : clients) client.read();
      for (auto& server : servers) server.read();
    }
  }

  std::shared_ptr<const Config> config = make_config();
  FakeClock clock;
  RecordingJournal journal;
  FakeConnector connector;
  FakeLauncher launcher;
  FakeStreams streams;
  std::deque<MemoryPeer> wires;
  mux::Hub hub;
  std::map<std::uint32_t, Truth> truths;
  std::deque<Peer> clients;
  std::deque<Peer> servers;
  std::uint32_t last_tag = 0;
};

std::uint32_t own_number(Peer& peer, Chan* chan) {
  for (auto& [own, candidate] : peer.chans)
    if (&candidate == chan) return own;
  return 0;
}

void step(Scene& scene, Input& input) {
  const std::uint8_t what = input.byte();
  Peer& client = scene.clients[what & 1];
  const bool at_server = (what & 2) != 0 && !scene.servers.empty();
  Peer& peer = at_server ? scene.servers[input.byte() % scene.servers.size()] : client;
  switch ((what >> 2) % 14) {
    case 0: client.open(++scene.last_tag, 200u * input.byte()); break;
    case 1:
      for (std::size_t i = 0; i < scene.connector.dials.size(); ++i)
        if (scene.connector.dials[i].events != nullptr) {
          MemoryPeer& wire = scene.connector.succeed(i);
          scene.servers.emplace_back(wire, false, scene.truths);
          break;
        }
      break;
    case 2:
    case 3:
      if (Chan* chan = peer.pick(input.byte())) peer.send_data(*chan, 40u * input.byte());
      break;
    case 4:
      if (Chan* chan = peer.pick(input.byte())) peer.send_eof(*chan);
      break;
    case 5:
      if (Chan* chan = peer.pick(input.byte())) peer.send_close(own_number(peer, chan), *chan);
      break;
    case 6:
      if (Chan* chan = peer.pick(input.byte())) peer.grant(*chan, 100u * input.byte());
      break;
    case 7:  // the program ends in good order
      if (scene.servers.empty()) break;
      {
        Peer& server = scene.servers[input.byte() % scene.servers.size()];
        Chan* chan = server.pick(input.byte());
        if (chan == nullptr || !chan->started) break;
        scene.truths[chan->tag].status_sent = true;
        server.wire.deliver(exit_status_message(chan->daemons, chan->tag));
        server.send_close(own_number(server, chan), *chan);
      }
      break;
    case 8: peer.wire.hold_shut(); break;
    case 9: peer.wire.let_out(256u * input.byte()); break;
    case 10: peer.wire.open(); break;
    case 11: peer.read(); break;
    case 12: scene.wires[2].deliver(input.bytes(1u + input.byte() % 64)); break;
    case 13:
      if (Chan* chan = client.pick(input.byte())) client.wire.deliver(window_change_message(chan->daemons, 80, input.byte()));
      break;
    default: break;
  }
  scene.clock.turn();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Scene scene;
  Input input(data, size);
  while (!input.empty()) step(scene, input);
  for (auto& client : scene.clients) client.wire.open();
  for (auto& server : scene.servers) server.wire.open();
  scene.settle();
  for (auto& client : scene.clients) require(!client.wire.disconnected(), "an honest client was disconnected");
  for (auto& server : scene.servers) require(!server.wire.disconnected(), "an honest target was disconnected");
  return 0;
}
