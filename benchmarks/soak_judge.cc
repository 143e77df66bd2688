#include "soak_judge.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "fmt/format.h"
#include "measure.h"
#include "plot.h"

namespace skald::bench {
namespace {

constexpr double kThroughputMin = 0.9;
constexpr double kSpike = 10;
constexpr double kGrowthMax = 0.1;
constexpr double kMiB = 1 << 20;

using Value = std::function<double(const SoakSecond&)>;

double PerSecond(const SoakSecond& second) {
  return second.per_second;
}
double P99(const SoakSecond& second) {
  return second.p99;
}
double Resident(const SoakSecond& second) {
  return second.resident_bytes;
}
double OnDisk(const SoakSecond& second) {
  return second.disk.bytes;
}

// Of the seconds that ended within (from, to], in tenths of the run.
std::vector<double> Within(const Soak& soak, double from, double to, const Value& value) {
  std::vector<double> values;
  for (const SoakSecond& second : soak.each) {
    const double tenth = second.at / soak.seconds * 10;
    if (tenth > from && (tenth <= to || to >= 10)) values.push_back(value(second));
  }
  return values;
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// By how much of their mean equally spaced values grow from the first to the last: least squares.
double RelativeGrowth(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double middle = static_cast<double>(values.size() - 1) / 2;
  const double mean = MeanOf(values);
  double along = 0;
  double spread = 0;
  for (size_t at = 0; at < values.size(); ++at) {
    const double from_middle = static_cast<double>(at) - middle;
    along += from_middle * (values[at] - mean);
    spread += from_middle * from_middle;
  }
  return mean > 0 ? along / spread * 2 * middle / mean : 0;
}

std::string Milliseconds(double seconds) {
  return fmt::format("{} ms", SiText(seconds * 1e3));
}

std::string WhatHappened(const SoakSecond& second) {
  std::string text = fmt::format("longest commit {}", Milliseconds(second.longest_commit));
  const DiskWatch::Seen& disk = second.disk;
  if (disk.logs_begun > 0) text += ", buffers flushed (a new log)";
  if (disk.tables_written > 0) {
    text += fmt::format(", {} tables written ({:.0f} MiB)", disk.tables_written,
                        disk.table_bytes / kMiB);
  }
  if (disk.tables_gone > 0) text += fmt::format(", {} tables gone", disk.tables_gone);
  const ProcessorWatch::Seen& processors = second.processors;
  if (processors.others >= 0.05) {
    text +=
        fmt::format(", other processes had {:.0f} % of the processors", processors.others * 100);
  }
  if (processors.stolen >= 0.01) {
    text += fmt::format(", {:.0f} % were stolen", processors.stolen * 100);
  }
  text += fmt::format("; beside it a flush of the disk with nothing to write took up to {}",
                      Milliseconds(second.machine.flush));
  text += fmt::format(", a sleeping thread woke up to {} late", Milliseconds(second.machine.late));
  for (const std::string& notice : second.notices) text += fmt::format(", store: {}", notice);
  return text;
}

}  // namespace

double SpikeLimit(const Soak& soak) {
  return kSpike * Median(Within(soak, 1, 10, P99));
}

std::vector<SoakJudgement> JudgeSoak(const Soak& soak) {
  const double second = MeanOf(Within(soak, 1, 2, PerSecond));
  const double last = MeanOf(Within(soak, 9, 10, PerSecond));
  const double median_p99 = Median(Within(soak, 1, 10, P99));
  const double highest_p99 = Quantile(Within(soak, 1, 10, P99), 1);
  return {
      {"throughput, last tenth over second", second > 0 ? last / second : 0, kThroughputMin, true},
      {"p99, highest second over median", median_p99 > 0 ? highest_p99 / median_p99 : 0, kSpike},
      {"memory, growth over the second half", RelativeGrowth(Within(soak, 5, 10, Resident)),
       kGrowthMax},
      {"disk, growth over the second half", RelativeGrowth(Within(soak, 5, 10, OnDisk)),
       kGrowthMax},
  };
}

std::vector<std::string> SpikesOf(const Soak& soak) {
  std::vector<std::string> spikes;
  const double limit = SpikeLimit(soak);
  for (const SoakSecond& second : soak.each) {
    if (second.at / soak.seconds * 10 <= 1 || second.p99 <= limit) continue;
    spikes.push_back(fmt::format("{:.0f} s: p99 {}; {}", second.at, Milliseconds(second.p99),
                                 WhatHappened(second)));
  }
  return spikes;
}

}  // namespace skald::bench
