#include "entry/login_refusals.hpp"

namespace sallyport::entry {

auth::Offence LoginRefusals::offence_of(const Error& why) const {
  if (turned_away_) return auth::Offence::none;  // it was all right, but for us
  switch (why.code) {
    case Errc::timeout: return auth::Offence::grace_exceeded;
    case Errc::protocol:
    case Errc::limit: return auth::Offence::crash;
    default: return count_ > 0 ? auth::Offence::auth_failure : auth::Offence::no_auth;
  }
}

}  // namespace sallyport::entry
