// Says what is in a RocksDB store's directory and whether all that was acknowledged is there; and,
// on an operator's word, takes what is left as the store from now on. tools/skald_fsck prints it.
//
//   auto report = skald::FsckRocksDbStore("orders.db");
//   if (report.ok()) std::cout << skald::ToText(*report);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/base/ids.h"

namespace skald::inline v1 {

struct FsckOptions {
  // Accepts what is there: all writers' epochs are raised by 2^32, so that nobody who knew the
  // store before can write to it, and the mark is set to what is there. What is lost stays lost:
  // participants may have seen effects of sagas that the store no longer knows. Copy the directory
  // first.
  bool adopt = false;
  // Counts rows and log entries by reading them all; else RocksDB estimates.
  bool count = false;
};

struct FsckReport {
  std::string path;
  uint32_t format = 0;
  StoreId id{};

  // Ordinals of write batches: one for every commit, Acquire and DropRange.
  std::optional<uint64_t> marked_ordinal;  // acknowledged, by the mark; nullopt: not readable
  uint64_t flushed_ordinal = 0;            // in table files
  uint64_t recovered_ordinal = 0;          // with what the write-ahead log still holds
  uint64_t log_records = 0;                // of the write-ahead log beyond the files

  struct Writer {
    uint16_t number = 0;
    std::string name;
    uint64_t epoch = 0;
    uint64_t last_number = 0;
    uint64_t last_ticket = 0;
  };
  std::vector<Writer> writers;
  bool counted = false;
  uint64_t rows = 0;
  uint64_t log_entries = 0;

  // One sentence each; empty: the store opens.
  std::vector<std::string> problems;
  // The problems were accepted; the store opens now.
  bool adopted = false;
};

// Changes nothing but with `adopt`.
// RETURNS: FailedPrecondition  no store, a newer format; with `adopt`: nothing is there to adopt
//          Unavailable         the store is open, here or in another process
//          other               the directory could not be read, or adopting failed: run it again
// THREADS: any.   COST: reads the write-ahead log twice; with `count` everything.
SKALD_EXPORT absl::StatusOr<FsckReport> FsckRocksDbStore(const std::string& path,
                                                         const FsckOptions& options = {});

// Lines for a person.
SKALD_EXPORT std::string ToText(const FsckReport& report);

}  // namespace skald::inline v1
