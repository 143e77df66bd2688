// The main loop: things happen until the faults end, then everything has to come to its end.
#include "world.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "office.h"
#include "skald/base/hash.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr absl::Duration kFaultyTime = absl::Seconds(20);
// Retries are a minute apart at most, and there are few of them.
constexpr absl::Duration kHealedTime = absl::Hours(2);
// A history longer than this is one that spins.
constexpr uint64_t kTurnsMax = 1'000'000;

std::vector<SeededRandom> MakeStreams(uint64_t seed) {
  std::vector<SeededRandom> streams;
  for (size_t i = 0; i < kKnobs; ++i) {
    uint64_t state = seed * kKnobs + i;
    streams.emplace_back(SplitMix64(state));
  }
  return streams;
}

std::string Describe(const Oracle& oracle, const BlockEntry& entry) {
  std::string text;
  std::string_view rest = entry.events;
  const auto saga = oracle.Find(entry.saga);
  while (!rest.empty()) {
    const absl::StatusOr<Event> event = ReadEvent(rest);
    if (!event.ok()) return text + " (does not read)";
    if (!text.empty()) text += ", ";
    text += ToString(event->kind);
    if (event->step != Event::kNoStep) text += fmt::format(" s{}", event->step);
    if (event->index == Event::kWhole) text += "[]";
    if (event->index != Event::kWhole && event->index > 0)
      text += fmt::format("[{}]", event->index);
    if (event->direction == Direction::kCompensation) text += " undone";
    if (event->kind == EventKind::kVerdict) text += fmt::format(" {}", ToString(event->verdict));
    if (event->clean) text += " clean";
    if (event->state_after != SagaState::kRunning) {
      text += fmt::format(" -> {}", ToString(event->state_after));
    }
  }
  return fmt::format("{}{}: {}", saga ? saga->key : ToString(entry.saga),
                     entry.carried ? " (carried)" : "", text);
}

bool StartsWithStart(std::string_view events) {
  const absl::StatusOr<Event> event = ReadEvent(events);
  return event.ok() && event->kind == EventKind::kStart;
}

}  // namespace

absl::StatusOr<Acquired> RecordingStore::Acquire(std::string_view writer) {
  absl::StatusOr<Acquired> acquired = ForwardingStore::Acquire(writer);
  if (acquired.ok()) {
    epochs_[acquired->fence.writer] = acquired->fence.epoch;
    numbers_[acquired->fence.writer] = acquired->last_number;
    world_.OnAcquired(name_, acquired->fence);
  }
  return acquired;
}

absl::StatusOr<CommitResult> RecordingStore::Commit(const Fence& fence, const Batch& batch) {
  absl::StatusOr<CommitResult> result = ForwardingStore::Commit(fence, batch);
  if (fence.epoch < epochs_[fence.writer]) {
    world_.OnCommitOfStale(name_, !result.ok());
  }
  if (!result.ok() || !result->failed_units.empty()) return result;
  uint64_t& last = numbers_[fence.writer];
  if (batch.number > last) {
    last = batch.number;
    world_.OnCommitted(name_, batch);
  }
  return result;
}

void CountingObserver::OnNotice(const Notice& notice) {
  trace_.Count(fmt::format("notice {}", notice.kind));
}

World::World(const SimulationOptions& options, std::vector<SimulatedDefinition> definitions)
    : profile_(options.profile),
      definitions_(std::move(definitions)),
      scheduler_(options.profile.seed),
      trace_(scheduler_.clock(), options.story),
      observer_(trace_),
      streams_(MakeStreams(options.profile.seed)),
      dice_(options.profile.seed + 77),
      main_(*this, "main", 1),
      own_(*this, "own", 2),
      remote_disk_(*this, "remote", 3) {}

World::~World() {
  hung_.clear();
  for (const auto& process : processes_) {
    process->alive = false;
    TakeApart(*process);
  }
  for (RemoteHost& host : remotes_) StopRemote(host);
  scheduler_.ClearEvents();
}

