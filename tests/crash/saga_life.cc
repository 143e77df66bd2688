#include "saga_life.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/hash.h"
#include "skald/base/strings.h"

namespace skald_test {
namespace {

using skald::EffectKey;
using skald::StepContext;
using skald::Transaction;
using skald::Verdict;

struct Hold : skald::StepKey<"hold"> {};
struct Pay : skald::StepKey<"pay"> {};
struct Ship : skald::StepKey<"ship"> {};

constexpr uint64_t kItems = 64;

uint64_t Draw(std::string_view key, std::string_view what) {
  return skald::StableHash64(key, what) % 100;
}

std::string ItemRow(std::string_view key) {
  return fmt::format("item/{:02}", skald::StableHash64(key) % kItems);
}
constexpr std::string_view kEffectRows = "effect/";
constexpr std::string_view kEffectRowsEnd = "effect0";

// A character each time that the effect was applied ('+') and undone ('-').
absl::Status Note(Transaction& rows, const EffectKey& action, char sign) {
  const auto bytes = action.Encode();
  const std::string row = std::string(kEffectRows) + std::string(bytes.data(), bytes.size());
  auto old = rows.Get(row);
  if (!old.ok()) return old.status();
  rows.Put(row, old->value_or("") + sign);
  return absl::OkStatus();
}

// Adds to a number that is kept as text; absent is 0.
absl::Status Add(Transaction& rows, const std::string& key, int64_t by) {
  auto old = rows.Get(key);
  if (!old.ok()) return old.status();
  rows.Put(key, fmt::format("{}", (old->has_value() ? std::stoll(**old) : 0) + by));
  return absl::OkStatus();
}

// Applied, and then the answer gets lost on the first attempt.
Verdict<skald::Nothing> Lossy(const StepContext& step, Verdict<skald::Nothing> verdict) {
  const bool lose = step.attempt() == 1 && Draw(step.key(), step.step()) < 5;
  if (lose) return skald::Unknown("the answer was lost");
  return verdict;
}

}  // namespace

SagaLife::~SagaLife() {
  closing_ = true;
  coordinator_.reset();
  skald::IgnoreError(pool_.Shutdown(skald::Deadline::In(skald::Clock::Real(), absl::Seconds(60))),
                     "attempts of a life that ended");
  barrier_.reset();
  committer_.reset();
}

skald::Definition SagaLife::Order() {
  skald::Barrier& barrier = *barrier_;
  const skald::RetryPolicy quick{
      .delay_min = absl::Milliseconds(1), .delay_max = absl::Milliseconds(20), .attempts_max = 0};
  return skald::Define(kCrashOrder)
      .Step(
          Hold{},
          [&barrier](const StepContext& step, const std::string& input) {
            return Lossy(step, barrier.Action(skald::BarrierRequest::Of(step, input),
                                              [&](Transaction& rows) -> Verdict<skald::Nothing> {
                                                absl::Status s = Add(rows, ItemRow(step.key()), -1);
                                                if (s.ok())
                                                  s = Note(rows, step.idempotency_key(), '+');
                                                if (!s.ok()) return skald::FromStatus(s);
                                                return skald::Done();
                                              }));
          },
          [&barrier](const StepContext& step, const std::string& input, const skald::Nothing*) {
            return barrier.Compensation<skald::Nothing>(
                skald::BarrierRequest::Of(step, input),
                [&](Transaction& rows, const skald::Nothing&) -> Verdict<skald::Nothing> {
                  absl::Status s = Add(rows, ItemRow(step.key()), 1);
                  if (s.ok()) s = Note(rows, step.action_key(), '-');
                  if (!s.ok()) return skald::FromStatus(s);
                  return skald::Done();
                });
          },
          skald::Retry(quick), skald::CompensationRetry(quick))
      .Pivot(
          Pay{},
          [&barrier](const StepContext& step, const std::string& input) {
            return Lossy(step, barrier.Action(skald::BarrierRequest::Of(step, input),
                                              [&](Transaction& rows) -> Verdict<skald::Nothing> {
                                                if (Draw(step.key(), "decline") < 10) {
                                                  return skald::Rejected("declined");
                                                }
                                                const absl::Status s =
                                                    Note(rows, step.idempotency_key(), '+');
                                                if (!s.ok()) return skald::FromStatus(s);
                                                return skald::Done();
                                              }));
          },
          skald::Retry(quick))
      .Retriable(
          Ship{},
          [&barrier](const StepContext& step, const std::string& input) {
            return Lossy(step, barrier.Action(skald::BarrierRequest::Of(step, input),
                                              [&](Transaction& rows) -> Verdict<skald::Nothing> {
                                                const absl::Status s =
                                                    Note(rows, step.idempotency_key(), '+');
                                                if (!s.ok()) return skald::FromStatus(s);
                                                return skald::Done();
                                              }));
          },
          skald::Retry(quick))
      .Build();
}

absl::Status SagaLife::Open(skald::Store& store, absl::Duration unsettled_max) {
  auto committer = skald::Committer::Open(
      store, {.writer = "shop", .unsettled_max = unsettled_max, .observer = &silent_});
  if (!committer.ok()) return committer.status();
  committer_ = *std::move(committer);
  auto barrier = skald::Barrier::Open(*committer_, {.name = "shop"});
  if (!barrier.ok()) return barrier.status();
  barrier_ = *std::move(barrier);
  skald::CoordinatorOptions options;
  options.observer = &silent_;
  // Small, so that rows, carried sagas and dropped ranges are part of every life.
  options.finished_in_memory_max = 256;
  options.journal_bytes_max = size_t{64} << 10;
  auto coordinator = skald::Coordinator::Open(*committer_, pool_, {Order()}, options);
  if (!coordinator.ok()) return coordinator.status();
  coordinator_ = *std::move(coordinator);
  return absl::OkStatus();
}

void SagaLife::Work(const std::string& prefix, uint64_t in_flight, uint64_t orders) {
  prefix_ = prefix;
  orders_ = orders;
  for (uint64_t i = 0; i < in_flight; ++i) StartNext();
}

void SagaLife::StartNext() {
  const uint64_t number = next_.fetch_add(1);
  if (closing_ || number >= orders_) return;
  const std::string key = fmt::format("{}-{}", prefix_, number);
  coordinator_->StartThen(
      kCrashOrder, "order " + key, {.key = key},
      [this, key](absl::StatusOr<skald::SagaHandle<skald::Nothing>> saga) {
        if (!saga.ok()) return;
        outside_.acknowledged(key);
        saga->AwaitThen([this, key](absl::StatusOr<skald::Outcome<skald::Nothing>> outcome) {
          if (!outcome.ok()) return;
          outside_.finished(key);
          StartNext();
        });
      });
}

bool SagaLife::Drain(absl::Duration timeout) {
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + timeout;
  skald::Mutex mutex;
  skald::CondVar never;
  while (in_flight() > 0 || next_.load() < orders_) {
    if (failed() || clock.Boot() > end) return false;
    skald::MutexLock lock(mutex);
    never.WaitFor(mutex, absl::Milliseconds(1));
  }
  return true;
}

std::string SagaLife::Audit(const std::vector<std::string>& acknowledged) {
  skald::Oracle oracle;
  oracle.Register(Order());
  oracle.ReadStore(committer_->store());
  for (const std::string& key : acknowledged) {
    const std::string wrong = AuditSaga(key, oracle);
    if (!wrong.empty()) return wrong;
  }
  const std::string wrong = AuditBooks(oracle);
  if (!wrong.empty()) return wrong;
  oracle.CheckEnded();
  return oracle.ok() ? "" : oracle.violations().front().what;
}

std::string SagaLife::AuditSaga(const std::string& key, skald::Oracle& oracle) {
  auto saga = coordinator_->Find(kCrashOrder, key);
  if (!saga.ok()) return fmt::format("'{}' was acknowledged: {}", key, saga.status().ToString());
  auto outcome = saga->Await(absl::Seconds(60));
  if (!outcome.ok()) return fmt::format("'{}': {}", key, outcome.status().ToString());
  const std::string definition(kCrashOrder.name());
  const std::string input = "order " + key;
  oracle.OnEnded({saga->id(), definition, 1, key, input, outcome->state()});
  oracle.OnStarted({definition, key, input, saga->id(), true, {}});
  const bool done = outcome->state() == skald::SagaState::kCompleted;
  if (!done && outcome->state() != skald::SagaState::kCompensated) {
    return fmt::format("'{}' is {}: {}", key, skald::ToString(outcome->state()), outcome->reason());
  }
  if (done == (Draw(key, "decline") < 10)) return fmt::format("'{}' ended the wrong way", key);
  return "";
}

// Also of those whose acknowledgement the outside never saw.
std::string SagaLife::AuditBooks(skald::Oracle& oracle) {
  int64_t items = 0;
  for (uint64_t i = 0; i < kItems; ++i) {
    auto row = committer_->Get(fmt::format("item/{:02}", i));
    if (row.ok() && row->has_value()) items += std::stoll((*row)->value);
  }
  std::vector<skald::Effect> effects;
  int64_t held = 0;
  auto cursor = committer_->store().Scan(skald::Space::kRows,
                                         {std::string(kEffectRows), std::string(kEffectRowsEnd)});
  if (!cursor.ok()) return cursor.status().ToString();
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    const auto key = EffectKey::Decode((*cursor)->key().substr(kEffectRows.size()));
    if (!key.ok()) return key.status().ToString();
    skald::Effect& effect = effects.emplace_back(skald::Effect{.action = *key});
    for (const char sign : (*cursor)->value()) ++(sign == '+' ? effect.applied : effect.undone);
    if (key->step == skald::StepHash("hold")) {
      held += static_cast<int64_t>(effect.applied) - static_cast<int64_t>(effect.undone);
    }
    if (oracle.Find(key->saga)) continue;
    const auto shown = coordinator_->Show(key->saga);
    if (!shown.ok())
      return fmt::format("an effect of a saga that nobody knows: {}", shown.status().ToString());
    oracle.OnEnded({key->saga, shown->info.definition, shown->info.version, shown->info.key,
                    "order " + shown->info.key, shown->info.state});
  }
  oracle.CheckEffects(effects, skald::Oracle::Moment::kEnd);
  if (items + held != 0) return fmt::format("{} items are missing", -items - held);
  return "";
}

}  // namespace skald_test
