// What growth runs showed, and its file: it can be drawn again without measuring again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "machine.h"
#include "measure.h"

namespace skald::bench {

// One run at one point. What a series does not measure stays 0.
struct Reading {
  double per_second = 0;
  double cpu_us = 0;  // a saga
  double p50_us = 0;
  double p99_us = 0;
  double bytes = 0;  // of memory, all sagas together
};
Reading ReadingOf(const Measured& run);

struct GrowthPoint {
  double x = 0;
  std::vector<Reading> rounds;
};

// One who ran: "skald", or a ceiling's name.
struct GrowthSeries {
  std::string name;
  std::vector<GrowthPoint> points;  // ascending x
};

struct GrowthAxis {
  std::string name;  // "in-flight", …
  std::vector<GrowthSeries> series;

  // Null when nobody of this name ran.
  const GrowthSeries* Find(std::string_view who) const;
};

struct GrowthResults {
  Machine machine;
  std::string commit;
  double seconds = 0;  // of a run, without its warm-up
  std::vector<GrowthAxis> axes;
};

double MedianOf(const GrowthPoint& point, double Reading::* figure);
// Bytes that one more x costs: the least squares over all rounds. 0 with fewer than two points.
double SlopeOf(const GrowthSeries& series, double Reading::* figure);

// {"machine": {…}, "commit": …, "seconds": …, "axes": {NAME: {"series": {WHO: [{"x": …, medians…,
// "ratio": to append, "rounds": [{…}]}]}, "slope_bytes": …}}}; false, and a line on stderr, when it
// cannot be written.
bool WriteGrowth(const std::string& path, const GrowthResults& results);
// Nullopt, and a line on stderr, when there is none in `path`.
std::optional<GrowthResults> ReadGrowth(const std::string& path);

void PrintAxis(const GrowthAxis& axis);

}  // namespace skald::bench
