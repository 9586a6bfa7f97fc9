#include "dial/host_key_scan.hpp"

#include <array>
#include <utility>

#include "ssh/keys/base64.hpp"
#include "ssh/keys/handles.hpp"
#include "ssh/keys/known_hosts.hpp"
#include "wire/encoding.hpp"

namespace sallyport::dial {
namespace {

/// A server has at most one key of each of these; the algorithms that show it.
const std::array<std::vector<std::string>, 3> kTypes{
    {{"ssh-ed25519"}, {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}, {"rsa-sha2-512", "rsa-sha2-256"}}};

bool nothing_in_common(const UpstreamFailure& why) { return why.told.ends_with("no algorithm in common"); }

}  // namespace

HostKeyScan::HostKeyScan(UpstreamDialer& dialer, net::Loop& loop, ResolvedTarget target, Done done)
    : dialer_(dialer), loop_(loop), target_(std::move(target)), done_(std::move(done)) {
  look_at_next();
}

HostKeyScan::~HostKeyScan() = default;

void HostKeyScan::look_at_next() {
  ResolvedTarget target = target_;
  target.algorithms.host_keys = kTypes[next_++];
  attempt_ = dialer_.look(
      target, [this](ByteView key) { note(key); }, static_cast<UpstreamEvents&>(*this));
}

void HostKeyScan::note(ByteView key_blob) {
  wire::Reader reader(key_blob);
  ScannedKey key;
  key.type = reader.text();
  key.fingerprint = ssh::fingerprint_of(key_blob);
  key.line = ssh::KnownHosts(target_.host, target_.port).name() + " " + key.type + " " + ssh::base64_encode(key_blob);
  found_.push_back(std::move(key));
}

void HostKeyScan::on_connected(std::unique_ptr<Transport> transport) {
  loop_.retire(std::move(transport));  // never: an attempt that only looks fails
  on_connect_failed({Errc::protocol, "", ""});
}

void HostKeyScan::on_connect_failed(const UpstreamFailure& why) {
  if (attempt_ == nullptr) return;  // its outcome is known
  if (why.code != Errc::closed && failure_.empty() && !nothing_in_common(why)) failure_ = why.detail;
  loop_.retire(std::move(attempt_));
  if (next_ < kTypes.size() && (why.code == Errc::closed || nothing_in_common(why))) return look_at_next();
  if (found_.empty()) return done_(fail(Errc::unavailable, failure_.empty() ? "it shows no host key" : failure_));
  done_(std::move(found_));
}

}  // namespace sallyport::dial
