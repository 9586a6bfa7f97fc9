// Where a channel ends: a target with every placeholder filled in for one user, and the options that hold there.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/config.hpp>

namespace sallyport {

struct ResolvedTarget;

/// A target that several hold, or none. It is compared as the target itself would be, and no target comes first.
class SharedTarget {
 public:
  SharedTarget() = default;
  explicit SharedTarget(ResolvedTarget target);
  explicit operator bool() const { return target_ != nullptr; }
  const ResolvedTarget& operator*() const { return *target_; }
  const ResolvedTarget* operator->() const { return target_.get(); }
  std::strong_ordering operator<=>(const SharedTarget& other) const;
  bool operator==(const SharedTarget& other) const;

 private:
  std::shared_ptr<const ResolvedTarget> target_;
};

/// Where a channel ends. A plain value: it stays valid when the configuration is reloaded.
struct ResolvedTarget {
  std::string name;  ///< the configured target's
  TargetKind kind = TargetKind::ssh;

  std::string host;  ///< kind ssh: a name or a literal address, without brackets
  std::uint16_t port = 22;
  std::string user;                     ///< login name upstream
  std::vector<Credential> credentials;  ///< in order of preference, with real paths
  std::string passphrase_file;
  std::vector<std::string> signer;  ///< with its placeholders: what fills them is known when it runs
  Duration certificate_validity{};
  std::vector<std::string> certificate_principals;
  std::string known_hosts;
  std::vector<std::string> proxy_command;  ///< empty: none
  /// The target that it is reached through, with the options of its own, not those of the route; none: directly.
  SharedTarget via;
  Algorithms algorithms;
  bool legacy_algorithms = false;

  LocalSettings local;  ///< kind local

  Options options;  ///< route over target over defaults

  auto operator<=>(const ResolvedTarget&) const = default;
};

inline SharedTarget::SharedTarget(ResolvedTarget target) : target_(std::make_shared<const ResolvedTarget>(std::move(target))) {}

inline std::strong_ordering SharedTarget::operator<=>(const SharedTarget& other) const {
  if (target_ == other.target_) return std::strong_ordering::equal;
  if (target_ == nullptr || other.target_ == nullptr) return (target_ != nullptr) <=> (other.target_ != nullptr);
  return *target_ <=> *other.target_;
}

inline bool SharedTarget::operator==(const SharedTarget& other) const {
  return target_ == other.target_ || (target_ != nullptr && other.target_ != nullptr && *target_ == *other.target_);
}

}  // namespace sallyport
