#include "net/sockets/resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "net/loop/error.hpp"

namespace sallyport::net {
namespace {

// A name with more addresses than this isn't tried any better by trying them all.
constexpr std::size_t kMostAddresses = 16;

/// There is no such name, or can't be: an over-long one, for example.
bool is_an_answer(int status) {
  return status == UV_EAI_NONAME || status == UV_EAI_NODATA || status == UV_EAI_ADDRFAMILY || status == UV_ENAMETOOLONG ||
         status == UV_EINVAL;
}

/// Blocks. libuv's function, since it knows names beyond ASCII; its loop is for nothing but that.
Result<Resolver::Addresses> ask_the_system(const std::string& name) {
  uv_loop_t loop;
  if (const int rc = uv_loop_init(&loop); rc != 0) return fail(Errc::unavailable, from_uv(rc, "look up " + name).detail);
  uv_getaddrinfo_t request{};
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  const int status = uv_getaddrinfo(&loop, &request, nullptr, name.c_str(), nullptr, &hints);
  Resolver::Addresses addresses;
  if (status == 0) {
    for (const addrinfo* entry = request.addrinfo; entry != nullptr && addresses.size() < kMostAddresses; entry = entry->ai_next)
      addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
    uv_freeaddrinfo(request.addrinfo);
  }
  static_cast<void>(uv_loop_close(&loop));
  if (status != 0) {
    Error error = from_uv(status, "look up " + name);
    error.code = is_an_answer(status) ? Errc::not_found : Errc::unavailable;
    return fail(std::move(error));
  }
  if (addresses.empty()) return fail(Errc::not_found, "look up " + name + ": no address");
  return addresses;
}

}  // namespace

// ---- questions

Resolver::Question::Question(Resolver& resolver, std::string name, std::string user, std::function<void(Result<Addresses>)> done)
    : resolver_(resolver), name_(std::move(name)), user_(std::move(user)), done_(std::move(done)) {}

Resolver::Question::~Question() { resolver_.leave(*this); }

void Resolver::Question::give_up_after(Duration patience) {
  // Allocates nothing, can't fail.
  if (!timer_.open(*this, uv_timer_init, resolver_.loop_.uv())) std::abort();
  if (uv_timer_start(timer_.get(), on_timer, static_cast<std::uint64_t>(patience.count()), 0) != 0) std::abort();
}

void Resolver::Question::on_timer(uv_timer_t* uv) noexcept { Timer::call(uv, &Question::patience_is_over); }

void Resolver::Question::patience_is_over() {
  const Addresses* known = resolver_.known_answer(name_);
  if (known == nullptr) return timer_.close();  // it has made room meanwhile: there is nothing but to wait
  Addresses found = *known;
  resolver_.leave(*this);
  tell(std::move(found));
}

void Resolver::Question::tell(Result<Addresses> found) {
  timer_.close();
  // It may destroy *this. Others have asked for the same name, and are told whatever becomes of this one.
  const auto done = std::exchange(done_, nullptr);
  if (done) guard(resolver_.loop_.uv(), [&] { done(std::move(found)); });
}

// ---- the resolver

Resolver::Resolver(Loop& loop)
    : Resolver(loop, [&loop](const std::string& name, std::function<void(Result<Addresses>)> done) {
        auto found = std::make_shared<Result<Addresses>>(fail(Errc::unavailable, "not looked up"));
        return loop.work([name, found] { *found = ask_the_system(name); },
                         [found, done = std::move(done)] { done(std::move(*found)); });
      }) {}

Resolver::Resolver(Loop& loop, LookUp look_up) : loop_(loop), look_up_(std::move(look_up)) {}

Resolver::~Resolver() = default;

std::unique_ptr<Resolver::Question> Resolver::ask(const std::string& name, const std::string& user,
                                                  std::function<void(Result<Addresses>)> done) {
  std::unique_ptr<Question> question(new Question(*this, name, user, std::move(done)));
  Name& asked = names_[name];
  asked.askers.push_back(question.get());
  question->of_ = &asked;
  if (asked.work == nullptr) {
    users_[user].waiting.push_back(question.get());
    question->waiting_ = true;
    begin_next();
  }
  if (known_answer(name) != nullptr) question->give_up_after(asked.work != nullptr ? kPatience : Duration::zero());
  return question;
}

void Resolver::begin_next() {
  while (running_ < kLanes) {
    const auto can_begin = [](const auto& entry) { return !entry.second.waiting.empty() && entry.second.running < kShare; };
    auto next = std::find_if(users_.upper_bound(last_user_), users_.end(), can_begin);
    if (next == users_.end()) next = std::find_if(users_.begin(), users_.end(), can_begin);
    if (next == users_.end()) return;
    last_user_ = next->first;
    const std::string name = next->second.waiting.front()->name_;
    begin(name, last_user_);
  }
}

void Resolver::begin(const std::string& name, const std::string& user) {
  Name& asked = names_.find(name)->second;
  for (Question* question : asked.askers) {
    if (!std::exchange(question->waiting_, false)) continue;
    users_.find(question->user_)->second.waiting.remove(question);
  }
  asked.user = user;
  ++users_[user].running;
  ++running_;
  asked.work = look_up_(name, [this, name](Result<Addresses> found) { finish(name, std::move(found)); });
}

void Resolver::finish(const std::string& name, Result<Addresses> found) {
  // Whoever asks for the name in what follows has it looked up again.
  const auto node = names_.extract(name);
  Name& asked = node.mapped();
  loop_.retire(std::move(asked.work));  // it is on the stack
  --running_;
  const auto user = users_.find(asked.user);
  if (--user->second.running == 0 && user->second.waiting.empty()) users_.erase(user);
  if (found) {
    remember(name, asked.user, *found);
  } else if (found.error().code == Errc::not_found) {
    known_.erase(name);
  } else if (const Addresses* known = known_answer(name)) {
    found = *known;
  }
  begin_next();
  while (!asked.askers.empty()) {
    Question& question = *asked.askers.front();
    leave(question);
    question.tell(found);  // may destroy it and others
  }
}

void Resolver::leave(Question& question) {
  if (question.of_ == nullptr) return;
  Name& asked = *std::exchange(question.of_, nullptr);
  asked.askers.remove(&question);
  if (std::exchange(question.waiting_, false)) {
    const auto user = users_.find(question.user_);
    user->second.waiting.remove(&question);
    if (user->second.waiting.empty() && user->second.running == 0) users_.erase(user);
    // It has not begun, and nobody else wants it.
    if (asked.askers.empty()) names_.erase(question.name_);
  }
}

// ---- what is known

const Resolver::Addresses* Resolver::known_answer(const std::string& name) {
  const auto found = known_.find(name);
  if (found == known_.end()) return nullptr;
  if (loop_.now() - found->second.since < kKnownFor) return &found->second.addresses;
  known_.erase(found);
  return nullptr;
}

void Resolver::remember(const std::string& name, const std::string& user, const Addresses& addresses) {
  if (known_.size() >= kMaxKnown && !known_.contains(name)) make_room();
  known_[name] = {addresses, loop_.now(), user};
}

void Resolver::make_room() {
  std::map<std::string_view, std::size_t> shares;
  for (const auto& [name, known] : known_) ++shares[known.user];
  const auto most =
      std::max_element(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  auto oldest = known_.end();
  for (auto entry = known_.begin(); entry != known_.end(); ++entry) {
    if (entry->second.user != most->first) continue;
    if (oldest == known_.end() || entry->second.since < oldest->second.since) oldest = entry;
  }
  known_.erase(oldest);
}

}  // namespace sallyport::net
