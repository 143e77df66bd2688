// How long many things took, in a few KiB: 32 buckets an octave, so a quantile is right to 2.2 %.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace skald::bench {

// From 1 us to 1,000 s; what lies outside counts as the nearest of these.
class Histogram {
 public:
  void Add(double seconds) {
    ++buckets_[BucketOf(seconds)];
    ++count_;
    max_ = std::max(max_, seconds);
  }
  void Add(const Histogram& other) {
    for (size_t at = 0; at < kBuckets; ++at) buckets_[at] += other.buckets_[at];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  uint64_t count() const { return count_; }
  double max() const { return max_; }  // exact
  // Seconds; 0 when empty. `q` within [0, 1].
  double Quantile(double q) const {
    if (count_ == 0) return 0;
    const double wanted = q * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t at = 0; at < kBuckets; ++at) {
      seen += buckets_[at];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(max_, MiddleOf(at));
    }
    return max_;
  }

 private:
  static constexpr double kLowest = 1e-6;
  static constexpr double kAnOctave = 32;
  static constexpr size_t kBuckets = 30 * 32;  // 2^30 us are some 1,000 s

  static size_t BucketOf(double seconds) {
    if (seconds <= kLowest) return 0;
    const auto bucket = static_cast<size_t>(std::log2(seconds / kLowest) * kAnOctave);
    return std::min(bucket, kBuckets - 1);
  }
  static double MiddleOf(size_t bucket) {
    return kLowest * std::exp2((static_cast<double>(bucket) + 0.5) / kAnOctave);
  }

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  double max_ = 0;
};

}  // namespace skald::bench
