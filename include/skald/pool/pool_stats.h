// What an object pool tells about itself. While it is in use the figures are of slightly different
// moments.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skald::inline v1 {

struct PoolStats {
  size_t capacity = 0;
  size_t in_use = 0;        // objects that a handle owns
  size_t idle = 0;          // objects that wait
  uint64_t created = 0;     // since the pool was made
  uint64_t dropped = 0;     // destroyed on return: the reset function said so
  uint64_t cache_hits = 0;  // acquired from the thread's own cache
  uint64_t refills = 0;     // times that a cache was filled from what others gave back
  uint64_t steals = 0;      // acquired from another thread's cache
  uint64_t exhausted = 0;   // refused with ResourceExhausted
};

}  // namespace skald::inline v1
