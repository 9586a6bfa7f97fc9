#include "config/command_match.hpp"

#include <string>
#include <utility>

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
  std::size_t p = 0;
  std::size_t t = 0;
  // As in glob_matches(). That only the last star ever has to take more holds here as well: what an earlier one would
  // take in its place, it may take itself, for a later one may stand for at least as much.
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < command.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' ? may_stand_for(command[t], p + 1 == pattern.size()) : pattern[p] == command[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && may_stand_for(command[star_text], star > end)) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// --- regular expressions -----------------------------------------------------------------------------------------

namespace {

using Bytes256 = std::bitset<256>;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
std::size_t index_of(char c) { return static_cast<unsigned char>(c); }

Bytes256 range(char first, char last) {
  Bytes256 bytes;
  for (std::size_t c = index_of(first); c <= index_of(last); ++c) bytes.set(c);
  return bytes;
}

Bytes256 controls() { return range('\0', '\x1f') | range('\x7f', '\x7f'); }

/// Of the C locale; none is empty.
Bytes256 class_named(std::string_view name) {
  const Bytes256 digit = range('0', '9');
  const Bytes256 upper = range('A', 'Z');
  const Bytes256 lower = range('a', 'z');
  const Bytes256 alnum = digit | upper | lower;
  if (name == "digit") return digit;
  if (name == "upper") return upper;
  if (name == "lower") return lower;
  if (name == "alpha") return upper | lower;
  if (name == "alnum") return alnum;
  if (name == "xdigit") return digit | range('A', 'F') | range('a', 'f');
  if (name == "blank") return range(' ', ' ') | range('\t', '\t');
  if (name == "space") return range(' ', ' ') | range('\t', '\r');
  if (name == "cntrl") return controls();
  if (name == "punct") return range('!', '~') & ~alnum;
  if (name == "graph") return range('!', '~');
  if (name == "print") return range(' ', '~');
  return {};
}

}  // namespace

/// Glushkov's construction: a state for each character set of the expression. What is repeated is read again for each
/// time.
class RegexParser {
 public:
  RegexParser(std::string_view text, RuleEffect effect) : text_(text) {
    any_.set();
    if (effect == RuleEffect::leads) any_ &= ~controls();
  }

  Result<std::shared_ptr<const CommandRegex::Automaton>> parse() {
    if (text_.size() > CommandRegex::kMaxLength) return fail(Errc::config, "it is longer than 1024 characters");
    if (text_.starts_with('^')) ++at_;
    Part whole = alternatives(0);
    if (error_.empty() && at_ < text_.size()) error_ = "a \")\" without its \"(\"";
    if (!error_.empty()) return fail(Errc::config, error_);
    automaton_->first = whole.first;
    automaton_->last = whole.last;
    automaton_->nullable = whole.nullable;
    return std::shared_ptr<const CommandRegex::Automaton>(std::move(automaton_));
  }

 private:
  using States = CommandRegex::States;
  /// A part of the expression: the states that it may begin with and end with, and whether it may be empty.
  struct Part {
    States first;
    States last;
    bool nullable = false;
  };
  struct Times {
    unsigned least = 1;
    unsigned most = 1;
    bool open = false;  ///< and as many more as there are
  };
  static constexpr int kMaxDepth = 50;
  static constexpr unsigned kMaxTimes = 255;

  bool failed() const { return !error_.empty(); }
  Part wrong(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return {};
  }
  bool more() const { return !failed() && at_ < text_.size(); }
  char here() const { return text_[at_]; }
  bool at_end_mark() const { return here() == '$' && at_ + 1 == text_.size(); }

  void link(const States& from, const States& to) {
    for (std::size_t i = 0; i < automaton_->following.size(); ++i)
      if (from[i]) automaton_->following[i] |= to;
  }
  Part joined(const Part& a, const Part& b) {
    link(a.last, b.first);
    return {a.nullable ? a.first | b.first : a.first, b.nullable ? a.last | b.last : b.last, a.nullable && b.nullable};
  }

  Part alternatives(int depth) {
    if (depth > kMaxDepth) return wrong("too many brackets inside each other");
    Part all = branch(depth);
    while (more() && here() == '|') {
      ++at_;
      const Part next = branch(depth);
      all = {all.first | next.first, all.last | next.last, all.nullable || next.nullable};
    }
    return all;
  }

  Part branch(int depth) {
    if (!more() || here() == '|' || here() == ')' || at_end_mark())
      return wrong("an empty alternative: use \"?\" for what may be absent");
    Part all = repeated(depth);
    while (more() && here() != '|' && here() != ')') {
      if (at_end_mark() && depth == 0) {
        ++at_;
        break;
      }
      all = joined(all, repeated(depth));
    }
    return all;
  }

  Part repeated(int depth) {
    const std::size_t begin = at_;
    Part all = atom(depth);
    if (!more()) return all;
    const Times times = quantifier();
    const std::size_t behind = at_;
    Part one = all;
    all.nullable = all.nullable || times.least == 0;
    for (unsigned i = 1; i < times.most && !failed(); ++i) {
      at_ = begin;
      one = atom(depth);
      Part next = one;
      next.nullable = next.nullable || i >= times.least;
      all = joined(all, next);
    }
    at_ = behind;
    if (times.open) link(one.last, one.first);
    return all;
  }

