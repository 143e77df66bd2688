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

StepNode& Draft::Append(std::string_view name, StepClass step_class, const ValueOps& output,
                        const StepLinks& links) {
  StepLinks own = links;
  own.follows_all = own.follows_all || step_class == StepClass::kPivot;
  std::vector<uint16_t> predecessors = Predecessors(AllGuards(*data_, links.guards), own);
  StepNode& node = data_->steps.emplace_back();
  node.name = name;
  node.step_class = step_class;
  node.output = output;
  node.uses.assign(links.uses.begin(), links.uses.end());
  node.guards = links.guards;
  node.predecessors = std::move(predecessors);
  NoteAncestors();
  return node;
}

StepNode& Draft::AddStep(std::string_view name, StepClass step_class, const ValueOps& output,
                         const StepLinks& links) {
  StepNode& node = Append(name, step_class, output, links);
  const auto number = static_cast<uint16_t>(data_->steps.size() - 1);
  declared_.push_back({number, {number}});
  return node;
}

std::pair<StepNode&, uint16_t> Draft::AddInput(std::string_view name, const ValueOps& output,
                                               const StepLinks& links) {
  StepNode& node =
      Append(fmt::format("{}/{}", name, kInputStepName), StepClass::kNoEffect, output, links);
  return {node, static_cast<uint16_t>(data_->steps.size() - 1)};
}

namespace {

// A part's function knows the part's steps by the numbers that they have there.
struct PartFunction {
  std::shared_ptr<const DefinitionData> part;
  const StepFunction* function;
  size_t first;

  CallState operator()(Call& call) const {
    call.EnterPart(first);
    return (*function)(call);
  }
};

void Shift(std::vector<uint16_t>& steps, size_t by) {
  for (uint16_t& step : steps) step = static_cast<uint16_t>(step + by);
}

}  // namespace

void Draft::AddPart(std::string_view name, const Definition& part, const StepLinks& links,
                    std::optional<uint16_t> input) {
  const std::shared_ptr<const DefinitionData>& data = part.shared_data();
  const size_t first = data_->steps.size();
  const std::vector<uint16_t> before =
      input ? std::vector<uint16_t>{*input} : Predecessors(AllGuards(*data_, links.guards), links);
  std::vector<bool> followed(data->steps.size(), false);
  for (const StepNode& step : data->steps) {
    // Too many are refused when all is finished; numbers must not run over before.
    if (data_->steps.size() > kStepCountMax) break;
    StepNode& node = data_->steps.emplace_back();
    static_cast<StepShape&>(node) = step;
    node.name = fmt::format("{}/{}", name, step.name);
    for (const uint16_t from : step.predecessors) followed[from] = true;
    Shift(node.predecessors, first);
    if (node.predecessors.empty()) node.predecessors = before;
    Shift(node.uses, first);
    for (GuardAt& guard : node.guards) {
      guard.decision = static_cast<uint16_t>(guard.decision + first);
    }
    node.guards.insert(node.guards.end(), links.guards.begin(), links.guards.end());
    node.input_from = input;
    if (step.input_from) node.input_from = static_cast<uint16_t>(*step.input_from + first);
    const auto take = [&](const StepFunction& function) -> StepFunction {
      return function ? PartFunction{data, &function, first} : StepFunction();
    };
    node.prelude = take(step.prelude);
    node.action = take(step.action);
    node.compensation = take(step.compensation);
    node.reconcile = take(step.reconcile);
    NoteAncestors();
  }
  Declared& declared = declared_.emplace_back();
  declared.output = static_cast<uint16_t>(data->result_step.value_or(0) + first);
  for (size_t i = 0; i < followed.size(); ++i) {
    if (!followed[i]) declared.ends.push_back(static_cast<uint16_t>(i + first));
  }
}

Guards Draft::GuardsAt(Guards by_declaration) const {
  for (GuardAt& guard : by_declaration) guard.decision = At(guard.decision).output;
  return by_declaration;
}

// Of the step that was appended last.
void Draft::NoteAncestors() {
  const auto index = static_cast<uint16_t>(data_->steps.size() - 1);
  guards_.push_back(EffectiveGuards(*data_, index));
  std::vector<bool> before(index, false);
  for (const uint16_t from : data_->steps[index].predecessors) {
    before[from] = true;
    for (uint16_t i = 0; i < from; ++i) before[i] = before[i] || ancestors_[from][i];
  }
  ancestors_.push_back(std::move(before));
}

// Of the step that comes next: what it names; otherwise all that stands before it and can run with
// it. A pivot follows all of that in any case, and everything follows the pivots.
std::vector<uint16_t> Draft::Predecessors(const Guards& guards, const StepLinks& links) const {
  const auto index = static_cast<uint16_t>(data_->steps.size());
  std::vector<bool> follows(index, false);
  const bool names = links.after.has_value() || !links.uses.empty();
  for (uint16_t before = 0; before < index; ++before) {
    if (AreExclusive(guards_[before], guards)) continue;
    const bool pivot = data_->steps[before].step_class == StepClass::kPivot;
    follows[before] = links.follows_all || pivot || !names;
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

std::optional<std::vector<uint16_t>> EndsOf(const Draft& draft,
                                            std::initializer_list<uint16_t> used,
                                            const std::optional<std::vector<uint16_t>>& after) {
  std::vector<uint16_t> ends;
  for (const uint16_t declaration : used) {
    const std::vector<uint16_t>& own = draft.At(declaration).ends;
    ends.insert(ends.end(), own.begin(), own.end());
  }
  if (!after) return used.size() == 0 ? std::nullopt : std::optional(std::move(ends));
  for (const uint16_t declaration : *after) {
    const std::vector<uint16_t>& own = draft.At(declaration).ends;
    ends.insert(ends.end(), own.begin(), own.end());
  }
  return ends;
}

void Draft::SetResult(uint16_t declaration) {
  data_->result_step = At(declaration).output;
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
  result.text = std::move(not_done.reason);
  result.delay = not_done.delay.value_or(absl::ZeroDuration());
  result.code = not_done.code;
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
  result.output_failed = true;
  result.text = fmt::format("the output does not encode: {}", ToStd(status.message()));
}

}  // namespace skald::inline v1::internal
