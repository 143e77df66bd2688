// Claim 15: order_flow end to end against a loop that writes what it wrote.
#pragma once

#include <vector>

#include "fields.h"

namespace skald::bench {

std::vector<Contender> EnterOrderFlow(FieldPlan& plan);

}  // namespace skald::bench
