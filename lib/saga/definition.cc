#include "skald/saga/definition.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "definition_problems.h"
#include "skald/base/hash.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {

namespace {

std::string Quoted(std::string_view text) {
  return fmt::format("\"{}\"", absl::CEscape(ToAbsl(text)));
}

void AppendNames(std::string& text, const internal::DefinitionData& data,
                 const std::vector<uint16_t>& steps) {
  text += '[';
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0) text += ' ';
    text += steps[i] < data.steps.size() ? data.steps[steps[i]].name : "?";
  }
  text += ']';
}

void AppendGuards(std::string& text, const internal::DefinitionData& data,
                  const internal::Guards& guards) {
  text += '[';
  for (size_t i = 0; i < guards.size(); ++i) {
    if (i > 0) text += ' ';
    if (!guards[i].when) text += '!';
    const bool known = guards[i].decision < data.steps.size();
    text += known ? data.steps[guards[i].decision].name : "?";
  }
  text += ']';
}

std::string Schema(const internal::ValueOps& ops) {
  return fmt::format("{} {}", Quoted(ops.schema_name), ops.schema_version);
}

// What decides whether two builds mean the same saga, one line each:
//
//   skald definition 1
//   saga <name> <version>
//   input "<schema name>" <schema version>
//   step <name> <class> after [<name> …] uses [<name> …] output "<schema name>" <schema version>
//        … kind <number>                                     where it is not a call
//        … when [<name> !<name> …]                           where it has guards
//        … each "<schema name>" <schema version>             of the items of a fan-out
//        … payload "<schema name>" <schema version>          of the signal that it awaits
//        … from <name>                                       where a step gives its input
//        … starts <name> <version>                           the saga that it starts
//   result <name>                                            absent when there is none
//
// Names hold neither spaces nor quotes; schema names are escaped as in C. Its hash is journaled:
// what is added later must leave the text of definitions that do not use it as it is.
std::string CanonicalText(const internal::DefinitionData& data) {
  std::string text = "skald definition 1\n";
  text += fmt::format("saga {} {}\n", data.name, data.version);
  text += fmt::format("input {} {}\n", Quoted(data.input.schema_name), data.input.schema_version);
  for (const internal::StepNode& step : data.steps) {
    text += fmt::format("step {} {} after ", step.name, static_cast<int>(step.step_class));
    AppendNames(text, data, step.predecessors);
    text += " uses ";
    AppendNames(text, data, step.uses);
    text += " output " + Schema(step.output);
    if (step.kind != internal::StepKind::kCall) {
      text += fmt::format(" kind {}", static_cast<int>(step.kind));
    }
    if (!step.guards.empty()) {
      text += " when ";
      AppendGuards(text, data, step.guards);
    }
    if (step.fan_out) text += " each " + Schema(step.fan_out->item);
    if (step.kind == internal::StepKind::kAwait) text += " payload " + Schema(step.payload);
    if (step.input_from && *step.input_from < data.steps.size()) {
      text += " from " + data.steps[*step.input_from].name;
    }
    if (step.saga) text += fmt::format(" starts {} {}", step.saga->definition, step.saga->version);
    text += '\n';
  }
  if (data.result_step && *data.result_step < data.steps.size()) {
    text += fmt::format("result {}\n", data.steps[*data.result_step].name);
  }
  return text;
}

std::string_view ClassName(const internal::StepNode& step) {
  switch (step.kind) {
    case internal::StepKind::kDecision:
      return "decision";
    case internal::StepKind::kSleep:
      return "sleep";
    case internal::StepKind::kAwait:
      return "signal";
    case internal::StepKind::kInput:
      return "input";
    case internal::StepKind::kSaga:
      return "saga";
    case internal::StepKind::kCall:
      break;
  }
  switch (step.step_class) {
    case StepClass::kCompensatable:
      return "compensatable";
    case StepClass::kNoEffect:
      return "no effect";
    case StepClass::kPivot:
      return "pivot";
    case StepClass::kRetriable:
      return "retriable";
  }
  return "?";
}

