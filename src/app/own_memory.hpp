// The daemon's memory holds the keys to everything behind it: nobody looks into it.
#pragma once

#include <sys/resource.h>

#include <string>
#include <vector>

namespace sallyport::app {

struct OwnMemory {
  rlimit core;                        ///< RLIMIT_CORE as it was: of the programs that are started
  std::vector<std::string> warnings;  ///< what could not be done
};

/// No core file is written, and neither ptrace(2) nor /proc shows the memory to anybody but root. The private keys that
/// OpenSSL holds, and what it derives from them, are in memory of their own that isn't written to the swap space;
/// SecretString sees to that for passwords. Once, before anything secret is read. What can't be locked is a warning: an
/// administrator may have no swap space, or one that is encrypted.
OwnMemory protect_own_memory();

}  // namespace sallyport::app
