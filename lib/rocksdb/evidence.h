// A look at a database that changes nothing in it: what is there, and whether it is all that was
// acknowledged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "database.h"

namespace skald::inline v1::rocks {

struct Evidence {
  bool exists = false;             // there is a database
  uint64_t flushed_ordinal = 0;    // highest that is in table files
  uint64_t log_records = 0;        // that the write-ahead log holds beyond the files
  uint64_t log_first_ordinal = 0;  // of those records; 0: none
  uint64_t log_last_ordinal = 0;
  // The first place where ordinals do not follow one another: nothing between the two is there.
  struct Gap {
    uint64_t after = 0;
    uint64_t next = 0;
  };
  std::optional<Gap> gap;
  std::optional<std::string> unreadable;  // a record of the log that is not the store's

  // The highest ordinal that opening would recover.
  uint64_t recovered_ordinal() const { return std::max(flushed_ordinal, log_last_ordinal); }
};

// RETURNS: DataLoss when RocksDB itself refuses the files.
// COST:    reads the write-ahead log, and keeps nothing of it.
absl::StatusOr<Evidence> Look(const DatabaseConfig& config);

// Whether all that was acknowledged is there.
// RETURNS: DataLoss naming what is lost and what to do.
absl::Status Judge(const Evidence& evidence, uint64_t acknowledged, const std::string& path);

}  // namespace skald::inline v1::rocks
