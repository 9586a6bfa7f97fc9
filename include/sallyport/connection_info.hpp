// What there is to tell about a connection in logs and listings.
#pragma once

#include <string>

namespace sallyport {

/// What was negotiated. The names are the protocol's.
struct ConnectionInfo {
  std::string peer_identification;  ///< from the peer: to be escaped before it is shown
  std::string kex;
  std::string host_key;  ///< the algorithm of its signature
  std::string cipher_in;
  std::string cipher_out;
  std::string mac_in;
  std::string mac_out;
  bool strict_kex = false;
};

}  // namespace sallyport
