#include "config/problem.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace sallyport::config {

std::string to_string(const Problem& problem) {
  if (problem.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
  return fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message);
}

void Problems::add(const Place& place, std::string message) {
  if (list_.size() >= kMax) {
    ++dropped_;
    return;
  }
  list_.push_back({place.file ? *place.file : std::string("configuration"), place.line, place.column, std::move(message)});
}

void Problems::warn(const Place& place, std::string message) {
  if (warnings_.size() < kMax)
    warnings_.push_back({place.file ? *place.file : std::string("configuration"), place.line, place.column, std::move(message)});
}

std::vector<Problem> Problems::take() {
  // Files stay in the order in which they were met; inside a file the reader of the list goes down the page.
  std::vector<std::string> files;
  for (const Problem& problem : list_) {
    if (std::find(files.begin(), files.end(), problem.file) == files.end()) files.push_back(problem.file);
  }
  const auto rank = [&files](const Problem& problem) {
    return std::make_tuple(std::find(files.begin(), files.end(), problem.file) - files.begin(), problem.line, problem.column);
  };
  std::stable_sort(list_.begin(), list_.end(), [&rank](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  if (dropped_ > 0 && !list_.empty()) {
    list_.push_back({list_.back().file, 0, 0, fmt::format("{} more problems are not shown", dropped_)});
  }
  dropped_ = 0;
  return std::exchange(list_, {});
}

}  // namespace sallyport::config
