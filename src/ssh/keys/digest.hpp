// The digests that file formats ask for.
#pragma once

#include <sallyport/bytes.hpp>

namespace sallyport::ssh {

Bytes sha256(ByteView bytes);
Bytes hmac_sha1(ByteView key, ByteView bytes);

}  // namespace sallyport::ssh
