// Who is logged in, for who(1), last(1) and lastlog(8).
#pragma once

#include <sys/types.h>

#include <string>

namespace sallyport::child {

/// One login with a terminal.
struct LoginRecord {
  std::string terminal;  ///< "/dev/pts/3"
  std::string user;
  uid_t uid = 0;
  std::string source;  ///< the client's address
  pid_t pid = 0;       ///< of the session's leader
};

/// Where they stand. A file that isn't there is not made: who doesn't want it has removed it.
struct LoginFiles {
  std::string utmp = "/run/utmp";
  std::string wtmp = "/var/log/wtmp";
  std::string lastlog = "/var/log/lastlog";
};

/// Both write what they can, as sshd does: a login is not refused for want of it. They may block, and are for the thread pool.
void record_login(const LoginRecord& login, const LoginFiles& files);
void record_logout(const LoginRecord& login, const LoginFiles& files);

}  // namespace sallyport::child
