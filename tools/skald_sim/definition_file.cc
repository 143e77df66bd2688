#include "definition_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "skald/base/status.h"
#include "skald/saga/step_key.h"

namespace skald_sim {
namespace {

using nlohmann::json;
using skald::ServiceKind;
using skald::SimulatedDefinition;
using skald::SimulatedStep;
using skald::StepClass;
using skald::internal::StepKind;

constexpr std::pair<const char*, StepClass> kClasses[] = {
    {"compensatable", StepClass::kCompensatable},
    {"no-effect", StepClass::kNoEffect},
    {"pivot", StepClass::kPivot},
    {"retriable", StepClass::kRetriable}};
constexpr std::pair<const char*, StepKind> kKinds[] = {{"call", StepKind::kCall},
                                                       {"decision", StepKind::kDecision},
                                                       {"sleep", StepKind::kSleep},
                                                       {"await", StepKind::kAwait}};
constexpr std::pair<const char*, ServiceKind> kServices[] = {{"shared", ServiceKind::kShared},
                                                             {"own", ServiceKind::kOwn},
                                                             {"remote", ServiceKind::kRemote},
                                                             {"bare", ServiceKind::kBare}};

absl::Status Bad(const std::string& why) {
  return absl::InvalidArgumentError(why);
}

template <typename Enum, size_t kCount>
absl::StatusOr<Enum> OneOf(const json& from, const char* field, const char* fallback,
                           const std::pair<const char*, Enum> (&choices)[kCount]) {
  const std::string word = from.value(field, fallback);
  std::string all;
  for (const auto& [name, value] : choices) {
    if (word == name) return value;
    all += fmt::format("{}'{}'", all.empty() ? "" : ", ", name);
  }
  return Bad(fmt::format("'{}' is no {}; {} are", word, field, all));
}

absl::StatusOr<uint16_t> IndexOf(const SimulatedDefinition& saga, const std::string& name) {
  for (size_t i = 0; i < saga.steps.size(); ++i) {
    if (saga.steps[i].name == name) return static_cast<uint16_t>(i);
  }
  return Bad(fmt::format("there is no earlier step '{}'", name));
}

absl::Status RefuseUnknown(const json& from, const std::set<std::string>& known) {
  for (const auto& [field, value] : from.items()) {
    if (!known.contains(field)) return Bad(fmt::format("nothing is called '{}' here", field));
  }
  return absl::OkStatus();
}

absl::Status ReadNames(const json& from, const SimulatedDefinition& saga,
                       std::vector<uint16_t>& into) {
  for (const json& name : from) {
    SKALD_ASSIGN_OR_RETURN(const uint16_t index, IndexOf(saga, name.get<std::string>()));
    into.push_back(index);
  }
  return absl::OkStatus();
}

// What it follows, which decisions it goes by, its items, how long it waits.
absl::Status ReadLinks(const json& from, const SimulatedDefinition& saga, SimulatedStep& step) {
  SKALD_RETURN_IF_ERROR(ReadNames(from.value("uses", json::array()), saga, step.uses));
  if (step.uses.size() > 2) return Bad("it uses more than two outputs");
  if (from.contains("after")) {
    SKALD_RETURN_IF_ERROR(ReadNames(from["after"], saga, step.after.emplace()));
  }
  for (const bool when : {true, false}) {
    std::vector<uint16_t> decisions;
    SKALD_RETURN_IF_ERROR(
        ReadNames(from.value(when ? "when" : "unless", json::array()), saga, decisions));
    for (const uint16_t decision : decisions) step.guards.push_back({decision, when});
  }
  step.items_max = from.value("items_max", 0U);
  step.parallelism = from.value("parallelism", 1U);
  if (from.contains("delay_ms")) step.delay = absl::Milliseconds(from["delay_ms"].get<int64_t>());
  return absl::OkStatus();
}

absl::Status ReadStep(const json& from, SimulatedDefinition& saga) {
  SKALD_RETURN_IF_ERROR(RefuseUnknown(
      from, {"name", "class", "kind", "service", "timeout_ms", "attempts_max", "delay_min_ms",
             "delay_max_ms", "guarded", "once", "inline", "reconcile", "uses", "after", "when",
             "unless", "items_max", "parallelism", "delay_ms"}));
  SimulatedStep step;
  step.name = from.at("name").get<std::string>();
  if (!skald::IsName(step.name)) return Bad("a name is 1 to 64 letters, digits, '-', '_' or '.'");
  SKALD_ASSIGN_OR_RETURN(step.kind, OneOf(from, "kind", "call", kKinds));
  const char* const usual = step.kind == StepKind::kCall ? "compensatable" : "no-effect";
  SKALD_ASSIGN_OR_RETURN(step.step_class, OneOf(from, "class", usual, kClasses));
  SKALD_ASSIGN_OR_RETURN(step.service, OneOf(from, "service", "remote", kServices));
  auto& options = step.options;
  options.timeout = absl::Milliseconds(from.value("timeout_ms", 30'000));
  options.retry.attempts_max =
      from.value("attempts_max", step.step_class == StepClass::kRetriable ? 0U : 5U);
  options.retry.delay_min = absl::Milliseconds(from.value("delay_min_ms", 20));
  options.retry.delay_max = absl::Milliseconds(from.value("delay_max_ms", 1000));
  options.compensation_retry = options.retry;
  options.guarded = from.value("guarded", false);
  options.once = from.value("once", false);
  options.runs_inline = from.value("inline", false);
  if (options.runs_inline && step.service != ServiceKind::kBare) {
    return Bad("only a step of the service 'bare' can run inline: it never waits");
  }
  step.reconcile = from.value("reconcile", false);
  SKALD_RETURN_IF_ERROR(ReadLinks(from, saga, step));
  saga.steps.push_back(std::move(step));
  return absl::OkStatus();
}

absl::StatusOr<SimulatedDefinition> Read(const json& from) {
  SKALD_RETURN_IF_ERROR(RefuseUnknown(from, {"name", "version", "retention_s", "result", "steps"}));
  SimulatedDefinition saga;
  saga.name = from.at("name").get<std::string>();
  saga.version = from.value("version", 1U);
  saga.retention = absl::Seconds(from.value("retention_s", 7 * 24 * 3600));
  for (const json& step : from.at("steps")) {
    SKALD_RETURN_IF_ERROR(
        skald::Annotate(ReadStep(step, saga), fmt::format("step {}", saga.steps.size() + 1)));
  }
  if (saga.steps.empty()) return Bad("it has no steps");
  SKALD_RETURN_IF_ERROR(skald::Validate(saga));
  if (from.contains("result")) {
    SKALD_ASSIGN_OR_RETURN(saga.result_step, IndexOf(saga, from["result"].get<std::string>()));
  }
  return saga;
}

}  // namespace

absl::StatusOr<SimulatedDefinition> ReadDefinition(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(fmt::format("reading '{}': it cannot be opened", path));
  try {
    absl::StatusOr<SimulatedDefinition> saga = Read(json::parse(file));
    if (!saga.ok()) return skald::Annotate(saga.status(), fmt::format("reading '{}'", path));
    return saga;
  } catch (const json::exception& error) {
    return Bad(fmt::format("reading '{}': {}", path, error.what()));
  }
}

}  // namespace skald_sim
