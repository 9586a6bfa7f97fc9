// Two parsers, one meaning: a client that says anything, through the relay and its policy, to a model of sshd that is
// written apart from them. Whatever gets there must not end the connection, which is everybody's, and the policy must
// permit it as the model understood it. In the other direction a target says anything, and nothing that its clients get
// may end theirs.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes/fake_clock.hpp"
#include "fakes/fake_connector.hpp"
#include "fakes/fake_launcher.hpp"
#include "fakes/fake_streams.hpp"
#include "fakes/memory_transport.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/ssh_messages.hpp"
#include "mux/downstream/hub.hpp"
#include "sshd_model.hpp"
#include "unit/route/policy_table.hpp"
#include "wire/vocabulary.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::fakes;
using route::Act;
using route::ActKind;
using route::Restricted;
using route::Restriction;

void require(bool holds, const std::string& what, const std::string& about = {}) {
  if (holds) return;
  std::fprintf(stderr, "the model says: %s %s\n", what.c_str(), about.c_str());
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
  template <typename List>
  const auto& pick(const List& list) {
    return list[byte() % std::size(list)];
  }

 private:
  ByteView data_;
};

constexpr std::string_view kTexts[] = {"uptime",
                                       "sftp",
                                       "xterm",
                                       "LANG",
                                       "SSH_ORIGINAL_COMMAND",
                                       "TERM",
                                       "web1",
                                       "elsewhere",
                                       "localhost",
                                       "/run/app.sock",
                                       "127.0.0.1",
                                       "",
                                       "of the route",
                                       "of the key",
                                       "MIT-MAGIC-COOKIE-1",
                                       "00ff",
                                       "internal-sftp",
                                       "SSH_ORIGINAL_COMMAND=x"};
constexpr std::uint32_t kNumbers[] = {0, 1, 22, 80, 8080, 65535, 65536, 0x7fffffff, 0xffffffff};
constexpr std::string_view kStrangers[] = {"agent-req", "tun@openssh.com", "agent-connect", "hello@example.com", ""};

/// How a text, a name or a whole row of fields is spelt otherwise than it should be.
std::string misspell(std::string text, std::uint8_t how) {
  switch (how % 12) {
    case 0: return text + '\0';
    case 1: return '\0' + text;
    case 2: return text.empty() ? text : text.insert(text.size() / 2, 1, '\0');
    case 3:
      if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
      return text;
    case 4: return text.substr(0, text.size() / 2);
    default: return text;
  }
}

struct Message {
  std::string name;
  Bytes fields;
};

/// A message of that form: a word of the table with its fields, one of them or the name perhaps misspelt, or something
/// else.
Message message_of(Input& input, wire::Form form) {
  std::vector<const wire::Word*> words;
  for (const wire::Word& word : wire::kVocabulary)
    if (word.form == form) words.push_back(&word);
  const wire::Word& word = *input.pick(words);
  const std::uint8_t how = input.byte();
  if (how >= 250) return {std::string(input.pick(kStrangers)), input.bytes(input.byte() % 32)};
  Message message{how % 5 == 0 ? misspell(std::string(word.name), input.byte()) : std::string(word.name), {}};
  wire::Writer writer;
  for (const wire::Field field : word.fields) {
    switch (field) {
      case wire::Field::none:
      case wire::Field::rest: break;
      case wire::Field::text:
      case wire::Field::variable: {
        const std::string_view text = input.pick(kTexts);
        writer.string(std::string_view(misspell(std::string(text), input.byte())));
        break;
      }
      case wire::Field::boolean: writer.byte(input.byte()); break;
      case wire::Field::uint32: writer.uint32(input.pick(kNumbers)); break;
      case wire::Field::modes: writer.string(input.bytes(input.byte() % 16)); break;
    }
  }
  message.fields = writer.take();
  if (how % 7 == 1) message.fields.push_back(input.byte());
  if (how % 7 == 2) message.fields.resize(message.fields.size() - std::min<std::size_t>(message.fields.size(), input.byte() % 8));
  return message;
}

const Restricted& restricted(Restriction restriction) {
  static std::map<Restriction, std::unique_ptr<Restricted>> known;
  auto& entry = known[restriction];
  if (entry == nullptr) entry = std::make_unique<Restricted>(restriction);
  return *entry;
}

std::chrono::system_clock::time_point wall_time_of(const config::WeekTime& at) {
  std::tm parts{};
  parts.tm_year = 126;
  parts.tm_mday = 5 + static_cast<int>(at.day);  // 5 January 2026 was a Monday
  parts.tm_min = static_cast<int>(at.minute);
  parts.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&parts));
}

