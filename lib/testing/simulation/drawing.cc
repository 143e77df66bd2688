// Random definitions.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/random.h"
#include "world.h"

namespace skald::inline v1::internal {
namespace {

absl::Duration OneOf(Random& random, std::initializer_list<absl::Duration> choices) {
  return *(choices.begin() + random.Below(choices.size()));
}

RetryPolicy DrawPolicy(Random& random, bool for_ever) {
  RetryPolicy policy;
  policy.delay_min =
      OneOf(random, {absl::Milliseconds(1), absl::Milliseconds(20), absl::Seconds(1)});
  policy.delay_max = policy.delay_min * static_cast<int64_t>(1 + random.Below(20));
  constexpr uint32_t kAttempts[] = {1, 2, 3, 5, 20};
  policy.attempts_max = for_ever ? 0 : kAttempts[random.Below(5)];
  if (random.Chance(0.15))
    policy.age_max = OneOf(random, {absl::Milliseconds(200), absl::Seconds(5)});
  return policy;
}

ServiceKind DrawService(Random& random) {
  constexpr ServiceKind kKinds[] = {ServiceKind::kShared, ServiceKind::kOwn, ServiceKind::kRemote,
                                    ServiceKind::kRemote, ServiceKind::kBare};
  return kKinds[random.Below(5)];
}

class Drawing {
 public:
  Drawing(const SimulationProfile& profile, Random& random, SimulatedDefinition& saga)
      : profile_(profile), random_(random), saga_(saga) {}

  // `later`: the names of what its steps may start.
  void Draw(size_t steps, const std::vector<std::string>& later) {
    later_ = &later;
    pivot_ = random_.Chance(0.7) ? random_.Below(steps) : steps;
    while (saga_.steps.size() < steps) Add(DrawStep());
    std::vector<uint16_t> results;
    for (uint16_t i = 0; i < saga_.steps.size(); ++i) {
      const SimulatedStep& step = saga_.steps[i];
      const bool always = step.guards.empty() && step.items_max == 0;
      if (step.kind == StepKind::kCall && always) results.push_back(i);
    }
    if (results.empty() || random_.Chance(0.3)) return;
    saga_.result_step = results[random_.Below(results.size())];
  }

 private:
  bool Chance(Knob knob) { return random_.Below(1000) < profile_[knob]; }

  void Add(SimulatedStep step) {
    step.name =
        fmt::format("s{}{}", saga_.steps.size(), step.kind == StepKind::kInput ? "/(input)" : "");
    if (part_ && step.kind != StepKind::kInput) {
      step.input_from = part_;
      if (random_.Chance(0.3)) part_.reset();
    }
    if (step.kind == StepKind::kInput) {
      step.input_from = std::exchange(part_, index());
    }
    if (step.kind == StepKind::kDecision) decisions_.push_back(index());
    saga_.steps.push_back(std::move(step));
  }
  uint16_t index() const { return static_cast<uint16_t>(saga_.steps.size()); }

  SimulatedStep DrawStep() {
    if (index() == pivot_) return DrawPivot();
    SimulatedStep step;
    step.step_class = StepClass::kNoEffect;
    if (fork_ && !beyond_) {
      // Between the two pivots: what the second one's branch does before it.
      fork_closes_ = fork_closes_ || random_.Chance(0.6) || index() + 1 >= 12;
      if (fork_closes_) return DrawSecondPivot();
      return DrawCall(StepClass::kCompensatable, {GuardAt{*fork_, false}});
    }
    if (!part_.has_value() && Chance(Knob::kParts)) {
      step.kind = StepKind::kInput;
      return step;
    }
    if (Chance(Knob::kDecisions) && random_.Chance(0.6)) {
      step.kind = StepKind::kDecision;
    } else if (Chance(Knob::kSleeps)) {
      step.kind = StepKind::kSleep;
      step.delay = OneOf(random_, {absl::ZeroDuration(), absl::Milliseconds(30), absl::Seconds(3)});
      constexpr SimulatedStep::SleepBy kBys[] = {SimulatedStep::SleepBy::kConstant,
                                                 SimulatedStep::SleepBy::kDuration,
                                                 SimulatedStep::SleepBy::kTime};
      step.sleep_by = kBys[random_.Below(3)];
    } else if (Chance(Knob::kAwaits)) {
      step = DrawAwait();
    } else {
      const bool reads = random_.Chance(0.12);
      const StepClass own = beyond_ ? StepClass::kRetriable : StepClass::kCompensatable;
      step = DrawCall(reads ? StepClass::kNoEffect : own, {});
      const bool saga = step.step_class == StepClass::kRetriable && !later_->empty();
      if (saga && Chance(Knob::kSagaSteps)) step = DrawSaga(step);
    }
    Link(step);
    return step;
  }

  SimulatedStep DrawAwait() {
    SimulatedStep step;
    step.kind = StepKind::kAwait;
    const bool undone = !beyond_ && random_.Chance(0.5);
    step.step_class = undone ? StepClass::kCompensatable : StepClass::kNoEffect;
    step.service = DrawService(random_);
    step.options.timeout = absl::Milliseconds(500);
    step.options.compensation_retry = DrawPolicy(random_, random_.Chance(0.6));
    // (One that never ends would keep its saga for ever when nobody sends a signal.)
    step.delay = OneOf(random_, {absl::Milliseconds(100), absl::Seconds(2), absl::Seconds(20)});
    return step;
  }

