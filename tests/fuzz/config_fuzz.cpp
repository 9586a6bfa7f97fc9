// Configurations: nothing may crash the loader, and what it accepts must survive -T.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/load.hpp"

namespace {

/// One file, nothing to include.
class OneFile : public sallyport::config::Files {
 public:
  explicit OneFile(std::string text) : text_(std::move(text)) {}
  sallyport::Result<std::string> read(const std::string& path) const override {
    if (path == "/fuzz.toml") return text_;
    return sallyport::fail(sallyport::Errc::not_found, "not there");
  }
  sallyport::Result<std::vector<std::string>> match(const std::string&) const override {
    return std::vector<std::string>{"/fuzz.toml"};
  }
  std::string canonical(const std::string& path) const override { return path; }

 private:
  std::string text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sallyport::config::load;
  const auto loaded = load("/fuzz.toml", OneFile(std::string(reinterpret_cast<const char*>(data), size)));
  if (loaded.config == nullptr) {
    if (loaded.problems.empty()) std::abort();
    return 0;
  }
  const auto again = load("/fuzz.toml", OneFile(sallyport::config::to_toml(*loaded.config)));
  if (again.config == nullptr || *again.config != *loaded.config) std::abort();
  return 0;
}
