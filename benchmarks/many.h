// Opening a store with very many sagas in flight.
#pragma once

#include <string_view>
#include <vector>

#include "fields.h"

namespace skald::bench {

// What "open" finds beside its time. The scan ends when recovery lets go of its last cursor over
// the store: what comes between that and the first step that is called again is the engine's own.
inline constexpr std::string_view kFirstActionSeconds = "first_action_after_scan_s";
inline constexpr std::string_view kScanSeconds = "scan_s";               // from the open's begin
inline constexpr std::string_view kAllResumedSeconds = "all_resumed_s";  // from the open's begin
inline constexpr std::string_view kResumedBytes = "heap_bytes_a_saga";   // when all are resumed

// Over one store with 1,000,000 sagas in flight, 100,000 when quick, each in its first step; made
// when the first of the two runs:
//   scan  every key and value of the database, read in order from all its column families, opened
//         for reading with the store's options
//   open  Coordinator::Open, from the call to its return
// In both the files are opened before the clock starts and are in the page cache: what is compared
// is reading. A run of either leaves the sagas as they are.
std::vector<Contender> EnterMany(FieldPlan& plan);

}  // namespace skald::bench
