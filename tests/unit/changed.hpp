// Other values than those that are there, for tests that change one thing at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <sallyport/config.hpp>
#include <sallyport/target.hpp>

namespace sallyport {

/// Makes another value of `value`, of the same type.
inline void change(bool& value) { value = !value; }
inline void change(std::string& value) { value += "x"; }
inline void change(Duration& value) { value += std::chrono::seconds(1); }
inline void change(std::vector<std::string>& value) { value.emplace_back("other:1"); }
inline void change(std::map<std::string, std::string>& value) { value["other"] += "x"; }
inline void change(std::map<std::string, std::vector<std::string>>& value) { value["other"].emplace_back("x"); }
inline void change(std::map<std::string, Duration>& value) { value["*"] += std::chrono::seconds(1); }
inline void change(std::vector<Credential>& value) { value.push_back({Credential::Kind::agent, "socket"}); }
inline void change(BytesPerSecond& value) { value = BytesPerSecond{static_cast<std::uint64_t>(value) + (1U << 20U)}; }
template <typename T>
requires std::is_unsigned_v<T>
void change(T& value) { ++value; }
template <typename T>
requires std::is_enum_v<T>
void change(T& value) { value = static_cast<T>(value == T{} ? 1 : 0); }
template <typename T>
void change(std::optional<T>& value) {
  if (!value) value.emplace();
  change(*value);
}
inline void change(SharedTarget& via) {
  ResolvedTarget target = via ? *via : ResolvedTarget{};
  target.name += "x";
  via = SharedTarget(target);
}

}  // namespace sallyport
