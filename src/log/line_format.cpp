#include "log/line_format.hpp"

#include <algorithm>

#include "log/time_text.hpp"

namespace sallyport::log {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += ",\"";
  append_json_escaped(out, key);
  out += "\":\"";
  append_json_escaped(out, value);
  out += '"';
}

/// Takes `conn=c1 ` off the front of `message`; false when it begins otherwise.
bool take_id(std::string_view& message, std::string_view& key, std::string_view& value) {
  const std::size_t space = message.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view word = message.substr(0, space);
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  key = word.substr(0, equals);
  value = word.substr(equals + 1);
  const bool known = key == "conn" || key == "chan" || key == "trunk";
  if (!known || !is_word(value)) return false;
  message.remove_prefix(space + 1);
  return true;
}

}  // namespace

void append_line(std::string& out, LogFormat format, std::chrono::system_clock::time_point time, Level level,
                 std::string_view message) {
  const std::string_view name = level_name(level);
  if (format == LogFormat::text) {
    out += time_text(time);
    out += ' ';
    out += name;
    out.append(name.size() < 5 ? 6 - name.size() : 1, ' ');
    for (const char c : message) {
      const auto byte = static_cast<unsigned char>(c);
      out += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    out += '\n';
    return;
  }
  out += "{\"time\":\"";
  out += time_text(time);
  out += "\",\"level\":\"";
  out += name;
  out += '"';
  std::string_view key;
  std::string_view value;
  while (take_id(message, key, value)) append_member(out, key, value);
  append_member(out, "message", message);
  out += "}\n";
}

}  // namespace sallyport::log
