#include "skald/coordinator/coordinator.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "core.h"
#include "recovery.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

using internal::Core;
using internal::FinishedRecord;
using internal::Machine;
using internal::Message;
using internal::Registered;
using internal::Shard;
using internal::Started;
using internal::StartedCallback;

namespace {

// How long a coordinator that is destroyed without Shutdown waits for its last commit.
constexpr absl::Duration kSettleAtExit = absl::Seconds(5);

// Written when a coordinator opens over a committer that others share.
constexpr std::string_view kOpenedRow = "o";

absl::Status Gone() {
  return absl::UnavailableError(
      "the coordinator is shutting down; what was asked may have happened: open again and ask with "
      "the same key");
}

Message CallOnLoop(absl::AnyInvocable<void(Shard&) &&> call) {
  return {.kind = Message::Kind::kCall, .object = nullptr, .call = std::move(call)};
}

// An answer that is owed: given once, and at the latest when nobody is left to give it.
class Answer {
 public:
  explicit Answer(VerbCallback done) : done_(std::move(done)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (done_) Give(Gone());
  }
  void Give(const absl::Status& status) { std::exchange(done_, nullptr)(status); }

 private:
  VerbCallback done_;
};

}  // namespace

class Coordinator::Impl {
 public:
  Impl(CoordinatorOptions options, Executor& steps)
      : core_(std::make_shared<Core>(std::move(options), steps)) {}
  ~Impl() { IgnoreError(Stop(kSettleAtExit), "nobody is left to tell; the journal knows"); }

  absl::Status Open();
  absl::Status Open(Store& store, std::vector<Definition> definitions);
  absl::Status Open(Committer& committer, std::vector<Definition> definitions);

  void Start(std::string_view definition, uint32_t version, absl::StatusOr<std::string> input,
             StartOptions options, StartedCallback done);
  absl::StatusOr<Started> Find(std::string_view definition, std::string_view key);
  using ShardVerb = absl::AnyInvocable<void(Shard&, internal::AnswerCallback) &&>;
  // What is said of a saga that is not in memory.
  using OfAbsent = absl::AnyInvocable<absl::Status() &&>;
  void OnShard(SagaId id, ShardVerb verb, OfAbsent of_absent, VerbCallback done);
  void Signal(SagaId id, internal::SignalRequest signal, VerbCallback done);
  absl::StatusOr<SagaDetails> Show(SagaId id);
  absl::StatusOr<SagaDetails> ShowStored(SagaId id);
  absl::Status OfFinished(SagaId id);
  absl::StatusOr<std::vector<SagaInfo>> List(const SagaFilter& filter);
  absl::Status Shutdown(absl::Duration timeout);
  absl::Status Stop(absl::Duration settle);
  bool PollOnce();

  Core& core() { return *core_; }
  bool pumped() const { return !core_->options.own_threads; }
  // Blocks until `ready`; pumps meanwhile, the shared committer too, when nobody else does.
  template <typename T>
  T Wait(std::future<T> future);
  // What `ask` answers, by blocking.
  template <typename Ask>
  absl::Status Blocking(Ask ask) {
    std::promise<absl::Status> promise;
    std::future<absl::Status> future = promise.get_future();
    ask([promise = std::move(promise)](const absl::Status& status) mutable {
      promise.set_value(status);
    });
    return Wait(std::move(future));
  }

 private:
  absl::Status Register(std::vector<Definition> definitions);
  absl::Status SettleQueue(Committer& committer);
  absl::Status CheckBounds() const;
  absl::Status CheckTime(absl::Time last) const;
  absl::Status CheckStart(std::string_view key, const absl::StatusOr<std::string>& input) const;

  std::shared_ptr<Core> core_;
  std::vector<std::jthread> loops_;
  bool opened_ = false;
  std::atomic<bool> stopped_{false};
};

template <typename T>
T Coordinator::Impl::Wait(std::future<T> future) {
  while (pumped() && future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    bool any = PollOnce();
    if (!core_->owned_committer && core_->committer->pumped()) {
      any = core_->committer->PollOnce() || any;
    }
    if (!any) std::this_thread::yield();
  }
  try {
    return future.get();
  } catch (const std::future_error&) {
    // Asked while the coordinator went away: the question was dropped.
    if constexpr (std::is_constructible_v<T, absl::Status>) return T(Gone());
    return T{};
  }
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
  core.notifier = std::make_unique<internal::Notifier>(
      observer == nullptr ? core.default_observer : *observer, core.options.own_threads);
  const uint32_t shards = std::max(core.options.shards, 1u);
  for (uint32_t i = 0; i < shards; ++i) core.shards.push_back(std::make_unique<Shard>(core, i));
  recovery.HandOver();
  for (const auto& shard : core.shards) {
    shard->Post(CallOnLoop([](Shard& s) { s.Resume(); }));
    if (core.options.own_threads) loops_.emplace_back([&s = *shard] { s.Loop(); });
  }
  opened_ = true;
  return absl::OkStatus();
}

