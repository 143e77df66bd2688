#include "skald/saga/internal/draft.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "skald/async/task_result.h"
#include "skald/base/check.h"
#include "skald/base/strings.h"
#include "skald/saga/internal/say.h"
#include "skald/saga/links.h"

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
                         const StepLinks& links) {
  const auto index = static_cast<uint16_t>(data_->steps.size());
  StepNode& node = data_->steps.emplace_back();
  node.name = name;
  node.step_class = step_class;
  node.output = output;
  node.uses.assign(links.uses.begin(), links.uses.end());
  node.guards = links.guards;
  guards_.push_back(EffectiveGuards(*data_, index));
  node.predecessors = Predecessors(node, links);
  std::vector<bool> before(index, false);
  for (const uint16_t from : node.predecessors) {
    before[from] = true;
    for (uint16_t i = 0; i < from; ++i) before[i] = before[i] || ancestors_[from][i];
  }
  ancestors_.push_back(std::move(before));
  return node;
}

// What the step names; otherwise all that stands before it and can run with it. A pivot follows all
// of that in any case, and everything follows the pivots.
std::vector<uint16_t> Draft::Predecessors(const StepNode& node, const StepLinks& links) const {
  const auto index = static_cast<uint16_t>(data_->steps.size() - 1);
  std::vector<bool> follows(index, false);
  const bool is_pivot = node.step_class == StepClass::kPivot;
  const bool names = links.after.has_value() || !links.uses.empty();
  for (uint16_t before = 0; before < index; ++before) {
    if (AreExclusive(guards_[before], guards_[index])) continue;
    const bool pivot = data_->steps[before].step_class == StepClass::kPivot;
    follows[before] = is_pivot || pivot || !names;
  }
  const auto follow = [&](uint16_t step) {
    if (step < index) follows[step] = true;
  };
  for (const uint16_t used : links.uses) follow(used);
  for (const GuardAt& guard : links.guards) follow(guard.decision);
  if (links.after) {
    for (const uint16_t named : *links.after) follow(named);
  }
  // What another of them follows already needs no edge.
  std::vector<uint16_t> predecessors;
  for (uint16_t before = 0; before < index; ++before) {
    bool implied = !follows[before];
    for (uint16_t other = before + 1; other < index && !implied; ++other) {
      implied = follows[other] && ancestors_[other][before];
    }
    if (!implied) predecessors.push_back(before);
  }
  return predecessors;
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

NotDone TooManyItems(size_t count) {
  return Rejected(fmt::format("the range gives {} items; {} are allowed", count, kFanOutMax));
}

void SayOutputFailed(AttemptResult& result, const absl::Status& status) {
  result.output.clear();
  result.output_failed = true;
  result.reason = fmt::format("the output does not encode: {}", ToStd(status.message()));
}

}  // namespace skald::inline v1::internal
