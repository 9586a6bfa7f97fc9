#include "ssh/transport/round_trip.hpp"

// Not <netinet/tcp.h>: the C library's tcp_info ends before tcpi_min_rtt, and the two headers can't be read together.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace sallyport::ssh {

WayToPeer way_to_peer(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  if (size < offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) return {};  // a kernel before 4.6
  constexpr __u32 kUnknown = ~__u32{0};
  return {std::chrono::microseconds(info.tcpi_min_rtt == kUnknown ? 0 : info.tcpi_min_rtt), info.tcpi_snd_mss};
}

std::size_t unacknowledged(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace sallyport::ssh
