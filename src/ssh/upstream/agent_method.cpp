#include "ssh/upstream/agent_method.hpp"

#include <libssh/libssh.h>

#include <utility>

#include "net/sockets/socket_stream.hpp"
#include "ssh/keys/base64.hpp"
#include "ssh/seam/seam.h"
#include "wire/encoding.hpp"

namespace sallyport::ssh {
namespace {

constexpr std::uint8_t kUserauthRequest = 50;  // RFC 4252, 6

KeyHandle public_key_of(const AgentIdentity& identity) {
  const auto type = ssh_key_type_from_name(identity.type.c_str());
  ssh_key key = nullptr;
  if (type == SSH_KEYTYPE_UNKNOWN || ssh_pki_import_pubkey_base64(base64_encode(identity.blob).c_str(), type, &key) != SSH_OK)
    return nullptr;
  return KeyHandle{key};
}

std::optional<agent::SessionBinding> binding_of(ssh_session session) {
  std::size_t id_length = 0;
  std::size_t signature_length = 0;
  const std::uint8_t* const id = spssh_session_id(session, &id_length);
  const std::uint8_t* const signature = spssh_host_key_signature(session, &signature_length);
  ssh_key raw = nullptr;
  if (id == nullptr || signature == nullptr || ssh_get_server_publickey(session, &raw) != SSH_OK) return std::nullopt;
  const KeyHandle key{raw};
  return agent::SessionBinding{public_blob_of(key.get()), Bytes(id, id + id_length),
                               Bytes(signature, signature + signature_length)};
}

}  // namespace

AgentMethod::AgentMethod(LoginHost& host, std::string path) : LoginMethod(host), path_(std::move(path)) {}
AgentMethod::~AgentMethod() = default;

MethodStep AgentMethod::proceed() {
  for (;;) {
    switch (state_) {
      case State::fresh: open(); continue;
      case State::waiting: return MethodStep::again;
      case State::choosing:
        if (!choose()) return exhausted();
        continue;
      case State::offering: {
        const int rc = ssh_userauth_try_publickey(host_.session(), nullptr, key_.get());
        const MethodStep step = step_of(rc);
        if (step == MethodStep::again || step == MethodStep::partial) return step;
        if (step == MethodStep::success) {
          sign();
        } else {
          if (step == MethodStep::refused) host_.note_refused_offer();
          state_ = State::choosing;
        }
        continue;
      }
      case State::has_signature: return send();
      case State::sent: {
        const MethodStep step = step_of(spssh_signed_request_outcome(host_.session()));
        if (step != MethodStep::refused) return step;
        host_.note_refused_offer();
        state_ = State::choosing;
        continue;
      }
      case State::failed: return MethodStep::unusable;
    }
  }
}

void AgentMethod::open() {
  state_ = State::waiting;
  limit_ = host_.io().clock().after(kListTime, [this] {
    give_up("the agent doesn't list its keys in time");
    host_.wake();
  });
  path_.empty() ? host_.want_agent() : talk(net::connect_to_path(path_));
}

void AgentMethod::on_agent(Result<net::Fd> socket) {
  if (state_ != State::waiting || agent_ != nullptr) return;
  talk(std::move(socket));
  host_.wake();
}

void AgentMethod::talk(Result<net::Fd> socket) {
  if (!socket) return give_up(socket.error().detail);
  auto agent = AgentClient::open(host_.io().loop(), std::move(*socket));
  if (!agent) return give_up(agent.error().detail);
  agent_ = std::move(*agent);
  binding_ = binding_of(host_.session());
  if (!binding_) return list();
  agent_->bind(*binding_, [this](const Result<>& bound) {
    if (bound) return list();
    limit_.reset();
    give_up(bound.error().detail);
    host_.wake();
  });
}

void AgentMethod::list() {
  agent_->list([this](Result<std::vector<AgentIdentity>> identities) {
    limit_.reset();
    if (!identities) {
      give_up(identities.error().detail);
    } else {
      identities_ = std::move(*identities);
      state_ = State::choosing;
    }
    host_.wake();
  });
}

void AgentMethod::give_up(std::string why) {
  limit_.reset();
  detail_ = std::move(why);
  state_ = State::failed;
}

bool AgentMethod::choose() {
  for (; next_ < identities_.size(); ++next_) {
    if (host_.offers_left() == 0) return false;
    KeyHandle key = public_key_of(identities_[next_]);
    const char* const algorithm = key ? spssh_signature_algorithm(host_.session(), key.get()) : nullptr;
    if (algorithm == nullptr) continue;  // of a kind that we don't know, or that the target doesn't take
    algorithm_ = algorithm;
    key_ = std::move(key);
    ++next_;
    ++offered_;
    state_ = State::offering;
    return true;
  }
  return false;
}

void AgentMethod::sign() {
  const AgentIdentity& identity = identities_[next_ - 1];
  // An agent of somebody who has lent it signs with a key that is bound to hosts only what names the host's key.
  const bool bound = binding_ && spssh_takes_hostbound(host_.session()) != 0;
  wire::Writer request;
  request.byte(kUserauthRequest)
      .string(host_.options().user)
      .string(std::string_view("ssh-connection"))
      .string(std::string_view(bound ? "publickey-hostbound-v00@openssh.com" : "publickey"))
      .boolean(true)
      .string(algorithm_)
      .string(identity.blob);
  if (bound) request.string(binding_->host_key);
  request_ = request.take();
  std::size_t length = 0;
  const std::uint8_t* const session_id = spssh_session_id(host_.session(), &length);
  const Bytes data = wire::Writer().string(ByteView(session_id, length)).raw(request_).take();
  state_ = State::waiting;
  agent_->sign(identity.blob, data, agent::digest_for(algorithm_), [this](Result<Bytes> signature) {
    if (signature) {
      signature_ = std::move(*signature);
      state_ = State::has_signature;
    } else if (signature.error().code == Errc::denied) {
      detail_ = signature.error().detail;  // its owner said no, or it is locked: another key may do
      state_ = State::choosing;
    } else {
      give_up(signature.error().detail);
    }
    host_.wake();
  });
}

MethodStep AgentMethod::send() {
  const Bytes payload = wire::Writer().raw(request_).string(signature_).take();
  state_ = State::sent;
  // A failure shows in the session's state.
  static_cast<void>(spssh_send_signed_request(host_.session(), payload.data(), payload.size()));
  return MethodStep::again;
}

MethodStep AgentMethod::exhausted() {
  if (identities_.empty()) return unusable("the agent has no keys");
  const std::size_t left = identities_.size() - next_;
  detail_ = std::to_string(offered_) + " keys refused" +
            (left > 0 ? ", " + std::to_string(left) + " not offered, for the target would end the connection" : "") +
            (detail_.empty() ? "" : "; " + detail_);
  return MethodStep::refused;
}

}  // namespace sallyport::ssh
