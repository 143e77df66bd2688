// What a saga's journal says, as lines that a test can compare with.
//
//   auto lines = ReadJournal(store, saga.id(), &definition);
//   absl::Status same = MatchJournal(*lines, {"Start", "reserve Done", "...", "Turn", "..."});
//   INFO(same.ToString()); CHECK(same.ok());
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"
#include "skald/saga/definition.h"
#include "skald/saga/journal.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// One event in words: "Start", "reserve Done", "charge Rejected clean", "ship gave up",
// "undo reserve Done", "Turn", "Retry by anna", "CancelAsked", "DeadlinePassed". A step is named
// where `definition` is given, otherwise it is "step 2".
SKALD_EXPORT std::string ToLine(const Event& event, const Definition* definition);

// Every durable event of a saga, oldest first; empty: the journal knows nothing of it (any more).
// RETURNS: DataLoss: a block or an event does not read.
SKALD_EXPORT absl::StatusOr<std::vector<std::string>> ReadJournal(Store& store, SagaId id,
                                                                  const Definition* definition);

// Each pattern is a whole line; "..." stands for any number of lines, also none.
// RETURNS: FailedPrecondition with both, and the place where they part.
SKALD_EXPORT absl::Status MatchJournal(std::span<const std::string> lines,
                                       std::initializer_list<std::string_view> patterns);

}  // namespace skald::inline v1
