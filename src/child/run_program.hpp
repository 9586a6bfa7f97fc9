// A program that is run for what it prints.
#pragma once

#include <cstddef>
#include <string>

#include <sallyport/clock.hpp>
#include <sallyport/process.hpp>
#include <sallyport/result.hpp>

namespace sallyport::child {

struct RunLimits {
  Duration timeout = std::chrono::seconds(10);
  std::size_t max_output = 1024 * 1024;  ///< bytes
};

/// Runs a program without input or terminal to its end and gives what it wrote to standard output. Whatever is left of
/// its process group is killed then. Errc::timeout and Errc::limit when it took too long or wrote too much, Errc::unavailable
/// when it ended with another status than 0 (the detail has the begin of its standard error), and as spawn() when it could not be started.
/// Blocks: for the thread pool.
Result<std::string> run_program(const ProcessSpec& spec, const RunLimits& limits);

}  // namespace sallyport::child