absl::Status Coordinator::Impl::CheckStart(std::string_view key,
                                           const absl::StatusOr<std::string>& input) const {
  if (!input.ok()) return Annotate(input.status(), "encoding the input");
  const CoordinatorOptions& options = core_->options;
  if (key.size() > options.key_bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("the key has {} bytes, the bound is {} (key_bytes_max)", key.size(),
                    options.key_bytes_max));
  }
  if (input->size() > options.payload_bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("the input has {} bytes, the bound is {} (payload_bytes_max)", input->size(),
                    options.payload_bytes_max));
  }
  return absl::OkStatus();
}

void Coordinator::Impl::Start(std::string_view definition, uint32_t version,
                              absl::StatusOr<std::string> input, StartOptions options,
                              StartedCallback done) {
  Core& core = *core_;
  if (options.key.empty()) options.key = core.GenerateKey();
  const auto refuse = [&](const absl::Status& why) {
    std::move(done)(Annotate(
        why, fmt::format("starting '{}' under key '{}'", definition, options.key.substr(0, 64))));
  };
  const Registered* registered = core.FindDefinition(definition, version);
  if (registered == nullptr) {
    return refuse(absl::FailedPreconditionError(
        fmt::format("'{}' v{} is not among the definitions that the coordinator was opened with",
                    definition, version)));
  }
  if (const absl::Status ok = CheckStart(options.key, input); !ok.ok()) return refuse(ok);
  if (!core.accepting.load(std::memory_order_relaxed)) {
    const absl::Status failure = core.Health();
    return refuse(failure.ok() ? Gone() : failure);
  }
  if (core.in_flight.fetch_add(1, std::memory_order_relaxed) >= core.options.in_flight_max) {
    core.in_flight.fetch_sub(1, std::memory_order_relaxed);
    return refuse(absl::ResourceExhaustedError(
        fmt::format("{} sagas are in flight (in_flight_max); ask again later, same key",
                    core.options.in_flight_max)));
  }
  const uint64_t hash = StableHash64(definition, options.key);
  Shard& shard = core.ShardOf(hash);
  Machine* machine = shard.TakeMachine();
  machine->id.hash = hash;
  machine->registered = registered;
  internal::StartRequestState& start = machine->start;
  start.definition = registered->data().name;
  start.key = std::move(options.key);
  start.input = *std::move(input);
  start.input_fingerprint = StableHash128(start.input);
  start.deadline = options.deadline;
  start.done = std::move(done);
  // The generation first: what has left memory before it is in the row.
  start.row_generation = shard.generation();
  absl::StatusOr<std::optional<Row>> row =
      core.committer->store().Get(Space::kRows, internal::FinishedKey(hash));
  start.row_status = row.status();
  if (row.ok() && row->has_value()) start.row = std::move((*row)->value);
  shard.Post({.kind = Message::Kind::kStart, .object = machine, .call = {}});
}

absl::StatusOr<Started> Coordinator::Impl::Find(std::string_view definition, std::string_view key) {
  if (stopped_) return Gone();
  const uint64_t hash = StableHash64(definition, key);
  Shard& shard = core_->ShardOf(hash);
  // Memory is asked before the row is read: what has left memory was durable before.
  std::promise<absl::StatusOr<Started>> promise;
  std::future<absl::StatusOr<Started>> future = promise.get_future();
  shard.Post(CallOnLoop([&, hash, promise = std::move(promise)](Shard& s) mutable {
    s.Find(hash, definition, key,
           [promise = std::move(promise)](absl::StatusOr<Started> found) mutable {
             promise.set_value(std::move(found));
           });
  }));
  absl::StatusOr<Started> found = Wait(std::move(future));
  if (found.ok() || !absl::IsNotFound(found.status())) return found;
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row,
                         core_->committer->store().Get(Space::kRows, internal::FinishedKey(hash)));
  std::optional<FinishedRecord> record;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(
        record, internal::FindFinished(row->value, definition, key, core_->clock->Now()));
  }
  if (!record) {
    return absl::NotFoundError(
        fmt::format("finding '{}' under key '{}': never started, or expired", definition, key));
  }
  auto watch = std::make_shared<internal::Watch>(std::string(key));
  watch->SetId(record->id);
  watch->Settle(internal::ToSettled(*record));
  return Started{std::move(watch), true};
}

