// Sagas that have ended and are kept: what they cost those that come after them, and how fast one
// is found.
#pragma once

#include <vector>

#include "fields.h"

namespace skald::bench {

// Over one store with 10,000,000 ended sagas, 300,000 when quick; it is made when the first of
// those that need it runs, and removed with the last of them:
//   empty       RunClosedLoop on a new store
//   kept        the same on the store, which adds to it          (claim 10, over empty)
//   reads       gets of the kept rows from the database, opened with the store's options, from one
//               thread, as many as look for a key in the engine
//   duplicates  starts by a key and input that the store holds, keys uniform; one thread starts, up
//               to in_flight of them unanswered                  (claim 11, over reads)
// Each opens the files in its turn and closes them: none finds a cache that another has lost.
std::vector<Contender> EnterKept(FieldPlan& plan);

}  // namespace skald::bench
