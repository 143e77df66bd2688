// The ceiling of claim 15: what a run of order_flow wrote, written again.
#pragma once

#include "flow_recording.h"
#include "measure.h"

namespace skald::bench {

// As many RocksDB databases as the recording has, each with a thread that writes its commits one
// behind the other, synced; none waits for another. Counts `orders`.
Measured RunCeilingFlow(const Recording& recording, uint64_t orders, const RunOptions& options);

}  // namespace skald::bench