void Coordinator::Impl::OnShard(SagaId id, ShardVerb verb, OfAbsent of_absent, VerbCallback done) {
  if (stopped_) return std::move(done)(Gone());
  // Answers even when a coordinator that goes away drops the question.
  auto answer = std::make_shared<Answer>(std::move(done));
  core_->ShardOf(id.hash).Post(CallOnLoop(
      [verb = std::move(verb), of_absent = std::move(of_absent), answer](Shard& s) mutable {
        std::move(verb)(
            s, [of_absent = std::move(of_absent), answer](const absl::Status& status) mutable {
              answer->Give(absl::IsNotFound(status) ? std::move(of_absent)() : status);
            });
      }));
}

void Coordinator::Impl::Signal(SagaId id, internal::SignalRequest signal, VerbCallback done) {
  const auto refuse = [&](std::string_view why) {
    std::move(done)(absl::InvalidArgumentError(
        fmt::format("signal '{}' to saga {}: {}", signal.name, ToString(id), why)));
  };
  const CoordinatorOptions& options = core_->options;
  if (signal.key.empty()) return refuse("its deduplication key is empty");
  if (signal.key.size() > options.key_bytes_max) {
    return refuse(fmt::format("its deduplication key has {} bytes, the bound is {} (key_bytes_max)",
                              signal.key.size(), options.key_bytes_max));
  }
  if (signal.output.size() > options.payload_bytes_max) {
    return refuse(fmt::format("its payload has {} bytes, the bound is {} (payload_bytes_max)",
                              signal.output.size() - 1, options.payload_bytes_max - 1));
  }
  auto shared = std::make_shared<const internal::SignalRequest>(std::move(signal));
  OnShard(
      id,
      [id, shared](Shard& shard, internal::AnswerCallback answer) {
        shard.Signal(id, *shared, std::move(answer));
      },
      [this, id, shared]() -> absl::Status {
        SKALD_ASSIGN_OR_RETURN(
            const std::optional<Row> row,
            core_->committer->store().Get(Space::kRows, internal::FinishedKey(id.hash)));
        return internal::AnswerOfFinished(row ? row->value : std::string(), id, *shared,
                                          core_->clock->Now());
      },
      std::move(done));
}

// Why a verb does not apply to a saga that is not in memory.
absl::Status Coordinator::Impl::OfFinished(SagaId id) {
  const absl::StatusOr<SagaDetails> details = ShowStored(id);
  if (!details.ok()) return details.status();
  return absl::FailedPreconditionError(
      fmt::format("saga {} is {}; what is finished does not change", ToString(id),
                  ToString(details->info.state)));
}

absl::StatusOr<SagaDetails> Coordinator::Impl::Show(SagaId id) {
  if (stopped_) return Gone();
  std::promise<absl::StatusOr<SagaDetails>> promise;
  std::future<absl::StatusOr<SagaDetails>> future = promise.get_future();
  core_->ShardOf(id.hash).Post(CallOnLoop([id, promise = std::move(promise)](Shard& s) mutable {
    s.Show(id, [promise = std::move(promise)](absl::StatusOr<SagaDetails> details) mutable {
      promise.set_value(std::move(details));
    });
  }));
  absl::StatusOr<SagaDetails> details = Wait(std::move(future));
  if (details.ok() || !absl::IsNotFound(details.status())) return details;
  return ShowStored(id);
}

absl::StatusOr<SagaDetails> Coordinator::Impl::ShowStored(SagaId id) {
  SKALD_ASSIGN_OR_RETURN(
      const std::optional<Row> row,
      core_->committer->store().Get(Space::kRows, internal::FinishedKey(id.hash)));
  std::optional<FinishedRecord> record;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(record, internal::FindFinished(row->value, id, core_->clock->Now()));
  }
  if (!record) {
    return absl::NotFoundError(fmt::format("saga {}: never started, or expired", ToString(id)));
  }
  return SagaDetails{internal::ToInfo(*record), {}};
}

