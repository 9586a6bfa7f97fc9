#include "child/account/login_record.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <lastlog.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string_view>

#include "net/loop/fd.hpp"

namespace sallyport::child {
namespace {

/// These fields have no terminating zero when they are full.
template <std::size_t Size>
void set(char (&field)[Size], std::string_view text) {
  std::memcpy(field, text.data(), std::min(Size, text.size()));
}

std::string_view line_of(const LoginRecord& login) {
  const std::string_view terminal = login.terminal;
  return terminal.starts_with("/dev/") ? terminal.substr(5) : terminal;
}

utmpx entry_of(const LoginRecord& login, short type) {
  utmpx entry{};
  entry.ut_type = type;
  entry.ut_pid = login.pid;
  const std::string_view line = line_of(login);
  set(entry.ut_line, line);
  set(entry.ut_id, line.substr(line.size() - std::min(line.size(), sizeof entry.ut_id)));
  entry.ut_tv.tv_sec = static_cast<decltype(entry.ut_tv.tv_sec)>(std::time(nullptr));
  if (type != USER_PROCESS) return entry;
  set(entry.ut_user, login.user);
  set(entry.ut_host, login.source);
  if (inet_pton(AF_INET, login.source.c_str(), entry.ut_addr_v6) != 1)
    inet_pton(AF_INET6, login.source.c_str(), entry.ut_addr_v6);
  return entry;
}

void write_entry(const utmpx& entry, const LoginFiles& files) {
  // The C library has one stream of utmp for the whole process.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  utmpxname(files.utmp.c_str());
  setutxent();
  pututxline(&entry);
  endutxent();
  updwtmpx(files.wtmp.c_str(), &entry);
}

}  // namespace

void record_login(const LoginRecord& login, const LoginFiles& files) {
  write_entry(entry_of(login, USER_PROCESS), files);
  const net::Fd file{open(files.lastlog.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file) return;
  lastlog entry{};
  entry.ll_time = static_cast<decltype(entry.ll_time)>(std::time(nullptr));
  set(entry.ll_line, line_of(login));
  set(entry.ll_host, login.source);
  static_cast<void>(!pwrite(file.get(), &entry, sizeof entry, static_cast<off_t>(login.uid) * static_cast<off_t>(sizeof entry)));
}

void record_logout(const LoginRecord& login, const LoginFiles& files) { write_entry(entry_of(login, DEAD_PROCESS), files); }

}  // namespace sallyport::child
