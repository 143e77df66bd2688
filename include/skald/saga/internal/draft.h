// A definition while it is being built: what all builders of one chain hand on, and how a step with
// known types becomes a StepNode.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

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
            .schema_name = Codec<T>::kName,
            .schema_version = Codec<T>::kSchemaVersion};
  }
};

class SKALD_EXPORT Draft {
 public:
  Draft(std::string_view name, uint32_t version, const ValueOps& input);
  Draft(Draft&& other) noexcept;
  ~Draft();

  // Appends a step that follows the one before it. The reference lives until the next AddStep.
  StepNode& AddStep(std::string_view name, StepClass step_class, const ValueOps& output,
                    std::span<const uint16_t> uses);
  void SetResult(uint16_t step);
  void SetRetention(absl::Duration retention);
  Definition Finish();

 private:
  std::unique_ptr<DefinitionData> data_;
};

// A step whose types are known and right: T is its output, Used are the outputs it is given.
// Neither key nor chain are in the type, to keep symbols short.
template <typename Input, typename T, typename... Used>
struct TypedStep {
  StepNode& node;
  UsedSteps<sizeof...(Used)> used;

  template <typename F>
  void SetAction(F&& function) {
    node.action = MakeRunner<std::decay_t<F>>(std::forward<F>(function));
  }
  template <typename F>
  void SetCompensation(F&& function) {
    using Decayed = std::decay_t<F>;
    if constexpr (kShortFit<Input, T, Decayed> == Fit::kFits) {
      node.compensation = CompensationRunner<Input, T, Decayed>{std::forward<F>(function), {}};
    } else {
      node.compensation =
          CompensationRunner<Input, T, Decayed, Used...>{std::forward<F>(function), used};
    }
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
    return ActionRunner<Input, T, F, Used...>{std::forward<Function>(function), used};
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

// REQUIRES: the types obey the rules.
template <StepClass kClass, bool kAfterPivot, typename Input, typename Key, typename... Used,
          typename... Parts>
void AddTypedStep(Draft& draft, UsedSteps<sizeof...(Used)> used, Parts&&... parts) {
  using Output = typename Key::Output;
  StepNode& node = draft.AddStep(Key::name(), kClass, OpsOf<Output>::Get(), used.index);
  if (kAfterPivot) node.options.retry = RetryPolicy::Forever();
  TypedStep<Input, Output, typename Used::Output...> step{node, used};
  if constexpr (kClass == StepClass::kCompensatable) {
    FillCompensatable(step, std::forward<Parts>(parts)...);
  } else {
    FillForward(step, std::forward<Parts>(parts)...);
  }
}

}  // namespace skald::inline v1::internal
