// The port through which everybody tells the audit trail who did what. log/ writes it as JSON lines.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include <sallyport/ids.hpp>

namespace sallyport {

/// One member of an event. Strings are views: they must outlive the call of record(), no longer.
struct AuditField {
  /// A text that the trail is there for, and is kept at length: what a program was started with.
  struct Long {
    std::string_view text;
  };
  using Value = std::variant<std::string_view, Long, std::uint64_t, bool, ConnectionId, TrunkId, ChannelId, ForwardId>;
  std::string_view key;
  Value value;
};

/// What happened: a name ("connect", "auth", "channel", "exec", "close", …) and its members, in the order given. Built
/// in place, without allocating:
///     audit.record(AuditEvent("exec").with("connection", id).with("command", command));
/// Strings may be whatever a peer sent; the writer escapes and shortens them. Never put a secret in.
class AuditEvent {
 public:
  static constexpr std::size_t kMaxFields = 16;

  /// `name` must outlive the event.
  explicit AuditEvent(std::string_view name) : name_(name) {}

  AuditEvent& with(std::string_view key, std::string_view text) { return add(key, text); }
  AuditEvent& with(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
  AuditEvent& with_long(std::string_view key, std::string_view text) { return add(key, AuditField::Long{text}); }
  AuditEvent& with(std::string_view key, bool flag) { return add(key, flag); }
  AuditEvent& with(std::string_view key, ConnectionId id) { return add(key, id); }
  AuditEvent& with(std::string_view key, TrunkId id) { return add(key, id); }
  AuditEvent& with(std::string_view key, ChannelId id) { return add(key, id); }
  AuditEvent& with(std::string_view key, ForwardId id) { return add(key, id); }
  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) AuditEvent& with(std::string_view key, Number number) {
    return add(key, static_cast<std::uint64_t>(number));
  }

  std::string_view name() const { return name_; }
  std::span<const AuditField> fields() const { return {fields_.data(), count_}; }

 private:
  AuditEvent& add(std::string_view key, AuditField::Value value) {
    assert(count_ < kMaxFields);
    if (count_ < kMaxFields) fields_[count_++] = AuditField{key, value};
    return *this;
  }

  std::string_view name_;
  std::array<AuditField, kMaxFields> fields_{};
  std::size_t count_ = 0;
};

/// Where events go. record() never blocks; it may be called on any thread.
class AuditTrail {
 public:
  virtual ~AuditTrail() = default;
  /// False when nothing is written at all, so that a caller can spare itself the gathering.
  virtual bool enabled() const = 0;
  /// False while events are being lost or can't be written. Whoever accepts a connection or a channel asks this
  /// first and refuses it while false: nothing new begins unrecorded. What is already open goes on.
  virtual bool healthy() const = 0;
  /// Stamps the event with the time of day and takes it over. Nothing in `event` is needed after the call.
  virtual void record(const AuditEvent& event) = 0;
};

/// The trail of a daemon without `[audit]`.
class NoAuditTrail final : public AuditTrail {
 public:
  bool enabled() const override { return false; }
  bool healthy() const override { return true; }
  void record(const AuditEvent&) override {}
};

}  // namespace sallyport
