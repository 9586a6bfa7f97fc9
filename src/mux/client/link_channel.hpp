// What a client's connection knows of each of its channels, whatever kind it is.
#pragma once

#include <optional>
#include <string_view>

#include <sallyport/connections.hpp>
#include <sallyport/ids.hpp>

namespace sallyport::mux {

/// One client channel with what is behind it. Its Link owns it, and buries it when the channel is gone.
class LinkChannel {
 public:
  virtual ~LinkChannel() = default;
  virtual ChannelId id() const = 0;
  virtual ChannelRow row() const = 0;
  /// The trunk that it rides on; absent when it ends on the bastion, or nowhere yet.
  virtual std::optional<TrunkId> trunk() const = 0;
  /// A shell, a command or a subsystem, and no connection that is forwarded.
  virtual bool is_session() const { return false; }
  /// Ends the channel from our side; the client is told `told` where its kind of channel has a place for it.
  virtual void end(std::string_view told) = 0;
  /// The client is gone, or the channel is closed: lets go of everything.
  virtual void leave() = 0;
};

}  // namespace sallyport::mux
