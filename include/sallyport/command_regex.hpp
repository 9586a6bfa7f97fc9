// A regular expression for the command lines of a rule, compiled once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/result.hpp>

namespace re2 {
class RE2;
}

namespace sallyport {

/// What a rule does with the commands that it matches. Where there is doubt, the one that denies matches.
enum class RuleEffect : std::uint8_t {
  leads,  ///< it lets them through, or elsewhere
  denies,
};

/// A regular expression that the whole command line has to match, in RE2's language: an automaton, so that no expression and no
/// line makes a match expensive. Without back-references and look-around. Bytes are matched, whatever the locale.
/// Copies share what has been compiled; several threads may use them.
class CommandRegex {
 public:
  static constexpr std::size_t kMaxLength = 1024;          ///< of the expression
  static constexpr std::int64_t kMaxMemory = 1024 * 1024;  ///< bytes; an expression that needs more is refused
  static constexpr std::size_t kMaxCommand = 32 * 1024;    ///< a longer one isn't looked at

  /// Errc::config, with words fit to follow "a regular expression: ".
  static Result<CommandRegex> compile(std::string_view expression, RuleEffect effect);

  /// A command that is too long, or has a zero byte (which ends it for a shell), is matched by a rule that denies, and by
  /// no other; in such a rule `.` matches line feeds as well. One that leads somewhere matches no command with a control
  /// character, which begins another command or hides one.
  bool matches(std::string_view command) const;

  /// As it stands in the configuration.
  const std::string& text() const { return text_; }

  bool operator==(const CommandRegex& other) const { return text_ == other.text_ && effect_ == other.effect_; }

 private:
  CommandRegex(std::string_view text, std::shared_ptr<const re2::RE2> compiled, RuleEffect effect)
      : text_(text), compiled_(std::move(compiled)), effect_(effect) {}

  std::string text_;
  std::shared_ptr<const re2::RE2> compiled_;
  RuleEffect effect_;
};

}  // namespace sallyport
