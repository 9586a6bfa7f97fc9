// Changes known_hosts files, which others may be changing, too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/result.hpp>

namespace sallyport::ssh {

/// What has been written.
struct KnownHostsChange {
  std::size_t added = 0;
  std::size_t removed = 0;
};

/// Writes the key of a host of which the file, which need not exist, lists none. Errc::host_key when it lists one by now, and
/// it isn't this one; Errc::io or unavailable when the file can't be written, or is locked for too long. Blocks.
Result<> add_first_host_key(const std::string& path, const std::string& host, std::uint16_t port, ByteView key);

/// Makes `keys`, all of them proved, what the file lists for the host: those that are missing are added, and lines that are
/// about this host alone with other keys are removed. Nothing is changed unless the host is listed by its name, with one of
/// these keys. Revoked keys are never added. Errc as above. Blocks.
Result<KnownHostsChange> set_host_keys(const std::string& path, const std::string& host, std::uint16_t port,
                                       const std::vector<Bytes>& keys);

}  // namespace sallyport::ssh
