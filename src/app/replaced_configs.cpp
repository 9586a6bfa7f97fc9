#include "app/replaced_configs.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sallyport::app {

void ReplacedConfigs::add(std::shared_ptr<const Config> config) {
  held_.push_back(std::move(config));
  if (freeing_ != nullptr) return;
  // One that is held here alone can't be taken up by anybody else.
  const auto unused =
      std::partition(held_.begin(), held_.end(), [](const std::shared_ptr<const Config>& one) { return one.use_count() > 1; });
  auto list = std::make_shared<std::vector<std::shared_ptr<const Config>>>(std::make_move_iterator(unused),
                                                                           std::make_move_iterator(held_.end()));
  held_.erase(unused, held_.end());
  if (!list->empty()) freeing_ = loop_.work([list] { list->clear(); }, [this] { freeing_.reset(); });
}

}  // namespace sallyport::app
