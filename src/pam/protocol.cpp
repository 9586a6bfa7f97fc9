#include "pam/protocol.hpp"

#include <algorithm>

#include "wire/encoding.hpp"

namespace sallyport::pam {
namespace {

constexpr std::size_t kLength = 4;

/// `room` keeps the bytes in one place: what is moved by growing would stay behind in the heap.
Bytes begin(Type type, std::size_t room) {
  Bytes bytes;
  bytes.reserve(kLength + 1 + room);
  bytes.resize(kLength);
  bytes.push_back(static_cast<std::uint8_t>(type));
  return bytes;
}

void add_uint32(Bytes& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

void add_string(Bytes& bytes, std::string_view text) {
  add_uint32(bytes, text.size());
  bytes.insert(bytes.end(), text.begin(), text.end());
}

Bytes finish(Bytes bytes) {
  const std::size_t length = bytes.size() - kLength;
  for (std::size_t i = 0; i < kLength; ++i) bytes[i] = static_cast<std::uint8_t>(length >> (8 * (kLength - 1 - i)));
  return bytes;
}

std::string shortened(std::string_view text) { return std::string(text.substr(0, kMaxText)); }

}  // namespace

Bytes frame(const Start& start) {
  Bytes bytes = begin(Type::start, 256);
  add_string(bytes, start.service);
  add_string(bytes, start.user);
  add_string(bytes, start.remote_host);
  bytes.push_back(start.authenticate ? 1 : 0);
  return finish(std::move(bytes));
}

Bytes frame(const std::vector<SecretString>& answers) {
  std::size_t room = kLength;
  for (const SecretString& answer : answers) room += kLength + answer.size();
  Bytes bytes = begin(Type::answers, room);
  add_uint32(bytes, answers.size());
  for (const SecretString& answer : answers) add_string(bytes, answer.view());
  return finish(std::move(bytes));
}

Bytes frame(const std::vector<Message>& questions) {
  Bytes bytes = begin(Type::questions, 1024);
  const std::size_t count = std::min<std::size_t>(questions.size(), kMaxMessages);
  add_uint32(bytes, count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(questions[i].style));
    add_string(bytes, shortened(questions[i].text));
  }
  return finish(std::move(bytes));
}

Bytes frame(const Failed& failed) {
  Bytes bytes = begin(Type::failed, 256);
  bytes.push_back(static_cast<std::uint8_t>(failed.kind));
  add_string(bytes, shortened(failed.reason));
  return finish(std::move(bytes));
}

Bytes frame(Type type) { return finish(begin(type, 0)); }

Cut cut_frame(ByteView received) {
  wire::Reader reader(received);
  const std::size_t length = reader.uint32();
  if (!reader.ok()) return {};
  if (length == 0 || length > kMaxFrame) return {.frame = {}, .used = 0, .broken = true};
  if (received.size() < kLength + length) return {};
  const Frame frame{static_cast<Type>(received[kLength]), received.subspan(kLength + 1, length - 1)};
  return {.frame = frame, .used = kLength + length, .broken = false};
}

std::optional<Start> parse_start(ByteView fields) {
  wire::Reader reader(fields);
  Start start;
  for (std::string* text : {&start.service, &start.user, &start.remote_host}) *text = reader.text();
  start.authenticate = reader.boolean();
  if (!reader.at_end() || start.service.empty() || start.user.empty()) return std::nullopt;
  for (const std::string* text : {&start.service, &start.user, &start.remote_host}) {
    if (text->size() > kMaxText || text->find('\0') != std::string::npos) return std::nullopt;
  }
  return start;
}

std::optional<std::vector<SecretString>> parse_answers(ByteView fields) {
  wire::Reader reader(fields);
  const std::uint32_t count = reader.uint32();
  if (!reader.ok() || count > kMaxMessages) return std::nullopt;
  std::vector<SecretString> answers;
  answers.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string_view text = reader.text();
    if (text.size() > kMaxAnswer) return std::nullopt;
    answers.emplace_back(text);
  }
  if (!reader.at_end()) return std::nullopt;
  return answers;
}

std::optional<std::vector<Message>> parse_questions(ByteView fields) {
  wire::Reader reader(fields);
  const std::uint32_t count = reader.uint32();
  if (!reader.ok() || count > kMaxMessages) return std::nullopt;
  std::vector<Message> questions;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint8_t style = reader.byte();
    const std::string_view text = reader.text();
    if (!reader.ok() || style < 1 || style > 4 || text.size() > kMaxText) return std::nullopt;
    questions.push_back({static_cast<Message::Style>(style), std::string(text)});
  }
  if (!reader.at_end()) return std::nullopt;
  return questions;
}

std::optional<Failed> parse_failed(ByteView fields) {
  wire::Reader reader(fields);
  const std::uint8_t kind = reader.byte();
  Failed failed{static_cast<Failed::Kind>(kind), std::string(reader.text())};
  if (!reader.at_end() || kind < 1 || kind > 2 || failed.reason.size() > kMaxText) return std::nullopt;
  return failed;
}

}  // namespace sallyport::pam
