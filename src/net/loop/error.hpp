// The only translators from libuv's and the system's error numbers.
#pragma once

#include <string_view>

#include <sallyport/result.hpp>

namespace sallyport::net {

/// The Error behind a negative libuv code; `doing` says what was being attempted ("bind 127.0.0.1:22").
/// Name look-up failures are Errc::not_found, refused connections Errc::refused, time-outs Errc::timeout, the rest
/// Errc::io.
Error from_uv(int rc, std::string_view doing);

/// The same for an errno.
Error from_errno(int error_number, std::string_view doing);

}  // namespace sallyport::net
