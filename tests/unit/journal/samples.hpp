// Every fact, as some peer causes it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sallyport/journal.hpp>

namespace sallyport::journal {

/// How often it happens that a fact is written: within a rate; always, for whoever causes it has logged in, or has a program or a
/// forwarded connection; or always, in the log alone.
enum class Written { rated, always, logged };

/// One of each kind. A new fact must stand here as well: flood_test.cpp holds the number against that of all there are.
struct Sample {
  const char* name;
  Written written;
  /// Tells the fact, once or twice, with that text in each place where a peer's may stand.
  std::function<void(Journal& journal, const facts::Client& client, const ChannelIds& ids, const std::string& text)> cause;
};

const std::vector<Sample>& samples();

/// A client as the facts know it: alice, from 10.0.0.1.
facts::Client sample_client(ConnectionId id);

}  // namespace sallyport::journal
