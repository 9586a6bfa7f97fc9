// An agent's answers, which may be those of a client's own agent: nothing may crash, and what is read is no more than what came.
#include <cstdint>
#include <cstdlib>

#include "ssh/upstream/agent_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  using namespace sallyport::ssh;
  const ByteView message(data, size);
  if (const auto identities = agent::parse_identities(message)) {
    std::size_t read = 0;
    for (const AgentIdentity& identity : *identities) {
      read += identity.blob.size() + identity.comment.size();
      if (identity.type.empty() || identity.type.size() > identity.blob.size()) std::abort();
    }
    if (identities->size() > agent::kMaxIdentities || read > size) std::abort();
  }
  if (const auto signature = agent::parse_signature(message))
    if (signature->empty() || signature->size() > size) std::abort();
  return 0;
}
