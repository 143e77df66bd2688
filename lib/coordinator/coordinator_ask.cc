// Starts, questions and verbs on their way to the shards, and what the store knows of sagas that
// are not in memory.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator_impl.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

using internal::CallOnLoop;
using internal::Core;
using internal::FinishedRecord;
using internal::Gone;
using internal::Message;
using internal::PendingStart;
using internal::Registered;
using internal::Shard;
using internal::Started;
using internal::StartedCallback;

namespace {

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

absl::Status Coordinator::Impl::CheckKey(std::string_view key) const {
  const size_t bytes_max = core_->options.key_bytes_max;
  if (key.size() <= bytes_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the key has {} bytes, the bound is {} (key_bytes_max)", key.size(), bytes_max));
}

absl::Status Coordinator::Impl::EncodeInput(internal::EncodeRef input, std::string* bytes) const {
  const absl::Status encoded = input(bytes);
  if (!encoded.ok()) return Annotate(encoded, "encoding the input");
  const size_t bytes_max = core_->options.payload_bytes_max;
  if (bytes->size() <= bytes_max) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "the input has {} bytes, the bound is {} (payload_bytes_max)", bytes->size(), bytes_max));
}

void Coordinator::Impl::Start(std::string_view definition, uint32_t version,
                              internal::EncodeRef input, StartOptions options,
                              StartedCallback done) {
  Core& core = *core_;
  if (options.key.empty()) options.key = core.GenerateKey();
  const auto refuse = [&](const absl::Status& why, std::string_view key) {
    std::move(done)(
        Annotate(why, fmt::format("starting '{}' under key '{}'", definition, key.substr(0, 64))));
  };
  const Registered* registered = core.FindDefinition(definition, version);
  if (registered == nullptr) {
    return refuse(absl::FailedPreconditionError(fmt::format(
                      "'{}' v{} is not among the definitions that the coordinator was opened with",
                      definition, version)),
                  options.key);
  }
  if (const absl::Status ok = CheckKey(options.key); !ok.ok()) return refuse(ok, options.key);
  std::unique_ptr<PendingStart> start = core.NewStart(*registered, std::move(options.key));
  absl::Status admitted = EncodeInput(input, &start->input);
  if (admitted.ok()) admitted = Admit();
  if (!admitted.ok()) {
    refuse(admitted, start->key);
    return core.ShardOf(start->hash).GiveBack(std::move(start));
  }
  core.PostStart(std::move(start), options.deadline, std::move(done));
}

// Takes a place in flight.
absl::Status Coordinator::Impl::Admit() {
  Core& core = *core_;
  if (!core.accepting.load(std::memory_order_relaxed)) {
    const absl::Status failure = core.Health();
    return failure.ok() ? Gone() : failure;
  }
  if (core.in_flight.fetch_add(1, std::memory_order_relaxed) < core.options.in_flight_max) {
    return absl::OkStatus();
  }
  core.in_flight.fetch_sub(1, std::memory_order_relaxed);
  return absl::ResourceExhaustedError(
      fmt::format("{} sagas are in flight (in_flight_max); ask again later, same key",
                  core.options.in_flight_max));
}

absl::StatusOr<Started> Coordinator::Impl::Find(std::string_view definition, std::string_view key) {
  if (stopped_) return Gone();
  const uint64_t hash = StableHash64(definition, key);
  // Memory is asked before the row is read: what has left memory was durable before.
  std::promise<absl::StatusOr<Started>> promise;
  std::future<absl::StatusOr<Started>> future = promise.get_future();
  core_->ShardOf(hash).Post(CallOnLoop([&, hash, promise = std::move(promise)](Shard& s) mutable {
    s.Find(hash, definition, key,
           [promise = std::move(promise)](absl::StatusOr<Started> found) mutable {
             promise.set_value(std::move(found));
           });
  }));
  absl::StatusOr<Started> found = Wait(std::move(future));
  if (found.ok() || !absl::IsNotFound(found.status())) return found;
  return core_->FindStored(definition, key);
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
    std::promise<absl::StatusOr<std::vector<SagaInfo>>> promise;
    std::future<absl::StatusOr<std::vector<SagaInfo>>> future = promise.get_future();
    shard->Post(CallOnLoop([&filter, promise = std::move(promise)](Shard& s) mutable {
      promise.set_value(s.List(filter));
    }));
    SKALD_ASSIGN_OR_RETURN(std::vector<SagaInfo> some, Wait(std::move(future)));
    std::move(some.begin(), some.end(), std::back_inserter(all));
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
        const absl::StatusOr<FinishedRecord> read = internal::ReadFinished(row);
        if (!read.ok()) break;  // somebody else's row, or one that no question can read
        const FinishedRecord& record = *read;
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

}  // namespace skald::inline v1
