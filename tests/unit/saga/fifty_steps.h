#pragma once

#include "skald/saga/definition.h"

namespace fifty {

// Input: eight bytes, a number. Step n's output is that number + n; step 30 is the pivot.
skald::Definition FiftySteps();

}  // namespace fifty
