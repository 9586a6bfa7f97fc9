// permitopen and permitlisten of a key or a certificate, by sshd's rules.
#pragma once

#include <string>
#include <vector>

#include "route/forwarding.hpp"

namespace sallyport::route {

/// Whether one entry of the list, "host:port", is about the destination. As sshd compares them: names and addresses literally,
/// `*` as the host or the port for any. A socket has neither, so only "*:*" is about it.
bool permits_open(const std::vector<std::string>& list, const Destination& destination);

/// The same for an address to listen at; an entry that is a port alone is about every host. A port that the target is to choose
/// is met by `*` alone.
bool permits_listen(const std::vector<std::string>& list, const Destination& address);

}  // namespace sallyport::route
