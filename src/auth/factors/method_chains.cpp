#include "auth/factors/method_chains.hpp"

#include <algorithm>
#include <cassert>

namespace sallyport::auth {

MethodChains::MethodChains(const std::vector<std::string>& alternatives) {
  for (const std::string& text : alternatives) {
    Chain chain;
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view method = rest.substr(0, rest.find(kChainJoint));
      if (!method.empty()) chain.emplace_back(method);
      rest.remove_prefix(std::min(rest.size(), method.size() + 1));
    }
    if (!chain.empty()) open_.push_back(std::move(chain));
  }
}

bool MethodChains::allows(std::string_view method) const {
  if (complete_) return false;
  return std::any_of(open_.begin(), open_.end(), [method](const Chain& chain) { return chain.front() == method; });
}

std::vector<std::string> MethodChains::can_continue() const {
  std::vector<std::string> names;
  if (complete_) return names;
  for (const Chain& chain : open_) {
    if (std::find(names.begin(), names.end(), chain.front()) == names.end()) names.push_back(chain.front());
  }
  return names;
}

bool MethodChains::leads_to(std::string_view method) const {
  return std::any_of(open_.begin(), open_.end(),
                     [method](const Chain& chain) { return std::find(chain.begin(), chain.end(), method) != chain.end(); });
}

void MethodChains::pass(std::string_view method) {
  assert(allows(method));
  if (!allows(method)) return;
  passed_.emplace_back(method);
  for (Chain& chain : open_) {
    if (chain.front() != method) continue;
    chain.erase(chain.begin());
    complete_ = complete_ || chain.empty();
  }
  std::erase_if(open_, [](const Chain& chain) { return chain.empty(); });
}

bool MethodChains::has_passed(std::string_view method) const {
  return std::find(passed_.begin(), passed_.end(), method) != passed_.end();
}

std::string MethodChains::text() const {
  std::string text;
  for (const std::string& method : passed_) {
    if (!text.empty()) text += kChainJoint;
    text += method;
  }
  return text;
}

}  // namespace sallyport::auth
