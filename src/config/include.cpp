#include "config/include.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sallyport::config {
namespace {

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

bool is_array_of_tables(const Node& node) {
  return node.kind == Node::Kind::array && !node.children.empty() &&
         std::all_of(node.children.begin(), node.children.end(), [](const Node& item) { return item.kind == Node::Kind::table; });
}

/// Sections may be spread over files, a single target may not: half of one in another file would surprise its reader.
bool may_be_spread(const Node& parent) { return parent.key != "target"; }

void merge(Node& into, Node&& from, Problems& problems) {
  std::vector<Node> added;
  for (Node& child : from.children) {
    Node* present = into.find(child.key);
    if (present == nullptr) {
      added.push_back(std::move(child));
    } else if (present->kind == Node::Kind::table && child.kind == Node::Kind::table && may_be_spread(into)) {
      merge(*present, std::move(child), problems);
    } else if (is_array_of_tables(*present) && is_array_of_tables(child)) {
      std::move(child.children.begin(), child.children.end(), std::back_inserter(present->children));
    } else {
      problems.add(child.key_place, fmt::format("\"{}\" has been set already, in {}, line {}", child.key,
                                                *present->key_place.file, present->key_place.line));
    }
  }
  const auto old_count = static_cast<std::ptrdiff_t>(into.children.size());
  std::move(added.begin(), added.end(), std::back_inserter(into.children));
  std::inplace_merge(into.children.begin(), into.children.begin() + old_count, into.children.end(),
                     [](const Node& a, const Node& b) { return a.key < b.key; });
}

class Reader {
 public:
  Reader(const Files& files, Problems& problems) : files_(files), problems_(problems) {}

  /// `from` is where the file was named; null for the first one.
  Node read(const std::string& file, const Place* from, int depth) {
    const auto named = std::make_shared<const std::string>(file);
    Node none;
    none.place = {named, 1, 1};
    const std::string canonical = files_.canonical(file);
    if (seen_.count(canonical) != 0) {
      const bool loop = std::find(open_.begin(), open_.end(), canonical) != open_.end();
      problems_.add(*from, fmt::format("{} {}", file, loop ? "includes itself" : "is included twice"));
      return none;
    }
    if (depth > kMaxIncludeDepth) {
      problems_.add(*from, fmt::format("includes are nested more than {} deep", kMaxIncludeDepth));
      return none;
    }
    if (seen_.size() >= kMaxIncludedFiles) {
      problems_.add(*from, fmt::format("more than {} files are included", kMaxIncludedFiles));
      return none;
    }
    auto text = files_.read(file);
    if (!text) {
      const Place whole{named, 0, 0};
      problems_.add(from != nullptr ? *from : whole, fmt::format("can't read {}: {}", file, text.error().detail));
      return none;
    }
    seen_.insert(canonical);
    open_.push_back(canonical);
    Node root = parse_toml(*text, file, problems_);
    const auto include =
        std::find_if(root.children.begin(), root.children.end(), [](const Node& child) { return child.key == "include"; });
    if (include != root.children.end()) {
      const Node patterns = std::move(*include);
      root.children.erase(include);
      add_included(root, patterns, file, depth);
    }
    open_.pop_back();
    return root;
  }

 private:
  void add_included(Node& root, const Node& patterns, const std::string& file, int depth) {
    if (patterns.kind != Node::Kind::array) {
      problems_.add(patterns.place, fmt::format("include: found {}, expected a list of file names", describe(patterns)));
      return;
    }
    for (const Node& pattern : patterns.children) {
      if (pattern.kind != Node::Kind::string || pattern.text.empty() || pattern.text.find('\0') != std::string::npos) {
        problems_.add(pattern.place, fmt::format("include: found {}, expected a file name", describe(pattern)));
        continue;
      }
      const std::string path = resolved_path(file, pattern.text);
      if (!has_wildcard(pattern.text)) {
        merge(root, read(path, &pattern.place, depth + 1), problems_);
        continue;
      }
      auto matches = files_.match(path);
      if (!matches) {
        problems_.add(pattern.place, fmt::format("can't list {}: {}", path, matches.error().detail));
        continue;
      }
      for (const std::string& match : *matches) merge(root, read(match, &pattern.place, depth + 1), problems_);
    }
  }

  const Files& files_;
  Problems& problems_;
  std::set<std::string> seen_;
  std::vector<std::string> open_;
};

}  // namespace

std::string resolved_path(const std::string& file, const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(file, ignored);
  return (absolute.parent_path() / path).lexically_normal().string();
}

Node read_with_includes(const std::string& file, const Files& files, Problems& problems) {
  return Reader(files, problems).read(file, nullptr, 0);
}

}  // namespace sallyport::config
