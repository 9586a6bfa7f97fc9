#include "dial/host_key_learner.hpp"

#include <utility>

#include "ssh/keys/host_key_proof.hpp"
#include "ssh/keys/key_file.hpp"
#include "ssh/keys/known_hosts.hpp"
#include "ssh/keys/known_hosts_file.hpp"

namespace sallyport::dial {

/// All that the thread pool works on. It may outlive its learner.
struct KnownHostsLearner::Job {
  std::string target;
  std::string file;
  std::string host;
  std::uint16_t port = 0;
  Bytes session_id;
  Bytes fields;  // what the target has just said
  std::vector<Bytes> keys;
  std::vector<Bytes> unknown;  // of them
  bool proved = false;
  Result<ssh::KnownHostsChange> written = fail(Errc::io, "not written");

  void look() {
    keys = ssh::parse_host_keys(fields);
    ssh::KnownHosts hosts(host, port);
    if (const auto text = ssh::read_file(file, ssh::KnownHosts::kMaxFileSize)) hosts.read(*text);
    for (const Bytes& key : keys) {
      const auto verdict = hosts.judge(key);
      if (verdict != ssh::HostKeyVerdict::known && verdict != ssh::HostKeyVerdict::revoked) unknown.push_back(key);
    }
  }
};

KnownHostsLearner::KnownHostsLearner(net::Loop& loop, Journal& journal, const ResolvedTarget& target, Bytes session_id)
    : loop_(loop), journal_(journal), job_(std::make_shared<Job>()) {
  job_->target = target.name;
  job_->file = target.known_hosts;
  job_->host = target.host;
  job_->port = target.port;
  job_->session_id = std::move(session_id);
}

KnownHostsLearner::~KnownHostsLearner() = default;

void KnownHostsLearner::on_keys(ByteView fields, std::function<void(Bytes)> ask) {
  job_->fields.assign(fields.begin(), fields.end());
  work_ = loop_.work([job = job_] { job->look(); },
                     [this, ask = std::move(ask)] {
                       work_.reset();
                       if (job_->keys.empty()) return;
                       if (job_->unknown.empty()) return write();  // perhaps there are some to be removed
                       ask(ssh::build_proof_request(job_->unknown));
                     });
}

void KnownHostsLearner::on_proof(ByteView fields) {
  job_->fields.assign(fields.begin(), fields.end());
  work_ = loop_.work([job = job_] { job->proved = ssh::proves(job->fields, job->unknown, job->session_id); },
                     [this] {
                       work_.reset();
                       if (job_->proved) return write();
                       journal_.tell(facts::HostKeysNotLearnt{job_->target, "the target has not proved that they are its own"});
                     });
}

void KnownHostsLearner::write() {
  work_ = loop_.work([job = job_] { job->written = ssh::set_host_keys(job->file, job->host, job->port, job->keys); },
                     [this] {
                       work_.reset();
                       const Result<ssh::KnownHostsChange>& change = job_->written;
                       if (!change) return journal_.tell(facts::HostKeysNotLearnt{job_->target, change.error().detail});
                       if (change->added == 0 && change->removed == 0) return;
                       journal_.tell(facts::HostKeysLearnt{job_->target, change->added, change->removed, job_->file});
                     });
}

}  // namespace sallyport::dial