  Times quantifier() {
    Times times;
    switch (here()) {
      case '*':
        times = {0, 1, true};
        break;
      case '+':
        times = {1, 1, true};
        break;
      case '?':
        times = {0, 1, false};
        break;
      case '{':
        times = interval();
        break;
      default:
        return times;
    }
    if (failed()) return {};
    ++at_;
    if (at_ < text_.size() && std::string_view("*+?{").find(here()) != std::string_view::npos)
      wrong("a repetition of a repetition: put the first one in brackets");
    return times;
  }

  /// {2}, {2,}, {2,5}: ends at the closing brace.
  Times interval() {
    ++at_;
    Times times;
    const bool sound = number(times.least);
    times.most = times.least;
    bool sound_most = true;
    if (more() && here() == ',') {
      ++at_;
      times.open = more() && here() == '}';
      if (!times.open) sound_most = number(times.most);
    }
    if (times.open && times.most == 0) times.most = 1;
    if (!sound || !sound_most || !more() || here() != '}' || times.most == 0 || times.most < times.least)
      wrong("a repetition that is none of \"{2}\", \"{2,}\" and \"{2,5}\", from 0 to 255");
    return times;
  }

  bool number(unsigned& out) {
    unsigned value = 0;
    const std::size_t begin = at_;
    while (more() && here() >= '0' && here() <= '9' && value <= kMaxTimes)
      value = value * 10 + static_cast<unsigned>(text_[at_++] - '0');
    out = value;
    return at_ > begin && value <= kMaxTimes;
  }

  Part atom(int depth) {
    const char c = text_[at_++];
    switch (c) {
      case '(': {
        const Part inner = alternatives(depth + 1);
        if (failed()) return {};
        if (at_ == text_.size()) return wrong("a \"(\" without its \")\"");
        ++at_;
        return inner;
      }
      case '[':
        return state(bracket());
      case '.':
        return state(any_);
      case '\\': {
        if (at_ == text_.size() || is_alphanumeric(here()) || is_control(here()))
          return wrong("a \"\\\" that is not before a punctuation character");
        const char literal = text_[at_++];
        return state(range(literal, literal));
      }
      case '*':
      case '+':
      case '?':
      case '{':
        return wrong("a repetition of nothing");
      case '^':
      case '$':
        return wrong("\"^\" and \"$\" may only be the first and the last character");
      default:
        return state(range(c, c));
    }
  }

  Part state(const Bytes256& bytes) {
    if (failed()) return {};
    const std::size_t index = automaton_->following.size();
    if (index == CommandRegex::kMaxStates)
      return wrong("it is too large: 512 characters at the most, repetitions counted out");
    automaton_->following.emplace_back();
    for (std::size_t c = 0; c < bytes.size(); ++c)
      if (bytes[c]) automaton_->taking[c].set(index);
    Part part;
    part.first.set(index);
    part.last.set(index);
    return part;
  }

  /// Behind "[".
  Bytes256 bracket() {
    const bool negated = more() && here() == '^';
    if (negated) ++at_;
    Bytes256 bytes;
    for (bool first = true; more() && (first || here() != ']'); first = false) bytes |= member();
    if (failed()) return {};
    if (at_ == text_.size()) {
      wrong("a \"[\" without its \"]\"");
      return {};
    }
    ++at_;
    return negated ? any_ & ~bytes : bytes;
  }

  /// A character, a range or a class.
  Bytes256 member() {
    if (here() == '[' && at_ + 1 < text_.size() &&
        std::string_view(":.=").find(text_[at_ + 1]) != std::string_view::npos) {
      const std::size_t end = text_.find(":]", at_ + 2);
      const Bytes256 named =
          end == std::string_view::npos ? Bytes256() : class_named(text_.substr(at_ + 2, end - at_ - 2));
      if (text_[at_ + 1] != ':' || named.none()) wrong("a class that is none, as \"[:digit:]\" is one");
      at_ = end + 2;
      return named;
    }
    const char first = bracket_character();
    if (!more() || here() != '-' || at_ + 1 >= text_.size() || text_[at_ + 1] == ']') return range(first, first);
    ++at_;
    const char last = bracket_character();
    if (index_of(last) < index_of(first)) wrong("a range that ends before it begins");
    return range(first, last);
  }

  /// POSIX has `\` for itself here, others let it quote: it is taken where both come to the same.
  char bracket_character() {
    const char c = text_[at_++];
    if (c != '\\') return c;
    if (more() && here() == '\\') {
      ++at_;
    } else {
      wrong("a single \"\\\" between \"[\" and \"]\": it stands for itself there, write \"\\\\\"");
    }
    return c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Bytes256 any_;
  std::string error_;
  std::shared_ptr<CommandRegex::Automaton> automaton_ = std::make_shared<CommandRegex::Automaton>();
};

Result<CommandRegex> CommandRegex::compile(std::string_view expression, RuleEffect effect) {
  auto automaton = RegexParser(expression, effect).parse();
  if (!automaton) return fail(automaton.error());
  return CommandRegex(std::move(*automaton), effect);
}

bool CommandRegex::matches(std::string_view command) const {
  if (command.size() > kMaxCommand || command.find('\0') != std::string_view::npos)
    return effect_ == RuleEffect::denies;
  if (command.empty()) return automaton_->nullable;
  States now = automaton_->first & automaton_->taking[index_of(command.front())];
  for (const char c : command.substr(1)) {
    if (now.none()) return false;
    States next;
    for (std::size_t i = 0; i < automaton_->following.size(); ++i)
      if (now[i]) next |= automaton_->following[i];
    now = next & automaton_->taking[index_of(c)];
  }
  return (now & automaton_->last).any();
}

}  // namespace sallyport::config
