// An audit trail that keeps its events, a line each.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <sallyport/audit.hpp>

namespace sallyport::fakes {

class RecordingTrail final : public AuditTrail {
 public:
  std::vector<std::string> lines;
  bool is_healthy = true;

  bool enabled() const override { return true; }
  bool healthy() const override { return is_healthy; }
  void record(const AuditEvent& event) override {
    std::string line(event.name());
    for (const AuditField& field : event.fields()) line += " " + std::string(field.key) + "=" + std::visit(Shown{}, field.value);
    lines.push_back(std::move(line));
  }

 private:
  struct Shown {
    std::string operator()(std::string_view text) const { return std::string(text); }
    std::string operator()(const AuditField::Long& text) const { return std::string(text.text); }
    std::string operator()(std::uint64_t value) const { return std::to_string(value); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    template <typename Id>
    requires std::is_enum_v<Id> std::string operator()(Id id) const { return std::to_string(number(id)); }
  };
};

}  // namespace sallyport::fakes
