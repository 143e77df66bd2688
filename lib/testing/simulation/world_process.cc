// Processes: how they open, what their disks do to them, how they die.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "world.h"

namespace skald::inline v1::internal {

absl::Time World::EngineNow(const Process& process) const {
  return process.engine_begin +
         (const_cast<World*>(this)->scheduler_.clock().Boot() - process.boot_at_open);
}

// ---- opening ------------------------------------------------------------------------------------

std::vector<Definition> World::Definitions(Process& process) {
  std::vector<Definition> definitions;
  std::vector<std::string_view> missing;
  // What a definition starts stands behind it.
  for (size_t i = definitions_.size(); i-- > 0;) {
    const SimulatedDefinition& saga = definitions_[i];
    const bool starts_missing =
        std::any_of(saga.steps.begin(), saga.steps.end(), [&](const SimulatedStep& step) {
          return std::find(missing.begin(), missing.end(), step.starts) != missing.end();
        });
    if (starts_missing || (definitions_.size() > 1 && Chance(Knob::kMissing))) {
      missing.push_back(saga.name);
      process.complete = false;
      trace_.Count("fault definition missing");
      trace_.Say(process.name, "opens without '{}'", saga.name);
      continue;
    }
    definitions.push_back(BuildDefinition(this, &process, saga));
  }
  return definitions;
}

CoordinatorOptions World::OptionsOf(Process& process) {
  CoordinatorOptions options;
  options.shards = profile_[Knob::kShards];
  options.own_threads = false;
  options.in_flight_max = std::max<size_t>(8, profile_[Knob::kSagas] / 2);
  options.payload_bytes_max = 4096;
  options.key_bytes_max = 64;
  options.finished_in_memory_max = 16;
  options.journal_bytes_max = 8192;
  constexpr absl::Duration kNever = absl::InfiniteDuration();
  const absl::Duration asleep_after[] = {absl::Milliseconds(10), absl::Milliseconds(10),
                                         absl::Milliseconds(500), kNever};
  options.asleep_after = asleep_after[profile_.seed % 4];
  options.accept_time_leap = accept_leap_;
  options.observer = &observer_;
  options.clock = &scheduler_.clock();
  options.random = &process.random;
  return options;
}

// `process`: null for the remote participant, which does not die at a place but at a time.
FaultStore* World::View(Disk& disk, Process* process) {
  FaultStore* const view = views_.emplace_back(std::make_unique<FaultStore>(disk.recording)).get();
  view->DeferDrops(true);
  view->SetFaults([this, process, view](StoreCall call) {
    return process == nullptr ? DiskFault(*view, call) : FaultOf(*process, *view, call);
  });
  return view;
}

bool World::OpenStores(Process& process) {
  process.main_disk = View(main_, &process);
  process.own_disk = View(own_, &process);
  CommitterOptions options;
  options.writer = "skald";
  options.own_thread = false;
  options.observer = &observer_;
  options.clock = &scheduler_.clock();
  auto committer = Committer::Open(*process.main_disk, options);
  if (!committer.ok()) return false;
  process.main_committer = *std::move(committer);
  options.writer = "own";
  committer = Committer::Open(*process.own_disk, options);
  if (!committer.ok()) return false;
  process.own_committer = *std::move(committer);
  const auto touched = [this, p = &process] { Site(*p, "inside an effect"); };
  auto shared = BarrierService::Open(*process.main_committer, "shared", touched);
  auto own = BarrierService::Open(*process.own_committer, "own", touched);
  if (!shared.ok() || !own.ok()) return false;
  process.shared = *std::move(shared);
  process.own = *std::move(own);
  return true;
}

bool World::OpenCoordinator(Process& process) {
  process.executor = std::make_unique<SimulatedExecutor>();
  process.executor->SetMoment([this] { return oracle_.moment(); });
  process.executor->SetRefusals([this, full_until = -absl::InfiniteDuration()]() mutable {
    const absl::Duration now = scheduler_.clock().Boot();
    if (faults_ && now < full_until) return true;
    if (!Chance(Knob::kExecutorFull)) return false;
    trace_.Count("fault executor full");
    full_until = now + Between(Knob::kExecutorFull, absl::ZeroDuration(), absl::Milliseconds(60));
    scheduler_.After(full_until - now, [] {});  // so that it is offered again then
    return true;
  });
  process.boot_at_open = scheduler_.clock().Boot();
  process.engine_begin = std::max(scheduler_.clock().Wall(), last_block_);
  auto opened = Coordinator::Open(*process.main_committer, *process.executor, Definitions(process),
                                  OptionsOf(process));
  if (opened.ok()) {
    process.coordinator = *std::move(opened);
    return process.alive;
  }
  trace_.Say(process.name, "cannot open: {}", absl::StatusCodeToString(opened.status().code()));
  if (absl::IsFailedPrecondition(opened.status())) {
    trace_.Count("fault time leap refused");
    accept_leap_ = true;
  }
  return false;
}

void World::AddActors(Process& process) {
  Process* const p = &process;
  const auto add = [&](std::string_view what, absl::AnyInvocable<bool()> turn) {
    process.actors.push_back(
        scheduler_.AddActor(fmt::format("{} {}", process.name, what),
                            [p, turn = std::move(turn)]() mutable { return p->alive && turn(); }));
  };
  add("coordinator", [p] { return p->coordinator->PollOnce(); });
  const auto committer = [this](Committer* polled) {
    return [this, polled, busy_until = -absl::InfiniteDuration()]() mutable {
      const absl::Duration now = scheduler_.clock().Boot();
      if (now < busy_until || !polled->PollOnce()) return false;
      if (!Chance(Knob::kSlowDisk)) return true;
      trace_.Count("fault slow disk");
      busy_until = now + Between(Knob::kSlowDisk, absl::Milliseconds(1), absl::Milliseconds(30));
      scheduler_.After(busy_until - now, [] {});  // so that it is looked at again then
      return true;
    };
  };
  add("committer", committer(p->main_committer.get()));
  add("own committer", committer(p->own_committer.get()));
  add("executor", [this, p] { return p->executor->RunOne(scheduler_.random()); });
}

void World::Open() {
  restart_due_ = false;
  Process* const older = active_;
  const uint64_t number = processes_.size() + 1;
  processes_.push_back(std::make_unique<Process>(number, profile_.seed * 1000 + number));
  Process& process = *processes_.back();
  active_ = &process;
  trace_.Say(process.name, "opens");
  if (older != nullptr && Chance(Knob::kRecoveryCrash)) fuse_ = dice_.Below(8);
  const bool opened = OpenStores(process) && OpenCoordinator(process) && process.alive;
  if (!opened) {
    trace_.Count("open failed");
    if (process.alive) Die(process, "an open that failed");
    return;
  }
  trace_.Count("open");
  trace_.Say(process.name, "is open");
  AddActors(process);
  RestartIntents();
}

void World::OpenRemote(RemoteHost& host) {
  host.disk = View(remote_disk_, nullptr);
  CommitterOptions options;
  options.writer = host.name;
  options.own_thread = false;
  options.shared_rows = true;
  options.observer = &observer_;
  options.clock = &scheduler_.clock();
  auto committer = Committer::Open(*host.disk, options);
  if (committer.ok()) {
    auto service = BarrierService::Open(**committer, std::string(host.name), [] {});
    if (service.ok()) {
      host.committer = *std::move(committer);
      host.service = *std::move(service);
      host.actor = scheduler_.AddActor(std::string(host.name),
                                       [&host] { return host.committer->PollOnce(); });
      host.up = true;
      trace_.Say(host.name, "is up");
      return;
    }
  }
  scheduler_.After(absl::Milliseconds(20), [this, &host] {
    if (!host.up) OpenRemote(host);
  });
}

// ---- faults of a process' disks -----------------------------------------------------------------

StoreFault World::DiskFault(FaultStore& view, StoreCall call) {
  if (!faults_) return StoreFault::kNone;
  const auto count = [this](std::string_view what, StoreFault fault) {
    trace_.Count(what);
    return fault;
  };
  if (call != StoreCall::kCommit) {
    return Chance(Knob::kReadError) ? count("fault store call", StoreFault::kBefore)
                                    : StoreFault::kNone;
  }
  const absl::Duration now = scheduler_.clock().Boot();
  if (now < full_until_) return count("fault disk full", StoreFault::kFull);
  if (Chance(Knob::kDiskFull)) {
    full_until_ = now + Between(Knob::kDiskFull, absl::Milliseconds(5), absl::Seconds(2));
    return count("fault disk full", StoreFault::kFull);
  }
  if (Chance(Knob::kCommitBefore)) return count("fault commit before", StoreFault::kBefore);
  if (Chance(Knob::kCommitAfter)) return count("fault commit after", StoreFault::kAfter);
  if (Chance(Knob::kCommitLater)) {
    scheduler_.After(Between(Knob::kCommitLater, absl::Milliseconds(1), absl::Seconds(1)),
                     [&view] { view.ApplyLate(); });
    return count("fault commit later", StoreFault::kLater);
  }
  return StoreFault::kNone;
}

StoreFault World::FaultOf(Process& process, FaultStore& view, StoreCall call) {
  constexpr std::string_view kBefore[] = {"before acquire", "before commit", "before get",
                                          "before scan", "before drop"};
  constexpr std::string_view kAfter[] = {"after acquire", "after commit", "after get", "after scan",
                                         "after drop"};
  if (!process.alive || Site(process, kBefore[static_cast<size_t>(call)])) {
    return StoreFault::kBefore;
  }
  const StoreFault fault = DiskFault(view, call);
  // Dies when it has taken effect, before anybody is told.
  if (fault == StoreFault::kNone && Site(process, kAfter[static_cast<size_t>(call)])) {
    return StoreFault::kAfter;
  }
  return fault;
}

// ---- death --------------------------------------------------------------------------------------

// A place at which a process may die. RETURNS: whether it is dead.
bool World::Site(Process& process, std::string_view place) {
  if (!process.alive) return true;
  if (&process != active_ || !fuse_) return false;
  if (*fuse_ > 0) {
    --*fuse_;
    return false;
  }
  Die(process, place);
  return true;
}

void World::Die(Process& process, std::string_view place) {
  process.alive = false;
  if (&process == active_) fuse_.reset();
  constexpr UnsyncedFate kFates[] = {UnsyncedFate::kDropped, UnsyncedFate::kTorn,
                                     UnsyncedFate::kKept};
  constexpr std::string_view kFateNames[] = {"dropped", "torn", "kept"};
  const size_t fate = dice_.Below(3);
  trace_.Say(process.name, "dies: {}; what was not synced is {}", place, kFateNames[fate]);
  trace_.Count(fmt::format("died {}", place));
  trace_.Count(fmt::format("unsynced {}", kFateNames[fate]));
  for (FaultStore* disk : {process.main_disk, process.own_disk}) {
    if (disk != nullptr) disk->LosePower(kFates[fate], dice_);
  }
}

void World::TakeApart(Process& process) {
  if (std::exchange(process.apart, true)) return;
  for (const SeededScheduler::ActorId actor : process.actors) scheduler_.RemoveActor(actor);
  process.parked.clear();
  oracle_.OnOwnerGone(process.number);
  if (process.coordinator != nullptr) {
    const Coordinator::Stats stats = process.coordinator->stats();
    trace_.Count("woken", stats.woken);
    trace_.Count("asleep at an end", stats.asleep);
  }
  process.coordinator.reset();
  process.executor.reset();
  // Committers answer what waits, barriers let it go.
  process.main_committer.reset();
  process.own_committer.reset();
  process.shared.reset();
  process.own.reset();
}

void World::Reap() {
  Process* const active = active_;
  if (active != nullptr && active->alive && active->coordinator != nullptr &&
      !active->coordinator->health().ok()) {
    Die(*active, "its coordinator had stopped");
  }
  for (const auto& process : processes_) {
    if (process->alive || process->apart) continue;
    TakeApart(*process);
    oracle_.ReadStore(main_.memory);
    CheckBooks(Oracle::Moment::kAnyTime);
  }
  if (active == nullptr || active->alive || restart_due_) return;
  restart_due_ = true;
  const auto restart = [this] {
    if (restart_due_ && !active_->alive) Open();
  };
  if (!faults_) return restart();
  scheduler_.After(Between(Knob::kCrashes, absl::Milliseconds(1), absl::Milliseconds(500)),
                   restart);
}

void World::StopRemote(RemoteHost& host) {
  host.up = false;
  if (host.actor) scheduler_.RemoveActor(*host.actor);
  host.actor.reset();
  if (host.disk != nullptr) host.disk->LosePower(UnsyncedFate::kTorn, dice_);
  host.committer.reset();
  host.service.reset();
}

// ---- accidents ----------------------------------------------------------------------------------

void World::Crash() {
  if (active_ == nullptr || !active_->alive || fuse_ || !faults_) return;
  // At once, or at one of the next places where something happens.
  if (dice_.Chance(0.1)) return Die(*active_, "between two events");
  if (dice_.Chance(0.2) && !active_->paused) return ShutDown(*active_);
  fuse_ = dice_.Below(60);
}

// In order: nothing more is sent, what has been said becomes durable, then it goes. Nobody waits
// for what runs.
void World::ShutDown(Process& process) {
  trace_.Say(process.name, "shuts down");
  trace_.Count("orderly shutdown");
  const absl::Status status = process.coordinator->Shutdown(absl::ZeroDuration());
  for (int rounds = 0; process.alive && rounds < 100; ++rounds) {
    if (!process.main_committer->PollOnce()) break;
  }
  trace_.Say(process.name, "is shut down: {}", absl::StatusCodeToString(status.code()));
  if (process.alive) Die(process, "an orderly shutdown");
}

void World::TakeOver() {
  Process* const older = active_;
  if (older == nullptr || !older->alive || !faults_) return;
  trace_.Count("takeover");
  fuse_.reset();
  const bool pauses = dice_.Chance(0.6);
  trace_.Say(older->name, "is {}", pauses ? "paused, and another opens" : "joined by another");
  older->paused = pauses;
  for (const auto actor : older->actors) scheduler_.SetPaused(actor, pauses);
  Open();
  scheduler_.After(Between(Knob::kTakeovers, absl::Milliseconds(1), absl::Seconds(3)),
                   [this, older] {
                     if (!older->alive) return;
                     trace_.Say(older->name, "goes on");
                     older->paused = false;
                     for (const auto actor : older->actors) scheduler_.SetPaused(actor, false);
                     std::deque<Work> parked = std::move(older->parked);
                     older->parked.clear();
                     for (Work& work : parked) std::move(work)();
                   });
  scheduler_.After(Between(Knob::kTakeovers, absl::Seconds(3), absl::Seconds(6)), [this, older] {
    if (older->alive) Die(*older, "a stale process");
  });
}

void World::ScheduleAccidents() {
  const auto plan = [&](Knob knob, absl::AnyInvocable<void()> what) {
    auto shared = std::make_shared<absl::AnyInvocable<void()>>(std::move(what));
    for (uint32_t i = 0; i < profile_[knob]; ++i) {
      scheduler_.After(Between(knob, absl::Milliseconds(1), absl::Seconds(12)),
                       [shared] { (*shared)(); });
    }
  };
  plan(Knob::kCrashes, [this] { Crash(); });
  plan(Knob::kTakeovers, [this] { TakeOver(); });
  plan(Knob::kOutages, [this] {
    RemoteHost& host = remotes_[Stream(Knob::kOutages).Below(remotes_.size())];
    if (!faults_ || !host.up) return;
    trace_.Say(host.name, "dies");
    trace_.Count("fault remote outage");
    StopRemote(host);
    scheduler_.After(Between(Knob::kOutages, absl::Milliseconds(1), absl::Seconds(2)),
                     [this, &host] {
                       if (!host.up) OpenRemote(host);
                     });
  });
  plan(Knob::kClockSteps, [this] {
    constexpr int kHours[] = {-24 * 365, -1, 1, 24 * 30};
    const absl::Duration by = absl::Hours(kHours[dice_.Below(4)]);
    trace_.Say("world", "the wall clock steps by {} hours", by / absl::Hours(1));
    trace_.Count("fault clock step");
    scheduler_.clock().SetWall(scheduler_.clock().Wall() + by);
  });
}

}  // namespace skald::inline v1::internal
