#include "ssh/upstream/agent_client.hpp"

#include <utility>

#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::size_t kLengthField = 4;

}  // namespace

Result<std::unique_ptr<AgentClient>> AgentClient::open(net::Loop& loop, net::Fd fd) {
  std::unique_ptr<AgentClient> client(new AgentClient);
  AgentClient* const self = client.get();
  auto stream = net::Stream::open(loop, std::move(fd), agent::kMaxMessage + kLengthField,
                                  {.on_data = [self](ByteView bytes) { self->on_data(bytes); },
                                   .on_end =
                                       [self](const Error& why) {
                                         self->ended_ = true;
                                         self->answer(fail(why.code, "the agent has gone"));
                                       },
                                   .on_finished = {}});
  if (!stream) return fail(stream.error());
  client->stream_ = std::move(*stream);
  return client;
}

void AgentClient::bind(const agent::SessionBinding& binding, std::function<void(Result<>)> done) {
  ask(agent::build_session_bind(binding),
      [done = std::move(done)](const Result<Bytes>& message) { done(message ? Result<>{} : Result<>(fail(message.error()))); });
}

void AgentClient::list(std::function<void(Result<std::vector<AgentIdentity>>)> done) {
  ask(agent::build_list_request(), [done = std::move(done)](Result<Bytes> message) {
    if (!message) return done(fail(message.error()));
    auto identities = agent::parse_identities(*message);
    if (!identities) return done(fail(Errc::protocol, "the agent doesn't list its keys"));
    done(std::move(*identities));
  });
}

void AgentClient::sign(ByteView key_blob, ByteView data, agent::RsaDigest digest, std::function<void(Result<Bytes>)> done) {
  ask(agent::build_sign_request(key_blob, data, digest), [done = std::move(done)](Result<Bytes> message) {
    if (!message) return done(fail(message.error()));
    auto signature = agent::parse_signature(*message);
    if (!signature) return done(fail(Errc::denied, "the agent doesn't sign"));
    done(std::move(*signature));
  });
}

void AgentClient::ask(const Bytes& request, Answered done) {
  done_ = std::move(done);
  // What doesn't fit is longer than any agent takes.
  if (ended_ || !stream_->write(request)) answer(fail(Errc::closed, "the agent takes no request"));
}

void AgentClient::on_data(ByteView bytes) {
  if (done_ == nullptr) return answer(fail(Errc::protocol, "the agent said something unasked"));
  received_.insert(received_.end(), bytes.begin(), bytes.end());
  if (received_.size() < kLengthField) return;
  const std::uint32_t length = wire::Reader(received_).uint32();
  if (length > agent::kMaxMessage || received_.size() > kLengthField + length)
    return answer(fail(Errc::protocol, "the agent's answer is too long"));
  if (received_.size() < kLengthField + length) return;
  Bytes message(received_.begin() + kLengthField, received_.end());
  received_.clear();
  answer(std::move(message));
}

void AgentClient::answer(Result<Bytes> message) {
  // Last: it may destroy *this.
  if (const Answered done = std::exchange(done_, nullptr)) done(std::move(message));
}

}  // namespace sallyport::ssh