absl::StatusOr<std::vector<SagaInfo>> Coordinator::Impl::List(const SagaFilter& filter) {
  if (stopped_) return Gone();
  std::vector<SagaInfo> all;
  for (const auto& shard : core_->shards) {
    std::promise<std::vector<SagaInfo>> promise;
    std::future<std::vector<SagaInfo>> future = promise.get_future();
    shard->Post(CallOnLoop([&filter, promise = std::move(promise)](Shard& s) mutable {
      std::vector<SagaInfo> some;
      s.List(filter, some);
      promise.set_value(std::move(some));
    }));
    for (SagaInfo& info : Wait(std::move(future))) all.push_back(std::move(info));
  }
  if (filter.finished) {
    SKALD_ASSIGN_OR_RETURN(
        std::unique_ptr<Cursor> cursor,
        core_->committer->store().Scan(Space::kRows, {std::string(internal::kFinishedFrom),
                                                      std::string(internal::kFinishedTo)}));
    const absl::Time now = core_->clock->Now();
    for (; cursor->Valid() && all.size() < 2 * filter.limit; cursor->Next()) {
      std::string_view row = cursor->value();
      while (!row.empty()) {
        SKALD_ASSIGN_OR_RETURN(const FinishedRecord record, internal::ReadFinished(row));
        if (record.expires <= now) continue;
        if (filter.state && *filter.state != record.state) continue;
        if (!filter.definition.empty() && filter.definition != record.definition) continue;
        all.push_back(internal::ToInfo(record));
      }
    }
    SKALD_RETURN_IF_ERROR(cursor->status());
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) { return a.id == b.id; }),
            all.end());
  if (all.size() > filter.limit) all.resize(filter.limit);
  return all;
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
  absl::Status settled = Stop(std::max(end - real.Boot(), absl::Duration(absl::Seconds(1))));
  if (left > 0) {
    return absl::DeadlineExceededError(fmt::format(
        "shutting down: {} attempts still run; they are left to themselves and count as 'may have "
        "happened' at the next open",
        left));
  }
  return settled;
}

absl::Status Coordinator::Impl::Stop(absl::Duration settle) {
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
  if (core.owned_committer) settled = core.owned_committer->Shutdown(settle);
  for (const auto& shard : core.shards) shard->Abort(Gone());
  core.notifier->Stop();
  return settled;
}

// ---- the public face
// ------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(Store& store, Executor& steps,
                                                               std::vector<Definition> definitions,
                                                               CoordinatorOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options), steps);
  SKALD_RETURN_IF_ERROR(impl->Open(store, std::move(definitions)));
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(Committer& committer,
                                                               Executor& steps,
                                                               std::vector<Definition> definitions,
                                                               CoordinatorOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options), steps);
  SKALD_RETURN_IF_ERROR(impl->Open(committer, std::move(definitions)));
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

Coordinator::Coordinator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Coordinator::~Coordinator() = default;

void Coordinator::StartEncoded(std::string_view definition, uint32_t version,
                               absl::StatusOr<std::string> input, StartOptions options,
                               StartedCallback done) {
  impl_->Start(definition, version, std::move(input), std::move(options), std::move(done));
}

std::vector<absl::StatusOr<Started>> Coordinator::StartBlocking(std::string_view definition,
                                                                uint32_t version,
                                                                std::vector<EncodedStart> starts) {
  std::vector<std::future<absl::StatusOr<Started>>> futures;
  futures.reserve(starts.size());
  for (EncodedStart& start : starts) {
    std::promise<absl::StatusOr<Started>> promise;
    futures.push_back(promise.get_future());
    impl_->Start(definition, version, std::move(start.input), std::move(start.options),
                 [promise = std::move(promise)](absl::StatusOr<Started> started) mutable {
                   promise.set_value(std::move(started));
                 });
  }
  std::vector<absl::StatusOr<Started>> answers;
  answers.reserve(futures.size());
  for (auto& future : futures) answers.push_back(impl_->Wait(std::move(future)));
  return answers;
}

absl::StatusOr<Started> Coordinator::FindBlocking(std::string_view definition,
                                                  std::string_view key) {
  return impl_->Find(definition, key);
}

void Coordinator::CancelThen(SagaId id, Operator by, VerbCallback done) {
  impl_->OnShard(
      id,
      [id, by = std::move(by)](Shard& shard, internal::AnswerCallback answer) {
        shard.Cancel(id, by, std::move(answer));
      },
      [impl = impl_.get(), id] { return impl->OfFinished(id); }, std::move(done));
}

