// The office: processes, their disks, and what befalls them.
#include "office.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1::internal {
namespace {

constexpr absl::Duration kFaultyTime = absl::Seconds(10);
constexpr absl::Duration kHealedTime = absl::Minutes(2);
constexpr absl::Duration kLeaseTime = absl::Seconds(1);
// A history longer than this is one that spins.
constexpr uint64_t kTurnsMax = 200'000;

class OfficePublisher final : public Publisher {
 public:
  explicit OfficePublisher(Office& office) : office_(office) {}
  void Publish(const OutgoingMessage& message, Done done) override {
    office_.Publish(message, std::move(done));
  }

 private:
  Office& office_;
};

uint64_t SeedOf(uint64_t seed, uint64_t part) {
  uint64_t state = seed + (part << 40);
  return SplitMix64(state);
}

}  // namespace

absl::StatusOr<CommitResult> OfficeDisk::Commit(const Fence& fence, const Batch& batch) {
  absl::StatusOr<CommitResult> result = ForwardingStore::Commit(fence, batch);
  if (!result.ok() || !result->failed_units.empty()) return result;
  uint64_t& last = numbers_[fence.writer];
  if (batch.number > last) {
    last = batch.number;
    office_.OnDurable(batch);
  }
  return result;
}

Office::Office(const SimulationOptions& options)
    : profile_(options.profile),
      scheduler_(SeedOf(profile_.seed, 1)),
      trace_(scheduler_.clock(), options.story),
      dice_(SeedOf(profile_.seed, 2)),
      faults_(SeedOf(profile_.seed, 3)),
      retries_(SeedOf(profile_.seed, 4)),
      memory_({.id = StoreId{11}}),
      disk_(memory_, *this),
      consumer_memory_({.id = StoreId{12}}) {}

Office::~Office() {
  scheduler_.ClearEvents();
  for (const auto& clerk : lives_) TakeApart(*clerk);
  consumer_.reset();
}

bool Office::Chance(Knob knob) {
  return faults_.Below(1000) < profile_[knob] && !healed_;
}

// ---- opening ------------------------------------------------------------------------------------

bool Office::OpenStores(Clerk& clerk) {
  const auto self = lives_.back();
  clerk.disk = views_.emplace_back(std::make_unique<FaultStore>(disk_)).get();
  clerk.disk->SetFaults([this, self](StoreCall call) { return FaultOf(*self->disk, call, self); });
  auto committer = Committer::Open(*clerk.disk, {.writer = clerk.name,
                                                 .own_thread = false,
                                                 .shared_rows = true,
                                                 .clock = &scheduler_.clock()});
  if (!committer.ok()) return false;
  clerk.committer = *std::move(committer);
  auto outbox = Outbox::Open(*clerk.committer, {.name = clerk.name, .clock = &scheduler_.clock()});
  if (!outbox.ok()) return false;
  clerk.outbox = *std::move(outbox);
  return true;
}

void Office::Open(size_t desk) {
  const auto clerk = std::make_shared<Clerk>(desk, lives_.size() + 1);
  lives_.push_back(clerk);
  if (!OpenStores(*clerk)) {
    Die(*clerk);
    scheduler_.After(absl::Milliseconds(50), [this, desk] { Open(desk); });
    return;
  }
  desks_[desk] = clerk;
  clerk->publisher = std::make_unique<OfficePublisher>(*this);
  auto relay = Relay::Open(*clerk->outbox, *clerk->publisher,
                           {.in_flight_max = 4,
                            .delay_min = absl::Milliseconds(20),
                            .delay_max = absl::Seconds(1),
                            .interval = absl::Milliseconds(100),
                            .own_thread = false,
                            .clock = &scheduler_.clock(),
                            .random = &retries_});
  auto lease = Lease::Open(*clerk->committer, {.name = "office",
                                               .holder = clerk->name,
                                               .duration = kLeaseTime,
                                               .own_thread = false,
                                               .clock = &scheduler_.clock()});
  SKALD_CHECK(relay.ok() && lease.ok(), "clerk {}", desk);
  clerk->relay = *std::move(relay);
  clerk->lease = *std::move(lease);
  clerk->actor = scheduler_.AddActor(clerk->name, [this, clerk] { return Turn(*clerk); });
  ReopenIds(*clerk);
  trace_.Count("office clerk open");
  trace_.Say(clerk->name, "is open, life {}", clerk->life);
}