std::string_view Shape(const internal::StepNode& step) {
  if (step.kind == internal::StepKind::kDecision) return "diamond";
  if (step.kind == internal::StepKind::kSleep) return "circle";
  if (step.kind == internal::StepKind::kAwait) return "invhouse";
  if (step.kind == internal::StepKind::kInput) return "parallelogram";
  if (step.kind == internal::StepKind::kSaga) return "folder";
  if (step.fan_out) return "box3d";
  switch (step.step_class) {
    case StepClass::kCompensatable:
      return "box";
    case StepClass::kNoEffect:
      return "ellipse";
    case StepClass::kPivot:
      return "doubleoctagon";
    case StepClass::kRetriable:
      return "cds";
  }
  return "plain";
}

// Draws a frame around the steps of each part of the definition.
class Parts {
 public:
  explicit Parts(std::string& dot) : dot_(dot) {}

  // Before a step of this name. RETURNS: its name within its part.
  std::string_view Enter(std::string_view name) {
    size_t depth = 0;
    for (size_t slash = name.find('/'); slash != name.npos; slash = name.find('/')) {
      const std::string_view part = name.substr(0, slash);
      if (depth < open_.size() && open_[depth] != part) Close(depth);
      if (depth == open_.size()) {
        open_.emplace_back(part);
        dot_ += fmt::format("  subgraph cluster_{} {{\n  label={};\n", count_++, Quoted(part));
      }
      ++depth;
      name.remove_prefix(slash + 1);
    }
    Close(depth);
    return name;
  }
  void Leave() { Close(0); }

 private:
  void Close(size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) dot_ += "  }\n";
  }

  std::string& dot_;
  std::vector<std::string> open_;
  size_t count_ = 0;
};

// What the decision `from` must say for the step to run, as an edge's label.
std::string_view GuardLabel(const internal::StepNode& step, uint16_t from) {
  if (Has(step.guards, {from, true})) return " [label=yes]";
  return Has(step.guards, {from, false}) ? " [label=no]" : "";
}

}  // namespace

internal::Guards internal::EffectiveGuards(const DefinitionData& data, uint16_t step) {
  return AllGuards(data, data.steps[step].guards);
}

internal::Guards internal::AllGuards(const DefinitionData& data, Guards all) {
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].decision >= data.steps.size()) continue;
    for (const GuardAt& guard : data.steps[all[i].decision].guards) {
      if (!Has(all, guard)) all.push_back(guard);
    }
  }
  return all;
}

Definition internal::Finish(DefinitionData data) {
  data.pivots.clear();
  for (size_t i = 0; i < data.steps.size(); ++i) {
    StepNode& step = data.steps[i];
    step.hash = StepHash(step.name);
    if (step.step_class == StepClass::kPivot) data.pivots.push_back(static_cast<uint16_t>(i));
  }
  data.canonical = CanonicalText(data);
  data.fingerprint = StableHash64(data.canonical);
  data.problems = FindProblems(data);
  return Definition(std::make_shared<const DefinitionData>(std::move(data)));
}

absl::Status Validate(const Definition& definition) {
  const internal::DefinitionData& data = definition.data();
  if (data.problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("definition '{}' version {}: {}", data.name,
                                                data.version, fmt::join(data.problems, "; ")));
}

std::string ToDot(const Definition& definition) {
  const internal::DefinitionData& data = definition.data();
  std::string dot = fmt::format("digraph {} {{\n  rankdir=LR;\n",
                                Quoted(fmt::format("{} v{}", data.name, data.version)));
  Parts parts(dot);
  for (size_t i = 0; i < data.steps.size(); ++i) {
    const internal::StepNode& step = data.steps[i];
    const bool result = data.result_step == i;
    const std::string_view own = parts.Enter(step.name);
    dot += fmt::format("  s{} [label={}, shape={}{}];\n", i,
                       Quoted(fmt::format("{}\n{}", own, ClassName(step))), Shape(step),
                       result ? ", style=bold" : "");
  }
  parts.Leave();
  for (size_t i = 0; i < data.steps.size(); ++i) {
    for (const uint16_t from : data.steps[i].predecessors) {
      dot += fmt::format("  s{} -> s{}{};\n", from, i, GuardLabel(data.steps[i], from));
    }
    for (const uint16_t from : data.steps[i].uses) {
      dot += fmt::format("  s{} -> s{} [style=dashed, constraint=false];\n", from, i);
    }
  }
  return dot + "}\n";
}

}  // namespace skald::inline v1
