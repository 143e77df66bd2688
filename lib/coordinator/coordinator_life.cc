// Opening a coordinator, and stopping it.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "coordinator_impl.h"
#include "recovery.h"
#include "skald/base/status.h"

namespace skald::inline v1 {

using internal::CallOnLoop;
using internal::Core;
using internal::Gone;
using internal::Registered;
using internal::Shard;

namespace {

// Written when a coordinator opens over a committer that others share.
constexpr std::string_view kOpenedRow = "o";

bool SameSchema(const internal::ValueOps& a, const internal::ValueOps& b) {
  return a.schema_name == b.schema_name && a.schema_version == b.schema_version;
}

}  // namespace

Coordinator::Impl::~Impl() {
  IgnoreError(Stop(), "nobody is left to tell; the journal knows");
}

absl::Status Coordinator::Impl::Register(std::vector<Definition> definitions) {
  for (Definition& definition : definitions) {
    SKALD_RETURN_IF_ERROR(Validate(definition));
    if (core_->FindDefinition(definition.name(), definition.version()) != nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("opening a coordinator: the definition '{}' v{} is given twice; two graphs "
                      "need two versions",
                      definition.name(), definition.version()));
    }
    auto& versions = core_->definitions[std::string(definition.name())];
    versions.push_back(std::make_unique<Registered>(std::move(definition)));
  }
  for (const auto& [name, versions] : core_->definitions) {
    for (const auto& registered : versions) {
      SKALD_RETURN_IF_ERROR(CheckSagas(registered->data()));
    }
  }
  return absl::OkStatus();
}

// What its steps start must be here, with the input and the result that they know.
absl::Status Coordinator::Impl::CheckSagas(const internal::DefinitionData& data) const {
  for (const internal::StepNode& step : data.steps) {
    if (!step.saga) continue;
    const auto refuse = [&](std::string_view why) {
      return absl::InvalidArgumentError(
          fmt::format("opening a coordinator: step '{}' of '{}' v{} starts '{}' v{}, {}", step.name,
                      data.name, data.version, step.saga->definition, step.saga->version, why));
    };
    const Registered* started = core_->FindDefinition(step.saga->definition, step.saga->version);
    if (started == nullptr) return refuse("which is not among the definitions: give it, too");
    const internal::ValueOps& input = step.fan_out      ? step.fan_out->item
                                      : step.input_from ? data.steps[*step.input_from].output
                                                        : data.input;
    if (!SameSchema(input, started->data().input)) return refuse("which takes another input");
    const internal::ValueOps& output = step.fan_out ? step.fan_out->output : step.output;
    const std::optional<uint16_t> result = started->data().result_step;
    // (Without Returns a saga gives nothing, whose schema any key without an output has.)
    if (result && !SameSchema(output, started->data().steps[*result].output)) {
      return refuse("which gives another result");
    }
  }
  return absl::OkStatus();
}

absl::Status Coordinator::Impl::CheckTime(absl::Time last) const {
  const CoordinatorOptions& options = core_->options;
  const absl::Duration leap = options.clock->Wall() - last;
  if (last == absl::UnixEpoch() || leap <= options.downtime_max || options.accept_time_leap) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("opening a coordinator: the wall clock says {}, the journal ends at {}; {} of "
                  "downtime is more "
                  "than downtime_max ({}). Set the clock right, or accept_time_leap when it is "
                  "right: deadlines "
                  "and retention run by it",
                  absl::FormatTime(options.clock->Wall()), absl::FormatTime(last),
                  absl::FormatDuration(leap), absl::FormatDuration(options.downtime_max)));
}

absl::Status Coordinator::Impl::Open(Store& store, std::vector<Definition> definitions) {
  CommitterOptions committer;
  committer.writer = core_->options.writer;
  committer.own_thread = core_->options.own_threads;
  committer.observer =
      core_->options.observer == nullptr ? &core_->default_observer : core_->options.observer;
  committer.clock = core_->options.clock;
  SKALD_RETURN_IF_ERROR(Register(std::move(definitions)));
  SKALD_ASSIGN_OR_RETURN(core_->owned_committer, Committer::Open(store, std::move(committer)));
  core_->committer = core_->owned_committer.get();
  return Open();
}

absl::Status Coordinator::Impl::Open(Committer& committer, std::vector<Definition> definitions) {
  SKALD_RETURN_IF_ERROR(Register(std::move(definitions)));
  core_->committer = &committer;
  // Units of an earlier coordinator may still wait in it: what is read below must come after them.
  SKALD_RETURN_IF_ERROR(SettleQueue(committer));
  return Open();
}

