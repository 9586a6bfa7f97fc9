// Upstream connections whose outcome the test decides.
#pragma once

#include <cassert>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/upstream.hpp>

#include "fakes/fake_streams.hpp"
#include "fakes/memory_transport.hpp"
#include "fakes/ssh_messages.hpp"
#include "route/resolved_target.hpp"

namespace sallyport::fakes {

class FakeConnector final : public UpstreamConnector {
 public:
  /// One call of connect(), and the server behind it once it has succeeded.
  struct Dial {
    ResolvedTarget target;
    UpstreamClient client;
    UpstreamAttempt* attempt = nullptr;  ///< while it is under way
    std::vector<std::string> answers;    ///< what it has been told, with what was typed: "answer 1234", "no answer: …"
    UpstreamEvents* events = nullptr;    ///< null once there was an outcome, or nobody waits for one any more
    MemoryPeer server;
    bool given_up = false;
  };

  [[nodiscard]] std::unique_ptr<UpstreamAttempt> connect(const ResolvedTarget& target, const UpstreamClient& client,
                                                         UpstreamEvents& events) override {
    Dial& dial = dials.emplace_back();
    dial.target = target;
    dial.client = client;
    dial.events = &events;
    auto attempt = std::make_unique<Attempt>(dial, agents);
    dial.attempt = attempt.get();
    return attempt;
  }

  /// Sockets of carried attempts are in `carriers`, in the order of the calls.
  [[nodiscard]] CarriedAttempt connect_over(const ResolvedTarget& target, const UpstreamClient& client, UpstreamEvents& events,
                                            StreamEvents& carrier_events) override {
    auto attempt = connect(target, client, events);
    return {std::move(attempt), carriers.connect({}, target.options.connect_timeout, carrier_events)};
  }

  [[nodiscard]] std::unique_ptr<HostKeyLearner> learn_host_keys(const ResolvedTarget& target, Bytes) override {
    if (!target.options.update_host_keys) return nullptr;
    return std::make_unique<Learner>(*this);
  }
  std::function<void(Bytes)> ask_for_proof;  ///< set once a target has told its keys
  std::vector<std::string> learnt;           ///< "keys …", "proof …", with the fields

  /// The attempt of that number succeeds; the server's end.
  MemoryPeer& succeed(std::size_t index) {
    Dial& dial = dials.at(index);
    assert(dial.events != nullptr);
    std::exchange(dial.events, nullptr)->on_connected(dial.server.transport());
    if (answers_first_question)
      dial.server.answer_first(global_message("keepalive@openssh.com", true), type_only(wire::MessageType::request_failure));
    return dial.server;
  }
  bool answers_first_question = true;  ///< as sshd, with which the tests don't see it
  void fail(std::size_t index, std::string told, Errc code = Errc::refused) {
    Dial& dial = dials.at(index);
    assert(dial.events != nullptr);
    std::exchange(dial.events, nullptr)->on_connect_failed({code, std::move(told), "detail"});
  }

  /// The login of that number asks its client.
  void ask(std::size_t index, const UpstreamQuestion& question) {
    Dial& dial = dials.at(index);
    dial.events->on_question(*dial.attempt, question);
  }
  void want_agent(std::size_t index) {
    Dial& dial = dials.at(index);
    dial.events->on_agent_wanted(*dial.attempt);
  }

  FakeStreams carriers;
  FakeStreams agents;      ///< what has been lent, in the order of the calls
  std::deque<Dial> dials;  // a deque: servers stay where they are

 private:
  struct Learner final : HostKeyLearner {
    explicit Learner(FakeConnector& its_owner) : owner(its_owner) {}
    void on_keys(ByteView fields, std::function<void(Bytes)> ask) override {
      owner.learnt.push_back("keys " + std::string(text_of(fields)));
      owner.ask_for_proof = std::move(ask);
    }
    void on_proof(ByteView fields) override { owner.learnt.push_back("proof " + std::string(text_of(fields))); }
    FakeConnector& owner;
  };
  struct Attempt final : UpstreamAttempt {
    Attempt(Dial& its_dial, FakeStreams& streams) : dial(its_dial), agents(streams) {}
    ~Attempt() override {
      dial.attempt = nullptr;
      if (dial.events != nullptr) dial.given_up = true;
      dial.events = nullptr;
    }
    std::unique_ptr<Stream> lend_agent(StreamEvents& events) override {
      dial.answers.push_back("agent");
      return agents.connect({}, {}, events);
    }
    void refuse_agent(std::string why) override { dial.answers.push_back("no agent: " + why); }
    void answer(std::vector<SecretString> answers) override {
      std::string text = "answer";
      for (const SecretString& one : answers) text += " " + std::string(one.view());
      dial.answers.push_back(text);
    }
    void refuse_answer(std::string told) override { dial.answers.push_back("no answer: " + told); }
    Dial& dial;
    FakeStreams& agents;
  };
};

}  // namespace sallyport::fakes