bool World::Chance(Knob knob) {
  return Stream(knob).Below(1000) < profile_[knob] && faults_;
}

absl::Duration World::Between(Knob knob, absl::Duration least, absl::Duration most) {
  return least + (most - least) * Stream(knob).UnitInterval();
}

void World::OnAcquired(std::string_view disk, const Fence& fence) {
  trace_.Say(disk, "acquired, epoch {}", fence.epoch);
  if (disk != "main") return;
  for (const auto& process : processes_) {
    if (process.get() != processes_.back().get()) process->stale = true;
  }
}

void World::OnCommitted(std::string_view disk, const Batch& batch) {
  trace_.Say(disk, "batch {} is durable, checksum {:016x}", batch.number, batch.Checksum());
  trace_.Count("commit durable");
  if (disk != "main") return;
  oracle_.OnDurable(batch);
  for (const Unit& unit : batch.units) {
    unit.ForEach([this](const Unit::Op& op) {
      if (op.kind != Unit::OpKind::kPut || op.space != Space::kLog) return;
      const absl::StatusOr<Block> block = ReadBlock(op.value);
      if (!block.ok()) return;
      last_block_ = std::max(last_block_, block->header.time);
      for (const BlockEntry& entry : block->entries) {
        const auto saga = oracle_.Find(entry.saga);
        const bool starts =
            saga && saga->key.starts_with('~') && !entry.carried && StartsWithStart(entry.events);
        if (starts) trace_.Count("started by a step");
        trace_.Say("journal", "{}", Describe(oracle_, entry));
      }
    });
  }
}

void World::OnCommitOfStale(std::string_view disk, bool refused) {
  trace_.Count("stale commit refused", refused ? 1 : 0);
  oracle_.Check(Promise::kOneOwner, refused,
                fmt::format("a commit under a stale fence took effect on disk '{}'", disk));
}

void World::Pass() {
  absl::Duration limit = absl::Seconds(1);
  if (active_ != nullptr && active_->alive && active_->coordinator != nullptr) {
    const absl::Time next = active_->coordinator->NextTimer();
    if (next != absl::InfiniteFuture()) limit = std::min(limit, next - EngineNow(*active_));
  }
  // A wait between two tries of the committer is in no list.
  if (faults_) limit = std::min(limit, absl::Milliseconds(100));
  scheduler_.AdvanceToNext(std::max(limit, absl::Milliseconds(1)));
}

void World::Step() {
  Reap();
  if (!scheduler_.RunOne()) Pass();
}

void World::Live() {
  ScheduleClients();
  ScheduleAccidents();
  while (scheduler_.clock().Boot() < kFaultyTime && oracle_.ok()) Step();
}

bool World::Settled() const {
  for (const Intent& intent : intents_) {
    if (!intent.id || !intent.settled) return false;
  }
  const auto sagas = oracle_.sagas();
  return std::all_of(sagas.begin(), sagas.end(),
                     [](const auto& saga) { return IsTerminal(saga.state); });
}

void World::Heal() {
  trace_.Say("world", "the faults have healed");
  faults_ = false;
  fuse_.reset();
  accept_leap_ = true;
  Reap();
  for (const auto& process : processes_) {
    if (process.get() == active_) continue;
    process->paused = false;
    if (process->alive) Die(*process, "the end of a stale process");
  }
  const bool good = active_ != nullptr && active_->alive && active_->complete && !active_->paused;
  if (active_ != nullptr && !good && active_->alive) Die(*active_, "an orderly restart");
  Reap();
  for (RemoteHost& host : remotes_) {
    if (!host.up) OpenRemote(host);
  }
  if (active_ == nullptr || !active_->alive) Open();
  ReleaseHung();
  RestartIntents();
}

void World::HealedLoop() {
  const absl::Duration end = scheduler_.clock().Boot() + kHealedTime;
  uint64_t rounds = 0;
  while (oracle_.ok() && !Settled()) {
    if (scheduler_.clock().Boot() >= end || scheduler_.turns() > kTurnsMax) break;
    Reap();
    if (scheduler_.RunOne()) continue;
    if (++rounds % 8 == 0) {
      HelpStuck();
      RestartIntents();
    }
    Pass();
  }
}

