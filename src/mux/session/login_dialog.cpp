#include "mux/session/login_dialog.hpp"

#include <algorithm>
#include <utility>

#include "mux/protocol/shown_text.hpp"
#include "wire/messages.hpp"

namespace sallyport::mux {
namespace {

constexpr char kInterrupt = 0x03;
constexpr char kEndOfInput = 0x04;
constexpr char kBackspace = 0x08;
constexpr char kKillLine = 0x15;
constexpr char kDelete = 0x7f;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == kDelete; }
bool continues_utf8(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

LoginDialog::LoginDialog(ChannelEnd& terminal, std::uint32_t columns, std::string_view target, Handlers handlers)
    : terminal_(terminal), columns_(columns), mark_("(" + std::string(target) + ") "), handlers_(std::move(handlers)) {}

LoginDialog::~LoginDialog() { ::explicit_bzero(line_.data(), line_.size()); }

void LoginDialog::ask(const UpstreamQuestion& question) {
  for (const std::string& text : {question.name, question.instruction})
    if (!text.empty()) show(marked_lines(text, mark_, columns_) + (text.ends_with('\n') ? "" : "\r\n"));
  prompts_ = question.prompts;
  answers_.clear();
  asking_ = true;
  if (prompts_.empty()) {
    asking_ = false;
    return handlers_.answered({});
  }
  prompt();
  listen();
}

void LoginDialog::prompt() {
  length_ = 0;
  show(marked_lines(prompts_[answers_.size()].text, mark_, columns_));
}

void LoginDialog::listen() {
  if (asking_ && terminal_.flow().granted == 0) terminal_.grant(1);
}

void LoginDialog::on_data(ByteView bytes) {
  for (const std::uint8_t byte : bytes)
    if (asking_ && !type(static_cast<char>(byte))) return;
  listen();
}

void LoginDialog::on_eof() {
  if (std::exchange(asking_, false)) handlers_.cancelled();
}

bool LoginDialog::type(char c) {
  const bool echo = prompts_[answers_.size()].echo;
  const bool was_return = std::exchange(after_return_, c == '\r');
  if (c == '\n' && was_return) return true;
  if (c == '\r' || c == '\n') return line_done();
  if (c == kInterrupt || (c == kEndOfInput && length_ == 0)) {
    show("\r\n");
    asking_ = false;
    handlers_.cancelled();
    return false;
  }
  if (c == kBackspace || c == kDelete) {
    if (length_ > 0 && echo) show("\b \b");
    erase();
  } else if (c == kKillLine) {
    while (length_ > 0) {
      if (echo) show("\b \b");
      erase();
    }
  } else if (!is_control(c) && length_ < line_.size()) {
    line_[length_++] = c;
    if (echo) show({&c, 1});
  }
  return true;
}

/// A character, which may be several bytes.
void LoginDialog::erase() {
  while (length_ > 0 && continues_utf8(line_[length_ - 1])) --length_;
  if (length_ > 0) --length_;
}

bool LoginDialog::line_done() {
  show("\r\n");
  answers_.emplace_back(std::string_view(line_.data(), length_));
  ::explicit_bzero(line_.data(), line_.size());
  if (answers_.size() < prompts_.size()) {
    prompt();
    return true;
  }
  asking_ = false;
  handlers_.answered(std::exchange(answers_, {}));
  return false;
}

void LoginDialog::show(std::string_view text) {
  to_show_ += text.substr(0, kMaxShown - std::min(kMaxShown, to_show_.size()));
  on_window();
}

void LoginDialog::on_window() {
  const std::size_t now = std::min<std::size_t>(to_show_.size(), terminal_.flow().window);
  if (now == 0) return;
  terminal_.send_extended_data(wire::kExtendedDataStderr, bytes_of(std::string_view(to_show_).substr(0, now)));
  to_show_.erase(0, now);
}

}  // namespace sallyport::mux
