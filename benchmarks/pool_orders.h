// Claim 12: an order with its buffers is made, filled and deleted, or taken from an object pool and
// given back.
#pragma once

#include <vector>

#include "fields.h"

namespace skald::bench {

// fresh and pooled by one thread, and both by two at once. Counts orders; the pooled ones count
// what they allocate.
std::vector<Contender> EnterPool(FieldPlan& plan);

}  // namespace skald::bench
