#include "skald/testing/journal_matchers.h"

#include <fmt/core.h>

#include <utility>

#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr std::string_view kAny = "...";

std::string StepName(const Event& event, const Definition* definition) {
  if (definition == nullptr || event.step >= definition->data().steps.size()) {
    return fmt::format("step {}", event.step);
  }
  return definition->data().steps[event.step].name;
}

// How many lines match before the first that does not; all of them and nothing left: a match.
bool Matches(std::span<const std::string> lines, std::span<const std::string_view> patterns,
             size_t matched, size_t& furthest) {
  furthest = std::max(furthest, matched);
  if (patterns.empty()) return lines.empty();
  if (patterns.front() == kAny) {
    if (Matches(lines, patterns.subspan(1), matched, furthest)) return true;
    return !lines.empty() && Matches(lines.subspan(1), patterns, matched + 1, furthest);
  }
  if (lines.empty() || lines.front() != patterns.front()) return false;
  return Matches(lines.subspan(1), patterns.subspan(1), matched + 1, furthest);
}

}  // namespace

std::string ToLine(const Event& event, const Definition* definition) {
  const std::string undo = event.direction == Direction::kCompensation ? "undo " : "";
  const char* const clean = event.clean ? " clean" : "";
  switch (event.kind) {
    case EventKind::kVerdict:
      return fmt::format("{}{} {}{}", undo, StepName(event, definition), ToString(event.verdict),
                         clean);
    case EventKind::kGaveUp:
      return fmt::format("{}{} gave up{}", undo, StepName(event, definition), clean);
    case EventKind::kOperatorVerb:
      return fmt::format("{} by {}", ToString(event.verb), event.actor);
    default:
      return std::string(ToString(event.kind));
  }
}

absl::StatusOr<std::vector<std::string>> ReadJournal(Store& store, SagaId id,
                                                     const Definition* definition) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(Space::kLog, {}));
  std::vector<std::string> lines;
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const Block block, ReadBlock(cursor->value()));
    for (const BlockEntry& entry : block.entries) {
      if (entry.saga != id) continue;
      if (entry.carried) lines.clear();
      for (std::string_view rest = entry.events; !rest.empty();) {
        SKALD_ASSIGN_OR_RETURN(const Event event, ReadEvent(rest));
        lines.push_back(ToLine(event, definition));
      }
    }
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  return lines;
}

absl::Status MatchJournal(std::span<const std::string> lines,
                          std::initializer_list<std::string_view> patterns) {
  size_t furthest = 0;
  const std::span<const std::string_view> all(patterns.begin(), patterns.size());
  if (Matches(lines, all, 0, furthest)) return absl::OkStatus();
  std::string text =
      fmt::format("the journal is not as expected from line {} on.\nit says:", furthest + 1);
  for (const std::string& line : lines) text += "\n  " + line;
  text += "\nexpected:";
  for (const std::string_view pattern : patterns) text += fmt::format("\n  {}", pattern);
  return absl::FailedPreconditionError(text);
}

}  // namespace skald::inline v1
