// Writes what targets prove of their host keys into known_hosts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/journal.hpp>
#include <sallyport/upstream.hpp>

#include "net/loop/loop.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::dial {

/// Files and signatures are worked at in the thread pool.
class KnownHostsLearner final : public HostKeyLearner {
 public:
  /// `loop` and `journal` outlive it.
  KnownHostsLearner(net::Loop& loop, Journal& journal, const ResolvedTarget& target, Bytes session_id);
  ~KnownHostsLearner() override;

  void on_keys(ByteView fields, std::function<void(Bytes)> ask) override;
  void on_proof(ByteView fields) override;

 private:
  struct Job;
  void write();

  net::Loop& loop_;
  Journal& journal_;
  std::shared_ptr<Job> job_;
  std::unique_ptr<net::Work> work_;
};

}  // namespace sallyport::dial
