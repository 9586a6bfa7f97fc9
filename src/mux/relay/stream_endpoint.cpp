#include "mux/relay/stream_endpoint.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

namespace sallyport::mux {

StreamEndpoint::StreamEndpoint(const MakeStream& make, ChannelEvents& user, StreamOpenEvents& opened,
                               std::shared_ptr<Account> account)
    : user_(user), opened_(opened), queued_(std::move(account)) {
  stream_ = make(*this);
}

StreamEndpoint::~StreamEndpoint() = default;

void StreamEndpoint::send_data(ByteView bytes) {
  if (stream_ == nullptr) return;
  stream_->write(bytes);
  queued_.set(stream_->queued());
}

void StreamEndpoint::send_extended_data(std::uint32_t, ByteView) {
  // A socket has one stream, and RFC 4254 gives no meaning to a second one here: it is dropped, as sshd does.
}

void StreamEndpoint::send_eof() {
  if (stream_ != nullptr) stream_->end_output();
}

void StreamEndpoint::send_request(const wire::SessionRequest& request, bool) {
  // Nothing else means something to a socket.
  if (stream_ != nullptr && std::holds_alternative<wire::EndOfWrite>(request)) stream_->end_input();
}

void StreamEndpoint::break_off() {
  if (stream_ == nullptr) return;
  stream_->reset();
  abandon();
}

Flow StreamEndpoint::flow() const {
  const std::uint32_t waiting = queued();
  return {.window = kOutputWindow - std::min(kOutputWindow, waiting),
          .granted = granted_.bytes(),
          .credit = kOutputWindow,
          .congested = waiting > kCongested};
}

std::uint32_t StreamEndpoint::queued() const { return stream_ == nullptr ? 0 : static_cast<std::uint32_t>(stream_->queued()); }

void StreamEndpoint::grant(std::uint32_t bytes) {
  if (stream_ == nullptr || input_ended_) return;
  const bool fits = granted_.add(bytes);
  assert(fits);
  if (!fits) return;
  stream_->grant(bytes);
}

void StreamEndpoint::on_received(ByteView bytes) {
  const bool fits = granted_.take(bytes.size());
  assert(fits);
  if (!fits) return;
  user_.on_data(bytes);
}

void StreamEndpoint::on_input_end() {
  input_ended_ = true;
  user_.on_eof();
  if (output_ended_) user_.on_close();
}

void StreamEndpoint::on_output_end() {
  output_ended_ = true;
  if (input_ended_) user_.on_close();
}

void StreamEndpoint::on_broken(const Error&) { user_.on_lost(Told("the connection was reset")); }

}  // namespace sallyport::mux
