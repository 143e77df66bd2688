// From RocksDB's errors to ours.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "rocksdb/status.h"

namespace skald::inline v1::rocks {

// "<what was being done>: <RocksDB's words>", its code chosen by what the caller should do next:
// ResourceExhausted a full disk, DataLoss damage, PermissionDenied no access, Unavailable else.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

}  // namespace skald::inline v1::rocks