// What was slow comes in at last; it must not change what has ended.
void World::ComeToRest() {
  const absl::Duration end = scheduler_.clock().Boot() + absl::Seconds(3);
  while (scheduler_.clock().Boot() < end) Step();
}

void World::CheckBooks(Oracle::Moment moment) {
  std::vector<Effect> all = bare_.Books();
  const std::pair<std::string_view, Disk*> disks[] = {
      {"main", &main_}, {"own", &own_}, {"remote", &remote_disk_}};
  for (const auto& [name, disk] : disks) {
    const StoredBooks books = ReadBooks(disk->memory);
    int64_t sum = 0;
    for (const Effect& effect : books.effects) {
      sum += static_cast<int64_t>(effect.applied) - static_cast<int64_t>(effect.undone);
    }
    oracle_.Check(Promise::kEffect, sum == books.total,
                  fmt::format("the books on disk '{}' say {} effects in all, and list {}", name,
                              books.total, sum));
    all.insert(all.end(), books.effects.begin(), books.effects.end());
  }
  oracle_.CheckEffects(all, moment);
}

void World::Judge() {
  for (const Intent& intent : intents_) {
    oracle_.Check(
        Promise::kLiveness, intent.id.has_value(),
        fmt::format("the start of '{}' is not answered although nothing is wrong any more",
                    intent.key));
    // Whatever was poisoned or missing around it.
    oracle_.Check(Promise::kIsolation, intent.settled,
                  fmt::format("'{}' has not come to its end", intent.key));
    oracle_.Check(Promise::kLiveness, intent.settled,
                  fmt::format("nobody was told how '{}' ended", intent.key));
  }
  oracle_.CheckEnded();
  if (!oracle_.ok()) return;
  AskServices();
  AskStores();
  AskEverything();
  if (!oracle_.ok()) return;
  CheckBooks(Oracle::Moment::kEnd);
  oracle_.ReadStore(main_.memory);
}

// Its text, a line a step, so that a history can be read alone.
void World::TellDefinition(const Definition& definition) {
  std::string_view text = definition.data().canonical;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    trace_.Say(definition.name(), "{}", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

SimulationReport World::Run() {
  for (const SimulatedDefinition& saga : definitions_) {
    const Definition definition = BuildDefinition(nullptr, nullptr, saga);
    TellDefinition(definition);
    oracle_.Register(definition);
  }
  for (RemoteHost& host : remotes_) OpenRemote(host);
  Open();
  Live();
  if (oracle_.ok()) {
    Heal();
    HealedLoop();
    ComeToRest();
  }
  if (oracle_.ok()) Judge();
  for (const auto& saga : oracle_.sagas()) {
    trace_.Count(fmt::format("end {}", ToString(saga.state)));
  }
  return ReportOf(profile_.seed, trace_, oracle_);
}

// Two histories by one seed.
static void Append(SimulationReport office, SimulationReport& report) {
  SipHasher hasher(report.trace_hash, office.trace_hash, /*wide=*/false);
  report.trace_hash = hasher.Finish().low;
  report.lines += office.lines;
  report.violations = std::move(office.violations);
  for (size_t i = 0; i < kPromises; ++i) report.checks[i] += office.checks[i];
  for (const auto& [what, count] : office.counters) report.counters[what] += count;
}

}  // namespace skald::inline v1::internal

namespace skald::inline v1 {

SimulationReport RunSimulation(const SimulationOptions& options) {
  std::vector<SimulatedDefinition> definitions = options.definitions;
  if (definitions.empty()) definitions = internal::DrawDefinitions(options.profile);
  SimulationReport report = internal::World(options, std::move(definitions)).Run();
  if (report.violations.empty()) internal::Append(internal::RunOffice(options), report);
  return report;
}

}  // namespace skald::inline v1
