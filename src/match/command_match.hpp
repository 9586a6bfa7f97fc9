// What `command` of [[route.channel]] matches: lines that a shell will read. (For `command_regex`: sallyport/command_regex.hpp)
#pragma once

#include <string_view>

#include <sallyport/command_regex.hpp>

namespace sallyport::config {

/// Of ASCII, DEL included.
inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

/// A glob on the whole command line. For a rule that denies it is glob_matches(). For one that leads somewhere:
///
/// - no wildcard stands for a control character or one of `;&|<>()$^!` and the backtick, with which a shell does more than run
///   one program with its arguments;
/// - one with something behind it in the pattern doesn't stand for quotes, `\`, `#`, `{` or `}` either, which could make that
///   a part of an argument, or a comment.
///
/// A pattern of nothing but `*` says nothing of the command, and matches every one.
bool command_matches_glob(std::string_view pattern, std::string_view command, RuleEffect effect);

/// Whether the glob means another set of commands in a rule that leads somewhere than in one that denies.
bool is_narrowed_glob(std::string_view pattern);

}  // namespace sallyport::config
