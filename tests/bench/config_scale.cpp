// What a large configuration costs: what the row "configuration" is made with.
//
//   config_scale FILE USER TARGET
//
// Loads FILE, has USER led to TARGET, and prints the medians in milliseconds (load, free) and microseconds (route, decide) as
// JSON.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"
#include "route/policy.hpp"
#include "route/router.hpp"

namespace {

using namespace sallyport;

/// The median of what `step` took, in a unit of that many to a second.
template <typename Step>
double median(std::size_t rounds, double unit, Step step) {
  std::vector<double> taken;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    step();
    taken.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() * unit);
  }
  std::nth_element(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(rounds / 2), taken.end());
  return taken[rounds / 2];
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::shared_ptr<const Config> loaded(const std::string& file) {
  config::Loaded result = config::load(file);
  if (result.config == nullptr) give_up(to_string(result.problems.front()));
  return std::move(result.config);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) give_up("usage: config_scale FILE USER TARGET");
  const std::string file = argv[1];
  const route::RouteQuery query{argv[2], std::string(argv[3]), "10.0.0.1"};

  std::shared_ptr<const Config> config;
  const double load = median(5, 1e3, [&] { config = loaded(file); });
  std::vector<std::shared_ptr<const Config>> copies;
  for (int i = 0; i < 5; ++i) copies.push_back(loaded(file));
  const double freed = median(copies.size(), 1e3, [&] { copies.pop_back(); });

  const route::Router router(config);
  const auto decision = router.route(query);
  if (!decision) give_up(decision.error().detail);
  bool led = true;
  const double routed = median(1001, 1e6, [&] { led = router.route(query) && led; });
  const LoginGrant grant;
  const route::Standing standing{.decision = &*decision, .grant = grant};
  const double decided = median(
      10001, 1e6, [&] { led = decide(standing, {.act = route::Act::exec, .argument = "uptime"}).permit() != nullptr && led; });
  if (!led) give_up("the user isn't led there");
  std::printf("{\"load_ms\": %.3f, \"free_ms\": %.3f, \"route_us\": %.3f, \"decide_us\": %.3f}\n", load, freed, routed, decided);
  return 0;
}