// A piece of a clerk's work that is due. What waits for a time is asked again then.
bool Office::Turn(Clerk& clerk) {
  if (!Running(clerk)) return false;
  bool did = clerk.committer->PollOnce();
  const absl::Duration now = scheduler_.clock().Boot();
  const auto poll = [&](absl::Duration& next, auto&& what) {
    if (now < next) return;
    next = std::max(what.Poll(), now + absl::Milliseconds(1));
    scheduler_.After(next - now, [] {});
    did = true;
  };
  poll(clerk.relay_next, *clerk.relay);
  poll(clerk.lease_next, *clerk.lease);
  return did;
}

bool Office::Running(const Clerk& clerk) const {
  return clerk.alive && const_cast<Office*>(this)->scheduler_.clock().Boot() >= clerk.paused_until;
}

// ---- what goes wrong ----------------------------------------------------------------------------

StoreFault Office::FaultOf(FaultStore& view, StoreCall call, const std::shared_ptr<Clerk>& clerk) {
  if (healed_) return StoreFault::kNone;
  if (clerk != nullptr && !clerk->alive) return StoreFault::kBefore;
  if (call != StoreCall::kCommit) {
    return Chance(Knob::kReadError) ? StoreFault::kBefore : StoreFault::kNone;
  }
  const absl::Duration now = scheduler_.clock().Boot();
  if (now < full_until_) return StoreFault::kFull;
  if (Chance(Knob::kDiskFull)) {
    full_until_ = now + Upto(absl::Seconds(1));
    return StoreFault::kFull;
  }
  // Dies around a commit: before it, or when it has taken effect and nobody was told.
  const bool dies = clerk != nullptr && faults_.Below(4000) < profile_[Knob::kCrashes];
  if (dies) {
    trace_.Count("office died at a commit");
    scheduler_.After(absl::ZeroDuration(), [this, clerk] {
      if (clerk->alive) Die(*clerk);
    });
  }
  if (Chance(Knob::kCommitBefore)) return StoreFault::kBefore;
  if (dies || Chance(Knob::kCommitAfter)) return StoreFault::kAfter;
  if (Chance(Knob::kCommitLater)) {
    scheduler_.After(Upto(absl::Seconds(1)), [&view] { view.ApplyLate(); });
    return StoreFault::kLater;
  }
  return StoreFault::kNone;
}

void Office::Die(Clerk& clerk) {
  clerk.alive = false;
  if (clerk.disk != nullptr) clerk.disk->LosePower(UnsyncedFate::kDropped, dice_);
  trace_.Count("office clerk died");
  trace_.Say(clerk.name, "dies, life {}", clerk.life);
  TakeApart(clerk);
  if (desks_[clerk.desk].get() != &clerk) return;
  desks_[clerk.desk] = nullptr;
  // A machine that comes up again may have another idea of the time.
  if (profile_[Knob::kClockSteps] > 0 && dice_.Chance(0.5) && !healed_) {
    scheduler_.clock().SetWall(scheduler_.clock().Wall() - Upto(absl::Seconds(1)));
    trace_.Count("office clock step");
  }
  const absl::Duration down = absl::Milliseconds(10) + Upto(absl::Seconds(1));
  scheduler_.After(down, [this, desk = clerk.desk] { Open(desk); });
}

void Office::TakeApart(Clerk& clerk) {
  if (clerk.actor) scheduler_.RemoveActor(*std::exchange(clerk.actor, std::nullopt));
  clerk.ids.reset();
  clerk.lease.reset();
  clerk.relay.reset();
  clerk.committer.reset();
  clerk.outbox.reset();
}

void Office::OpenConsumer() {
  FaultStore* const view =
      views_.emplace_back(std::make_unique<FaultStore>(consumer_memory_)).get();
  view->SetFaults([this, view](StoreCall call) { return FaultOf(*view, call, nullptr); });
  const CommitterOptions options{
      .writer = "consumer", .own_thread = false, .clock = &scheduler_.clock()};
  while (consumer_ == nullptr) {
    auto opened = Committer::Open(*view, options);  // its reads may fail
    if (opened.ok()) consumer_ = *std::move(opened);
  }
  scheduler_.AddActor("consumer", [this] {
    Consume();
    return consumer_->PollOnce();
  });
}

