#include "config/document.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace sallyport::config {
namespace {

/// toml++ itself refuses deeper nesting than 256; this is far more than any of our keys needs.
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxQuoted = 120;

Place place_of(const toml::source_region& region, const std::shared_ptr<const std::string>& file) {
  return {file, region.begin.line, region.begin.column};
}

template <typename T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

Node convert(const toml::node& from, const std::shared_ptr<const std::string>& file, int depth, Problems& problems) {
  Node node;
  node.place = place_of(from.source(), file);
  node.key_place = node.place;
  if (depth > kMaxDepth) {
    problems.add(node.place, "nested too deeply");
    return node;
  }
  switch (from.type()) {
    case toml::node_type::string:
      node.kind = Node::Kind::string;
      node.text = from.as_string()->get();
      break;
    case toml::node_type::integer:
      node.kind = Node::Kind::integer;
      node.integer = from.as_integer()->get();
      break;
    case toml::node_type::boolean:
      node.kind = Node::Kind::boolean;
      node.boolean = from.as_boolean()->get();
      break;
    case toml::node_type::floating_point:
      node.kind = Node::Kind::floating;
      node.text = fmt::format("{}", from.as_floating_point()->get());
      break;
    case toml::node_type::date:
      node.kind = Node::Kind::date_or_time;
      node.text = printed(from.as_date()->get());
      break;
    case toml::node_type::time:
      node.kind = Node::Kind::date_or_time;
      node.text = printed(from.as_time()->get());
      break;
    case toml::node_type::date_time:
      node.kind = Node::Kind::date_or_time;
      node.text = printed(from.as_date_time()->get());
      break;
    case toml::node_type::array:
      node.kind = Node::Kind::array;
      for (const toml::node& item : *from.as_array()) node.children.push_back(convert(item, file, depth + 1, problems));
      break;
    case toml::node_type::table:
    case toml::node_type::none:
      node.kind = Node::Kind::table;
      if (const toml::table* table = from.as_table()) {
        for (auto entry = table->cbegin(); entry != table->cend(); ++entry) {
          Node child = convert(entry->second, file, depth + 1, problems);
          child.key = std::string(entry->first.str());
          child.key_place = place_of(entry->first.source(), file);
          node.children.push_back(std::move(child));
        }
      }
      break;
  }
  return node;
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  if (kind != Kind::table) return nullptr;
  const auto found = std::lower_bound(children.begin(), children.end(), name,
                                      [](const Node& child, std::string_view key) { return child.key < key; });
  return found != children.end() && found->key == name ? &*found : nullptr;
}

Node* Node::find(std::string_view name) { return const_cast<Node*>(std::as_const(*this).find(name)); }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxQuoted)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (text.size() > kMaxQuoted) out += "…";
  return out + "\"";
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::string: return "the string " + config::quoted(node.text);
    case Node::Kind::integer: return fmt::format("the number {}", node.integer);
    case Node::Kind::floating: return "the number " + node.text;
    case Node::Kind::boolean: return node.boolean ? "true" : "false";
    case Node::Kind::date_or_time: return "the date or time " + node.text;
    case Node::Kind::array: return node.children.empty() ? "an empty list" : "a list";
    case Node::Kind::table: return "a table";
  }
  return "something else";
}

Node parse_toml(std::string_view text, const std::string& file, Problems& problems) {
  const auto shared_file = std::make_shared<const std::string>(file);
  try {
    const toml::table table = toml::parse(text, file);
    return convert(table, shared_file, 0, problems);
  } catch (const toml::parse_error& error) {
    problems.add(place_of(error.source(), shared_file), std::string(error.description()));
  }
  Node empty;
  empty.place = {shared_file, 1, 1};
  empty.key_place = empty.place;
  return empty;
}

}  // namespace sallyport::config
