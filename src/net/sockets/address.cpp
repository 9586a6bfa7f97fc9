#include "net/sockets/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "net/loop/error.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::net {

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length) : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::config, "not an address and a port (\"127.0.0.1:22\" or \"[::1]:22\"): " + std::string{text});
  };
  std::string_view host;
  std::string_view port_text;
  if (text.starts_with('[')) {
    const auto close = text.find("]:");
    if (close == std::string_view::npos) return wrong();
    host = text.substr(1, close - 1);
    port_text = text.substr(close + 2);
    if (host.find(':') == std::string_view::npos) return wrong();
  } else {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return wrong();
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size()) return wrong();
  auto address = from_numbers(std::string{host}, port);
  if (!address) return wrong();
  return address;
}

Result<SocketAddress> SocketAddress::from_numbers(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  if (uv_ip4_addr(host.c_str(), port, &v4) == 0) {
    return SocketAddress{reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  if (uv_ip6_addr(host.c_str(), port, &v6) == 0) {
    return SocketAddress{reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
  }
  return fail(Errc::not_found, "not a numeric address: " + host);
}

Result<SocketAddress> SocketAddress::local_of(int fd) {
  SocketAddress address;
  address.length_ = sizeof address.storage_;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0) {
    return fail(from_errno(errno, "getsockname"));
  }
  return address;
}

Result<SocketAddress> SocketAddress::peer_of(int fd) {
  SocketAddress address;
  address.length_ = sizeof address.storage_;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0) {
    return fail(from_errno(errno, "getpeername"));
  }
  return address;
}

namespace {

/// The bytes that count, once a mapped address has become IPv4 and the unspecified one that of the loopback: four or sixteen.
std::string plain_bytes(const SocketAddress& address, bool as_destination) {
  std::string bytes;
  if (address.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr;
    bytes.assign(reinterpret_cast<const char*>(&v4), sizeof v4);
  } else if (address.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
    bytes.assign(reinterpret_cast<const char*>(&v6), sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6)) bytes.erase(0, 12);
  }
  if (as_destination && bytes == std::string(4, '\0')) bytes = {127, 0, 0, 1};
  if (as_destination && bytes == std::string(16, '\0')) bytes.back() = 1;
  return bytes;
}

bool is_unspecified(const std::string& bytes) { return bytes == std::string(bytes.size(), '\0'); }

/// Whether the address is this machine's: the kernel would send to it from the very same one. Nothing is sent.
bool is_local(const std::string& bytes, std::uint32_t scope) {
  if (bytes.size() == 4 && bytes[0] == 127) return true;
  if (bytes == std::string(15, '\0') + '\1') return true;
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  const Fd probe{socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!probe) return true;
  sockaddr_storage to{};
  socklen_t length = 0;
  if (family == AF_INET) {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&to);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(9);
    std::memcpy(&v4->sin_addr, bytes.data(), bytes.size());
    length = sizeof *v4;
  } else {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&to);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(9);
    v6->sin6_scope_id = scope;
    std::memcpy(&v6->sin6_addr, bytes.data(), bytes.size());
    length = sizeof *v6;
  }
  // Where there is no way to it, none leads to us.
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0) return false;
  const auto from = SocketAddress::local_of(probe.get());
  return !from || plain_bytes(*from, false) == bytes;
}

}  // namespace

bool SocketAddress::arrives_at(const SocketAddress& listening) const {
  if (port() != listening.port()) return false;
  const std::string to = plain_bytes(*this, true);
  const std::string at = plain_bytes(listening, false);
  if (to.size() != at.size()) return false;
  if (!is_unspecified(at)) return to == at;
  return is_local(to, family() == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_scope_id : 0);
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text, sizeof text);
    return text;
  }
  if (family() != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
    return text;
  }
  inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  std::string host = text;
  if (v6->sin6_scope_id != 0) {
    char name[IF_NAMESIZE] = "";
    host += '%';
    host += if_indextoname(v6->sin6_scope_id, name) != nullptr ? name : std::to_string(v6->sin6_scope_id);
  }
  return host;
}

std::string SocketAddress::text() const {
  const std::string number = host();
  const bool brackets = number.find(':') != std::string::npos;
  return (brackets ? "[" + number + "]" : number) + ":" + std::to_string(port());
}

}  // namespace sallyport::net
