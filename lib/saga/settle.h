// What follows from the places of a saga: its state, and which steps begin, are skipped or have
// their signal already.
#pragma once

#include "absl/time/time.h"
#include "skald/saga/definition.h"
#include "skald/saga/fold.h"
#include "skald/saga/state.h"

namespace skald::inline v1::internal {

// The state that the places come to.
SagaState Settle(const SagaView& view, const DefinitionData& definition);

// After something was decided at `time`: lets begin what can, step by step in their order.
void Propagate(SagaView& view, const DefinitionData& definition, MicroTime time);

}  // namespace skald::inline v1::internal