/// One trunk's target.
struct Server {
  explicit Server(MemoryPeer& its_wire) : wire(its_wire) {}
  MemoryPeer& wire;
  fuzz::SshdModel model;
  std::size_t checked = 0;
  std::map<std::uint32_t, fuzz::Deed> programs;  // by the channel
};

/// An offender and a bystander of the same user, under one restriction.
struct Scene {
  explicit Scene(Restriction its_restriction)
      : restriction(its_restriction),
        client(restricted(restriction)),
        hub(clock, journal, connector, launcher, streams,
            {.channels_per_connection = 8, .channel_window = 200000, .trunks_per_user = 4, .waiting_channels = 8}) {
    clock.set_wall_time(wall_time_of(client.now));
    for (std::uint64_t i = 1; i <= 2; ++i) {
      mux::Admission admitted;
      admitted.id = ConnectionId{i};
      admitted.user = "alice";
      admitted.method = "publickey";
      admitted.decision = client.decision;
      admitted.refusal = client.refusal;
      admitted.grant = client.grant;
      if (client.inner) admitted.outer = ConnectionId{99};
      hub.admit(std::move(admitted), wires.emplace_back().transport(), {Duration::zero(), 3});
    }
    wires[1].deliver(open_message(1, 100000));
    wires[1].deliver(exec_message(0, "bystander"));
    connect();
    settle();
  }

  void connect() {
    for (std::size_t i = 0; i < connector.dials.size(); ++i)
      if (connector.dials[i].events != nullptr) servers.emplace_back(connector.succeed(i));
  }

  /// Everybody reads until nothing more comes.
  void settle() {
    bool more = true;
    for (int i = 0; i < 30 && more; ++i) {
      more = false;
      clock.turn();
      connect();
      for (MemoryPeer& wire : wires) {
        for (const Bytes& message : wire.take()) {
          more = true;
          const auto ended = fuzz::ssh_ends_over(message);
          require(!ended, "a client would end its connection:", ended.value_or(""));
          answer_open(wire, message);
        }
      }
      for (Server& server : servers) {
        for (const Bytes& message : server.wire.take()) {
          more = true;
          for (Bytes& answer : server.model.receive(message)) server.wire.deliver(std::move(answer));
          if (&server == hostile) continue;
          require(!server.model.ended(), "the trunk is lost:", server.model.ended().value_or(""));
        }
        if (&server != hostile) check(server);
      }
    }
  }

  /// A client refuses what a target opens, with what the input says.
  void answer_open(MemoryPeer& wire, const Bytes& message) {
    const auto open = message[0] == 90 ? wire::parse_channel_open(message) : std::nullopt;
    if (!open) return;
    Bytes refusal = start_message(wire::MessageType::channel_open_failure)
                        .uint32(number(open->sender))
                        .uint32(2)
                        .string(std::string_view(refusal_text))
                        .string("")
                        .take();
    wire.deliver(std::move(refusal));
  }

  /// Holds what the model has done against the policy, asked about what the model understood.
  void check(Server& server) {
    const auto& deeds = server.model.deeds();
    for (; server.checked < deeds.size(); ++server.checked) {
      const fuzz::Deed& deed = deeds[server.checked];
      const std::string about = deed.what + " " + deed.argument;
      std::optional<Act> act;
      for (const ActKind kind : {ActKind::session_request, ActKind::client_channel, ActKind::global_request})
        if (const auto found = route::act_of(kind, deed.what); found && !route::info_of(*found).wire.empty()) act = found;
      require(act.has_value(), "nobody here knows", about);
      require(deed.argument.find('\0') == std::string::npos, "a zero byte in", about);
      if (*act == Act::no_more_sessions || *act == Act::prove_host_keys) require(false, "passed on:", about);
      const std::optional<route::Destination> destination = destination_of(*act, deed.argument);
      const fuzz::Deed* running = server.programs.contains(deed.channel) ? &server.programs[deed.channel] : nullptr;
      route::Program program;
      if (running != nullptr) program = program_of(*running);
      if (*act == Act::env) {
        require(deed.argument.find('=') == std::string::npos, "a variable of another name:", about);
        if (deed.argument == "SSH_ORIGINAL_COMMAND") {
          require(verdict({.act = Act::exec, .argument = "x"}).permit()->program().forced, "made up:", about);
          continue;
        }
      }
      const route::Verdict said = verdict({.act = *act,
                                           .argument = deed.argument,
                                           .destination = destination ? &*destination : nullptr,
                                           .running = running != nullptr ? &program : nullptr});
      require(said.permit() != nullptr, "not permitted:", about);
      if (*act != Act::shell && *act != Act::exec && *act != Act::subsystem) continue;
      require(running == nullptr, "a second program:", about);
      server.programs[deed.channel] = deed;
      require(said.permit()->program().act == *act && said.permit()->program().argument == deed.argument,
              "not what was permitted:", about);
      require(journal.has(" " + deed.what + " " + deed.argument + " at web1"), "unrecorded:", about);
    }
  }

