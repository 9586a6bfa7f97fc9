// What has been refused to a client that wants to log in.
#pragma once

#include <cstdint>

#include <sallyport/result.hpp>

#include "auth/limits/penalty_box.hpp"

namespace sallyport::entry {

/// Counts it in one login, for by that it is known what the login was if it comes to nothing.
class LoginRefusals {
 public:
  /// A request has been refused; an offer only asks whether a key would do.
  void note(bool is_offer) {
    ++count_;
    only_offers_ = only_offers_ && is_offer;
  }
  /// The user is who it claims to be, and may not come in all the same.
  void note_turned_away() { turned_away_ = true; }

  /// Keys have been refused and nothing else: none was the user's, whatever was passed beside them.
  bool only_offers() const { return count_ > 0 && only_offers_; }
  /// What a login has done that ended like this.
  auth::Offence offence_of(const Error& why) const;

 private:
  std::uint32_t count_ = 0;
  bool only_offers_ = true;
  bool turned_away_ = false;
};

}  // namespace sallyport::entry
