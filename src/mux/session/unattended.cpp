#include "mux/session/unattended.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace sallyport::mux {

class Unattended::Program {
 public:
  Program(Unattended& owner, const Admission& client, const ChannelIds& ids) : owner_(owner), client_(client), ids_(ids) {
    // The places that the connection takes up, and its secret, go with it.
    client_.held.clear();
    client_.password.reset();
  }
  virtual ~Program() = default;
  const std::string& user() const { return client_.user; }

 protected:
  /// It is over: *this goes on a later turn.
  void over() { owner_.remove(*this); }

  Unattended& owner_;
  Admission client_;
  ChannelIds ids_;
};

class Unattended::AtTarget final : public Program, private ChannelWishEvents {
 public:
  AtTarget(Unattended& owner, const Admission& client, const ChannelIds& ids, ProgramStart start, TrunkAccess access)
      : Program(owner, client, ids), start_(std::move(start)), target_(access.target().name) {
    channel_wish_ = owner.pool_.wish_for_channel(std::move(access), OpenRequest{}, *this);
  }

 private:
  void on_wish_granted(Channel& channel, TrunkId trunk) override {
    ids_.trunk = trunk;
    owner_.journal_.tell(facts::ProgramStarted{client_.who(), ids_, start_.program.type(), start_.program.argument, target_});
    send_preparations(channel, *start_.requests);
    send_environment(channel, start_.environment, start_.running);
    send_program(channel, start_.program);
    send_later(channel, *start_.requests);
    if (start_.input_ended) channel.send_eof();
    channel.abandon();
    over();
  }
  void on_wish_failed(wire::OpenFailureReason, Told told) override {
    owner_.journal_.tell(
        facts::ProgramRefused{client_.who(), ids_, start_.program.type(), start_.program.argument, told.text(), told.text()});
    over();
  }

  ProgramStart start_;
  std::string target_;
  std::unique_ptr<ChannelWish> channel_wish_;
};

class Unattended::OnBastion final : public Program, private ChannelEvents {
 public:
  OnBastion(Unattended& owner, const Admission& client, const ChannelIds& ids, std::unique_ptr<LocalEndpoint> program)
      : Program(owner, client, ids), program_(std::move(program)) {
    program_->attach(*this);
    program_->send_eof();
    program_->send_request(wire::EndOfWrite{}, false);
    program_->grant(LocalEndpoint::kOutputCredit - program_->flow().granted);
  }

 private:
  void on_data(ByteView bytes) override { program_->grant(static_cast<std::uint32_t>(bytes.size())); }
  void on_extended_data(std::uint32_t, ByteView bytes) override { on_data(bytes); }
  void on_eof() override {}
  void on_request(wire::SessionRequest request, bool) override {
    if (const auto* const status = std::get_if<wire::ExitStatus>(&request))
      owner_.journal_.tell(facts::ProgramEnded{client_.who(), ids_, status->status, {}});
    if (const auto* const signal = std::get_if<wire::ExitSignal>(&request))
      owner_.journal_.tell(facts::ProgramEnded{client_.who(), ids_, std::nullopt, signal->signal});
  }
  void on_reply(bool) override {}
  void on_window() override {}
  void on_close() override { over(); }
  void on_lost(Told) override { over(); }

  std::unique_ptr<LocalEndpoint> program_;
};

Unattended::Unattended(Pool& pool, Graveyard& graveyard, Journal& journal)
    : pool_(pool), graveyard_(graveyard), journal_(journal) {}

Unattended::~Unattended() = default;

bool Unattended::has_room_for(const std::string& user) const {
  const auto is_users = [&user](const auto& program) { return program->user() == user; };
  return static_cast<std::size_t>(std::count_if(programs_.begin(), programs_.end(), is_users)) < kMostOfUser;
}

void Unattended::start(const Admission& client, const ChannelIds& ids, ProgramStart start, TrunkAccess access) {
  programs_.push_back(std::make_unique<AtTarget>(*this, client, ids, std::move(start), std::move(access)));
}

void Unattended::keep(const Admission& client, const ChannelIds& ids, std::unique_ptr<LocalEndpoint> program) {
  programs_.push_back(std::make_unique<OnBastion>(*this, client, ids, std::move(program)));
}

void Unattended::remove(const Program& program) {
  const auto entry =
      std::find_if(programs_.begin(), programs_.end(), [&program](const auto& one) { return one.get() == &program; });
  if (entry == programs_.end()) return;
  graveyard_.bury(std::move(*entry));
  programs_.erase(entry);
}

}  // namespace sallyport::mux
