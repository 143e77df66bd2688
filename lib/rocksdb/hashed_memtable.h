// The memtable of the rows. RocksDB's own finds a new row's place in a skip list, which takes some
// sixty comparisons with as many cache misses, and was the largest part of what a commit costs; yet
// the order is needed by scans and flushes alone. Here a row is put where its hash says, and is
// found there. For order, rows are sorted a few hundred at a time while they are in the processor's
// caches, and these runs are merged as they become more, and by who goes over them.
//
// THREADS: one writer, as the database's options say; readers any. Reading by key waits for
//   nothing; a cursor's beginning and the writer's every 256th row hold a mutex for as long as it
//   takes to copy so many pointers.
// COST: an insert some two cache misses and a share of a sort; Get some two for each time that the
//   buckets have been doubled since the row was written. A scan's seek looks into each run, some
//   hundred of them when a buffer of 126 MiB is full, and so does RocksDB where a scan passes
//   over more than eight versions of a row; each step is a comparison for each doubling of their
//   number. Get at an old snapshot goes over the newer versions of its row.
//
// It orders keys by their bytes, as rocksdb::BytewiseComparator does. A cursor shows what was there
// when it was made: Refresh and tailing cursors show no more than that before the memtable is
// flushed, and are not for it.
#pragma once

#include <memory>

#include "rocksdb/memtablerep.h"

namespace skald::inline v1::rocks {

std::shared_ptr<rocksdb::MemTableRepFactory> HashedMemtable();

}  // namespace skald::inline v1::rocks