  route::Verdict verdict(const route::Ask& ask) const {
    return route::decide({.decision = client.decision ? &*client.decision : nullptr,
                          .refusal = client.refusal,
                          .grant = client.grant,
                          .inner = client.inner,
                          .now = client.now},
                         ask);
  }

  route::Program program_of(const fuzz::Deed& deed) const {
    const Act act = *route::act_of(ActKind::session_request, deed.what);
    const bool forced = verdict({.act = act, .argument = deed.argument}).permit()->program().forced;
    return {act, deed.argument, std::nullopt, forced};
  }

  static std::optional<route::Destination> destination_of(Act act, const std::string& text) {
    switch (act) {
      case Act::direct_streamlocal:
      case Act::streamlocal_forward:
      case Act::cancel_streamlocal_forward: return route::Destination::of_socket(text);
      case Act::direct_tcpip:
      case Act::tcpip_forward:
      case Act::cancel_tcpip_forward: {
        const std::size_t colon = text.rfind(':');
        return route::Destination::of_port(text.substr(0, colon), static_cast<std::uint32_t>(std::stoul(text.substr(colon + 1))));
      }
      default: return std::nullopt;
    }
  }

  Restriction restriction;
  const Restricted& client;
  FakeClock clock;
  RecordingJournal journal;
  FakeConnector connector;
  FakeLauncher launcher;
  FakeStreams streams;
  std::deque<MemoryPeer> wires;
  mux::Hub hub;
  std::deque<Server> servers;
  std::string refusal_text = "no";
  const Server* hostile = nullptr;  ///< one that says what the input does: nothing is known of its channels any more
};

Bytes raw_message(Input& input) {
  constexpr std::uint8_t kKinds[] = {80, 90, 98, 92, 93, 96, 97, 99, 100};
  Bytes message{input.pick(kKinds)};
  const Bytes rest = input.bytes(input.byte() % 64);
  message.insert(message.end(), rest.begin(), rest.end());
  return message;
}

/// What the offender does, or for the target's part the target of one of the trunks.
void step(Scene& scene, Input& input, MemoryPeer& wire, std::uint32_t channel, std::uint32_t sender) {
  switch (input.byte() % 8) {
    case 0: wire.deliver(open_message(sender, 100000)); break;
    case 1:
    case 2:
    case 3: {
      const Message request = message_of(input, wire::Form::channel_request);
      wire.deliver(request_message(channel, request.name, input.byte() % 2 == 0, request.fields));
      break;
    }
    case 4: {
      const Message open = message_of(input, wire::Form::channel_open);
      wire.deliver(wire::build_channel_open(open.name, LocalChannel{sender}, 100000, 32768, open.fields));
      break;
    }
    case 5: {
      const Message global = message_of(input, wire::Form::global_request);
      wire.deliver(wire::build_global_request(global.name, input.byte() % 2 == 0, global.fields));
      break;
    }
    case 6: wire.deliver(raw_message(input)); break;
    default: {
      const Bytes text = input.bytes(input.byte() % 8);
      scene.refusal_text.assign(text.begin(), text.end());
      break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2048) return 0;
  Input input(data, size);
  const std::uint8_t first = input.byte();
  Scene scene(static_cast<Restriction>(first % route::kRestrictionCount));
  const bool by_target = input.byte() % 4 == 0 && !scene.servers.empty();
  if (by_target) scene.hostile = &scene.servers[0];
  for (std::uint32_t sender = 10; !input.empty(); ++sender) {
    MemoryPeer& wire = by_target ? scene.servers[0].wire : scene.wires[0];
    step(scene, input, wire, input.byte() % 4, sender);
    if (input.byte() % 4 != 0) scene.settle();
  }
  scene.settle();
  require(!scene.wires[1].disconnected(), "the bystander was disconnected");
  for (std::size_t i = by_target ? 1 : 0; i < scene.servers.size(); ++i)
    require(!scene.servers[i].wire.disconnected(), "a trunk was given up");
  return 0;
}
