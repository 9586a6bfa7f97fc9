// Rows of the ports as JSON objects.
#pragma once

#include <chrono>

#include <nlohmann/json.hpp>

#include <sallyport/clock.hpp>
#include <sallyport/connections.hpp>

namespace sallyport::control {

/// Members stay in the order in which they were put in.
using Json = nlohmann::ordered_json;

/// Relates the loop's clock to the time of day at one moment.
struct Moment {
  TimePoint now;
  std::chrono::system_clock::time_point time_of_day;
};

/// How much of a client's command line is listed, in bytes.
constexpr std::size_t kListedCommandBytes = 1024;

Json to_json(const ConnectionRow& row, const Moment& moment);
Json to_json(const PenaltyRow& row, const Moment& moment);
Json to_json(const ChannelRow& row, const Moment& moment);
Json to_json(const TrunkRow& row, const Moment& moment);
Json to_json(const ForwardRow& row, const Moment& moment);
Json to_json(const TargetCheck& found, const Moment& moment);
Json to_json(const ScannedKey& key);
/// Without the counts of what is open now.
Json to_json(const DaemonStatus& status, const Moment& moment);

/// One line, ASCII only (the rest as \uNNNN), broken UTF-8 replaced: never throws, safe to show.
std::string to_line(const Json& value);

}  // namespace sallyport::control
