#include "entry/own_host_keys.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "ssh/keys/host_key_proof.hpp"

namespace sallyport::entry {
namespace {

/// A signature by RSA takes a millisecond or two.
constexpr std::size_t kAtATime = 2;

struct Proof final : HostKeyProof {
  std::unique_ptr<net::Work> work;
};

}  // namespace

OwnHostKeys::OwnHostKeys(net::Loop& loop, std::shared_ptr<const ssh::HostKeys> keys)
    : lane_(loop, kAtATime), keys_(std::move(keys)), announcement_(ssh::build_announcement(*keys_)) {}

std::unique_ptr<HostKeyProof> OwnHostKeys::prove(ByteView fields, Exchange exchange,
                                                 std::function<void(std::optional<Bytes>)> done) {
  struct Job {
    std::shared_ptr<const ssh::HostKeys> keys;
    Bytes fields;
    Exchange exchange;
    std::optional<Bytes> answer;
  };
  auto job = std::make_shared<Job>(Job{keys_, Bytes(fields.begin(), fields.end()), std::move(exchange), std::nullopt});
  auto proof = std::make_unique<Proof>();
  proof->work = lane_.work(
      [job] { job->answer = ssh::build_proofs(*job->keys, job->fields, job->exchange.session_id, job->exchange.algorithm); },
      [job, done = std::move(done)] {
        const auto call = done;  // it may destroy the proof, and this with it
        call(std::move(job->answer));
      });
  return proof;
}

bool is_puzzled_by_host_keys(std::string_view identification) {
  // sshd's SSH_BUG_HOSTKEYS: Tera Term up to 2.72.
  constexpr std::array<std::string_view, 10> kPuzzled{"1.5.", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.70", "2.71", "2.72"};
  constexpr std::string_view kName = "TTSSH/";
  const std::size_t at = identification.find(kName);
  if (at == std::string_view::npos) return false;
  const std::string_view version = identification.substr(at + kName.size());
  for (const std::string_view puzzled : kPuzzled)
    if (version.starts_with(puzzled)) return true;
  return false;
}

}  // namespace sallyport::entry
