// What each event does to the view; fold.cc decides when.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "skald/saga/definition.h"
#include "skald/saga/fold.h"
#include "skald/saga/journal.h"

namespace skald::inline v1::internal {

// `part` of `journal`, as a place in it.
Slice SliceOf(std::string_view journal, std::string_view part);
absl::Status NoSense(const Event& event, std::string_view why);

absl::Status FoldStart(SagaView& view, const DefinitionData* definition, std::string_view journal,
                       const Event& event);
// Also without the definition: whose signal it is.
void NoteSignal(SagaView& view, std::string_view journal, const Event& event);
// Every other kind.
absl::Status FoldStepEvent(SagaView& view, const DefinitionData& definition,
                           std::string_view journal, const Event& event);

}  // namespace skald::inline v1::internal
