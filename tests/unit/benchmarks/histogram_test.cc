#include "histogram.h"

#include "catch.h"

using skald::bench::Histogram;

TEST_CASE("a histogram's quantiles are right to a bucket's width, its maximum exactly") {
  Histogram histogram;
  for (int ms = 1; ms <= 1000; ++ms) histogram.Add(ms * 1e-3);
  constexpr double kBucket = 0.022;  // 32 buckets an octave: 2^(1/32) - 1
  CHECK(histogram.count() == 1000);
  CHECK(histogram.Quantile(0.5) == Approx(0.5).epsilon(kBucket));
  CHECK(histogram.Quantile(0.99) == Approx(0.99).epsilon(kBucket));
  CHECK(histogram.Quantile(1) == Approx(1).epsilon(kBucket));
  CHECK(histogram.max() == 1.0);
}

TEST_CASE("what is outside a histogram's range counts at its ends") {
  Histogram histogram;
  CHECK(histogram.Quantile(0.5) == 0);
  histogram.Add(0);
  CHECK(histogram.Quantile(0.5) == 0);  // never above the maximum
  histogram.Add(1e9);
  histogram.Add(1e9);
  CHECK(histogram.count() == 3);
  CHECK(histogram.max() == 1e9);
  CHECK(histogram.Quantile(0.99) > 1000);
}

TEST_CASE("histograms add up") {
  Histogram sum;
  Histogram slow;
  sum.Add(0.001);
  for (int i = 0; i < 9; ++i) slow.Add(0.1);
  sum.Add(slow);
  CHECK(sum.count() == 10);
  CHECK(sum.max() == 0.1);
  CHECK(sum.Quantile(0.05) < 0.002);
  CHECK(sum.Quantile(0.5) > 0.09);
}
