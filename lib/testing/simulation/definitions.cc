// How a described definition becomes a real one.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "skald/base/hash.h"
#include "skald/saga/internal/draft.h"
#include "world.h"

namespace skald::inline v1 {
namespace internal {
namespace {

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
// What the steps behind it take for their input.
struct PartInput {
  Body body;
  std::string operator()(const std::string& input) const {
    return fmt::format("part of {}/{}", KeyOfInput(input), body.step);
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

void FillFanOut(StepNode& node, const Body& body, const SimulatedStep& step) {
  if (step.items_max == 0) return;
  node.fan_out = FanOut{.parallelism = step.parallelism,
                        .item = OpsOf<std::string>::Get(),
                        .output = OpsOf<std::string>::Get()};
  node.prelude = RangeRunner<std::string, Range>{{Range{body}, {}}};
}

void FillStep(StepNode& node, const Body& body, const SimulatedStep& step) {
  node.kind = step.kind;
  node.input_from = step.input_from;
  if (step.kind == StepKind::kInput) {
    node.options.runs_inline = true;
    node.action = InputRunner<std::string, std::string, PartInput>{{PartInput{body}, {}}};
    return;
  }
  if (step.kind == StepKind::kSaga) {
    node.saga = StartedSaga{step.starts, 1};
    return FillFanOut(node, body, step);
  }
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
  FillFanOut(node, body, step);
}

ValueOps OpsOfOutput(const SimulatedStep& step) {
  switch (step.kind) {
    case StepKind::kDecision:
      return OpsOf<bool>::Get();
    case StepKind::kSleep:
      return OpsOf<Nothing>::Get();
    case StepKind::kAwait:
      return OpsOf<std::optional<std::string>>::Get();
    case StepKind::kInput:
      return OpsOf<std::string>::Get();
    case StepKind::kCall:
    case StepKind::kSaga:
      break;
  }
  return step.items_max > 0 ? OpsOf<std::vector<std::string>>::Get() : OpsOf<std::string>::Get();
}

}  // namespace

Definition BuildDefinition(World* world, Process* process, const SimulatedDefinition& saga) {
  ValueOps input = OpsOf<std::string>::Get();
  input.decode = &DecodeInput;
  input.is_its_bytes = false;
  Draft draft(saga.name, saga.version, input);
  for (uint16_t index = 0; index < saga.steps.size(); ++index) {
    const SimulatedStep& step = saga.steps[index];
    // What names some of its predecessors follows what gives its input, too.
    std::optional<std::vector<uint16_t>> after = step.after;
    if (step.input_from && (after || !step.uses.empty())) {
      if (!after) after.emplace();
      after->push_back(*step.input_from);
    }
    StepNode& node = draft.AddStep(step.name, step.step_class, OpsOfOutput(step),
                                   {.uses = step.uses, .after = after, .guards = step.guards});
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

std::string SubjectOfStep(const SimulatedDefinition& saga, uint16_t step,
                          std::string_view subject) {
  const std::optional<uint16_t>& from = saga.steps[step].input_from;
  if (!from) return std::string(subject);
  return fmt::format("{}/{}", SubjectOfStep(saga, *from, subject), *from);
}

bool Decides(const SimulatedDefinition& saga, uint16_t step, std::string_view key) {
  return StableHash64(saga.steps[step].name, key) % 2 == 0;
}

bool IsSkipped(const SimulatedDefinition& saga, uint16_t step, std::string_view subject) {
  const Guards& guards = saga.steps[step].guards;
  return std::any_of(guards.begin(), guards.end(), [&](const GuardAt& guard) {
    const std::string own = SubjectOfStep(saga, guard.decision, subject);
    return IsSkipped(saga, guard.decision, subject) ||
           Decides(saga, guard.decision, own) != guard.when;
  });
}

uint32_t ItemCount(const SimulatedDefinition& saga, uint16_t step, std::string_view key) {
  return static_cast<uint32_t>(StableHash64(key, saga.steps[step].name) %
                               (saga.steps[step].items_max + 1));
}

std::string ItemValue(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                      uint32_t item) {
  return fmt::format("item for {} of {}/{}", saga.steps[step].name, key, item);
}

std::string_view KeyOfInput(std::string_view input) {
  return input.substr(std::min(input.rfind(' '), input.size() - 1) + 1);
}

}  // namespace internal
}  // namespace skald::inline v1
