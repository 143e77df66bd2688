#include "definition_problems.h"

#include <fmt/format.h>

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "skald/base/strings.h"
#include "skald/saga/step_key.h"

namespace skald::inline v1::internal {

namespace {

// The name of a step, behind those of the parts that it stands in.
bool IsStepPath(const StepNode& step) {
  std::string_view rest = step.name;
  for (size_t slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
    if (!IsName(rest.substr(0, slash))) return false;
    rest.remove_prefix(slash + 1);
  }
  return step.kind == StepKind::kInput ? rest == kInputStepName : IsName(rest);
}

class Inspector {
 public:
  explicit Inspector(const DefinitionData& data) : data_(data) {}

  std::vector<std::string> Inspect() {
    CheckHead();
    for (size_t i = 0; i < data_.steps.size(); ++i) {
      CheckName(i);
      CheckEdges(i);
      CheckFunctions(data_.steps[i]);
      CheckGuards(i);
      CheckValues(data_.steps[i]);
      CheckOptions(data_.steps[i]);
    }
    for (size_t i = 0; i < data_.steps.size(); ++i) CheckClass(i);
    return std::move(problems_);
  }

 private:
  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    problems_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void CheckHead() {
    if (!IsName(data_.name)) {
      Add("its name must be 1 to {} letters, digits, '-', '_' or '.'", kNameBytesMax);
    }
    if (data_.version == 0) Add("versions count from 1");
    if (data_.steps.empty()) Add("it has no steps");
    if (data_.steps.size() > kStepCountMax) {
      Add("it has {} steps; at most {} are allowed", data_.steps.size(), kStepCountMax);
    }
    if (data_.retention <= absl::ZeroDuration()) Add("its retention must be positive");
    if (data_.result_step && *data_.result_step >= data_.steps.size()) {
      Add("its result is the output of step number {}, which does not exist", *data_.result_step);
    }
    CheckOps("the input", data_.input);
  }

  void CheckOps(std::string_view what, const ValueOps& ops) {
    if (ops.size == 0 || ops.decode == nullptr || ops.destroy == nullptr) {
      Add("{} has no operations", what);
    }
  }

  void CheckName(size_t index) {
    const StepNode& step = data_.steps[index];
    if (!IsStepPath(step)) {
      Add("the name of step number {} must be 1 to {} letters, digits, '-', '_' or '.'", index,
          kNameBytesMax);
    }
    if (step.name.size() > kStepPathBytesMax) {
      Add("the name of step number {} has {} bytes with those of the parts that it stands in; {} "
          "are allowed",
          index, step.name.size(), kStepPathBytesMax);
    }
    const auto [at, fresh] = by_hash_.try_emplace(step.hash, index);
    if (fresh) return;
    const std::string& other = data_.steps[at->second].name;
    if (other == step.name) {
      Add("two steps are named '{}'", step.name);
    } else {
      Add("the names of steps '{}' and '{}' have one hash: rename one", other, step.name);
    }
  }

  // Steps are in an order in which they can run: every edge comes from an earlier one.
  void CheckEdges(size_t index) {
    const StepNode& step = data_.steps[index];
    std::vector<bool> before(data_.steps.size(), false);
    for (const uint16_t from : step.predecessors) {
      if (from >= index) {
        Add("step '{}' follows step number {}, which is not declared before it", step.name, from);
        continue;
      }
      before[from] = true;
      for (size_t i = 0; i < index; ++i) before[i] = before[i] || ancestors_[from][i];
    }
    for (const uint16_t used : step.uses) {
      if (used < index && before[used]) continue;
      Add("step '{}' uses the output of step number {}, which need not have run before it",
          step.name, used);
    }
    const bool given = !step.input_from || (*step.input_from < index && before[*step.input_from] &&
                                            data_.steps[*step.input_from].kind == StepKind::kInput);
    if (!given) {
      Add("step '{}' takes its input from step number {}, which gives none before it", step.name,
          *step.input_from);
    }
    ancestors_.push_back(std::move(before));
  }

  // Decisions are steps of their own that come first.
  void CheckGuards(size_t index) {
    const StepNode& step = data_.steps[index];
    bool sound = true;
    for (const GuardAt& guard : step.guards) {
      const bool decision = guard.decision < index &&
                            data_.steps[guard.decision].kind == StepKind::kDecision &&
                            ancestors_[index][guard.decision];
      if (decision) continue;
      sound = false;
      Add("step '{}' goes by step number {}, which is no decision that it follows", step.name,
          guard.decision);
    }
    guards_.push_back(sound ? EffectiveGuards(data_, static_cast<uint16_t>(index)) : Guards{});
    if (AreExclusive(guards_[index], guards_[index])) {
      Add("step '{}' never runs: its guards exclude each other", step.name);
    }
  }

