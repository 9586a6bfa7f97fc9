// The look-up of a client's key, with what auth/ needs of the machine.
#pragma once

#include <atomic>
#include <vector>

#include <sallyport/config.hpp>

#include "auth/lookup/key_check.hpp"

namespace sallyport::identity {

/// Fills in the account of the user's name and does auth::check_key(), with the configuration's program for keys. Asks the user
/// database, reads files and runs the program, which ends early when `given_up` becomes true: for the thread pool.
KeyVerdict look_up_key(const Config& config, auth::KeyQuery query, const std::atomic<bool>& given_up);

/// auth::check_key_files() of that configuration.
std::vector<KeyWarning> look_at_key_files(const Config& config);

}  // namespace sallyport::identity
