#include "config/table_reader.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/include.hpp"
#include "config/suggest.hpp"
#include "match/match.hpp"
#include "match/units.hpp"

namespace sallyport::config {
namespace {

/// No string of a configuration may hold a NUL: nearly all of them go to the operating system.
bool is_clean(const Node& node) { return node.kind == Node::Kind::string && node.text.find('\0') == std::string::npos; }

bool is_off(const Node& node) {
  switch (node.kind) {
    case Node::Kind::boolean: return !node.boolean;
    case Node::Kind::string: return node.text == "none";
    case Node::Kind::array:
    case Node::Kind::table: return node.children.empty();
    default: return false;
  }
}

}  // namespace

TableReader::TableReader(const Node* table, std::string path, Problems& problems)
    : table_(table), path_(std::move(path)), problems_(problems) {
  if (table_ != nullptr) place_ = table_->place;
}

std::string TableReader::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Node* TableReader::take(std::string_view key) {
  known_.push_back(key);
  return table_ != nullptr ? table_->find(key) : nullptr;
}

void TableReader::wrong(const Node& node, std::string_view expected, std::string_view hint) {
  const std::string name = node.key.empty() ? path_ : name_of(node.key);
  problems_.add(node.place, fmt::format("{}: found {}, expected {}{}", name, describe(node), expected, hint));
}

void TableReader::complain(const Node& node, std::string message) { problems_.add(node.place, std::move(message)); }

const Node* TableReader::typed(std::string_view key, Node::Kind kind, std::string_view expected) {
  const Node* node = take(key);
  if (node == nullptr) return nullptr;
  if (node->kind == kind && (kind != Node::Kind::string || is_clean(*node))) return node;
  wrong(*node, expected);
  return nullptr;
}

const Node* TableReader::string(std::string_view key, std::string& out) {
  const Node* node = typed(key, Node::Kind::string, "a string");
  if (node != nullptr) out = node->text;
  return node;
}

const Node* TableReader::boolean(std::string_view key, bool& out) {
  const Node* node = typed(key, Node::Kind::boolean, "true or false");
  if (node != nullptr) out = node->boolean;
  return node;
}

const Node* TableReader::number(std::string_view key, std::uint32_t& out, std::uint32_t min, std::uint32_t max) {
  const std::string expected = fmt::format("a whole number from {} to {}", min, max);
  const Node* node = typed(key, Node::Kind::integer, expected);
  if (node == nullptr) return nullptr;
  if (node->integer < min || node->integer > max) {
    wrong(*node, expected);
    return nullptr;
  }
  out = static_cast<std::uint32_t>(node->integer);
  return node;
}

const Node* TableReader::duration(std::string_view key, Duration& out, Duration min, Duration max) {
  constexpr std::string_view kExpected = "a duration with its unit, such as \"30s\" (ms, s, m, h, d)";
  const Node* node = typed(key, Node::Kind::string, kExpected);
  if (node == nullptr) return nullptr;
  const auto value = parse_duration(node->text);
  if (!value) {
    wrong(*node, kExpected);
    return nullptr;
  }
  if (*value < min || *value > max) {
    wrong(*node, fmt::format("a duration from \"{}\" to \"{}\"", format_duration(min), format_duration(max)));
    return nullptr;
  }
  out = *value;
  return node;
}

const Node* TableReader::size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max) {
  constexpr std::string_view kExpected = "a size with its unit, such as \"64KiB\" (KiB, MiB, GiB)";
  const Node* node = typed(key, Node::Kind::string, kExpected);
  if (node == nullptr) return nullptr;
  const auto value = parse_size(node->text);
  if (!value) {
    wrong(*node, kExpected);
    return nullptr;
  }
  if (*value < min || *value > max) {
    wrong(*node, fmt::format("a size from \"{}\" to \"{}\"", format_size(min), format_size(max)));
    return nullptr;
  }
  out = *value;
  return node;
}

const Node* TableReader::path(std::string_view key, std::string& out, bool dash) {
  const Node* node = typed(key, Node::Kind::string, "a path");
  if (node == nullptr) return nullptr;
  if (node->text.empty()) {
    wrong(*node, "a path");
    return nullptr;
  }
  out = dash && node->text == "-" ? node->text : resolved_path(*node->place.file, node->text);
  return node;
}

