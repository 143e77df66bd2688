#include "latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace order_flow {

int LatencyHistogram::BucketOf(uint64_t micros) {
  constexpr uint64_t kExact = uint64_t{1} << kSubBits;
  if (micros < kExact) return static_cast<int>(micros);
  const int shift = static_cast<int>(std::bit_width(micros)) - 1 - kSubBits;
  const auto sub = static_cast<int>((micros >> shift) - kExact);
  return std::min(((shift + 1) << kSubBits) + sub, kBuckets - 1);
}

int64_t LatencyHistogram::TopOf(int bucket) {
  constexpr int kExact = 1 << kSubBits;
  if (bucket < kExact) return bucket;
  const int shift = (bucket >> kSubBits) - 1;
  const auto low = static_cast<int64_t>(kExact + (bucket & (kExact - 1))) << shift;
  return low + (int64_t{1} << shift) - 1;
}

void LatencyHistogram::Record(int64_t micros) {
  micros = std::clamp<int64_t>(micros, 0, int64_t{1} << 50);
  ++counts_[static_cast<size_t>(BucketOf(static_cast<uint64_t>(micros)))];
  ++count_;
  max_ = std::max(max_, micros);
}

int64_t LatencyHistogram::Quantile(double share) const {
  const auto rank = static_cast<int64_t>(std::ceil(share * static_cast<double>(count_)));
  int64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += counts_[static_cast<size_t>(i)];
    if (seen >= rank && seen > 0) return std::min(TopOf(i), max_);
  }
  return max_;
}

Latency LatencyHistogram::Summary() const {
  return {Quantile(0.5), Quantile(0.99), Quantile(0.999), max_};
}

std::vector<LatencyHistogram::Bar> LatencyHistogram::Bars(int bars) const {
  std::vector<Bar> result;
  if (count_ == 0) return result;
  const double low = static_cast<double>(std::max<int64_t>(1, Quantile(0)));
  const double high = static_cast<double>(std::max<int64_t>(max_, 1));
  for (int i = 1; i <= bars; ++i) {
    const double top = low * std::pow(high / low, static_cast<double>(i) / bars);
    result.push_back({i == bars ? max_ : static_cast<int64_t>(top), 0});
  }
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    const int64_t count = counts_[static_cast<size_t>(bucket)];
    if (count == 0) continue;
    const int64_t top = std::min(TopOf(bucket), max_);
    const auto bar = std::ranges::lower_bound(result, top, {}, &Bar::up_to_us);
    (bar == result.end() ? result.back() : *bar).count += count;
  }
  return result;
}

}  // namespace order_flow
