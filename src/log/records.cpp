#include "log/records.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "log/file_audit_trail.hpp"

namespace sallyport::log {
namespace {

/// Time, level and the like in front of a line, in the longer of the formats.
constexpr std::size_t kAroundALine = 96;
/// What the details of one program, forwarded connection or login take up.
constexpr double kDetailsOfAnAct = 2048;

/// As long as the line gets in JSON, where some characters take two bytes.
std::size_t size_of(std::string_view line) {
  const auto doubled = std::count_if(line.begin(), line.end(), [](char c) { return c == '"' || c == '\\'; });
  return line.size() + static_cast<std::size_t>(doubled) + kAroundALine;
}

}  // namespace

/// In bytes. One client may use up those of its source, its refusals and its details: together less than 256 KiB in a minute.
struct Records::Rate {
  double at_once;
  double a_second;
  std::string_view word;  ///< for the sum
};

const Records::Rate& Records::rate_of(Kind kind) {
  static constexpr double kKiB = 1024;
  static constexpr Rate kRates[] = {
      {1024 * kKiB, 32 * kKiB, "source"},       // outside: all sources together
      {32 * kKiB, 0.5 * kKiB, "source"},        // source
      {40 * kKiB, 0.75 * kKiB, "user"},         // refusals
      {20 * kKiB, 0.375 * kKiB, "connection"},  // connection
      {32 * kKiB, 0.5 * kKiB, "user"},          // details
      {16 * kKiB, 0.25 * kKiB, "trunk"},        // trunk
  };
  static_assert(std::size(kRates) == static_cast<std::size_t>(Kind::trunk) + 1);
  return kRates[static_cast<std::size_t>(kind)];
}

Records::~Records() { sum_up(); }

Records::Note Records::of_source(std::string_view source) {
  make_room();
  return admit({&bucket(Kind::outside, {}), &bucket(Kind::source, source)});
}

Records::Note Records::refusal(std::string_view user, ConnectionId connection) {
  make_room();
  return admit({&bucket(Kind::refusals, user), &bucket(Kind::connection, to_string(connection))});
}

Records::Note Records::refusal(std::string_view user) {
  make_room();
  return admit({&bucket(Kind::refusals, user), nullptr});
}

Records::Note Records::detail(std::string_view user) {
  make_room();
  return admit({&bucket(Kind::details, user), nullptr});
}

Records::Note Records::of_trunk(TrunkId trunk, std::string_view user) {
  make_room();
  return admit({&bucket(Kind::details, user), &bucket(Kind::trunk, to_string(trunk))});
}

Records::Note Records::always() { return {*this, {}}; }

void Records::note_act(std::string_view user) { give_back(Kind::details, user); }

void Records::note_login(std::string_view source) {
  give_back(Kind::outside, {});
  give_back(Kind::source, source);
}

void Records::give_back(Kind kind, std::string_view name) {
  const auto found = buckets_.find({kind, std::string(name)});
  if (found != buckets_.end()) found->second.bytes = std::min(found->second.bytes + kDetailsOfAnAct, rate_of(kind).at_once);
}

Records::Bucket& Records::bucket(Kind kind, std::string_view name) {
  auto found = buckets_.find({kind, std::string(name)});
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxRates) name = {};  // the one that all such have together
    found = buckets_.try_emplace({kind, std::string(name)}, Bucket{rate_of(kind).at_once, clock_.now(), 0}).first;
  }
  refill(kind, found->second);
  return found->second;
}

void Records::refill(Kind kind, Bucket& bucket) const {
  const Rate& rate = rate_of(kind);
  const std::chrono::duration<double> gone = clock_.now() - bucket.filled;
  bucket.bytes = std::min(bucket.bytes + gone.count() * rate.a_second, rate.at_once);
  bucket.filled = clock_.now();
}

void Records::make_room() {
  const TimePoint now = clock_.now();
  if (notes_ > 0 || buckets_.size() + 2 <= kMaxRates || now - made_room_ < std::chrono::seconds(1)) return;
  made_room_ = now;
  for (auto& [key, bucket] : buckets_) refill(key.first, bucket);
  std::erase_if(buckets_, [](const auto& entry) {  // a full one says as much as none
    return entry.second.left_out == 0 && entry.second.bytes >= rate_of(entry.first.first).at_once;
  });
}

/// The wider bucket comes first, so that what is left out counts there when it is empty: a client may have many connections,
/// and shall not get a sum for each.
Records::Note Records::admit(std::array<Bucket*, 2> buckets) {
  for (Bucket* bucket : buckets) {
    if (bucket == nullptr || bucket->bytes > 0) continue;
    ++bucket->left_out;
    if (sum_up_ == nullptr) sum_up_ = clock_.after(kSumUpAfter, [this] { sum_up(); });
    return {};
  }
  return {*this, buckets};
}

void Records::sum_up() {
  sum_up_.reset();
  for (auto& [key, bucket] : buckets_) {
    const std::uint64_t count = std::exchange(bucket.left_out, 0);
    if (count == 0) continue;
    const auto& [kind, name] = key;
    const std::string_view whose = name.empty() ? std::string_view("others") : name;
    const std::string_view what = kind == Kind::details ? "details" : "records";
    log_.warn("{} more {} suppressed {}=\"{}\"", count, what, rate_of(kind).word, whose);
    audit_.record(AuditEvent("suppressed").with(rate_of(kind).word, whose).with("what", what).with("count", count));
  }
}

Records::Note& Records::Note::line(Level level, fmt::string_view format, fmt::format_args args) {
  if (records_ == nullptr || !records_->log_.enabled(level)) return *this;
  fmt::memory_buffer line;
  fmt::vformat_to(std::back_inserter(line), format, args);
  const std::string_view text(line.data(), line.size());
  charge(size_of(text));
  records_->log_.put(level, text);
  return *this;
}

Records::Note& Records::Note::record(const AuditEvent& event) {
  if (records_ == nullptr || !records_->audit_.enabled()) return *this;
  charge(audit_line_bound(event));
  records_->audit_.record(event);
  return *this;
}

void Records::Note::charge(std::size_t bytes) {
  for (Bucket* bucket : buckets_)
    if (bucket != nullptr) bucket->bytes -= static_cast<double>(bytes);
}

}  // namespace sallyport::log
