// USERAUTH_REQUEST and INFO_RESPONSE: nothing may crash, and what is read is no more than what came.
#include <cstdint>
#include <cstdlib>

#include "ssh/downstream/userauth_packet.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport;
  const ByteView payload(data, size);
  if (const auto packet = ssh::parse_userauth(payload)) {
    std::size_t read = packet->user.size() + packet->service.size() + packet->method.size() + packet->algorithm.size() +
                       packet->blob.size() + packet->signature_algorithm.size();
    if (packet->password) read += packet->password->size();
    if (packet->new_password) read += packet->new_password->size();
    if (read > size || packet->user.find('\0') != std::string::npos) std::abort();
    if (packet->new_password && !packet->password) std::abort();
    if ((packet->method == "password") != (packet->password != nullptr)) std::abort();
  }
  if (const auto answers = ssh::parse_info_response(payload)) {
    if (answers->size() > ssh::kMaxInfoResponses) std::abort();
    std::size_t read = 0;
    for (const SecretString& answer : *answers) read += answer.size();
    if (read > size) std::abort();
  }
  return 0;
}
