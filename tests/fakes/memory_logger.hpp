// A logger that keeps its lines.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "log/logger.hpp"

namespace sallyport::fakes {

/// Keeps each line as "level text". Any thread may log and look.
class MemoryLogger final : public log::Logger {
 public:
  explicit MemoryLogger(log::Level level = log::Level::trace) : Logger(level) {}

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  /// Whether some line holds `part`.
  bool has(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    for (const std::string& line : lines_) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

 protected:
  void write(log::Level level, std::string_view line) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(log::level_name(level)) + " " + std::string(line));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace sallyport::fakes
