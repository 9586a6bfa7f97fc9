// The configurations that were in force before a reload.
#pragma once

#include <memory>
#include <vector>

#include <sallyport/config.hpp>

#include "net/loop/loop.hpp"

namespace sallyport::app {

/// Connections go on by the configuration that they came with. This holds on to each that was replaced, so that none is freed in
/// the loop, where that takes longer than somebody who types should wait: thousands of targets are hundreds of thousands of
/// strings.
class ReplacedConfigs {
 public:
  explicit ReplacedConfigs(net::Loop& loop) : loop_(loop) {}

  /// Takes one that is no longer in force, and has those that nobody uses any more freed in the thread pool. What is in use now
  /// goes after another reload, or with this object.
  void add(std::shared_ptr<const Config> config);

 private:
  net::Loop& loop_;
  std::vector<std::shared_ptr<const Config>> held_;
  std::unique_ptr<net::Work> freeing_;  // null: nothing is
};

}  // namespace sallyport::app
