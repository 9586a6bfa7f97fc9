// The server's side of logins whose clients are the test.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/userauth.hpp>

#include "fakes/memory_transport.hpp"
#include "net/loop/fd.hpp"

namespace sallyport::fakes {

class FakeUserauth {
 public:
  /// One client: what it is told, a line each, and the way to report as it.
  struct Client {
    std::vector<std::string> told;
    UserauthEvents* events = nullptr;  ///< null behind the end
    bool closed = false;               ///< the server's side has been destroyed
    ConnectionInfo info;
    MemoryPeer peer;

    std::vector<std::string> take() { return std::exchange(told, {}); }
    void request(const UserauthRequest& request) { events->on_userauth(request); }
    void answer(const std::vector<std::string>& texts) {
      std::vector<SecretString> answers;
      for (const std::string& text : texts) answers.emplace_back(text);
      events->on_info_response(std::move(answers));
    }
    /// What follows accept().
    void log_in() { std::exchange(events, nullptr)->on_logged_in(peer.transport()); }
    void fail(Errc code, std::string detail) { std::exchange(events, nullptr)->on_failed({code, std::move(detail)}); }
  };

  std::unique_ptr<UserauthServer> serve(UserauthEvents& events) {
    Client& client = clients.emplace_back();
    client.events = &events;
    return std::make_unique<Server>(client);
  }

  std::deque<Client> clients;

 private:
  class Server final : public UserauthServer {
   public:
    explicit Server(Client& client) : client_(client) {}
    ~Server() override {
      client_.closed = true;
      client_.events = nullptr;
    }
    void accept() override { tell("accept"); }
    void pass() override { tell("pass"); }
    void reject() override { tell("reject"); }
    void offer_ok() override { tell("offer ok"); }
    void ask(const InfoRequest& request) override {
      std::string line = "ask";
      if (!request.instruction.empty()) line += " " + request.instruction;
      for (const auto& prompt : request.prompts) line += " [" + prompt.text + "]";
      tell(line);
    }
    void ask_new_password(std::string_view prompt) override { tell("ask new password: " + std::string(prompt)); }
    void can_continue(std::vector<std::string> methods) override {
      std::string line = "can continue:";
      for (const std::string& method : methods) line += " " + method;
      tell(line);
    }
    void show(std::string_view text) override { tell("show " + std::string(text)); }
    void disconnect(DisconnectReason reason, std::string_view text) override {
      tell("disconnect " + std::to_string(static_cast<unsigned>(reason)) + " " + std::string(text));
    }
    ConnectionInfo info() const override { return client_.info; }

   private:
    void tell(std::string line) { client_.told.push_back(std::move(line)); }
    Client& client_;
  };
};

}  // namespace sallyport::fakes