  void CheckValues(const StepNode& step) {
    CheckOps(fmt::format("the output of step '{}'", step.name), step.output);
    if (step.kind == StepKind::kAwait) {
      CheckOps(fmt::format("the signal of step '{}'", step.name), step.payload);
    }
    if (!step.fan_out) return;
    CheckOps(fmt::format("an item of step '{}'", step.name), step.fan_out->item);
    CheckOps(fmt::format("an item's output of step '{}'", step.name), step.fan_out->output);
    if (step.fan_out->parallelism == 0) {
      Add("step '{}' has a parallelism of 0: at least one item must run", step.name);
    }
    if (step.prelude == nullptr) Add("step '{}' has no range", step.name);
    const bool once = step.kind != StepKind::kCall && step.kind != StepKind::kSaga;
    if (once || step.step_class == StepClass::kPivot) {
      Add("step '{}' cannot run for each of many items", step.name);
    }
  }

  void CheckFunctions(const StepNode& step) {
    const bool acts = !OnlyWaits(step.kind);
    if (acts && step.action == nullptr) Add("step '{}' has no action", step.name);
    if ((IsPure(step.kind) || step.kind == StepKind::kSleep) &&
        step.step_class != StepClass::kNoEffect) {
      Add("step '{}' has no effect, and is declared as if it had one", step.name);
    }
    if (step.kind == StepKind::kSaga && step.step_class != StepClass::kRetriable) {
      Add("step '{}' starts a saga: it must be retriable, behind the pivot", step.name);
    }
    if ((step.kind == StepKind::kSaga) != step.saga.has_value()) {
      Add("step '{}' starts a saga and does not say which, or says which and starts none",
          step.name);
    }
    if (step.kind == StepKind::kAwait && step.step_class != StepClass::kNoEffect &&
        step.step_class != StepClass::kCompensatable) {
      Add("step '{}' awaits a signal: it has a compensation, or no effect", step.name);
    }
    if (step.kind == StepKind::kSleep && step.prelude == nullptr &&
        step.delay == absl::InfiniteDuration()) {
      Add("step '{}' sleeps for ever", step.name);
    }
    if (step.delay < absl::ZeroDuration()) Add("step '{}' waits for less than no time", step.name);
    const bool compensatable = step.step_class == StepClass::kCompensatable;
    if (compensatable && step.compensation == nullptr) {
      Add("step '{}' has no compensation", step.name);
    }
    if (!compensatable && step.compensation != nullptr) {
      Add("step '{}' has a compensation that would never run", step.name);
    }
    if (step.step_class != StepClass::kPivot && step.reconcile != nullptr) {
      Add("step '{}' has a Reconcile, which only a pivot can have", step.name);
    }
  }

  // The pivots are cuts: whatever can run with one stands before or after it.
  void CheckClass(size_t index) {
    const StepNode& step = data_.steps[index];
    std::vector<Guards> before;
    for (const uint16_t pivot : data_.pivots) {
      if (pivot == index || AreExclusive(guards_[pivot], guards_[index])) continue;
      const bool after = pivot < index && ancestors_[index][pivot];
      if (after) before.push_back(guards_[pivot]);
      if (after && step.step_class == StepClass::kPivot) {
        Add("step '{}' is a second pivot", step.name);
      }
      if (after && step.step_class == StepClass::kCompensatable) {
        Add("step '{}' has a compensation, but follows the pivot", step.name);
      }
      if (!after && !(index < pivot && ancestors_[pivot][index])) {
        Add("step '{}' can run beside the pivot: it must stand before or after it", step.name);
      }
    }
    if (step.step_class == StepClass::kRetriable && !IsCovered(guards_[index], before)) {
      Add("step '{}' is retriable, but does not follow a pivot", step.name);
    }
  }

  void CheckOptions(const StepNode& step) {
    const absl::Duration timeout = step.options.timeout;
    if (timeout <= absl::ZeroDuration() || timeout == absl::InfiniteDuration()) {
      Add("the time-out of step '{}' must be positive and finite", step.name);
    }
    CheckPolicy(step.name, "retry", step.options.retry);
    if (step.step_class != StepClass::kCompensatable) return;
    CheckPolicy(step.name, "compensation retry", step.options.compensation_retry);
  }

  void CheckPolicy(std::string_view step, std::string_view which, const RetryPolicy& policy) {
    if (policy.delay_min <= absl::ZeroDuration()) {
      Add("the {} policy of step '{}': delay_min must be positive", which, step);
    }
    if (policy.delay_max < policy.delay_min || policy.delay_max == absl::InfiniteDuration()) {
      Add("the {} policy of step '{}': delay_max must be finite and at least delay_min", which,
          step);
    }
    if (!(policy.budget >= 0 && policy.budget <= 100)) {
      Add("the {} policy of step '{}': budget must lie between 0 and 100 retries", which, step);
    }
    if (policy.age_max <= absl::ZeroDuration()) {
      Add("the {} policy of step '{}': age_max must be positive", which, step);
    }
  }

  const DefinitionData& data_;
  std::vector<std::string> problems_;
  absl::flat_hash_map<uint32_t, size_t> by_hash_;
  std::vector<std::vector<bool>> ancestors_;  // by step; those looked at so far
  std::vector<Guards> guards_;                // by step; all of them
};

}  // namespace

std::vector<std::string> FindProblems(const DefinitionData& data) {
  return Inspector(data).Inspect();
}

}  // namespace skald::inline v1::internal
