// The store on RocksDB: what was acknowledged survives process crash and power loss.
//
// RocksDB alone does not notice every loss: a damaged write-ahead log opens without an error and
// silently ends early. So the store keeps its own proof. Every batch carries an ordinal, a mark
// beside the database holds the highest ordinal that was acknowledged, and a database that has
// less, or a gap, is refused with its files untouched (see rocksdb/fsck.h for the way out). What
// can be missed: damage to the last 100 ms together with a power loss.
//
//   auto store = skald::OpenRocksDbStore("orders.db");
//   if (!store.ok()) return store.status();              // says what to do
//   auto coordinator = skald::Coordinator::Open(**store, pool, {…});
//
// Survives: process crash, machine crash, a full disk (it recovers by itself once there is room).
// Does not survive: loss of the disk. One process at a time holds a directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/observer.h"
#include "skald/base/random.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// The newest layout of a store's directory that this build reads and writes.
inline constexpr uint32_t kRocksDbFormat = 1;

struct RocksDbOptions {
  // Is told of background errors, of a closed and reopened database and of trouble with the mark.
  Observer* observer = nullptr;
  // Times the pauses between attempts to reopen; outlives the store.
  const Clock* clock = &Clock::Real();
  // Draws the id of a new store.
  Random* random = &Random::Real();

  // False: a directory that holds no store is refused instead of made into one.
  bool create_if_missing = true;

  // What write buffers and caches may hold together, about: a quarter is block cache, a
  // thirty-second, 4 MiB at most, holds rows that were written lately, the rest is buffers, which
  // are flushed when rows and log have filled a third of them (where flushes fall behind and both
  // are written alike, they may come to two thirds more). Smaller than 16 MiB is taken as 16 MiB.
  // Larger buffers mean fewer, longer flushes. The filters and
  // indexes of the files that are open stay in the cache, some two bytes a row, also when they come
  // to more than its size: open_files_max bounds them.
  size_t memory_bytes = size_t{512} << 20;
  // Files that are held open at most.
  int open_files_max = 512;
  // Threads for flushes, and as many for compactions. RocksDB shares them among all databases of a
  // process and keeps the largest number asked for.
  int background_threads = 1;

  // How often the mark is forced to disk: the window in which damage together with a power loss
  // can go unnoticed. It does not touch durability: every commit is synced by itself.
  absl::Duration mark_sync_interval = absl::Milliseconds(100);

  // After a failed write the database is closed and reopened; these bound the pause between
  // attempts, which doubles. Meanwhile commits answer "outcome unknown" at once.
  absl::Duration reopen_delay_min = absl::Milliseconds(20);
  absl::Duration reopen_delay_max = absl::Seconds(2);

  // True: a directory on NFS, SMB, FUSE and their like is accepted. They may acknowledge a sync
  // that did not happen, and locks may not hold: only for data that may be lost.
  bool allow_network_file_system = false;

  StoreLimits limits;
};

// Opens the store in the directory `path`, made if it is not there (its parent must be).
// RETURNS: Unavailable         held by another process (or this one); its pid is named. Try again
//                              when it has ended
//          DataLoss            acknowledged commits are missing or the files are damaged. They are
//                              untouched; run skald_fsck
//          FailedPrecondition  `path` is a file, holds something else or a newer format, is not
//                              there and not to be made, is on a network file system
//          PermissionDenied    `path` cannot be written
//          ResourceExhausted   the disk is full
//          InvalidArgument     an option is out of its range
// THREADS: any.
// COST:    after a crash reads the write-ahead log twice (first only to look) and flushes it.
SKALD_EXPORT absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(std::string path,
                                                                     RocksDbOptions options = {});

}  // namespace skald::inline v1