void Coordinator::DoVerb(SagaId id, internal::VerbRequest request, VerbCallback done) {
  impl_->OnShard(
      id,
      [id, request = std::move(request)](Shard& shard, internal::AnswerCallback answer) {
        shard.DoVerb(id, request, std::move(answer));
      },
      [impl = impl_.get(), id] { return impl->OfFinished(id); }, std::move(done));
}

void Coordinator::RetryThen(SagaId id, Operator by, VerbCallback done) {
  DoVerb(id, {.verb = Verb::kRetry, .step = {}, .output = {}, .by = std::move(by)},
         std::move(done));
}

void Coordinator::SignalEncoded(SagaId id, std::string_view name, std::string_view schema_name,
                                uint32_t schema_version, absl::StatusOr<std::string> payload,
                                std::string dedup_key, VerbCallback done) {
  if (!payload.ok()) {
    return std::move(done)(
        Annotate(payload.status(), fmt::format("encoding the payload of signal '{}'", name)));
  }
  impl_->Signal(id,
                {.name = std::string(name),
                 .key = std::move(dedup_key),
                 .output = std::string(internal::kPayloadFollows) + *payload,
                 .schema_name = std::string(schema_name),
                 .schema_version = schema_version},
                std::move(done));
}

void Coordinator::SupplyEncoded(SagaId id, std::string_view step, uint32_t item,
                                absl::StatusOr<std::string> output, Operator by,
                                VerbCallback done) {
  if (!output.ok()) {
    return std::move(done)(Annotate(output.status(), "encoding the supplied output"));
  }
  DoVerb(id,
         {.verb = Verb::kSupplyOutput,
          .step = std::string(step),
          .index = item,
          .output = *std::move(output),
          .by = std::move(by)},
         std::move(done));
}

void Coordinator::MarkNotDoneThen(SagaId id, std::string_view step, Operator by,
                                  VerbCallback done) {
  DoVerb(id,
         {.verb = Verb::kMarkNotDone, .step = std::string(step), .output = {}, .by = std::move(by)},
         std::move(done));
}

void Coordinator::AbandonThen(SagaId id, Operator by, VerbCallback done) {
  DoVerb(id, {.verb = Verb::kAbandon, .step = {}, .output = {}, .by = std::move(by)},
         std::move(done));
}

absl::Status Coordinator::Blocking(absl::FunctionRef<void(VerbCallback)> ask) {
  return impl_->Blocking(ask);
}

absl::Status Coordinator::Cancel(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { CancelThen(id, std::move(by), std::move(done)); });
}

absl::Status Coordinator::Retry(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { RetryThen(id, std::move(by), std::move(done)); });
}

absl::Status Coordinator::MarkNotDone(SagaId id, std::string_view step, Operator by) {
  return Blocking(
      [&](VerbCallback done) { MarkNotDoneThen(id, step, std::move(by), std::move(done)); });
}

absl::Status Coordinator::Abandon(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { AbandonThen(id, std::move(by), std::move(done)); });
}

absl::StatusOr<SagaDetails> Coordinator::Show(SagaId id) {
  return impl_->Show(id);
}

absl::StatusOr<std::vector<SagaInfo>> Coordinator::List(const SagaFilter& filter) {
  return impl_->List(filter);
}

absl::Status Coordinator::Shutdown(absl::Duration timeout) {
  return impl_->Shutdown(timeout);
}
bool Coordinator::PollOnce() {
  return impl_->PollOnce();
}
void Coordinator::RunUntilIdle() {
  while (impl_->PollOnce()) {
  }
}

absl::Time Coordinator::NextTimer() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& shard : impl_->core().shards) next = std::min(next, shard->next_timer());
  return next;
}

Coordinator::Stats Coordinator::stats() const {
  Stats sum;
  for (const auto& shard : impl_->core().shards) {
    const internal::ShardStats& s = shard->stats();
    sum.started += s.started.load();
    sum.completed += s.completed.load();
    sum.compensated += s.compensated.load();
    sum.stuck += s.stuck.load();
    sum.abandoned += s.abandoned.load();
    sum.resumed += s.resumed.load();
    sum.attempts += s.attempts.load();
    sum.commits += s.commits.load();
    sum.journal_bytes += s.journal_bytes.load();
    sum.late_verdicts += s.late_verdicts.load();
    sum.woken += s.woken.load();
    sum.asleep += shard->asleep();
    sum.in_flight += shard->in_memory();
  }
  return sum;
}

absl::Status Coordinator::health() const {
  return impl_->core().Health();
}

}  // namespace skald::inline v1