const Node* TableReader::strings(std::string_view key, std::vector<std::string>& out) {
  const Node* node = typed(key, Node::Kind::array, "a list of strings");
  if (node == nullptr) return nullptr;
  std::vector<std::string> items;
  bool good = true;
  for (const Node& item : node->children) {
    if (is_clean(item) && !item.text.empty()) {
      items.push_back(item.text);
    } else {
      complain(item, fmt::format("{}: found {}, expected a string that is not empty", name_of(key), describe(item)));
      good = false;
    }
  }
  if (!good) return nullptr;
  out = std::move(items);
  return node;
}

const Node* TableReader::paths(std::string_view key, std::vector<std::string>& out) {
  const Node* node = strings(key, out);
  if (node == nullptr) return nullptr;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = resolved_path(*node->children[i].place.file, out[i]);
  return node;
}

const Node* TableReader::networks(std::string_view key, std::vector<std::string>& out) {
  const Node* node = strings(key, out);
  if (node == nullptr) return nullptr;
  for (const Node& item : node->children) {
    if (parse_network(item.text)) continue;
    complain(item, fmt::format("{}: found {}, expected a network such as \"10.0.0.0/8\" (host bits zero)", name_of(key),
                               describe(item)));
  }
  return node;
}

const Node* TableReader::command(std::string_view key, std::vector<std::string>& out) {
  constexpr std::string_view kExpected = "a list with a program's path and its arguments, such as [\"/bin/sh\"]";
  const Node* node = typed(key, Node::Kind::array, kExpected);
  if (node == nullptr) return nullptr;
  const bool clean = std::all_of(node->children.begin(), node->children.end(), [](const Node& item) { return is_clean(item); });
  if (!clean || node->children.empty()) {
    wrong(*node, kExpected);
    return nullptr;
  }
  const Node& program = node->children.front();
  if (program.text.find('/') == std::string::npos) {
    complain(program,
             fmt::format("{}: found {}, expected a path: programs are not searched for", name_of(key), describe(program)));
    return nullptr;
  }
  out.clear();
  for (const Node& item : node->children) out.push_back(item.text);
  out.front() = resolved_path(*program.place.file, program.text);
  return node;
}

const Node* TableReader::one_of(std::string_view key, std::string& out, const std::vector<std::string_view>& names) {
  const std::string expected = fmt::format("one of \"{}\"", fmt::join(names, "\", \""));
  const Node* node = typed(key, Node::Kind::string, expected);
  if (node == nullptr) return nullptr;
  if (std::find(names.begin(), names.end(), node->text) == names.end()) {
    wrong(*node, expected, did_you_mean(node->text, names));
    return nullptr;
  }
  out = node->text;
  return node;
}

const Node* TableReader::table(std::string_view key) { return typed(key, Node::Kind::table, "a table"); }

std::vector<const Node*> TableReader::tables(std::string_view key) {
  const std::string expected = fmt::format("tables, each headed [[{}]]", name_of(key));
  std::vector<const Node*> found;
  const Node* node = typed(key, Node::Kind::array, expected);
  if (node == nullptr) return found;
  for (const Node& item : node->children) {
    if (item.kind == Node::Kind::table) {
      found.push_back(&item);
    } else {
      complain(item, fmt::format("{}: found {}, expected {}", name_of(key), describe(item), expected));
    }
  }
  return found;
}

void TableReader::not_yet(std::string_view key) {
  const Node* node = take(key);
  if (node == nullptr || is_off(*node)) return;
  problems_.add(node->key_place, fmt::format("{} is not supported yet: found {}", name_of(key), describe(*node)));
}

void TableReader::missing(std::string_view key) {
  problems_.add(place_, fmt::format("expected the key \"{}\" in [{}]", key, path_));
}

void TableReader::misplaced(std::string_view key, std::string_view why) {
  const Node* node = take(key);
  if (node != nullptr) problems_.add(node->key_place, fmt::format("{}: {}", name_of(key), why));
}

void TableReader::finish(const std::vector<std::string_view>& extra) {
  if (table_ == nullptr) return;
  std::vector<std::string_view> names = known_;
  names.insert(names.end(), extra.begin(), extra.end());
  for (const Node& child : table_->children) {
    if (std::find(known_.begin(), known_.end(), child.key) != known_.end()) continue;
    problems_.add(child.key_place,
                  fmt::format("unknown key {}{}{}", config::quoted(child.key),
                              path_.empty() ? "" : fmt::format(" in [{}]", path_), did_you_mean(child.key, names)));
  }
}

}  // namespace sallyport::config
