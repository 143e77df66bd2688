#include "definition_problems.h"

#include <fmt/format.h>

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "skald/base/strings.h"
#include "skald/saga/step_key.h"

namespace skald::inline v1::internal {

namespace {

class Inspector {
 public:
  explicit Inspector(const DefinitionData& data) : data_(data) {}

  std::vector<std::string> Inspect() {
    CheckHead();
    for (size_t i = 0; i < data_.steps.size(); ++i) {
      CheckName(i);
      CheckEdges(i);
      CheckFunctions(data_.steps[i]);
      CheckOps(fmt::format("the output of step '{}'", data_.steps[i].name), data_.steps[i].output);
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
    if (!IsName(step.name)) {
      Add("the name of step number {} must be 1 to {} letters, digits, '-', '_' or '.'", index,
          kNameBytesMax);
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
    ancestors_.push_back(std::move(before));
  }

  void CheckFunctions(const StepNode& step) {
    if (step.action == nullptr) Add("step '{}' has no action", step.name);
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

  // The pivot is a cut: everything else stands before or after it.
  void CheckClass(size_t index) {
    const StepNode& step = data_.steps[index];
    const bool is_pivot = data_.pivot == index;
    if (step.step_class == StepClass::kPivot && !is_pivot) {
      Add("step '{}' is a second pivot", step.name);
    }
    const bool after = data_.pivot && ancestors_[index][*data_.pivot];
    const bool before = data_.pivot && ancestors_[*data_.pivot][index];
    if (step.step_class == StepClass::kRetriable && !after) {
      Add("step '{}' is retriable, but does not follow a pivot", step.name);
    }
    if (step.step_class == StepClass::kCompensatable && after) {
      Add("step '{}' has a compensation, but follows the pivot", step.name);
    }
    if (data_.pivot && !is_pivot && !before && !after) {
      Add("step '{}' can run beside the pivot: it must stand before or after it", step.name);
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
    if (policy.age_max <= absl::ZeroDuration()) {
      Add("the {} policy of step '{}': age_max must be positive", which, step);
    }
  }

  const DefinitionData& data_;
  std::vector<std::string> problems_;
  absl::flat_hash_map<uint32_t, size_t> by_hash_;
  std::vector<std::vector<bool>> ancestors_;  // by step; those looked at so far
};

}  // namespace

std::vector<std::string> FindProblems(const DefinitionData& data) {
  return Inspector(data).Inspect();
}

}  // namespace skald::inline v1::internal
