#include "ssh/keys/known_hosts.hpp"

#include <algorithm>
#include <cctype>

#include "match/match.hpp"
#include "ssh/keys/base64.hpp"
#include "ssh/keys/digest.hpp"
#include "ssh/keys/handles.hpp"

namespace sallyport::ssh {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Takes the next word off `line`.
std::string_view next_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return line = {};
  const auto end = std::min(line.find_first_of(" \t", begin), line.size());
  const auto word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

// The type that a key names itself (RFC 4253, 6.6).
std::string_view type_in(ByteView blob) {
  if (blob.size() < 4) return {};
  const std::size_t length = static_cast<std::size_t>(blob[0]) << 24 | static_cast<std::size_t>(blob[1]) << 16 |
                             static_cast<std::size_t>(blob[2]) << 8 | blob[3];
  if (length > blob.size() - 4) return {};
  return text_of(blob.subspan(4, length));
}

// "|1|salt|hash": HMAC-SHA1 of the name, keyed with the salt.
bool matches_hashed(std::string_view hashed, const std::string& name) {
  if (!hashed.starts_with("|1|")) return false;
  hashed.remove_prefix(3);
  const auto bar = hashed.find('|');
  if (bar == std::string_view::npos) return false;
  const auto salt = base64_decode(hashed.substr(0, bar));
  const auto hash = base64_decode(hashed.substr(bar + 1));
  return salt && hash && !hash->empty() && hmac_sha1(*salt, bytes_of(name)) == *hash;
}

// A list of patterns; a negated one that matches wins over all others.
bool matches(std::string_view patterns, const std::string& name) {
  if (patterns.starts_with('|')) return matches_hashed(patterns, name);
  bool found = false;
  while (!patterns.empty()) {
    const auto end = std::min(patterns.find(','), patterns.size());
    std::string_view pattern = patterns.substr(0, end);
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (pattern.empty() || !config::glob_matches(lower(pattern), name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

}  // namespace

KnownHosts::KnownHosts(std::string_view host, std::uint16_t port) : name_(lower(host)) {
  if (port == 22) return;
  bare_ = name_;
  name_ = "[" + name_ + "]:" + std::to_string(port);
}

void KnownHosts::read(std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() <= kMaxLine) read_line(line, number);
  }
}

void KnownHosts::read_line(std::string_view line, std::size_t number) {
  std::string_view word = next_word(line);
  if (word.empty() || word.front() == '#') return;
  std::string_view marker;
  if (word.front() == '@') {
    marker = word;
    word = next_word(line);
  }
  if (word.empty()) return;
  const bool with_port = matches(word, name_);
  if (!with_port && (bare_.empty() || !matches(word, bare_))) return;
  const std::string_view names = word;
  const std::string where = "line " + std::to_string(number);
  if (marker == "@cert-authority") {
    // libssh takes no certificate for a host key: it strikes their algorithms off what it offers.
    warnings_.push_back(where + ": host certificates aren't supported; ignored");
    return;
  }
  if (!marker.empty() && marker != "@revoked") {
    warnings_.push_back(where + ": unknown marker; ignored");
    return;
  }
  const std::string_view type = next_word(line);
  const auto blob = base64_decode(next_word(line));
  if (!blob || type.empty() || type_in(*blob) != type) {
    warnings_.push_back(where + ": no usable key; ignored");
    return;
  }
  const bool alone = names.starts_with('|') || lower(names) == name_;
  const bool by_name = alone || lists_name(names);
  (with_port ? entries_ : bare_entries_).push_back(Entry{std::string{type}, *blob, marker == "@revoked", number, by_name, alone});
}

bool KnownHosts::lists_name(std::string_view patterns) const {
  while (!patterns.empty()) {
    const auto end = std::min(patterns.find(','), patterns.size());
    if (lower(patterns.substr(0, end)) == name_) return true;
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return false;
}

HostKeyVerdict KnownHosts::judge(ByteView key_blob) const {
  bool known = false;
  bool others = false;
  bool of_this_type = false;
  for (const auto& entry : entries_) {
    const bool same = std::equal(entry.blob.begin(), entry.blob.end(), key_blob.begin(), key_blob.end());
    if (same && entry.revoked) return HostKeyVerdict::revoked;
    if (same) known = true;
    if (entry.revoked) continue;
    others = true;
    if (entry.type == type_in(key_blob)) of_this_type = true;
  }
  if (known) return HostKeyVerdict::known;
  if (of_this_type) return HostKeyVerdict::changed;
  return judge_without_port(key_blob).value_or(others ? HostKeyVerdict::other_type : HostKeyVerdict::unknown);
}

std::optional<HostKeyVerdict> KnownHosts::judge_without_port(ByteView key_blob) const {
  std::optional<HostKeyVerdict> verdict;
  for (const Entry& entry : bare_entries_) {
    if (!std::equal(entry.blob.begin(), entry.blob.end(), key_blob.begin(), key_blob.end())) continue;
    if (entry.revoked) return HostKeyVerdict::revoked;
    verdict = HostKeyVerdict::known;
  }
  return verdict;
}

std::string KnownHosts::expected() const {
  std::string text;
  std::size_t count = 0;
  for (const auto& entry : entries_) {
    if (entry.revoked) continue;
    if (++count > kMaxShown) return text + ", …";
    text += (text.empty() ? "" : ", ") + entry.type + " " + fingerprint_of(entry.blob);
  }
  return text;
}

bool KnownHosts::listed_by_name() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.by_name && !entry.revoked; });
}

std::vector<std::size_t> KnownHosts::lines_without(const std::vector<Bytes>& keys) const {
  std::vector<std::size_t> lines;
  for (const auto& entry : entries_) {
    const bool kept = entry.revoked || !entry.alone || std::find(keys.begin(), keys.end(), entry.blob) != keys.end();
    if (!kept) lines.push_back(entry.line);
  }
  return lines;
}

std::vector<std::string> KnownHosts::key_types() const {
  std::vector<std::string> types;
  const bool only_bare = std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.revoked; });
  for (const auto& entry : only_bare ? bare_entries_ : entries_) {
    if (!entry.revoked && std::find(types.begin(), types.end(), entry.type) == types.end()) types.push_back(entry.type);
  }
  return types;
}

}  // namespace sallyport::ssh
