// A definition while it is being built: what all builders of one chain hand on, and how a step with
// known types becomes a StepNode.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/codec.h"
#include "skald/base/export.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/attempt.h"
#include "skald/saga/internal/step_rules.h"
#include "skald/saga/modifiers.h"
#include "skald/saga/step_options.h"

namespace skald::inline v1::internal {

// How the coordinator handles values of type T.
template <typename T>
struct OpsOf {
  static absl::Status DecodeInto(std::string_view bytes, void* into) {
    absl::StatusOr<T> value = skald::Decode<T>(bytes);
    if (!value.ok()) return std::move(value).status();
    ::new (into) T(*std::move(value));
    return absl::OkStatus();
  }
  static void Destroy(void* value) noexcept { static_cast<T*>(value)->~T(); }

  static ValueOps Get() {
    return {.size = sizeof(T),
            .align = alignof(T),
            .decode = &DecodeInto,
            .destroy = &Destroy,
            .is_its_bytes = kIsItsBytes<T>,
            .schema_name = Codec<T>::kName,
            .schema_version = Codec<T>::kSchemaVersion};
  }
};

// What a step says of its place, in numbers of steps.
struct StepLinks {
  std::span<const uint16_t> uses;
  std::optional<std::span<const uint16_t>> after;  // nullopt: it does not say
  Guards guards;
  bool follows_all = false;  // whatever it names: a pivot, or what stands in its place
};

// What one call of a builder has declared: a step, or all steps of a definition in its place.
struct Declared {
  uint16_t output = 0;         // the step whose output it gives
  std::vector<uint16_t> ends;  // what follows it follows these
};

class SKALD_EXPORT Draft {
 public:
  Draft(std::string_view name, uint32_t version, const ValueOps& input);
  Draft(Draft&& other) noexcept;
  ~Draft();

  // Appends a step; its predecessors follow from its links. The reference lives until the next
  // step comes.
  StepNode& AddStep(std::string_view name, StepClass step_class, const ValueOps& output,
                    const StepLinks& links);
  // The same for a step that belongs to the next declaration and cannot be named: it gives the
  // input of what is declared there. RETURNS: also its number.
  std::pair<StepNode&, uint16_t> AddInput(std::string_view name, const ValueOps& output,
                                          const StepLinks& links);
  // Appends all steps of `part` as `name`/step. They take what the step `input` gives for their
  // input, and follow that; without it they take the saga's own.
  void AddPart(std::string_view name, const Definition& part, const StepLinks& links,
               std::optional<uint16_t> input);
  void SetResult(uint16_t declaration);
  void SetRetention(absl::Duration retention);
  Definition Finish();

  // By the number of the call that declared it.
  const Declared& At(uint16_t declaration) const { return declared_[declaration]; }
  Guards GuardsAt(Guards by_declaration) const;

 private:
  StepNode& Append(std::string_view name, StepClass step_class, const ValueOps& output,
                   const StepLinks& links);
  void NoteAncestors();
  std::vector<uint16_t> Predecessors(const Guards& guards, const StepLinks& links) const;

  std::unique_ptr<DefinitionData> data_;
  std::vector<Declared> declared_;
  std::vector<std::vector<bool>> ancestors_;  // by step
  std::vector<Guards> guards_;                // by step, all of them
};

// A step whose types are known and right: T is its output, Gs are how it is given the used ones.
// Neither key nor chain are in the type, to keep symbols short.
template <typename Input, typename Item, typename T, typename... Gs>
struct TypedStep {
  StepNode& node;
  UsedSteps<sizeof...(Gs)> used;