  SimulatedStep DrawCall(StepClass step_class, Guards guards) {
    SimulatedStep step;
    step.step_class = step_class;
    step.guards = std::move(guards);
    step.service = DrawService(random_);
    step.options.timeout =
        OneOf(random_, {absl::Milliseconds(50), absl::Milliseconds(500), absl::Seconds(30)});
    step.options.retry = DrawPolicy(random_, beyond_ && random_.Chance(0.7));
    step.options.compensation_retry = DrawPolicy(random_, random_.Chance(0.6));
    const bool behind_barrier = step.service != ServiceKind::kBare;
    step.options.guarded = behind_barrier && random_.Chance(0.4);
    step.options.once = random_.Chance(0.08);
    step.options.runs_inline = step.service == ServiceKind::kBare && random_.Chance(0.4);
    step.reconcile = step_class == StepClass::kPivot && random_.Chance(0.5);
    if (step_class != StepClass::kPivot && Chance(Knob::kFanOuts)) {
      step.items_max = static_cast<uint32_t>(1 + random_.Below(5));
      step.parallelism = static_cast<uint32_t>(1 + random_.Below(3));
    }
    for (uint16_t used = 0; used < index() && step.uses.size() < 2; ++used) {
      const StepKind kind = saga_.steps[used].kind;
      const bool gives = kind == StepKind::kCall || kind == StepKind::kSaga;
      if (gives && random_.Chance(0.25)) step.uses.push_back(used);
    }
    return step;
  }

  SimulatedStep DrawSaga(const SimulatedStep& call) {
    SimulatedStep step;
    step.kind = StepKind::kSaga;
    step.step_class = StepClass::kRetriable;
    step.starts = (*later_)[random_.Below(later_->size())];
    step.options.retry = RetryPolicy::Forever();
    step.items_max = call.items_max;
    step.parallelism = call.parallelism;
    return step;
  }

  SimulatedStep DrawPivot() {
    beyond_ = true;
    SimulatedStep step = DrawCall(StepClass::kPivot, {});
    if (decisions_.empty() || !Chance(Knob::kDecisions)) return step;
    const uint16_t decision = decisions_[random_.Below(decisions_.size())];
    step.guards = {GuardAt{decision, true}};
    // Either another pivot stands in the other branch, or what follows for good goes by the same.
    if (random_.Chance(0.6)) {
      fork_ = decision;
      beyond_ = false;
    } else {
      only_when_ = decision;
    }
    return step;
  }
  SimulatedStep DrawSecondPivot() {
    beyond_ = true;
    return DrawCall(StepClass::kPivot, {GuardAt{*fork_, false}});
  }

  // What a step follows, and which decisions it goes by.
  void Link(SimulatedStep& step) {
    if (step.step_class == StepClass::kRetriable && only_when_) {
      step.guards.push_back({*only_when_, true});
    }
    if (!decisions_.empty() && Chance(Knob::kDecisions)) {
      const uint16_t decision = decisions_[random_.Below(decisions_.size())];
      const GuardAt guard{decision, random_.Chance(0.5)};
      const bool contradicts = Has(step.guards, {decision, !guard.when});
      if (!contradicts && !Has(step.guards, guard)) step.guards.push_back(guard);
    }
    if (!Chance(Knob::kParallel)) return;
    step.after.emplace();
    for (uint16_t before = 0; before < index(); ++before) {
      if (random_.Chance(0.2)) step.after->push_back(before);
    }
  }

  const SimulationProfile& profile_;
  Random& random_;
  SimulatedDefinition& saga_;
  size_t pivot_ = 0;
  bool beyond_ = false;
  bool fork_closes_ = false;
  std::optional<uint16_t> fork_;       // the decision between two pivots
  std::optional<uint16_t> only_when_;  // the decision by which the only pivot goes
  std::vector<uint16_t> decisions_;
  std::optional<uint16_t> part_;  // what gives the steps their input now
  const std::vector<std::string>* later_ = nullptr;
};

}  // namespace

std::vector<SimulatedDefinition> DrawDefinitions(const SimulationProfile& profile) {
  std::vector<SimulatedDefinition> definitions;
  const uint32_t count = std::max(1u, profile[Knob::kDefinitions]);
  for (uint32_t i = 0; i < count; ++i) {
    std::vector<std::string> later;
    for (uint32_t j = i + 1; j < count; ++j) later.push_back(fmt::format("d{}", j));
    uint64_t state = profile.seed ^ (uint64_t{i + 1} << 32);
    SeededRandom random(SplitMix64(state));
    SimulatedDefinition& saga = definitions.emplace_back();
    saga.name = fmt::format("d{}", i);
    Drawing(profile, random, saga)
        .Draw(1 + random.Below(std::max(1u, profile[Knob::kSteps])), later);
    if (random.Below(1000) < profile[Knob::kExpiry]) saga.retention = absl::Seconds(2);
  }
  return definitions;
}

}  // namespace skald::inline v1::internal
