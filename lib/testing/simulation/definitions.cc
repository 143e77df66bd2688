// Random definitions, and how a described one becomes a real one.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/hash.h"
#include "skald/saga/internal/draft.h"
#include "world.h"

namespace skald::inline v1 {
namespace internal {
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

class Drawing {
 public:
  Drawing(const SimulationProfile& profile, Random& random, SimulatedDefinition& saga)
      : profile_(profile), random_(random), saga_(saga) {}

  void Draw(size_t steps) {
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
    step.name = fmt::format("s{}", saga_.steps.size());
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
      const bool gives = saga_.steps[used].kind == StepKind::kCall;
      if (gives && random_.Chance(0.25)) step.uses.push_back(used);
    }
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
};

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

  template <typename... Used>
  void CheckUsed(const StepContext& context, const Used*... outputs) const {
    size_t at = 0;
    (world->CheckUsed(context, *saga, saga->steps[step].uses[at++], outputs), ...);
  }
};

// A step that waits for its participant without a thread.
struct AsyncAction : Body {
  BarrierVerb verb;
  template <typename... Used>
  Task<Verdict<std::string>> operator()(const StepContext& context, const std::string& input,
                                        const Used*... outputs) const {
    CheckUsed(context, outputs...);
    return world->RunStep(world->MakeCall(*process, *saga, step, verb, context, input));
  }
};

// A step that has its answer at once: on the coordinator's own loop where it is Inline.
struct PlainAction : Body {
  BarrierVerb verb;
  template <typename... Used>
  Verdict<std::string> operator()(const StepContext& context, const std::string& input,
                                  const Used*... outputs) const {
    CheckUsed(context, outputs...);
    return world->RunInline(world->MakeCall(*process, *saga, step, verb, context, input));
  }
};

// The same for one item.
template <typename Action>
struct ForItem : Action {
  template <typename... Used>
  auto operator()(const StepContext& context, const std::string& input, const std::string& item,
                  const Used*... outputs) const {
    this->world->CheckItem(context, *this->saga, this->step, item);
    return Action::operator()(context, input, outputs...);
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
  // Of an await: given the payload, or that there is none.
  Task<Verdict<Nothing>> operator()(const StepContext& context, const std::string& input,
                                    const std::optional<std::string>* output) const {
    world->CheckSignal(context, output);
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

template <typename Compensation>
struct UndoItem : Compensation {
  auto operator()(const StepContext& context, const std::string& input, const std::string& item,
                  const std::string* output) const {
    this->world->CheckItem(context, *this->saga, this->step, item);
    return Compensation::operator()(context, input, output);
  }
};

using OneOutput = const std::string*;
using ManyOutputs = const std::vector<std::string>*;

template <typename Item, typename F, typename... Gs>
StepFunction Runner(F function, const Body& body) {
  const std::vector<uint16_t>& uses = body.saga->steps[body.step].uses;
  if constexpr (sizeof...(Gs) < 2) {
    if (sizeof...(Gs) < uses.size()) {
      const bool many = body.saga->steps[uses[sizeof...(Gs)]].items_max > 0;
      return many ? Runner<Item, F, Gs..., ManyOutputs>(std::move(function), body)
                  : Runner<Item, F, Gs..., OneOutput>(std::move(function), body);
    }
  }
  ActionRunner<std::string, Item, std::string, F, Gs...> runner{std::move(function), {}};
  std::copy(uses.begin(), uses.end(), runner.used.index.begin());
  return runner;
}

template <typename Item, typename Action>
StepFunction ActionOf(const Body& body, BarrierVerb verb) {
  return Runner<Item, Action>(Action{{body, verb}}, body);
}

StepFunction ActionOf(const Body& body, BarrierVerb verb) {
  const SimulatedStep& step = body.saga->steps[body.step];
  const bool plain = step.options.runs_inline;
  if (step.items_max > 0) {
    return plain ? ActionOf<std::string, ForItem<PlainAction>>(body, verb)
                 : ActionOf<std::string, ForItem<AsyncAction>>(body, verb);
  }
  return plain ? Runner<void, PlainAction>(PlainAction{body, verb}, body)
               : Runner<void, AsyncAction>(AsyncAction{body, verb}, body);
}

StepFunction CompensationOf(const Body& body) {
  const SimulatedStep& step = body.saga->steps[body.step];
  if (step.kind == StepKind::kAwait) {
    return CompensationRunner<std::string, void, std::optional<std::string>, AsyncCompensation>{
        {body}, {}};
  }
  if (step.items_max > 0) {
    using Item = std::string;
    if (step.options.runs_inline) {
      return CompensationRunner<Item, Item, Item, UndoItem<PlainCompensation>>{{{body}}, {}};
    }
    return CompensationRunner<Item, Item, Item, UndoItem<AsyncCompensation>>{{{body}}, {}};
  }
  if (step.options.runs_inline) {
    return CompensationRunner<std::string, void, std::string, PlainCompensation>{{body}, {}};
  }
  return CompensationRunner<std::string, void, std::string, AsyncCompensation>{{body}, {}};
}

// A pure function of the saga's key, which the input names.
struct Decision {
  Body body;
  bool operator()(const std::string& input) const {
    return Decides(*body.saga, body.step, KeyOfInput(input));
  }
};
struct Range {
  Body body;
  std::vector<std::string> operator()(const std::string& input) const {
    std::vector<std::string> items;
    const std::string_view key = KeyOfInput(input);
    const uint32_t count = ItemCount(*body.saga, body.step, key);
    for (uint32_t i = 0; i < count; ++i) items.push_back(ItemValue(*body.saga, body.step, key, i));
    return items;
  }
};
struct SleepFor {
  Body body;
  absl::Duration operator()(const std::string& /*input*/) const {
    return body.saga->steps[body.step].delay;
  }
};
struct SleepUntil {
  Body body;
  absl::Time operator()(const std::string& /*input*/) const {
    return body.world->TimeOfSleep(*body.process, body.saga->steps[body.step].delay);
  }
};

void FillWait(StepNode& node, const Body& body, const SimulatedStep& step) {
  node.delay = step.delay;
  if (step.kind == StepKind::kAwait) {
    node.payload = OpsOf<std::string>::Get();
    return;
  }
  using By = SimulatedStep::SleepBy;
  if (step.sleep_by == By::kDuration) {
    node.prelude = SleepRunner<std::string, SleepFor>{{SleepFor{body}, {}}};
  } else if (step.sleep_by == By::kTime) {
    node.prelude = SleepRunner<std::string, SleepUntil>{{SleepUntil{body}, {}}};
    node.sleeps_until = true;
  }
}

void FillStep(StepNode& node, const Body& body, const SimulatedStep& step) {
  node.kind = step.kind;
  if (step.kind == StepKind::kDecision) {
    node.options.runs_inline = true;
    node.action = DecisionRunner<std::string, Decision>{{Decision{body}, {}}};
    return;
  }
  if (step.kind != StepKind::kCall) FillWait(node, body, step);
  if (step.step_class == StepClass::kCompensatable) node.compensation = CompensationOf(body);
  if (step.kind != StepKind::kCall) return;
  node.action = ActionOf(body, BarrierVerb::kAction);
  if (step.reconcile) node.reconcile = ActionOf(body, BarrierVerb::kReconcile);
  if (step.items_max == 0) return;
  node.fan_out = FanOut{.parallelism = step.parallelism,
                        .item = OpsOf<std::string>::Get(),
                        .output = OpsOf<std::string>::Get()};
  node.prelude = RangeRunner<std::string, Range>{{Range{body}, {}}};
}

ValueOps OpsOfOutput(const SimulatedStep& step) {
  switch (step.kind) {
    case StepKind::kDecision:
      return OpsOf<bool>::Get();
    case StepKind::kSleep:
      return OpsOf<Nothing>::Get();
    case StepKind::kAwait:
      return OpsOf<std::optional<std::string>>::Get();
    case StepKind::kCall:
      break;
  }
  return step.items_max > 0 ? OpsOf<std::vector<std::string>>::Get() : OpsOf<std::string>::Get();
}

}  // namespace

std::vector<SimulatedDefinition> DrawDefinitions(const SimulationProfile& profile) {
  std::vector<SimulatedDefinition> definitions;
  for (uint32_t i = 0; i < std::max(1u, profile[Knob::kDefinitions]); ++i) {
    uint64_t state = profile.seed ^ (uint64_t{i + 1} << 32);
    SeededRandom random(SplitMix64(state));
    SimulatedDefinition& saga = definitions.emplace_back();
    saga.name = fmt::format("d{}", i);
    Drawing(profile, random, saga).Draw(1 + random.Below(std::max(1u, profile[Knob::kSteps])));
    if (random.Below(1000) < profile[Knob::kExpiry]) saga.retention = absl::Seconds(2);
  }
  return definitions;
}

Definition BuildDefinition(World* world, Process* process, const SimulatedDefinition& saga) {
  ValueOps input = OpsOf<std::string>::Get();
  input.decode = &DecodeInput;
  Draft draft(saga.name, saga.version, input);
  for (uint16_t index = 0; index < saga.steps.size(); ++index) {
    const SimulatedStep& step = saga.steps[index];
    StepNode& node = draft.AddStep(step.name, step.step_class, OpsOfOutput(step),
                                   {.uses = step.uses, .after = step.after, .guards = step.guards});
    node.options = step.options;
    FillStep(node, {world, process, &saga, index}, step);
  }
  if (saga.result_step) draft.SetResult(*saga.result_step);
  draft.SetRetention(saga.retention);
  return draft.Finish();
}

}  // namespace internal

absl::Status Validate(const SimulatedDefinition& saga) {
  return Validate(internal::BuildDefinition(nullptr, nullptr, saga));
}

namespace internal {

std::string StepOutput(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                       uint32_t item, uint32_t big_permille) {
  const std::string& name = saga.steps[step].name;
  std::string output = fmt::format("{}[{}] of {}", name, item, key);
  if (StableHash64(name, key) % 1000 < big_permille) output.append(8192, '.');
  return output;
}

bool Decides(const SimulatedDefinition& saga, uint16_t step, std::string_view key) {
  return StableHash64(saga.steps[step].name, key) % 2 == 0;
}

bool IsSkipped(const SimulatedDefinition& saga, uint16_t step, std::string_view key) {
  const Guards& guards = saga.steps[step].guards;
  return std::any_of(guards.begin(), guards.end(), [&](const GuardAt& guard) {
    return IsSkipped(saga, guard.decision, key) || Decides(saga, guard.decision, key) != guard.when;
  });
}

uint32_t ItemCount(const SimulatedDefinition& saga, uint16_t step, std::string_view key) {
  return static_cast<uint32_t>(StableHash64(key, saga.steps[step].name) %
                               (saga.steps[step].items_max + 1));
}

std::string ItemValue(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                      uint32_t item) {
  return fmt::format("item {} for {} of {}", item, saga.steps[step].name, key);
}

std::string_view KeyOfInput(std::string_view input) {
  return input.substr(std::min(input.rfind(' '), input.size() - 1) + 1);
}

}  // namespace internal
}  // namespace skald::inline v1
