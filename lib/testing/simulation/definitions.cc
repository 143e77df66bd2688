// Random definitions, and how a described one becomes a real one.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/hash.h"
#include "skald/saga/internal/draft.h"
#include "world.h"

namespace skald::inline v1::internal {
namespace {

// ---- drawing ------------------------------------------------------------------------------------

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

StepClass ClassOf(Random& random, size_t step, size_t pivot) {
  if (step == pivot) return StepClass::kPivot;
  if (random.Chance(0.12)) return StepClass::kNoEffect;
  return step < pivot ? StepClass::kCompensatable : StepClass::kRetriable;
}

SimulatedStep DrawStep(Random& random, size_t index, size_t pivot) {
  SimulatedStep step;
  step.name = fmt::format("s{}", index);
  step.step_class = ClassOf(random, index, pivot);
  step.service = DrawService(random);
  step.options.timeout =
      OneOf(random, {absl::Milliseconds(50), absl::Milliseconds(500), absl::Seconds(30)});
  const bool beyond = index > pivot;
  step.options.retry = DrawPolicy(random, beyond && random.Chance(0.7));
  step.options.compensation_retry = DrawPolicy(random, random.Chance(0.6));
  const bool behind_barrier = step.service != ServiceKind::kBare;
  step.options.guarded = behind_barrier && random.Chance(0.4);
  step.options.once = random.Chance(0.08);
  step.options.runs_inline = step.service == ServiceKind::kBare && random.Chance(0.4);
  step.reconcile = step.step_class == StepClass::kPivot && random.Chance(0.5);
  for (size_t used = 0; used < index && step.uses.size() < 2; ++used) {
    if (random.Chance(0.25)) step.uses.push_back(static_cast<uint16_t>(used));
  }
  return step;
}

// ---- building -----------------------------------------------------------------------------------

// As a string's own, but that a poisoned one does not decode.
absl::Status DecodeInput(std::string_view bytes, void* into) {
  if (IsPoison(bytes)) return absl::DataLossError("poison");
  ::new (into) std::string(bytes);
  return absl::OkStatus();
}

struct Body {
  World* world;
  Process* process;
  const SimulatedDefinition* saga;
  uint16_t step;
};

// A step that waits for its participant without a thread.
struct AsyncAction : Body {
  BarrierVerb verb;
  template <typename... Used>
  Task<Verdict<std::string>> operator()(const StepContext& context, const std::string& input,
                                        const Used&... outputs) const {
    size_t at = 0;
    (world->CheckUsed(context, *saga, saga->steps[step].uses[at++], outputs), ...);
    return world->RunStep(world->MakeCall(*process, *saga, step, verb, context, input));
  }
};

// A step that has its answer at once: on the coordinator's own loop where it is Inline.
struct PlainAction : Body {
  BarrierVerb verb;
  template <typename... Used>
  Verdict<std::string> operator()(const StepContext& context, const std::string& input,
                                  const Used&... outputs) const {
    size_t at = 0;
    (world->CheckUsed(context, *saga, saga->steps[step].uses[at++], outputs), ...);
    return world->RunInline(world->MakeCall(*process, *saga, step, verb, context, input));
  }
};

Verdict<Nothing> WithoutOutput(const Verdict<std::string>& verdict) {
  if (verdict.done()) return Nothing{};
  return verdict.not_done();
}

struct AsyncCompensation : Body {
  Task<Verdict<Nothing>> operator()(const StepContext& context, const std::string& input,
                                    const std::string* output) const {
    world->CheckOwn(context, *saga, step, output);
    return Undo(world->RunStep(
        world->MakeCall(*process, *saga, step, BarrierVerb::kCompensation, context, input)));
  }
  static Task<Verdict<Nothing>> Undo(Task<Verdict<std::string>> task) {
    const Verdict<std::string> verdict = co_await std::move(task);
    co_return WithoutOutput(verdict);
  }
};

struct PlainCompensation : Body {
  Verdict<Nothing> operator()(const StepContext& context, const std::string& input,
                              const std::string* output) const {
    world->CheckOwn(context, *saga, step, output);
    return WithoutOutput(world->RunInline(
        world->MakeCall(*process, *saga, step, BarrierVerb::kCompensation, context, input)));
  }
};

template <typename F>
StepFunction Runner(F function, const std::vector<uint16_t>& uses) {
  switch (uses.size()) {
    case 0:
      return ActionRunner<std::string, std::string, F>{std::move(function), {}};
    case 1:
      return ActionRunner<std::string, std::string, F, std::string>{std::move(function), {uses[0]}};
    default:
      return ActionRunner<std::string, std::string, F, std::string, std::string>{
          std::move(function), {uses[0], uses[1]}};
  }
}

void FillStep(StepNode& node, const Body& body, const SimulatedStep& step) {
  const bool plain = step.options.runs_inline;
  const auto action = [&](BarrierVerb verb) {
    return plain ? Runner(PlainAction{body, verb}, step.uses)
                 : Runner(AsyncAction{body, verb}, step.uses);
  };
  node.action = action(BarrierVerb::kAction);
  if (step.reconcile) node.reconcile = action(BarrierVerb::kReconcile);
  if (step.step_class != StepClass::kCompensatable) return;
  if (plain) {
    node.compensation = CompensationRunner<std::string, std::string, PlainCompensation>{{body}, {}};
  } else {
    node.compensation = CompensationRunner<std::string, std::string, AsyncCompensation>{{body}, {}};
  }
}

}  // namespace

std::vector<SimulatedDefinition> DrawDefinitions(const SimulationProfile& profile) {
  std::vector<SimulatedDefinition> definitions;
  for (uint32_t i = 0; i < std::max(1u, profile[Knob::kDefinitions]); ++i) {
    uint64_t state = profile.seed ^ (uint64_t{i + 1} << 32);
    SeededRandom random(SplitMix64(state));
    SimulatedDefinition& saga = definitions.emplace_back();
    saga.name = fmt::format("d{}", i);
    const size_t steps = 1 + random.Below(std::max(1u, profile[Knob::kSteps]));
    const size_t pivot = random.Chance(0.7) ? random.Below(steps) : steps;
    for (size_t step = 0; step < steps; ++step) saga.steps.push_back(DrawStep(random, step, pivot));
    if (random.Chance(0.7)) saga.result_step = static_cast<uint16_t>(random.Below(steps));
    if (random.Below(1000) < profile[Knob::kExpiry]) saga.retention = absl::Seconds(2);
  }
  return definitions;
}

Definition BuildDefinition(World& world, Process& process, const SimulatedDefinition& saga) {
  ValueOps input = OpsOf<std::string>::Get();
  input.decode = &DecodeInput;
  Draft draft(saga.name, saga.version, input);
  for (uint16_t index = 0; index < saga.steps.size(); ++index) {
    const SimulatedStep& step = saga.steps[index];
    StepNode& node =
        draft.AddStep(step.name, step.step_class, OpsOf<std::string>::Get(), step.uses);
    node.options = step.options;
    FillStep(node, {&world, &process, &saga, index}, step);
  }
  if (saga.result_step) draft.SetResult(*saga.result_step);
  draft.SetRetention(saga.retention);
  return draft.Finish();
}

std::string StepOutput(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                       uint32_t big_permille) {
  const std::string& name = saga.steps[step].name;
  std::string output = fmt::format("{} of {}", name, key);
  if (StableHash64(name, key) % 1000 < big_permille) output.append(8192, '.');
  return output;
}

}  // namespace skald::inline v1::internal
