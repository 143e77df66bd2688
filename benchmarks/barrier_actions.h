// Claim 13: actions behind a barrier, each with a row of its own business, and the same rows as
// bare batches.
#pragma once

#include "measure.h"

namespace skald::bench {

// RocksDB, one thread: options.in_flight calls' rows in a batch, the business row and one of the
// record's size under the record's key; one synced commit a batch. Counts calls.
Measured RunCeilingBatch(const RunOptions& options);

// Barrier::ActionThen over a Committer of its own thread over the RocksDB store; one thread calls,
// and waits while options.in_flight calls are not answered.
Measured RunBarrierActions(const RunOptions& options);

}  // namespace skald::bench
