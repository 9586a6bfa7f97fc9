// A file that grows: the log, the audit trail.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::log {

/// Opened for appending, close-on-exec. Its functions may wait for the disk: they belong to a writer's thread, but for
/// open() at the start.
class AppendFile {
 public:
  AppendFile() = default;
  /// A new file gets `mode`. "-" is standard error, which is never closed.
  static Result<AppendFile> open(const std::string& path, mode_t mode);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;

  /// How much of `bytes` the system has taken, from the front, and the errno that stopped it (0: all were taken).
  struct Written {
    std::size_t bytes = 0;
    int error_number = 0;
  };
  Written write(std::string_view bytes);

  /// Opens the path again, for a file that was renamed. On failure the old file stays in use.
  Result<> reopen();

  const std::string& path() const { return path_; }

 private:
  AppendFile(std::string path, mode_t mode, int fd) : path_(std::move(path)), mode_(mode), fd_(fd) {}

  std::string path_;
  mode_t mode_ = 0600;
  int fd_ = -1;
};

/// errno's text, safe in threads.
[[nodiscard]] std::string system_text(int error_number);

}  // namespace sallyport::log
