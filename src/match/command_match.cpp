#include "match/command_match.hpp"

#include "match/glob_walk.hpp"
#include "match/match.hpp"

namespace sallyport::config {
namespace {

/// They end a command, begin another one, redirect or expand, in one shell or another: `^` is a pipe of the Bourne
/// shell's, `!` the C shell's history.
constexpr std::string_view kActive = ";&|<>()$`^!";
/// They change what the rest of the line is.
constexpr std::string_view kReachesOn = "'\"\\#{}";

bool may_stand_for(char c, bool at_end) {
  return !is_control(c) && kActive.find(c) == std::string_view::npos && (at_end || kReachesOn.find(c) == std::string_view::npos);
}

}  // namespace

bool is_narrowed_glob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos && pattern.find_first_not_of('*') != std::string_view::npos;
}

bool command_matches_glob(std::string_view pattern, std::string_view command, RuleEffect effect) {
  if (effect == RuleEffect::denies || !is_narrowed_glob(pattern)) return glob_matches(pattern, command);
  const std::size_t end = pattern.find_last_not_of('*') + 1;  // behind it there are but stars
  return walk_glob(pattern, command,
                   [&](char c, std::size_t behind) { return may_stand_for(c, behind > end || behind == pattern.size()); });
}

}  // namespace sallyport::config
