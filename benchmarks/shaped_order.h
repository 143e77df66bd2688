// The order saga with as many steps and as large payloads as a growth run asks for: compensatable
// inline steps with empty bodies, one after the other.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_key.h"
#include "workload.h"

namespace skald::bench {

inline constexpr SagaKey<"shaped-order", 1, std::string> kShapedOrder;

// What Shape::steps may be: each number of steps is a type.
const std::vector<uint32_t>& StepCounts();

// Ends the process when `shape.steps` is none of StepCounts(). `retention`: how long one that has
// ended stays known.
Definition ShapedOrder(const Shape& shape, absl::Duration retention = absl::Hours(24 * 7));

}  // namespace skald::bench
