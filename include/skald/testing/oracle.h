// The judge of a history: knows the contract by a model of its own, not by the code under test, and
// says which promise was broken, and how. The simulator asks it at every step; tests of real
// processes ask it after each crash and at the end.
//
//   Oracle oracle;
//   oracle.Register(PlaceOrder(shop));
//   oracle.OnDurable(batch);                     // or, after a crash, oracle.ReadStore(store)
//   oracle.OnStarted({.definition = "place-order", .key = "o-1", …});
//   oracle.CheckEffects(effects, Oracle::Moment::kEnd);
//   for (const Violation& violation : oracle.violations()) Fail(violation.what);
//
// What it knows comes in three ways: batches that have become durable, what steps were sent and
// returned, what the outside was told. Each is optional: what is not told is not checked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/base/verdict.h"
#include "skald/saga/definition.h"
#include "skald/saga/journal.h"
#include "skald/store/batch.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

namespace internal {
class SagaModel;
}

// What is promised, and so what can be broken. docs/internals/simulation.md says more of each.
enum class Promise : uint8_t {
  kAcknowledged = 0,  // what was acknowledged exists after any crash
  kEnd,               // an end never changes and means what it says
  kEffect,            // at a barrier: each effect at most once, never undone before or without need
  kOneOwner,          // an older owner makes no progress
  kTime,              // time does not go back, timers are not early
  kLiveness,          // nothing waits for ever once the faults have healed
  kIsolation,         // one poisoned saga harms only itself
  kBounds,            // bounds hold, and what is over them is refused with nothing half done
  kDurableFirst,      // nothing runs or is told before what it rests on is durable
  kDirection,         // the turn and the pivot: no way back past the point of no return
  kIdentity,          // one key, one saga, one effect key
};
inline constexpr size_t kPromises = 11;
SKALD_EXPORT std::string_view ToString(Promise promise);

struct Violation {
  Promise promise = Promise::kEnd;
  std::string what;
};

// One call of a step's function.
struct SentAttempt {
  EffectKey key;      // its direction says which function, its index which item
  uint16_t step = 0;  // index in the definition
  bool reconcile = false;
  Incarnation floor{};
  uint64_t owner = 0;       // which process sent it
  uint64_t dispatched = 0;  // Oracle::moment() when the coordinator handed it to its executor
  bool owner_is_stale = false;
  absl::Time engine_now = absl::InfiniteFuture();  // when it was sent; not told: not checked
};

// What stands in the participants' books under an action's key.
struct Effect {
  EffectKey action;
  uint32_t applied = 0;
  uint32_t undone = 0;
};

// THREADS: one.
class SKALD_EXPORT Oracle {
 public:
  enum class Moment : uint8_t { kAnyTime, kEnd };

  Oracle();
  ~Oracle();

  // The models read names, classes and options from it.
  void Register(const Definition& definition);

  // ---- what is durable
  // The batch took effect. Looks at its journal blocks only.
  void OnDurable(const Batch& batch);
  // Everything in the store's journal, read anew: what was durable before must be there, byte for
  // byte, unless its saga has ended.
  void ReadStore(Store& store);
  // A saga that the coordinator knows and whose journal may be gone, since it has ended.
  struct Ended {
    SagaId id;
    std::string definition;
    uint32_t version = 1;
    std::string key;
    std::string input;
    SagaState state = SagaState::kCompleted;
  };
  void OnEnded(const Ended& ended);
  // Counts what has become durable; a later moment has a higher number.
  uint64_t moment() const { return moment_; }

  // ---- what an owner does
  void OnSent(const SentAttempt& attempt);
  void OnReturned(const SentAttempt& attempt, VerdictKind verdict, bool output_failed);
  // An operator lets other attempts of the saga go ahead of those that run.
  void OnRelease(SagaId id);
  // Its unreturned attempts may have happened, and nobody waits for them any more.
  void OnOwnerGone(uint64_t owner);

  // ---- what the outside is told
  struct Started {
    std::string definition;
    std::string key;
    std::string input;
    SagaId id;
    bool existed = false;
    absl::Time engine_now;
    bool owner_is_stale = false;  // its answer may come after a newer owner's
  };
  void OnStarted(const Started& started);
  void OnSettled(SagaId id, SagaState state, const std::optional<std::string>& result);
  // An acknowledged verb; kCancelAsked for Cancel.
  void OnVerb(SagaId id, EventKind kind, Verb verb);
  // A signal was acknowledged; or its sender was told that it will never count.
  void OnSignalTaken(SagaId id, uint16_t step, std::string_view key);
  void OnSignalRefused(SagaId id, uint16_t step, std::string_view key);

  // ---- the books
  // kEnd also asks that every effect is as its saga's end says.
  void CheckEffects(std::span<const Effect> effects, Moment moment);
  // Every saga has come to an end, and each that was acknowledged was told of it.
  void CheckEnded();

  // Counts a check of a promise, made elsewhere, and remembers when it failed.
  void Check(Promise promise, bool holds, std::string_view what);

  bool ok() const { return violations_.empty(); }
  const std::vector<Violation>& violations() const { return violations_; }
  const std::array<uint64_t, kPromises>& checks() const { return checks_; }

  struct SagaSeen {
    SagaId id;
    std::string definition;
    std::string key;
    SagaState state = SagaState::kRunning;
    absl::Time updated;
  };
  std::vector<SagaSeen> sagas() const;
  std::optional<SagaSeen> Find(SagaId id) const;
  // What it was started with, as bytes; empty: it is not known.
  std::string_view InputOf(SagaId id) const;
  // Which step gave up so that only a person helps, and in which direction.
  struct BlockedStep {
    uint16_t step = 0;
    Direction direction = Direction::kAction;
  };
  std::optional<BlockedStep> Blocked(SagaId id) const;
  // What the journal says of one saga, an event a line.
  std::vector<std::string> Timeline(SagaId id) const;

 private:
  struct Acknowledged {
    SagaId id;
    std::string input;
  };
  struct Open {
    SentAttempt attempt;
    bool released = false;  // an operator's Retry lets others go ahead
  };

  struct RefusedSignal {
    SagaId id;
    uint16_t step;
    std::string key;
  };

  template <typename... Parts>
  bool Expect(Promise promise, bool holds, const Parts&... parts);
  void OnBlock(const Block& block);
  void ReadAsleep(Store& store, absl::btree_map<SagaId, std::string>& found);
  void OnEntry(const Block& block, const BlockEntry& entry);
  void Apply(internal::SagaModel& model, uint64_t epoch, std::string_view events);
  void CheckStarter(const internal::SagaModel& started);
  void CheckSagaStep(const internal::SagaModel& model, const Event& event);
  const internal::SagaModel* StartedBy(const internal::SagaModel& model, uint16_t step,
                                       uint32_t index) const;
  void CheckOverlap(const SentAttempt& attempt, const internal::SagaModel& model);
  void CheckFloor(const SentAttempt& attempt);
  void CheckNotBefore(const SentAttempt& attempt, const internal::SagaModel& model);
  void CheckEffect(const Effect& effect, Moment moment);
  const internal::DefinitionData* FindDefinition(std::string_view name, uint32_t version) const;

  std::vector<Definition> definitions_;
  absl::btree_map<SagaId, std::unique_ptr<internal::SagaModel>> models_;
  absl::btree_map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
  std::vector<Open> open_;
  std::vector<RefusedSignal> refused_signals_;
  uint64_t moment_ = 1;
  absl::Time time_ = absl::InfinitePast();
  std::vector<Violation> violations_;
  std::array<uint64_t, kPromises> checks_{};
};

}  // namespace skald::inline v1
