// Takes the keys of one table, says what is wrong with them, and in the end refuses those that nobody asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/clock.hpp>

#include "config/document.hpp"
#include "config/problem.hpp"

namespace sallyport::config {

/// Reads the keys of a table. Each function leaves `out` alone when the key is absent or wrong, and returns the value's
/// node when it is there and right. Keys that are read are known; finish() complains about all the others.
class TableReader {
 public:
  /// `path` is what messages call the table: "server", "target.web1"; empty for the file itself. A null `table` is
  /// an empty one. The node, `problems` and the texts of all keys that are asked for outlive the reader.
  TableReader(const Node* table, std::string path, Problems& problems);

  /// The value, whatever it is; null when absent.
  const Node* take(std::string_view key);

  const Node* string(std::string_view key, std::string& out);
  const Node* boolean(std::string_view key, bool& out);
  const Node* number(std::string_view key, std::uint32_t& out, std::uint32_t min, std::uint32_t max);
  const Node* duration(std::string_view key, Duration& out, Duration min, Duration max);
  const Node* size(std::string_view key, std::uint64_t& out, std::uint64_t min, std::uint64_t max);
  /// A path, made absolute. `"-"` stays as it is when `dash` is allowed. Not empty.
  const Node* path(std::string_view key, std::string& out, bool dash = false);
  const Node* paths(std::string_view key, std::vector<std::string>& out);
  /// A list of strings, none of them empty.
  const Node* strings(std::string_view key, std::vector<std::string>& out);
  /// A list of networks and addresses, as parse_network() reads them.
  const Node* networks(std::string_view key, std::vector<std::string>& out);
  /// A program with its arguments: the first is a path with a slash in it, made absolute.
  const Node* command(std::string_view key, std::vector<std::string>& out);

  /// One of a few words.
  template <typename T>
  const Node* word(std::string_view key, T& out, std::span<const std::pair<std::string_view, T>> words) {
    std::vector<std::string_view> names;
    for (const auto& entry : words) names.push_back(entry.first);
    std::string text;
    const Node* node = one_of(key, text, names);
    for (const auto& entry : words) {
      if (node != nullptr && entry.first == text) out = entry.second;
    }
    return node;
  }

  /// The table `key`; null when absent or something else.
  const Node* table(std::string_view key);
  /// The tables of `[[key]]`.
  std::vector<const Node*> tables(std::string_view key);

  /// A key of a version to come: refused by its name unless it is `false`, an empty list, an empty table or "none",
  /// which say what is the case anyway.
  void not_yet(std::string_view key);

  /// Complains that the key is not there.
  void missing(std::string_view key);
  /// Complains about a key that is known, but not here.
  void misplaced(std::string_view key, std::string_view why);

  /// `server.banner: found …, expected …`
  void wrong(const Node& node, std::string_view expected, std::string_view hint = {});
  /// Anything else, at the place of `node`.
  void complain(const Node& node, std::string message);

  /// Unknown keys. `extra`: further names to suggest, which are read elsewhere.
  void finish(const std::vector<std::string_view>& extra = {});

  /// Where everything that is wrong goes to.
  Problems* problems() { return &problems_; }
  /// Where the table begins.
  const Place& place() const { return place_; }
  std::string name_of(std::string_view key) const;

 private:
  const Node* typed(std::string_view key, Node::Kind kind, std::string_view expected);
  const Node* one_of(std::string_view key, std::string& out, const std::vector<std::string_view>& names);

  const Node* table_;
  std::string path_;
  Problems& problems_;
  Place place_;
  std::vector<std::string_view> known_;  // perhaps several times
};

}  // namespace sallyport::config
