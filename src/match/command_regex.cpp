#include <sallyport/command_regex.hpp>

#include <algorithm>

#include <re2/re2.h>

#include "match/command_match.hpp"

namespace sallyport {

Result<CommandRegex> CommandRegex::compile(std::string_view expression, RuleEffect effect) {
  if (expression.size() > kMaxLength) return fail(Errc::config, "it is longer than 1024 characters");
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_max_mem(kMaxMemory);
  options.set_log_errors(false);
  options.set_dot_nl(effect == RuleEffect::denies);
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!compiled->ok()) return fail(Errc::config, compiled->error());
  return CommandRegex(expression, std::move(compiled), effect);
}

bool CommandRegex::matches(std::string_view command) const {
  const bool denies = effect_ == RuleEffect::denies;
  if (command.size() > kMaxCommand || command.find('\0') != std::string_view::npos) return denies;
  if (!denies && std::any_of(command.begin(), command.end(), config::is_control)) return false;
  return re2::RE2::FullMatch(re2::StringPiece(command.data(), command.size()), *compiled_);
}

}  // namespace sallyport
