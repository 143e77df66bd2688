// The simulator: one seed, one history of a whole world. Coordinators, committers and barriers are
// the real ones; the disk, the network, the participants' business, the clock and the people are
// simulated, on one thread, with everything that can go wrong going wrong. The oracle
// (testing/oracle.h) looks at every step of it.
//
//   SimulationReport report = RunSimulation({.profile = ProfileOf(seed)});
//   if (!report.violations.empty()) Print(report.violations.front().what);
//
// The same options give the same history, and so the same report.trace_hash, on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_options.h"
#include "skald/testing/oracle.h"

namespace skald::inline v1 {

// How much of what happens. Counts, or chances in a thousand. 0 always means: none of it.
enum class Knob : uint8_t {
  kSagas = 0,    // keys that are started
  kDefinitions,  // how many there are
  kSteps,        // of a definition, at most
  kShards,
  kCrashes,        // of the coordinator's process
  kRecoveryCrash,  // ‰: dies again while it opens
  kTakeovers,      // a second process opens the store while the first goes on, or is paused
  kOutages,        // the remote participant dies and comes back
  kClockSteps,     // of the wall clock
  kMissing,        // ‰: a definition is not registered at an open
  kRejected,       // ‰ of calls: the business says no
  kRetryLater,     // ‰
  kUnknown,        // ‰: the participant does not know, and nothing happened
  kThrow,          // ‰
  kLostRequest,    // ‰ of calls
  kLostAnswer,     // ‰: it happened, and the verdict is lost
  kDuplicate,      // ‰: a remote call arrives twice
  kSlow,           // ‰: it arrives after others, or after its deadline
  kHang,           // ‰: it is not answered before the faults have healed
  kCommitBefore,   // ‰ of commits: fail, nothing happened
  kCommitAfter,    // ‰: fail, happened
  kCommitLater,    // ‰: fail, happen later
  kDiskFull,       // ‰ of commits begin a time in which all fail
  kReadError,      // ‰ of reads
  kExecutorFull,   // ‰ of attempts are refused at first
  kBigOutput,      // ‰ of outputs are over the bound
  kCancel,         // ‰ of sagas
  kDeadline,       // ‰ of sagas have a short one
  kVerbs,          // ‰ of sagas are retried by an operator although nothing is stuck
  kAgain,          // ‰ of sagas are started again under their key
  kOtherInput,     // ‰ of sagas: again, with another input
  kBadStart,       // ‰ of sagas are preceded by a start that must be refused
  kExpiry,         // ‰ of definitions have a short retention
  kSlowDisk,       // ‰ of commits take their time: what comes meanwhile is joined
  kBurst,          // ‰ of sagas start at nearly the same time
  kPoison,         // ‰ of sagas have an input that does not decode
  kParallel,       // ‰ of steps say what they follow
  kDecisions,      // ‰ of steps are decisions, and of those behind one go by one
  kFanOuts,        // ‰ of steps run for each of many items
  kSleeps,         // ‰ of steps sleep
  kAwaits,         // ‰ of steps await a signal
  kSignals,        // ‰ of awaits get one; some too early, twice, or another one
  kParts,          // ‰ of steps stand in a part that has an input of its own
  kSagaSteps,      // ‰ of retriable steps start a saga and wait for its end
};
inline constexpr size_t kKnobs = 44;
SKALD_EXPORT std::string_view ToString(Knob knob);

struct SimulationProfile {
  uint64_t seed = 1;
  std::array<uint32_t, kKnobs> knobs{};

  uint32_t& operator[](Knob knob) { return knobs[static_cast<size_t>(knob)]; }
  uint32_t operator[](Knob knob) const { return knobs[static_cast<size_t>(knob)]; }
  friend bool operator==(const SimulationProfile&, const SimulationProfile&) = default;
};

// What a seed stands for: at least twenty sagas and one crash.
SKALD_EXPORT SimulationProfile ProfileOf(uint64_t seed);
// A line "knob value" each, those that are 0 left out; what a saved regression holds.
SKALD_EXPORT std::string ToText(const SimulationProfile& profile);
// RETURNS: InvalidArgument naming the line.
SKALD_EXPORT absl::StatusOr<SimulationProfile> ParseProfile(std::string_view text);

// Who does a step's work.
enum class ServiceKind : uint8_t {
  kShared = 1,  // behind a barrier in the coordinator's own store, through the same committer
  kOwn,         // behind a barrier in a store of its own, in the same process
  kRemote,      // behind a barrier in another process, over a network
  kBare,        // idempotent by itself, without a barrier
};

struct SimulatedStep {
  std::string name;
  StepClass step_class = StepClass::kCompensatable;
  internal::StepKind kind = internal::StepKind::kCall;
  StepOptions options;
  ServiceKind service = ServiceKind::kRemote;
  bool reconcile = false;      // a pivot only
  std::vector<uint16_t> uses;  // earlier calls whose output it is given, two at most
  std::optional<std::vector<uint16_t>> after;  // nullopt: it does not say
  internal::Guards guards;
  uint32_t items_max = 0;  // of a fan-out; how many there are depends on the key
  uint32_t parallelism = 1;
  // A sleep, the time-out of an await. A sleep may have it worked out by a function, as a duration
  // or as a time.
  absl::Duration delay = absl::InfiniteDuration();
  std::optional<uint16_t> input_from;  // the kInput step that gives its input
  std::string starts;                  // kSaga: the definition, version 1; of the same set
  enum class SleepBy : uint8_t { kConstant, kDuration, kTime } sleep_by = SleepBy::kConstant;
};

// A definition: its steps in an order in which they can run.
struct SimulatedDefinition {
  std::string name;
  uint32_t version = 1;
  absl::Duration retention = absl::Hours(24 * 7);
  std::vector<SimulatedStep> steps;
  std::optional<uint16_t> result_step;
};

// RETURNS: InvalidArgument naming what is wrong with it, as Validate of a real one.
SKALD_EXPORT absl::Status Validate(const SimulatedDefinition& saga);

struct SimulationOptions {
  SimulationProfile profile;
  // Instead of random ones.
  std::vector<SimulatedDefinition> definitions;
  // Called with each line of the history, as it happens.
  std::function<void(std::string_view line)> story;
};

struct SimulationReport {
  uint64_t seed = 0;
  uint64_t trace_hash = 0;
  uint64_t lines = 0;
  std::vector<Violation> violations;
  std::array<uint64_t, kPromises> checks{};
  // How often what happened: faults, crashes by place, verdicts, ends.
  absl::btree_map<std::string, uint64_t> counters;
};

SKALD_EXPORT SimulationReport RunSimulation(const SimulationOptions& options);

// Looks for the shortest history that breaks the same promise: knob by knob less of everything,
// then other seeds. `tries`: runs at most. RETURNS: `failing` itself where nothing smaller fails.
SKALD_EXPORT SimulationOptions Shrink(const SimulationOptions& failing, Promise promise, int tries);

}  // namespace skald::inline v1
