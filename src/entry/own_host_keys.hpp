// What clients may learn of the bastion's own host keys.
#pragma once

#include <memory>
#include <string_view>

#include <sallyport/host_key_holder.hpp>

#include "net/loop/loop.hpp"
#include "net/loop/work_lane.hpp"
#include "ssh/keys/host_keys.hpp"

namespace sallyport::entry {

/// Signs in the thread pool, a few at a time: whoever is logged in may ask.
class OwnHostKeys final : public HostKeyHolder {
 public:
  /// `loop` outlives the last proof.
  OwnHostKeys(net::Loop& loop, std::shared_ptr<const ssh::HostKeys> keys);

  const Bytes& announcement() const override { return announcement_; }
  [[nodiscard]] std::unique_ptr<HostKeyProof> prove(ByteView fields, Exchange exchange,
                                                    std::function<void(std::optional<Bytes>)> done) override;

 private:
  net::WorkLane lane_;
  std::shared_ptr<const ssh::HostKeys> keys_;
  Bytes announcement_;
};

/// Whether a client of that identification takes the announcement for an error, as sshd knows some to.
bool is_puzzled_by_host_keys(std::string_view identification);

}  // namespace sallyport::entry
