// What one login leaves in the log and the audit trail.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sallyport/audit.hpp>
#include <sallyport/connection_info.hpp>
#include <sallyport/ids.hpp>
#include <sallyport/login_grant.hpp>
#include <sallyport/result.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/userauth.hpp>

#include "auth/limits/penalty_box.hpp"
#include "log/records.hpp"
#include "mux/admission/admission.hpp"

namespace sallyport::entry {

/// Facts in, lines and events out. It also counts what has been refused, by which it knows what a login was that came to nothing.
class LoginJournal {
 public:
  /// `source` is the client's, `block` the block of addresses that it counts for. `records` outlives the journal.
  LoginJournal(log::Records& records, ConnectionId id, mux::TcpAddress source, std::string block)
      : records_(records), id_(id), source_(std::move(source)), block_(std::move(block)) {}

  /// `inner`: the client has come through a channel of another one's; null: by a socket.
  void accepted(const InnerClient* inner);
  /// What a look-up said beside its verdict.
  void key_looked_up(const KeyVerdict& verdict, std::string_view user);
  /// Nobody could tell: somebody has to look. `what` is a method, or "session".
  void unavailable(std::string_view what, std::string_view why);
  /// One method of several.
  void passed(const UserauthRequest& request, std::string_view user);
  /// `certificate` is what the key of the request says, if it is one; null else.
  void refused(const UserauthRequest& request, std::string_view why, const CertificateIdentity* certificate);
  /// All methods have been passed, and the client may not come in all the same.
  void turned_away(const UserauthRequest& request, const mux::Admission& client, std::string_view why,
                   const CertificateIdentity* certificate);
  void let_in(const UserauthRequest& request, const mux::Admission& client);
  void negotiated(const ConnectionInfo& info);
  /// The end without a login. `request` is the last one.
  void closed(const UserauthRequest& request, const Error& why, const CertificateIdentity* certificate);
  /// What a login has done that ended like this.
  auth::Offence offence_of(const Error& why) const;

 private:
  /// For an event before the login, which a stranger can cause.
  log::Records::Note note() { return records_.of_source(block_); }
  void write_refusal(log::Records::Note& note, const UserauthRequest& request, std::string_view method, std::string_view why,
                     const CertificateIdentity* certificate) const;
  static void record_failure(log::Records::Note& note, ConnectionId id, const UserauthRequest& request, std::string_view why,
                             const CertificateIdentity* certificate);

  log::Records& records_;
  const ConnectionId id_;
  const mux::TcpAddress source_;
  const std::string block_;
  std::uint32_t failures_ = 0;  // requests that were refused
  bool only_offers_ = true;     // all of those
  bool turned_away_ = false;    // the user is who it claims to be
};

}  // namespace sallyport::entry
