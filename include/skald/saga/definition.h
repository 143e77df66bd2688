// A saga definition: name, version and graph of steps; immutable, cheap to copy, shared.
//
// Users build one with Define(key) (saga/define.h), which knows all types. This is what is left
// when they are erased: what the coordinator runs, and what tools look at.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/saga/internal/branches.h"
#include "skald/saga/internal/call.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1 {

class Definition;

// Enough for any business process; bounds what one start record and one plan cost.
inline constexpr size_t kStepCountMax = 1024;

namespace internal {

// A type's operations on raw memory, so that the coordinator can hold values it knows nothing of.
struct ValueOps {
  size_t size = 0;
  size_t align = 1;
  // Constructs a value at `into`. On error nothing was constructed.
  absl::Status (*decode)(std::string_view bytes, void* into) = nullptr;
  void (*destroy)(void* value) noexcept = nullptr;
  // A value stands in memory as it is encoded: where its bytes are aligned, they are the value.
  bool is_its_bytes = false;
  std::string_view schema_name;
  uint32_t schema_version = 0;
};

// What makes a step happen. Persisted in a definition's fingerprint; numbers are never reused.
enum class StepKind : uint8_t {
  kCall = 1,      // its action, an attempt
  kDecision = 2,  // its action, a pure function that gives a bool
  kSleep = 3,     // a timer
  kAwait = 4,     // a signal, or a timer
  kInput = 5,     // its action, a pure function that gives the input of a part, or of a saga
  kSaga = 6,      // another saga that is started, and its end
};

// Its action is pure: it is called once, is right or never will be, and changes nothing.
constexpr bool IsPure(StepKind kind) {
  return kind == StepKind::kDecision || kind == StepKind::kInput;
}
// Only time or another saga's end moves it: nothing is called, nothing can have happened.
constexpr bool OnlyWaits(StepKind kind) {
  return kind == StepKind::kSleep || kind == StepKind::kAwait || kind == StepKind::kSaga;
}

// How a step runs for each of many items.
struct FanOut {
  uint32_t parallelism = 1;
  ValueOps item;
  ValueOps output;  // of one instance; the step's own output is a vector of these
};

// The saga that a step starts and awaits.
struct StartedSaga {
  std::string definition;
  uint32_t version = 1;
};

// All of a step but its functions.
struct StepShape {
  std::string name;
  uint32_t hash = 0;  // StepHash(name): part of every effect key
  StepClass step_class = StepClass::kCompensatable;
  StepKind kind = StepKind::kCall;
  StepOptions options;
  std::vector<uint16_t> predecessors;  // what must be Done or skipped before it
  std::vector<uint16_t> uses;          // whose outputs its functions are given
  Guards guards;                       // its own; all must hold, or it is skipped
  // The kInput step whose output its functions take for the input; none: the saga's input.
  std::optional<uint16_t> input_from;
  std::optional<FanOut> fan_out;
  ValueOps output;
  bool sleeps_until = false;  // what the prelude gives is since 1970, not since the sleep began
  absl::Duration delay = absl::InfiniteDuration();  // of a sleep without prelude; of an await
  ValueOps payload;                                 // of an await
  std::optional<StartedSaga> saga;                  // kSaga only
};

struct StepNode : StepShape {
  // Pure, called once before anything of the step runs: gives the items of a fan-out, or when a
  // sleep ends (microseconds: i64).
  StepFunction prelude;
  StepFunction action;
  StepFunction compensation;  // kCompensatable only
  StepFunction reconcile;     // optional
};

struct DefinitionData {
  std::string name;
  uint32_t version = 1;
  ValueOps input;
  std::optional<uint16_t> result_step;  // Returns(step)
  absl::Duration retention = absl::Hours(24 * 7);
  std::vector<StepNode> steps;
  std::vector<uint16_t> pivots;  // more than one only in exclusive branches
  // Names, classes, edges, schemas, in a canonical text; and its hash, which is journaled.
  std::string canonical;
  uint64_t fingerprint = 0;
  // Empty when the definition may be registered; otherwise one line a problem.
  std::vector<std::string> problems;
};

// All guards of a step: its own, and those of its decisions.
SKALD_EXPORT Guards EffectiveGuards(const DefinitionData& data, uint16_t step);
// These guards, and those of their decisions.
SKALD_EXPORT Guards AllGuards(const DefinitionData& data, Guards own);

// The last part of the name of a kInput step: no step that users name is called so.
inline constexpr std::string_view kInputStepName = "(input)";

// For whoever put the data together, Define or a tool: fills in hashes, pivots, canonical text,
// fingerprint and problems.
SKALD_EXPORT Definition Finish(DefinitionData data);

}  // namespace internal

class SKALD_EXPORT Definition {
 public:
  explicit Definition(std::shared_ptr<const internal::DefinitionData> data)
      : data_(std::move(data)) {}

  std::string_view name() const { return data_->name; }
  uint32_t version() const { return data_->version; }
  uint64_t fingerprint() const { return data_->fingerprint; }
  size_t step_count() const { return data_->steps.size(); }

  const internal::DefinitionData& data() const { return *data_; }
  const std::shared_ptr<const internal::DefinitionData>& shared_data() const { return data_; }

 private:
  std::shared_ptr<const internal::DefinitionData> data_;
};

namespace internal {

// Whether a definition has a point of no return.
enum class Pivots : uint8_t { kNone, kInSomeRuns, kInEveryRun };

}  // namespace internal

// A definition as Build() gives it, its types still known: what stands in a step's place in another
// one (saga/define.h). Everywhere else it is a Definition.
template <typename InputT, typename ResultT, internal::Pivots kPivotsOf>
class TypedDefinition : public Definition {
 public:
  using Input = InputT;
  using Result = ResultT;
  static constexpr internal::Pivots kPivots = kPivotsOf;

  explicit TypedDefinition(Definition definition) : Definition(std::move(definition)) {}
};

// RETURNS: InvalidArgument naming everything that is wrong: empty or too long or repeated names,
//          names whose hashes collide, options out of range. Types are the compiler's business.
SKALD_EXPORT absl::Status Validate(const Definition& definition);

// The graph in Graphviz' language, one node a step.
SKALD_EXPORT std::string ToDot(const Definition& definition);

}  // namespace skald::inline v1
