// What a target asks at the login, shown to the person at a client's terminal, and what that person types.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/bytes.hpp>
#include <sallyport/secret.hpp>
#include <sallyport/upstream.hpp>

#include "mux/protocol/channel_end.hpp"

namespace sallyport::mux {

/// One question at a time, on a session channel that has a terminal and no endpoint yet. The client's terminal is raw:
/// echo and editing are done here. The client is granted one byte at a time, so that when the last answer is there
/// nothing is on its way that belongs to the program behind it. Each line that the target has shown bears its name:
/// none passes for the bastion's.
class LoginDialog {
 public:
  static constexpr std::size_t kMaxAnswer = 1024;
  /// Of what waits to be shown to a client that doesn't read; the rest is dropped.
  static constexpr std::size_t kMaxShown = 16 * 1024;

  struct Handlers {
    std::function<void(std::vector<SecretString>)> answered;
    std::function<void()> cancelled;  ///< by Ctrl-C, Ctrl-D or the end of input
  };

  /// `terminal` outlives the dialog, and has so many columns; `target` is the target's name. A handler may destroy the
  /// dialog.
  LoginDialog(ChannelEnd& terminal, std::uint32_t columns, std::string_view target, Handlers handlers);
  ~LoginDialog();
  LoginDialog(const LoginDialog&) = delete;
  LoginDialog& operator=(const LoginDialog&) = delete;

  /// Shows the question and waits for the answers. One without prompts is answered by no answers, before this returns.
  void ask(const UpstreamQuestion& question);
  /// What the client has typed.
  void on_data(ByteView bytes);
  void on_eof();
  /// The client takes more.
  void on_window();

 private:
  /// False when the question is over, and *this may be gone.
  bool type(char c);
  void prompt();
  void erase();
  bool line_done();
  void show(std::string_view text);
  void listen();

  ChannelEnd& terminal_;
  const std::uint32_t columns_;
  const std::string mark_;
  const Handlers handlers_;
  std::vector<UpstreamQuestion::Prompt> prompts_;
  std::vector<SecretString> answers_;
  bool asking_ = false;
  bool after_return_ = false;  // a line feed that follows belongs to it
  std::array<char, kMaxAnswer> line_{};
  std::size_t length_ = 0;
  std::string to_show_;
};

}  // namespace sallyport::mux