  template <typename F>
  void SetAction(F&& function) {
    node.action = MakeRunner<std::decay_t<F>>(std::forward<F>(function));
  }
  template <typename F>
  void SetCompensation(F&& function) {
    using Decayed = std::decay_t<F>;
    using Head = typename HeadOf<Input, Item>::Type;
    if constexpr (kFits<Decayed, ShortUndo<Head, T>> == Fit::kFits ||
                  kTakesCompletion<Decayed, ShortUndo<Head, T>, Nothing>) {
      node.compensation =
          CompensationRunner<Input, Item, T, Decayed>{std::forward<F>(function), {}};
    } else {
      node.compensation =
          CompensationRunner<Input, Item, T, Decayed, Gs...>{std::forward<F>(function), used};
    }
  }
  template <typename F>
  void SetDecision(F&& function) {
    node.kind = StepKind::kDecision;
    node.options.runs_inline = true;
    node.action = DecisionRunner<Input, std::decay_t<F>, Gs...>{{std::forward<F>(function), used}};
  }
  template <typename F>
  void SetInput(F&& function) {
    node.kind = StepKind::kInput;
    node.options.runs_inline = true;
    node.action = InputRunner<T, Input, std::decay_t<F>, Gs...>{{std::forward<F>(function), used}};
  }
  template <typename Range>
  void SetRange(FanOutPart<Range>&& fan_out) {
    node.fan_out = {
        .parallelism = fan_out.parallelism, .item = OpsOf<Item>::Get(), .output = OpsOf<T>::Get()};
    node.output = OpsOf<std::vector<T>>::Get();
    node.prelude = RangeRunner<Input, Range, Gs...>{{std::move(fan_out.range), used}};
  }
  void SetRange(NoFanOut /*none*/) {}
  void SetSaga(std::string_view definition, uint32_t version, std::optional<uint16_t> input) {
    node.kind = StepKind::kSaga;
    node.saga = {std::string(definition), version};
    node.input_from = input;
  }
  template <typename Payload>
  void SetAwait() {
    node.kind = StepKind::kAwait;
    node.payload = OpsOf<Payload>::Get();
  }
  void SetSleep(absl::Duration delay) {
    node.kind = StepKind::kSleep;
    node.delay = delay;
  }
  template <typename F>
  void SetSleep(F&& function) {
    using Runner = SleepRunner<Input, std::decay_t<F>, Gs...>;
    using Ends = decltype(std::declval<const Runner&>().Get(std::declval<const Call&>()));
    node.kind = StepKind::kSleep;
    node.sleeps_until = std::is_same_v<Ends, absl::Time>;
    node.prelude = Runner{{std::forward<F>(function), used}};
  }
  template <typename Modifier>
  void Apply(Modifier&& modifier) {
    using Decayed = std::decay_t<Modifier>;
    if constexpr (Decayed::kKind == ModifierKind::kReconcile) {
      node.reconcile =
          MakeRunner<decltype(Decayed::function)>(std::forward<Modifier>(modifier).function);
    } else {
      modifier.ApplyTo(node.options);
    }
  }

 private:
  template <typename F, typename Function>
  auto MakeRunner(Function&& function) {
    return ActionRunner<Input, Item, T, F, Gs...>{std::forward<Function>(function), used};
  }
};

// For a Step: action, compensation, modifiers.
template <typename Step, typename Action, typename Compensation, typename... Modifiers>
void FillCompensatable(Step step, Action&& action, Compensation&& compensation,
                       Modifiers&&... modifiers) {
  step.SetAction(std::forward<Action>(action));
  step.SetCompensation(std::forward<Compensation>(compensation));
  (step.Apply(std::forward<Modifiers>(modifiers)), ...);
}
// For all others: action, modifiers.
template <typename Step, typename Action, typename... Modifiers>
void FillForward(Step step, Action&& action, Modifiers&&... modifiers) {
  step.SetAction(std::forward<Action>(action));
  (step.Apply(std::forward<Modifiers>(modifiers)), ...);
}
// For AwaitSignal: a time-out and perhaps a compensation with modifiers.
template <typename Step>
void FillAwait(Step step, absl::Duration timeout) {
  step.node.delay = timeout;
}
template <typename Step, typename Compensation, typename... Modifiers>
void FillAwait(Step step, absl::Duration timeout, Compensation&& compensation,
               Modifiers&&... modifiers) {
  step.node.delay = timeout;
  step.SetCompensation(std::forward<Compensation>(compensation));
  (step.Apply(std::forward<Modifiers>(modifiers)), ...);
}

// The steps that whatever uses and follows these declarations follows.
SKALD_EXPORT std::optional<std::vector<uint16_t>> EndsOf(
    const Draft& draft, std::initializer_list<uint16_t> used,
    const std::optional<std::vector<uint16_t>>& after);

// Where a step stands and what it uses, in numbers of steps.
template <size_t kUsed>
struct TypedLinks {
  UsedSteps<kUsed> used;
  std::optional<std::vector<uint16_t>> after;
  Guards guards;
  bool follows_all = false;

  StepLinks Get() const {
    StepLinks links{
        .uses = used.index, .after = std::nullopt, .guards = guards, .follows_all = follows_all};
    if (after) links.after = std::span<const uint16_t>(*after);
    return links;
  }
};

// Appends a step, to be filled. REQUIRES: the types obey the rules.
template <StepClass kClass, bool kBeyondPivot, typename Input, typename Item, typename T,
          typename... Gs>
TypedStep<Input, Item, T, Gs...> AddTypedStep(Draft& draft, std::string_view name,
                                              const TypedLinks<sizeof...(Gs)>& links,
                                              TypeList<Gs...> /*given*/) {
  StepNode& node = draft.AddStep(name, kClass, OpsOf<T>::Get(), links.Get());
  if (kBeyondPivot) node.options.retry = RetryPolicy::Forever();
  return {node, links.used};
}

// Appends the step that gives, by `function`, the input T of what stands in the place of `name`.
// RETURNS: its number.
template <typename Input, typename T, typename F, typename... Gs>
uint16_t AddInputStep(Draft& draft, std::string_view name, const TypedLinks<sizeof...(Gs)>& links,
                      TypeList<Gs...> /*given*/, F&& function) {
  const auto [node, number] = draft.AddInput(name, OpsOf<T>::Get(), links.Get());
  TypedStep<Input, void, T, Gs...>{node, links.used}.SetInput(std::forward<F>(function));
  return number;
}

}  // namespace skald::inline v1::internal
