// The control protocol: any line gets exactly one response, which is one line of JSON that sallyportctl can show.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/bytes.hpp>

#include "control/request_handler.hpp"
#include "ctl/show.hpp"
#include "fakes/recording_journal.hpp"
#include "unit/control/fake_daemon.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  const std::string_view input = text_of({data, size});
  control::FakeDaemon daemon;
  // Rows with the input as a peer's string, so that responses are fuzzed as well.
  ConnectionRow connection;
  connection.user = std::string(input);
  daemon.connections_.push_back(connection);
  ChannelRow channel;
  channel.command = std::string(input);
  daemon.channels_.push_back(channel);
  control::StoppedClock clock;
  fakes::RecordingJournal journal;
  control::RequestHandler handler(daemon, daemon, clock, journal);

  const auto ask = [&](std::string_view line) {
    int responses = 0;
    handler.handle(line, {}, [&](const std::string& response) {
      ++responses;
      if (response.find('\n') != std::string::npos) std::abort();
      for (const char* verb : {"status", "connections", "channels", "explain"}) {
        for (const bool json : {false, true}) {
          const auto shown = ctl::show(verb, response, json);
          if (shown && shown->find('\x1b') != std::string::npos) std::abort();
        }
      }
    });
    if (daemon.reloading_) std::exchange(daemon.reloading_, nullptr)({});
    if (responses != 1) std::abort();
  };
  ask(input);
  ask(R"({"verb":"connections"})");
  ask(R"({"verb":"channels"})");
  static_cast<void>(ctl::show("connections", input, false));
  return 0;
}