absl::Status Coordinator::Impl::SettleQueue(Committer& committer) {
  auto promise = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> future = promise->get_future();
  Unit marker;
  marker.Put(Space::kRows, kOpenedRow, core_->options.writer);
  SKALD_RETURN_IF_ERROR(Annotate(
      committer.Enqueue(std::move(marker),
                        [promise](const absl::Status& status) { promise->set_value(status); }),
      "opening a coordinator over a shared committer"));
  if (!committer.pumped()) return future.get();
  while (committer.PollOnce()) {
  }
  if (future.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return future.get();
  // Whoever pumps may let time pass, which this call cannot.
  return absl::UnavailableError(
      "opening a coordinator over a shared committer: what waits in it is not settled; poll it and "
      "open again");
}

absl::Status Coordinator::Impl::CheckBounds() const {
  // A block takes a megabyte of events and then one more, whole.
  const size_t block_max = core_->committer->store().limits().value_bytes;
  const size_t payload_max = core_->options.payload_bytes_max;
  if (payload_max + (size_t{2} << 20) <= block_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("opening a coordinator: payload_bytes_max is {}; with values of at most {} bytes "
                  "in this store "
                  "it can be {} at most",
                  payload_max, block_max, block_max - std::min(block_max, size_t{2} << 20)));
}

absl::Status Coordinator::Impl::Open() {
  Core& core = *core_;
  SKALD_RETURN_IF_ERROR(CheckBounds());
  core.fence = core.committer->fence();
  internal::Recovery recovery(core);
  SKALD_RETURN_IF_ERROR(recovery.Scan());
  SKALD_RETURN_IF_ERROR(CheckTime(recovery.last_time()));
  core.clock = std::make_unique<internal::EngineClock>(*core.options.clock, recovery.last_time());
  Observer* observer = core.options.observer;
  core.notifier =
      std::make_unique<internal::Notifier>(observer == nullptr ? core.default_observer : *observer,
                                           *core.clock, core.options.own_threads);
  for (uint32_t i = 0; i < core.shard_count(); ++i)
    core.shards.push_back(std::make_unique<Shard>(core, i));
  recovery.HandOver();
  for (const auto& shard : core.shards) {
    if (core.options.own_threads) loops_.emplace_back([&s = *shard] { s.Loop(); });
  }
  opened_ = true;
  return absl::OkStatus();
}

bool Coordinator::Impl::PollOnce() {
  bool any = false;
  for (const auto& shard : core_->shards) any = shard->RunOnce() || any;
  if (core_->owned_committer) any = core_->owned_committer->PollOnce() || any;
  return core_->notifier->Deliver() || any;
}

absl::Status Coordinator::Impl::Shutdown(absl::Duration timeout) {
  if (stopped_ || !opened_) return absl::OkStatus();
  Core& core = *core_;
  core.accepting.store(false);
  core.draining.store(true);
  for (const auto& shard : core.shards) {
    shard->Post(CallOnLoop([](Shard& s) { s.RequestStops(); }));
  }
  const Clock& real = Clock::Real();
  const absl::Duration end = real.Boot() + timeout;
  const auto running = [&core] {
    uint64_t all = 0;
    for (const auto& shard : core.shards) all += shard->outstanding();
    return all;
  };
  while (running() > 0 && real.Boot() < end) {
    if (pumped() && PollOnce()) continue;
    MutexLock lock(core.drained_mutex);
    core.drained.WaitFor(core.drained_mutex, absl::Milliseconds(pumped() ? 1 : 10));
  }
  while (pumped() && PollOnce()) {
  }
  const uint64_t left = running();
  absl::Status settled = Stop();
  if (left > 0) {
    return absl::DeadlineExceededError(fmt::format(
        "shutting down: {} attempts still run; they are left to themselves and count as 'may have "
        "happened' at the next open",
        left));
  }
  return settled;
}

absl::Status Coordinator::Impl::Stop() {
  if (!opened_ || stopped_.exchange(true)) return absl::OkStatus();
  Core& core = *core_;
  core.accepting.store(false);
  core.draining.store(true);
  absl::Status settled = absl::OkStatus();
  // (A host that pumps has pumped what it wanted durable.)
  if (!pumped()) {
    // A loop ends when every group that it has folded is durable, or cannot become so.
    for (const auto& shard : core.shards) shard->Stop();
    loops_.clear();
  }
  // However long it takes: what is under way uses the store and the observer, which may go after
  // this coordinator, and answers to what keeps the committer.
  if (core.owned_committer) settled = core.owned_committer->Shutdown(absl::InfiniteDuration());
  for (const auto& shard : core.shards) shard->Abort(Gone());
  core.notifier->Stop();
  return settled;
}

}  // namespace skald::inline v1
