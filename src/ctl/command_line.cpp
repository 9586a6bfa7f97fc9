#include "ctl/command_line.hpp"

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "auth/factors/password_hash.hpp"
#include "config/suggest.hpp"
#include "ctl/client.hpp"
#include "ctl/hash_password.hpp"
#include "ctl/show.hpp"
#include "ctl/table.hpp"

namespace sallyport::ctl {
namespace {

constexpr const char* kDefaultSocket = "/run/sallyport/control.sock";
constexpr int kDefaultTimeout = 10;
constexpr int kLongestTimeout = 3600;

constexpr const char* kDescription =
    "Looks into a running sallyportd and steers it.\n"
    "\n"
    "sallyportd is an SSH bastion: clients log in to it, and it carries their sessions on to the machines behind it\n"
    "(targets). A connection (c1, c2, ...) is one client that is logged in. A channel (h1, h2, ...) is one shell,\n"
    "command or file transfer of a connection. A trunk (t1, t2, ...) is a connection from the bastion to a target,\n"
    "shared by all channels of one user to it.";

constexpr const char* kFooter =
    "Examples:\n"
    "  sallyportctl status                               is it running, and how busy is it\n"
    "  sallyportctl connections                          who is logged in\n"
    "  sallyportctl kill c12                             disconnect that client\n"
    "  sallyportctl --json trunks | jq '.[].address'     for scripts\n"
    "  sallyportctl explain user=alice,target=web1       where would she go, and why\n"
    "\n"
    "Exit status: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.\n"
    "Only root and sallyportd's own user may use the control socket. The manual is sallyportctl(1).";

constexpr const char* kVerbFooter =
    "Every verb has the options -s SOCKET, --json and --timeout SECONDS too; sallyportctl --help explains them.";
constexpr const char* kHashPassword = "hash-password";
constexpr std::size_t kColumn = 34;

struct Options {
  std::string socket = kDefaultSocket;
  int timeout = kDefaultTimeout;
  bool json = false;
  std::string argument;
  std::string user;
  std::string lift;
};

/// A verb; `key` is the member of the request that its argument becomes, nullptr if it takes none.
struct Verb {
  const char* name;
  const char* help;
  const char* key = nullptr;
  const char* argument = nullptr;
  const char* argument_help = nullptr;
  const char* user_help = nullptr;  ///< of --user, which becomes member "user"; nullptr: it has none
  const char* lift_help = nullptr;  ///< the same of --lift
};

constexpr const char* kTargetHelp = "The target's name";
constexpr const char* kTrunksOfUser = "Only the trunks of this user";

constexpr Verb kVerbs[] = {
    {"status", "Version, uptime, where it listens, how much is open"},
    {"connections", "List the clients that are logged in"},
    {"channels", "List their shells, commands and transfers"},
    {"trunks", "List the shared connections to targets"},
    {"forwards", "List where targets listen for clients (ssh -R)"},
    {"kill", "End a connection, a channel or all that a user has at once", "id", "ID|user=NAME",
     "c1 ends that connection with all its channels, h1 that channel, user=NAME every connection of that user"},
    {"stop", "No new channels on a target's trunks; the old ones finish", "target", "TARGET", kTargetHelp, kTrunksOfUser},
    {"exit", "End a target's trunks now, with the channels on them", "target", "TARGET", kTargetHelp, kTrunksOfUser},
    {"renew", "Let the next channel to a target get a fresh login; old trunks finish", "target", "TARGET", kTargetHelp,
     kTrunksOfUser},
    {"check", "Ask a target's trunks for a sign of life; fails when one gives none, or there is none", "target", "TARGET",
     kTargetHelp, kTrunksOfUser},
    {"penalties", "List the sources that are kept out for a while, or lift that", nullptr, nullptr, nullptr, nullptr,
     "Let this source in again, or all of them"},
    {"scan", "Show a target's host keys as lines for known_hosts, for you to compare and to accept", "target", "TARGET",
     kTargetHelp, "Whom placeholders in the target's address stand for"},
    {"reload", "Read the configuration again; a wrong one changes nothing, and nobody is disconnected unless by its on_reload"},
    {"drain", "Accept nothing new, and end sallyportd when the last channel has ended"},
    {"explain", "Say which route and channel rule a login would get, and why", "query", "QUERY",
     "user=NAME[,target=NAME][,source=ADDRESS][,mfa=yes][,time=Mon 09:30][,request=TYPE][,destination=HOST:PORT]\n"
     "[,subsystem=NAME][,command=TEXT] (command takes the rest of the text)"},
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("-s,--socket", options.socket, "The daemon's control socket")->type_name("SOCKET")->capture_default_str();
  app.add_flag("--json", options.json, "Print one JSON value instead of a table");
  app.add_option("--timeout", options.timeout, "How long to wait for the daemon's answer, in seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, kLongestTimeout))
      ->capture_default_str();
}

Exit ask_and_show(const Verb& verb, const Options& options, std::ostream& out, std::ostream& err) {
  const auto complain = [&err](const Error& error) {
    err << "sallyportctl: " << printable_lines(error.detail) << '\n';
    return Exit::failure;
  };
  std::vector<Member> members;
  constexpr std::string_view kUser = "user=";
  const bool of_user = verb.name == std::string_view("kill") && options.argument.starts_with(kUser);
  if (of_user) {
    members.emplace_back("user", std::string_view(options.argument).substr(kUser.size()));
  } else if (verb.key != nullptr) {
    members.emplace_back(verb.key, options.argument);
  }
  if (!options.user.empty()) members.emplace_back("user", options.user);
  if (!options.lift.empty()) members.emplace_back("lift", options.lift);
  const std::string request = request_line(verb.name, members);
  const Result<std::string> response = ask(options.socket, request, std::chrono::seconds(options.timeout));
  if (!response) return complain(response.error());
  const Result<std::string> text = show(verb.name, *response, options.json);
  if (!text) return complain(text.error());
  out << *text << std::flush;
  if (!out) return complain({Errc::io, "the output can't be written"});
  return tells_of_trouble(verb.name, *response) ? Exit::failure : Exit::ok;
}

Exit hash_and_show(bool json, std::ostream& out, std::ostream& err) {
  const Result<SecretString> password = read_password();
  const Result<std::string> hash = password ? auth::hash_password(*password) : fail(password.error());
  if (!hash) {
    err << "sallyportctl: " << printable_lines(hash.error().detail) << '\n';
    return Exit::failure;
  }
  out << (json ? "\"" + *hash + "\"" : *hash) << std::endl;  // nothing in it that JSON would have escaped
  return out ? Exit::ok : Exit::failure;
}

void add_verbs(CLI::App& app, Options& options) {
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.help);
    if (verb.key != nullptr) sub->add_option(verb.argument, options.argument, verb.argument_help)->required();
    if (verb.user_help != nullptr) sub->add_option("--user", options.user, verb.user_help)->type_name("NAME");
    if (verb.lift_help != nullptr) sub->add_option("--lift", options.lift, verb.lift_help)->type_name("SOURCE|all");
  }
  app.add_subcommand(kHashPassword,
                     "Make a hash for auth.password_file of a password, asked for without echo or read from standard input");
  for (CLI::App* sub : app.get_subcommands(nullptr)) {
    sub->group("Verbs");
    sub->footer(kVerbFooter);
    sub->get_formatter()->column_width(kColumn);
  }
}

/// One line. CLI11 doesn't repeat an unknown word, and turns the order of several round.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> rest = app.remaining(true);
  if (rest.empty())
    return app.get_subcommands().empty() && error.get_name() == "RequiredError" ? "which verb? --help lists them" : error.what();
  if (!app.get_subcommands().empty()) {
    std::string words;
    for (const std::string& word : rest) words += " " + word;
    return std::string(app.get_subcommands().front()->get_name()) + " doesn't take" + words;
  }
  if (rest.front().starts_with('-')) return "there is no option " + rest.front();
  std::vector<std::string_view> verbs{kHashPassword};
  for (const Verb& verb : kVerbs) verbs.emplace_back(verb.name);
  return "there is no verb \"" + rest.front() + "\"" + config::did_you_mean(rest.front(), verbs);
}

}  // namespace

Exit run(int argc, const char* const* argv, const std::string& version, std::ostream& out, std::ostream& err) {
  Options options;
  CLI::App app(kDescription, "sallyportctl");
  app.footer(kFooter);
  app.set_version_flag("-V,--version", "sallyportctl " + version);
  app.get_formatter()->column_width(kColumn);
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  add_options(app, options);
  app.fallthrough();  // options may stand behind the verb as well
  app.require_subcommand(1);
  add_verbs(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, out, err) == 0 ? Exit::ok : Exit::usage;
    err << "sallyportctl: " << printable_lines(usage_error(app, error)) << '\n';
    return Exit::usage;
  }
  if (app.got_subcommand(kHashPassword)) return hash_and_show(options.json, out, err);
  for (const Verb& verb : kVerbs) {
    if (app.got_subcommand(verb.name)) return ask_and_show(verb, options, out, err);
  }
  return Exit::usage;
}

}  // namespace sallyport::ctl
