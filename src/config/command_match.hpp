// What `command` and `command_regex` of [[route.channel]] match: lines that a shell will read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <sallyport/result.hpp>

namespace re2 {
class RE2;
}

namespace sallyport::config {

/// What a rule does with the commands that it matches. Where there is doubt, the one that denies matches.
enum class RuleEffect : std::uint8_t {
  leads,  ///< it lets them through, or elsewhere
  denies,
};

/// A glob on the whole command line. For a rule that denies it is glob_matches(). For one that leads somewhere:
///
/// - no wildcard stands for a control character or one of `;&|<>()$^!` and the backtick, with which a shell does more
/// than run one
///   program with its arguments;
/// - one with something behind it in the pattern doesn't stand for quotes, `\`, `#`, `{` or `}` either, which could
/// make that a part
///   of an argument, or a comment.
///
/// A pattern of nothing but `*` says nothing of the command, and matches every one.
bool command_matches_glob(std::string_view pattern, std::string_view command, RuleEffect effect);

/// Whether the glob means another set of commands in a rule that leads somewhere than in one that denies.
bool is_narrowed_glob(std::string_view pattern);

/// A regular expression that the whole command line has to match, in RE2's language: an automaton, so that no expression and no
/// line makes a match expensive. Without back-references and look-around. Bytes are matched, whatever the locale.
class CommandRegex {
 public:
  static constexpr std::size_t kMaxLength = 1024;            ///< of the expression
  static constexpr std::int64_t kMaxMemory = 1024 * 1024;    ///< bytes; an expression that needs more is refused
  static constexpr std::size_t kMaxCommand = 32 * 1024;      ///< a longer one isn't looked at

  /// Errc::config, with words fit to follow "a regular expression: ".
  static Result<CommandRegex> compile(std::string_view expression, RuleEffect effect);

  /// A command that is too long, or has a zero byte (which ends it for a shell), is matched by a rule that denies, and by
  /// no other; in such a rule `.` matches line feeds as well. One that leads somewhere matches no command with a control
  /// character, which begins another command or hides one.
  bool matches(std::string_view command) const;

 private:
  CommandRegex(std::shared_ptr<const re2::RE2> expression, RuleEffect effect)
      : expression_(std::move(expression)), effect_(effect) {}

  std::shared_ptr<const re2::RE2> expression_;
  RuleEffect effect_;
};

}  // namespace sallyport::config
