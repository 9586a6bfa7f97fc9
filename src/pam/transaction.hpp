// One PAM transaction: authentication, account, session.
#pragma once

#include <security/pam_appl.h>

#include <optional>
#include <string>

#include "pam/channel.hpp"
#include "pam/protocol.hpp"

namespace sallyport::pam {

/// Ends what it has begun when it goes: the session, the credentials, the transaction.
class Transaction {
 public:
  /// `channel` outlives it; PAM's questions go there.
  explicit Transaction(Channel& channel) : channel_(channel) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Authentication (if it is asked for) and account, with a change of an expired password in between. Empty: all is well.
  std::optional<Failed> begin(const Start& start);
  /// Credentials and session.
  std::optional<Failed> open_session();

 private:
  int put(int count, const pam_message** messages, pam_response** responses);
  static int converse(int count, const pam_message** messages, pam_response** responses, void* self) noexcept;
  int answer(const std::vector<Message>& questions, pam_response** responses);
  std::optional<Failed> check_account();
  std::optional<Failed> change_password();
  bool is_still(const std::string& user) const;
  /// What went wrong in which call.
  Failed failure(const char* doing, int rc) const;

  Channel& channel_;
  pam_handle_t* handle_ = nullptr;
  int status_ = PAM_SUCCESS;  // of the last call, for pam_end()
  bool may_ask_ = false;      // there is somebody who answers
  bool in_session_ = false;   // pam_open_session() has begun
  bool opened_ = false;
  bool authenticated_ = false;
};

}  // namespace sallyport::pam
