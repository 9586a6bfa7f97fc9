// `sallyportctl hash-password`: makes a line's hash for auth.password_file. Needs no daemon.
#pragma once

#include <sallyport/result.hpp>
#include <sallyport/secret.hpp>

namespace sallyport::ctl {

/// Asks for a password twice, without echo, when standard input is a terminal; takes the first line of it otherwise.
/// The error's detail is for the user.
Result<SecretString> read_password();

}  // namespace sallyport::ctl
