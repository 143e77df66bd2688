#include "latency.h"

#include "catch.h"

namespace order_flow {
namespace {

TEST_CASE("Quantiles of a latency histogram are within 3 % of the true ones") {
  LatencyHistogram histogram;
  for (int64_t i = 1; i <= 100'000; ++i) histogram.Record(i);
  const Latency latency = histogram.Summary();
  const auto near = [](int64_t value, int64_t truth) {
    return value >= truth && value * 100 <= truth * 103 + 100;
  };
  CHECK(near(latency.p50, 50'000));
  CHECK(near(latency.p99, 99'000));
  CHECK(near(latency.p999, 99'900));
  CHECK(latency.max == 100'000);
}

TEST_CASE("Short latencies are exact, and no quantile is above the longest") {
  LatencyHistogram histogram;
  for (int i = 0; i < 10; ++i) histogram.Record(7);
  CHECK(histogram.Summary().p50 == 7);
  histogram.Record(1'000'003);
  CHECK(histogram.Summary().p50 == 7);
  CHECK(histogram.Summary().p999 == 1'000'003);
  CHECK(histogram.Summary().max == 1'000'003);
}

TEST_CASE("A histogram takes anything: nothing, negative and huge latencies") {
  LatencyHistogram histogram;
  CHECK(histogram.Summary().max == 0);
  CHECK(histogram.Bars(10).empty());
  histogram.Record(-5);
  CHECK(histogram.Summary().p50 == 0);
  histogram.Record(INT64_MAX);
  CHECK(histogram.Summary().max == int64_t{1} << 50);
}

TEST_CASE("The bars of a histogram hold every latency once, in growing spans") {
  LatencyHistogram histogram;
  for (int64_t i = 100; i < 100'000; i = i * 11 / 10) histogram.Record(i);
  const auto bars = histogram.Bars(12);
  REQUIRE(bars.size() == 12);
  int64_t sum = 0;
  for (size_t i = 0; i < bars.size(); ++i) {
    sum += bars[i].count;
    if (i > 0) CHECK(bars[i].up_to_us >= bars[i - 1].up_to_us);
  }
  CHECK(sum == histogram.count());
  CHECK(bars.back().up_to_us == histogram.Summary().max);
  CHECK(bars.back().count > 0);
}

}  // namespace
}  // namespace order_flow
