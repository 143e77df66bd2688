// A definition as a JSON file, for skald_sim --definition.
//
//   {"name": "place-order", "retention_s": 3600, "result": "charge", "steps": [
//     {"name": "reserve", "class": "compensatable", "service": "remote", "timeout_ms": 500,
//      "attempts_max": 5, "delay_min_ms": 20, "delay_max_ms": 1000, "guarded": true},
//     {"name": "charge", "class": "pivot", "uses": ["reserve"], "reconcile": true},
//     {"name": "ship", "class": "retriable"}]}
//
// class: compensatable, no-effect, pivot, retriable. service: shared, own, remote, bare. Also
// "kind": call, decision, sleep, await; "delay_ms" of a sleep or an await; "after", "when",
// "unless": names of earlier steps; "items_max" and "parallelism" of a fan-out. Decisions and the
// number of items are drawn by hash of the saga's key.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "skald/testing/simulation.h"

namespace skald_sim {

// RETURNS: NotFound, or InvalidArgument naming the file, the step and what is wrong with it.
absl::StatusOr<skald::SimulatedDefinition> ReadDefinition(const std::string& path);

}  // namespace skald_sim
