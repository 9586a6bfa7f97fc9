#include "config/command_match.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <re2/re2.h>

#include "config/glob_walk.hpp"
#include "config/match.hpp"

namespace sallyport::config {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

/// They end a command, begin another one, redirect or expand, in one shell or another: `^` is a pipe of the Bourne
/// shell's, `!` the C shell's history.
constexpr std::string_view kActive = ";&|<>()$`^!";
/// They change what the rest of the line is.
constexpr std::string_view kReachesOn = "'\"\\#{}";

bool may_stand_for(char c, bool at_end) {
  return !is_control(c) && kActive.find(c) == std::string_view::npos &&
         (at_end || kReachesOn.find(c) == std::string_view::npos);
}

}  // namespace

bool is_narrowed_glob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos &&
         pattern.find_first_not_of('*') != std::string_view::npos;
}

bool command_matches_glob(std::string_view pattern, std::string_view command, RuleEffect effect) {
  if (effect == RuleEffect::denies || !is_narrowed_glob(pattern)) return glob_matches(pattern, command);
  const std::size_t end = pattern.find_last_not_of('*') + 1;  // behind it there are but stars
  return walk_glob(pattern, command, [&](char c, std::size_t behind) {
    return may_stand_for(c, behind > end || behind == pattern.size());
  });
}

// --- regular expressions -----------------------------------------------------------------------------------------

Result<CommandRegex> CommandRegex::compile(std::string_view expression, RuleEffect effect) {
  if (expression.size() > kMaxLength) return fail(Errc::config, "it is longer than 1024 characters");
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_max_mem(kMaxMemory);
  options.set_log_errors(false);
  options.set_dot_nl(effect == RuleEffect::denies);
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!compiled->ok()) return fail(Errc::config, compiled->error());
  return CommandRegex(std::move(compiled), effect);
}

bool CommandRegex::matches(std::string_view command) const {
  const bool denies = effect_ == RuleEffect::denies;
  if (command.size() > kMaxCommand || command.find('\0') != std::string_view::npos) return denies;
  if (!denies && std::any_of(command.begin(), command.end(), is_control)) return false;
  return re2::RE2::FullMatch(re2::StringPiece(command.data(), command.size()), *expression_);
}

}  // namespace sallyport::config
