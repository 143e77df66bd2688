// The memtable of the rows. RocksDB's own finds a new row's place in a skip list, which takes some
// sixty comparisons with as many cache misses, and was the largest part of what a commit costs; yet
// the order is needed by scans and flushes alone. Here a row is put where its hash says, and is
// found there. For order, rows are sorted a few hundred at a time while they are in the processor's
// caches; who goes over them in order merges these runs.
//
// THREADS: one writer, as the database's options say; readers any, none of which waits for the
//   writer or for another but to take note of the runs there are.
// COST: an insert some two cache misses, and a share of a sort; Get as much. A scan's first seek
//   looks into each run, some hundred of them when a buffer of 126 MiB is full; each step is a
//   comparison for each doubling of their number.
//
// It orders keys by their bytes, as rocksdb::BytewiseComparator does.
#pragma once

#include <memory>

#include "rocksdb/memtablerep.h"

namespace skald::inline v1::rocks {

std::shared_ptr<rocksdb::MemTableRepFactory> HashedMemtable();

}  // namespace skald::inline v1::rocks
