// What `command` and `command_regex` of [[route.channel]] match: lines that a shell will read.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <sallyport/result.hpp>

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

/// An extended regular expression (POSIX.1, XBD 9.4) that the whole command line has to match; `^` in front and `$` at
/// the end may be there or not. Bytes are matched, whatever the locale. Without back-references, collating symbols and
/// equivalence classes;
/// `\` takes the meaning from a punctuation character, before anything else it is an error.
///
/// Its automaton has a state for each character of the expression, repetitions counted out, and is in all of them at
/// once: a match takes no memory, no recursion, and for each byte of the command at most kMaxStates steps of kMaxStates
/// bits.
class CommandRegex {
 public:
  static constexpr std::size_t kMaxLength = 1024;  ///< of the expression
  static constexpr std::size_t kMaxStates = 512;
  static constexpr std::size_t kMaxCommand = 32 * 1024;  ///< a longer one isn't looked at

  /// For a rule that leads somewhere, `.` and `[^…]` don't match control characters, the line feed among them.
  /// Errc::config, with words fit to follow "a regular expression: ".
  static Result<CommandRegex> compile(std::string_view expression, RuleEffect effect);

  /// A command that is too long, or has a zero byte (which ends it for a shell), is matched by a rule that denies, and
  /// by no other.
  bool matches(std::string_view command) const;

 private:
  friend class RegexParser;
  using States = std::bitset<kMaxStates>;
  struct Automaton {
    std::array<States, 256> taking;  ///< by byte: which states are entered by it
    std::vector<States> following;   ///< by state: where it may go on
    States first;
    States last;
    bool nullable = false;
  };

  CommandRegex(std::shared_ptr<const Automaton> automaton, RuleEffect effect)
      : automaton_(std::move(automaton)), effect_(effect) {}

  std::shared_ptr<const Automaton> automaton_;
  RuleEffect effect_;
};

}  // namespace sallyport::config
