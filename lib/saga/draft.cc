#include "skald/saga/internal/draft.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "skald/async/task_result.h"
#include "skald/base/check.h"
#include "skald/base/strings.h"
#include "skald/saga/internal/say.h"

namespace skald::inline v1::internal {

Draft::Draft(std::string_view name, uint32_t version, const ValueOps& input)
    : data_(std::make_unique<DefinitionData>()) {
  data_->name = name;
  data_->version = version;
  data_->input = input;
}
Draft::Draft(Draft&& other) noexcept = default;
Draft::~Draft() = default;

StepNode& Draft::AddStep(std::string_view name, StepClass step_class, const ValueOps& output,
                         std::span<const uint16_t> uses) {
  const size_t index = data_->steps.size();
  StepNode& node = data_->steps.emplace_back();
  node.name = name;
  node.step_class = step_class;
  node.output = output;
  node.uses.assign(uses.begin(), uses.end());
  if (index > 0) node.predecessors.push_back(static_cast<uint16_t>(index - 1));
  return node;
}

void Draft::SetResult(uint16_t step) {
  data_->result_step = step;
}
void Draft::SetRetention(absl::Duration retention) {
  data_->retention = retention;
}

Definition Draft::Finish() {
  SKALD_CHECK(data_ != nullptr, "this builder was moved from or built before");
  Definition definition = internal::Finish(std::move(*data_));
  data_.reset();
  return definition;
}

void SayNotDone(AttemptResult& result, NotDone not_done) {
  result.kind = not_done.kind;
  result.reason = std::move(not_done.reason);
  result.delay = not_done.delay;
}

void SayStatus(AttemptResult& result, const absl::Status& status) {
  SayNotDone(result, FromStatus(status));
}

void SayException(AttemptResult& result) {
  SayException(result, std::current_exception());
}

void SayException(AttemptResult& result, const std::exception_ptr& error) {
  result.Reset();
  SayNotDone(result, Unknown(fmt::format("exception: {}", ExceptionText(error))));
}

void SayOutputFailed(AttemptResult& result, const absl::Status& status) {
  result.output.clear();
  result.output_failed = true;
  result.reason = fmt::format("the output does not encode: {}", ToStd(status.message()));
}

}  // namespace skald::inline v1::internal
