// sallyportctl's command line.
#pragma once

#include <iosfwd>
#include <string>

namespace sallyport::ctl {

/// Exit statuses, as sallyportctl(1) documents them.
enum class Exit : int { ok = 0, failure = 1, usage = 2 };

/// Does what the arguments say. Results go to `out`, everything else to `err`.
Exit run(int argc, const char* const* argv, const std::string& version, std::ostream& out, std::ostream& err);

}  // namespace sallyport::ctl
