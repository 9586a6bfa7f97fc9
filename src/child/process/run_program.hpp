// A program that is run for what it prints.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

namespace sallyport::child {

struct RunLimits {
  Duration timeout = std::chrono::seconds(10);
  std::size_t max_output = 1024 * 1024;         ///< bytes
  const std::atomic<bool>* given_up = nullptr;  ///< true, which another thread may set: nobody waits for it any more
};

/// Runs a program without input or terminal to its end and gives what it wrote to standard output. Whatever is left of
/// its process group is killed then, or soon after it is given up (Errc::closed). Errc::timeout and Errc::limit when it took too
/// long or wrote too much, Errc::unavailable when it ended with another status than 0 (the detail has the begin of its standard
/// error), and as spawn() when it could not be started. Blocks: for the thread pool.
Result<std::string> run_program(const ProcessSpec& spec, const RunLimits& limits);

}  // namespace sallyport::child
