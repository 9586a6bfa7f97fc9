#include "identity/key_look_up.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "child/account/account.hpp"
#include "child/process/run_program.hpp"
#include "match/names.hpp"

namespace sallyport::identity {
namespace {

std::string folder_of(const Config& config) {
  const std::string folder = std::filesystem::path(config.file).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

KeyVerdict look_up_key(const Config& config, auth::KeyQuery query, const std::atomic<bool>& given_up) {
  const AuthSettings& settings = config.auth;
  std::optional<KeyWarning> warning;
  if (config::is_safe_user(query.user)) {
    auto account = child::find_account(query.user);
    if (account) {
      query.account = auth::UserAccount{std::move(account->home), account->uid, account->gid};
    } else if (account.error().code != Errc::not_found) {
      // Files in a home aren't there then; others are.
      warning = KeyWarning{"user database", 0, account.error().detail};
    }
  }
  const auto command = [&settings, &given_up](const std::vector<std::string>& argv) {
    ProcessSpec spec;
    spec.argv = argv;
    spec.user = settings.authorized_keys_command_user;
    child::RunLimits limits;
    limits.timeout = settings.authorized_keys_command_timeout;
    limits.max_output = settings.max_authorized_keys_size;
    limits.given_up = &given_up;
    return child::run_program(spec, limits);
  };
  KeyVerdict verdict = auth::check_key({settings, folder_of(config), command}, query);
  if (warning) verdict.warnings.push_back(std::move(*warning));
  return verdict;
}

std::vector<KeyWarning> look_at_key_files(const Config& config) {
  return auth::check_key_files({config.auth, folder_of(config), {}});
}

}  // namespace sallyport::identity
