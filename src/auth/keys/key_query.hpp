// What the look-up of a key is asked, and what it has to say beside the answer.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/login_grant.hpp>

namespace sallyport::auth {

using WallTime = std::chrono::system_clock::time_point;

/// The account of the machine that has a user's name.
struct UserAccount {
  std::string home;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Who logs in with what.
struct KeyQuery {
  std::string user;    ///< as route::parse_login_name() gave it
  Bytes blob;          ///< the key or the certificate as it stands on the wire
  std::string source;  ///< the client's literal address, without a port
  WallTime now;
  std::optional<UserAccount> account;  ///< absent: there is none of that name
};

/// Those of one login, which must not fill the log.
class KeyWarnings {
 public:
  static constexpr std::size_t kMost = 16;

  void add(std::string_view file, std::size_t line, std::string reason) {
    if (list_.size() < kMost) list_.push_back({std::string(file), line, std::move(reason)});
  }
  const std::vector<KeyWarning>& list() const { return list_; }
  std::vector<KeyWarning> take() { return std::move(list_); }

 private:
  std::vector<KeyWarning> list_;
};

}  // namespace sallyport::auth