// ---- the history --------------------------------------------------------------------------------

// What people do, and when; drawn beforehand, so that what one does does not move the others.
void Office::Plan() {
  const auto at_any_time = [&](uint64_t times, auto&& event) {
    for (uint64_t i = 0; i < times; ++i) scheduler_.After(Upto(kFaultyTime), event);
  };
  const auto desk = [this] { return static_cast<size_t>(dice_.Below(kDesks)); };
  at_any_time(30, [this, desk] { Change(desk()); });
  at_any_time(15, [this, desk] { WriteGuarded(desk()); });
  at_any_time(20, [this, desk] { DrawIds(desk()); });
  at_any_time(10, [this] {
    for (size_t both = 0; both < kDesks; ++both) DrawIds(both);
  });
  at_any_time(4, [this, desk] { RetryParked(desk()); });
  at_any_time(profile_[Knob::kCrashes], [this, desk] {
    if (const auto clerk = desks_[desk()]) Die(*clerk);
  });
  at_any_time(profile_[Knob::kTakeovers], [this, desk] {
    if (const auto clerk = desks_[desk()]) {
      clerk->paused_until = scheduler_.clock().Boot() + Upto(kLeaseTime * 3);
      scheduler_.After(clerk->paused_until - scheduler_.clock().Boot(), [] {});
      trace_.Count("office clerk paused");
      trace_.Say(clerk->name, "is paused");
    }
  });
  at_any_time(profile_[Knob::kClockSteps], [this] {
    const absl::Duration step = Upto(absl::Minutes(4)) - absl::Minutes(2);
    scheduler_.clock().SetWall(scheduler_.clock().Wall() + step);
    trace_.Count("office clock step");
    trace_.Say("clock", "steps by {}", absl::FormatDuration(step));
  });
}

void Office::Step() {
  CheckHolders();
  if (scheduler_.RunOne()) return;
  scheduler_.AdvanceToNext(absl::Milliseconds(100));
}

void Office::Heal() {
  trace_.Say("office", "the faults have healed");
  healed_ = true;
  for (size_t desk = 0; desk < kDesks; ++desk) {
    if (desks_[desk] != nullptr) desks_[desk]->paused_until = -absl::InfiniteDuration();
  }
}

bool Office::Settled() {
  for (size_t desk = 0; desk < kDesks; ++desk) {
    if (desks_[desk] == nullptr) return false;
    RetryParked(desk);
  }
  auto pending = memory_.Scan(Space::kRows, {"~o/", "~o0"});
  SKALD_CHECK(pending.ok(), "read from a disk without faults");
  size_t rows = 0;
  for (; (*pending)->Valid(); (*pending)->Next()) ++rows;
  const bool held = std::any_of(std::begin(desks_), std::end(desks_),
                                [](const auto& clerk) { return clerk->lease->Held(); });
  return rows == kDesks && queue_.empty() && held;
}

SimulationReport Office::Run() {
  OpenConsumer();
  for (size_t desk = 0; desk < kDesks; ++desk) Open(desk);
  Plan();
  while (scheduler_.clock().Boot() < kFaultyTime && oracle_.ok()) Step();
  Heal();
  bool settled = false;
  const absl::Duration end = scheduler_.clock().Boot() + kHealedTime;
  for (absl::Duration look; oracle_.ok() && scheduler_.clock().Boot() < end;) {
    Step();
    if (scheduler_.turns() > kTurnsMax) break;
    if (scheduler_.clock().Boot() < look) continue;
    look = scheduler_.clock().Boot() + absl::Milliseconds(200);
    if ((settled = Settled())) break;
  }
  oracle_.Check(Promise::kLiveness, settled || !oracle_.ok(),
                "a message waits, or nobody holds the lease, although nothing is wrong any more");
  if (oracle_.ok()) Judge();
  return ReportOf(profile_.seed, trace_, oracle_);
}

SimulationReport RunOffice(const SimulationOptions& options) {
  return Office(options).Run();
}

}  // namespace skald::inline v1::internal
