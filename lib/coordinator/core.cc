#include "core.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/hash.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/random.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {

const Registered* Core::FindDefinition(std::string_view name, uint32_t version) const {
  const auto found = definitions.find(name);
  if (found == definitions.end()) return nullptr;
  for (const auto& registered : found->second) {
    if (registered->data().version == version) return registered.get();
  }
  return nullptr;
}

std::unique_ptr<PendingStart> Core::NewStart(const Registered& registered, std::string key) {
  const uint64_t hash = StableHash64(std::string_view(registered.data().name), key);
  std::unique_ptr<PendingStart> start = ShardOf(hash).TakeStart();
  start->hash = hash;
  start->registered = &registered;
  start->key = std::move(key);
  return start;
}

void Core::PostStart(std::unique_ptr<PendingStart> start, absl::Duration deadline,
                     StartedCallback done) {
  Shard& shard = ShardOf(start->hash);
  start->input_fingerprint = StableHash128(start->input);
  start->deadline = deadline;
  start->done = std::move(done);
  // The generation first: what has left memory before it is in the row.
  start->row_generation = shard.generation();
  absl::StatusOr<std::optional<Row>> row =
      committer->store().Get(Space::kRows, FinishedKey(start->hash));
  start->row_status = row.status();
  if (row.ok() && row->has_value()) start->row = std::move((*row)->value);
  shard.Post({.kind = Message::Kind::kStart, .object = start.release(), .call = {}});
}

void Core::FindStarted(std::string definition, std::string key, StartedCallback done) {
  const uint64_t hash = StableHash64(std::string_view(definition), key);
  ShardOf(hash).Post({.kind = Message::Kind::kCall,
                      .object = nullptr,
                      .call = [this, hash, definition = std::move(definition), key = std::move(key),
                               done = std::move(done)](Shard& shard) mutable {
                        shard.Find(hash, definition, key,
                                   [this, definition, key,
                                    done = std::move(done)](absl::StatusOr<Started> found) mutable {
                                     // Memory was asked before the row is read: what has left
                                     // memory was durable.
                                     if (absl::IsNotFound(found.status()))
                                       found = FindStored(definition, key);
                                     std::move(done)(std::move(found));
                                   });
                      }});
}

absl::StatusOr<Started> Core::FindStored(std::string_view definition, std::string_view key) {
  const uint64_t hash = StableHash64(definition, key);
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row,
                         committer->store().Get(Space::kRows, FinishedKey(hash)));
  std::optional<FinishedRecord> record;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(record, FindFinished(row->value, definition, key, clock->Now()));
  }
  if (!record) {
    return absl::NotFoundError(
        fmt::format("finding '{}' under key '{}': never started, or expired", definition, key));
  }
  auto watch = std::make_shared<Watch>(std::string(key));
  watch->SetId(record->id);
  watch->Settle(ToSettled(*record));
  return Started{std::move(watch), true};
}

Incarnation Core::Floor() const {
  // The source of numbers first: a shard announces before it draws.
  uint64_t floor = next_incarnation.load(std::memory_order_seq_cst);
  if (SKALD_SABOTAGED(kFloorTooHigh)) return Incarnation{floor};
  for (const auto& shard : shards) floor = std::min(floor, shard->floor());
  return Incarnation{floor};
}

double Core::Jitter() {
  if (options.random == nullptr) return Random::Real().UnitInterval();
  MutexLock lock(random_mutex);
  return options.random->UnitInterval();
}

std::string Core::GenerateKey() {
  MutexLock lock(random_mutex);
  Random& random = options.random == nullptr ? Random::Real() : *options.random;
  const uint64_t high = random.Next();
  return fmt::format("{:016x}{:016x}", high, random.Next());
}

void Core::Notify(Severity severity, std::string_view kind, std::string subject,
                  std::string message) {
  notifier->Post(severity, kind, std::move(subject), std::move(message));
}

void Core::Fail(const absl::Status& why) {
  {
    MutexLock lock(failure_mutex);
    if (!failure.ok()) return;
    failure = absl::UnavailableError(
        fmt::format("the coordinator stopped because its store did: {}; what was asked may have "
                    "happened: open again and ask with the same key",
                    why.ToString()));
  }
  failed.store(true);
  accepting.store(false);
  draining.store(true);
  Notify(Severity::kError, "coordinator-stopped", "store", std::string(Health().message()));
  for (const auto& shard : shards) {
    shard->Post({.kind = Message::Kind::kCall, .object = nullptr, .call = [this](Shard& s) {
                   s.TellEveryone(Health());
                 }});
  }
}

absl::Status Core::Health() {
  MutexLock lock(failure_mutex);
  return failure;
}

void Core::DropOldBlocks() {
  uint64_t needed = last_durable_block.load(std::memory_order_seq_cst);
  if (!SKALD_SABOTAGED(kDropsTooEarly)) {
    for (const auto& shard : shards) needed = std::min(needed, shard->needed());
  }
  uint64_t below = dropped_below_.load();
  if (needed <= below || !dropped_below_.compare_exchange_strong(below, needed)) return;
  const absl::Status dropped =
      committer->store().DropRange(fence, Space::kLog, {"", BlockKey(needed)});
  if (dropped.ok()) return;
  Notify(Severity::kWarning, "journal-not-dropped", fmt::format("blocks below {}", needed),
         dropped.ToString());
}

}  // namespace skald::inline v1::internal
