// The ceilings: small loops that write the order saga's bytes with its syncs and do nothing else.
// A claim is the engine's figure over one of these, measured in the same process, turn by turn.
#pragma once

#include "measure.h"
#include "rocksdb/options.h"

namespace skald::bench {

// One thread appends 4 KiB and calls fdatasync; counts appends, times each.
Measured RunCeilingSync(const RunOptions& options);

// RocksDB, one thread, four synced commits of one record (the last one holds the end as well);
// counts rounds of four, times each.
Measured RunCeilingCommit4(const RunOptions& options);

// RocksDB, five records a saga under hashed keys, one synced commit a group, defaults otherwise.
Measured RunCeilingObvious(const RunOptions& options);

// RocksDB, the same records under ever-growing keys into a vector memtable.
Measured RunCeilingAppend(const RunOptions& options);

// The same records in a plain file, one write and one fdatasync a group.
Measured RunCeilingFile(const RunOptions& options);

// What all RocksDB loops here open with.
rocksdb::Options PlainOptions();

}  // namespace skald::bench
