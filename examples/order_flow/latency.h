// Latencies in buckets that grow with what they hold: 32 to each doubling, so that any quantile is
// off by 3 % at most, in a few kilobytes for any number of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "report.h"

namespace order_flow {

class LatencyHistogram {
 public:
  void Record(int64_t micros);

  int64_t count() const { return count_; }
  Latency Summary() const;

  // The counts of `bars` spans of equal ratio from the first to the last latency, with the upper
  // end of each. Empty when nothing was recorded.
  struct Bar {
    int64_t up_to_us = 0;
    int64_t count = 0;
  };
  std::vector<Bar> Bars(int bars) const;

 private:
  static constexpr int kSubBits = 5;
  static constexpr int kBuckets = (64 - kSubBits) << kSubBits;

  static int BucketOf(uint64_t micros);
  static int64_t TopOf(int bucket);
  int64_t Quantile(double share) const;

  std::array<int64_t, kBuckets> counts_{};
  int64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace order_flow
