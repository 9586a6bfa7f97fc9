// sallyportd's command line. Exit codes: 0 ok, 1 run-time failure, 2 usage, 3 configuration error.
#include <malloc.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "app/daemon.hpp"
#include "config/load.hpp"
#include "net/loop/loop.hpp"
#include "route/explain.hpp"

namespace {

using sallyport::Config;

constexpr int kHeapKept = 16 * 1024 * 1024;
/// What may block (a name server, the user database, a program that knows the keys) holds up a thread for seconds; with
/// libuv's four a few such logins would hold up everybody's.
/// The lanes of the key files and of the two resolvers (auth_services.hpp, net/sockets/resolver.hpp), and as many again for all
/// else.
constexpr const char* kPoolThreads = "32";

constexpr int kOk = 0;
constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kBadConfiguration = 3;

struct Arguments {
  std::string file = "/etc/sallyport/sallyport.toml";
  bool check = false;
  bool print = false;
  std::string explain;
};

void tell(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }
void warn(const std::string& text) { std::fprintf(stderr, "%s (warning)\n", text.c_str()); }

int check(const sallyport::config::Loaded& loaded) {
  const sallyport::app::Readiness found = sallyport::app::Daemon::check(*loaded.config);
  for (const auto& warning : loaded.warnings) warn(to_string(warning));
  for (const std::string& warning : found.warnings) warn(warning);
  for (const std::string& obstacle : found.obstacles) tell(obstacle);
  return found.obstacles.empty() ? kOk : kBadConfiguration;
}

int explain(const std::shared_ptr<const Config>& config, const std::string& text) {
  const auto query = sallyport::route::parse_explain_query(text, *config);
  if (!query) {
    std::fprintf(stderr, "sallyportd: -C: %s\n", query.error().detail.c_str());
    return kUsage;
  }
  const auto explanation = sallyport::route::explain(config, *query);
  std::fputs(sallyport::route::to_text(explanation).c_str(), stdout);
  return kOk;
}

int serve(const sallyport::config::Loaded& loaded) {
  std::vector<std::string> warnings;
  for (const auto& warning : loaded.warnings) warnings.push_back(to_string(warning));
  auto daemon = sallyport::app::Daemon::start(loaded.config, std::move(warnings));
  if (!daemon) {
    std::fprintf(stderr, "sallyportd: %s\n", daemon.error().detail.c_str());
    return daemon.error().code == sallyport::Errc::config ? kBadConfiguration : kFailure;
  }
  (*daemon)->run();
  daemon->reset();
  sallyport::net::end_work_threads();
  return kOk;
}

int run(int argc, char** argv) {
  // Streams take and free buffers of some ten kilobytes all the time: without this the end of the heap is given back and
  // taken again each time. What is idle is given back once a second (ssh::LoopIo).
  mallopt(M_TRIM_THRESHOLD, kHeapKept);
  ::setenv("UV_THREADPOOL_SIZE", kPoolThreads, 0);
  CLI::App app{
      "Sallyport: an SSH bastion that shares upstream connections.\n"
      "It runs in the foreground. SIGHUP reloads the configuration, SIGTERM drains and ends, a second SIGTERM\n"
      "ends at once, SIGUSR1 reopens the log files.",
      "sallyportd"};
  Arguments arguments;
  app.add_option("-f", arguments.file, "Configuration file")->type_name("FILE")->capture_default_str();
  app.add_flag("-t", arguments.check, "Check the configuration, and what it needs of the machine, and exit");
  app.add_flag("-T", arguments.print, "Print the effective configuration, with defaults filled in, and exit");
  const CLI::Option* const query =
      app.add_option("-C", arguments.explain,
                     "Explain which route and channel rule win, and why, and exit: user=NAME[,target=NAME][,source=ADDRESS]\n"
                     "[,mfa=yes][,time=Mon 09:30][,request=TYPE][,destination=HOST:PORT][,subsystem=NAME][,command=LINE]\n"
                     "(command takes the rest of the text)")
          ->type_name("QUERY");
  app.set_version_flag("-V,--version", "sallyportd " SALLYPORT_VERSION, "Print the version and exit");
  app.footer(
      "Exit status: 0 ok, 1 run-time failure, 2 wrong usage, 3 configuration error.\nSee sallyportd(8), sallyport.toml(5) and "
      "sallyportctl(1).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }

  const sallyport::config::Loaded loaded = sallyport::config::load(arguments.file);
  for (const auto& problem : loaded.problems) tell(to_string(problem));
  if (loaded.config == nullptr) return kBadConfiguration;
  if (query->count() > 0) return explain(loaded.config, arguments.explain);
  if (arguments.print) std::fputs(sallyport::config::to_toml(*loaded.config).c_str(), stdout);
  if (arguments.check) return check(loaded);
  return arguments.print ? kOk : serve(loaded);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sallyportd: %s\n", error.what());
    return kFailure;
  }
}
