#include "growth_figures.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "workload.h"

namespace skald::bench {
namespace {

// A figure of one run at one x.
using Value = std::function<double(const Reading&, double x)>;

Value Plain(double Reading::* figure) {
  return [figure](const Reading& reading, double /*x*/) { return reading.*figure; };
}

// A logarithmic axis has no place for 0: it stands a step before the smallest value.
double PlaceOf(const GrowthAxis& axis, double x) {
  if (x != 0 || axis.name != "kept") return x;
  return 1e3;
}

PlotPoint PointOf(double x, std::vector<double> values) {
  const double low = Quantile(values, 0);
  const double high = Quantile(values, 1);
  return {.x = x, .y = Median(std::move(values)), .low = low, .high = high};
}

PlotLine LineOf(const GrowthAxis& axis, const GrowthSeries& series, std::string label,
                const Value& value) {
  PlotLine line{.label = std::move(label), .points = {}, .thin = series.name != "skald"};
  for (const GrowthPoint& point : series.points) {
    std::vector<double> values;
    for (const Reading& reading : point.rounds) values.push_back(value(reading, point.x));
    line.points.push_back(PointOf(PlaceOf(axis, point.x), std::move(values)));
  }
  return line;
}

// Everybody who ran, the library first.
std::vector<PlotLine> LinesOf(const GrowthAxis& axis, const Value& value) {
  std::vector<PlotLine> lines;
  for (const GrowthSeries& series : axis.series) {
    lines.push_back(LineOf(axis, series, series.name, value));
  }
  return lines;
}

PlotLine RatioOf(const GrowthAxis& axis, const GrowthSeries& series, const GrowthSeries& ceiling) {
  PlotLine line{.label = fmt::format("{} / {}", series.name, ceiling.name), .points = {}};
  for (size_t at = 0; at < std::min(series.points.size(), ceiling.points.size()); ++at) {
    const std::vector<Reading>& upper = series.points[at].rounds;
    const std::vector<Reading>& lower = ceiling.points[at].rounds;
    std::vector<double> ratios;
    for (size_t round = 0; round < std::min(upper.size(), lower.size()); ++round) {
      if (lower[round].per_second <= 0) continue;
      ratios.push_back(upper[round].per_second / lower[round].per_second);
    }
    line.points.push_back(PointOf(PlaceOf(axis, series.points[at].x), std::move(ratios)));
  }
  return line;
}

std::string Thousands(double value) {
  if (value >= 100e3) return SiText(value);
  return fmt::format("{}", fmt::group_digits(static_cast<uint64_t>(value)));
}

std::string Bytes(double value) {
  return value < 1024 ? fmt::format("{:.0f} B", value) : fmt::format("{:.3g} KiB", value / 1024);
}

struct Against {
  std::string_view axis;
  std::string_view title;
  std::string_view label;
  bool log;
  std::string (*text)(double);
};
constexpr Against kAgainst[] = {
    {"in-flight", "The order saga, by sagas in flight", "sagas in flight", true, Thousands},
    {"steps", "The order saga, by its steps", "steps a saga", true, Thousands},
    {"payload", "The order saga, by its payloads", "input, and each of three outputs", true, Bytes},
    {"threads", "The order saga, by loop threads", "loop threads", false, Thousands},
    {"kept", "The order saga, by finished sagas kept", "finished sagas kept", true, Thousands},
    {"memory-in-flight", "Memory of sagas in flight", "sagas in flight", false, nullptr},
    {"memory-asleep", "Memory of sagas asleep", "sagas asleep", false, nullptr},
};

const Against& AgainstOf(const GrowthAxis& axis) {
  const auto* found =
      std::find_if(std::begin(kAgainst), std::end(kAgainst),
                   [&](const Against& against) { return against.axis == axis.name; });
  static constexpr Against kUnknown = {"", "The order saga", "x", false, nullptr};
  return found == std::end(kAgainst) ? kUnknown : *found;
}

PlotAxis AxisOf(const GrowthAxis& axis) {
  const Against& against = AgainstOf(axis);
  PlotAxis x{.label = std::string(against.label), .log = against.log};
  if (against.text == nullptr || axis.series.empty()) return x;
  for (const GrowthPoint& point : axis.series.front().points) {
    x.ticks.push_back({PlaceOf(axis, point.x), against.text(point.x)});
  }
  return x;
}

Panel ThroughputPanel(const GrowthAxis& axis, bool log) {
  return {.title = "throughput",
          .x = AxisOf(axis),
          .y = {.label = "sagas a second", .log = log, .from_zero = !log},
          .lines = LinesOf(axis, Plain(&Reading::per_second))};
}

Panel CpuPanel(const GrowthAxis& axis) {
  return {.title = "processor time, all threads",
          .x = AxisOf(axis),
          .y = {.label = "CPU \xC2\xB5s a saga", .log = true},
          .lines = LinesOf(axis, Plain(&Reading::cpu_us))};
}

Panel RatioPanel(const GrowthAxis& axis, const GrowthSeries& skald) {
  Panel panel{.title = "throughput over that of the ceiling",
              .x = AxisOf(axis),
              .y = {.label = "ratio", .from_zero = true},
              .lines = {}};
  for (const std::string_view name : {"append", "obvious"}) {
    const GrowthSeries* ceiling = axis.Find(name);
    if (ceiling != nullptr) panel.lines.push_back(RatioOf(axis, skald, *ceiling));
  }
  return panel;
}

Panel LatencyPanel(const GrowthAxis& axis, const GrowthSeries& skald) {
  const auto milliseconds = [](double Reading::* figure) {
    return [figure](const Reading& reading, double /*x*/) { return reading.*figure * 1e-3; };
  };
  return {.title = "from start to end",
          .x = AxisOf(axis),
          .y = {.label = "ms", .log = true},
          .lines = {LineOf(axis, skald, "p50", milliseconds(&Reading::p50_us)),
                    LineOf(axis, skald, "p99", milliseconds(&Reading::p99_us))}};
}

// What the axis itself makes worth seeing.
Panel OwnPanel(const GrowthAxis& axis, const GrowthSeries& skald) {
  if (axis.name == "steps") {
    const Value per_step = [](const Reading& reading, double steps) {
      return reading.cpu_us / steps;
    };
    return {.title = "processor time of a step",
            .x = AxisOf(axis),
            .y = {.label = "CPU \xC2\xB5s a step", .log = true},
            .lines = LinesOf(axis, per_step)};
  }
  if (axis.name == "payload") {
    const Value megabytes = [](const Reading& reading, double bytes) {
      const auto size = static_cast<size_t>(bytes);
      const Shape shape{.input_bytes = size, .output_bytes = size};
      return reading.per_second * static_cast<double>(shape.payload_bytes()) * 1e-6;
    };
    return {.title = "payload bytes",
            .x = AxisOf(axis),
            .y = {.label = "MB a second", .log = true},
            .lines = LinesOf(axis, megabytes)};
  }
  if (axis.name == "in-flight") return LatencyPanel(axis, skald);
  return CpuPanel(axis);
}

Panel MemoryPanel(const GrowthAxis& axis, const GrowthSeries& skald) {
  const Value mebibytes = [](const Reading& reading, double /*x*/) {
    return reading.bytes / (1 << 20);
  };
  const double bytes = SlopeOf(skald, &Reading::bytes);
  const std::string slope = fmt::format("{:.{}f} bytes more for each", bytes, bytes < 100 ? 1 : 0);
  return {.title = {},
          .x = AxisOf(axis),
          .y = {.label = "MiB", .from_zero = true},
          .lines = {LineOf(axis, skald, slope, mebibytes)}};
}

std::string MachineField(const GrowthResults& results, std::string_view name) {
  for (const auto& [key, text] : results.machine) {
    if (key == name) return text;
  }
  return "?";
}

std::string NoteOf(const GrowthResults& results, const GrowthAxis& axis) {
  size_t rounds = 0;
  for (const GrowthSeries& series : axis.series) {
    for (const GrowthPoint& point : series.points) rounds = std::max(rounds, point.rounds.size());
  }
  const std::string drawn =
      rounds == 1 ? "one round" : fmt::format("median and range of {} rounds", rounds);
  return fmt::format("{}, {} cores, {}; commit {}; {}", MachineField(results, "cpu"),
                     MachineField(results, "cores"), MachineField(results, "disk"), results.commit,
                     drawn);
}

}  // namespace

Figure FigureOf(const GrowthResults& results, const GrowthAxis& axis) {
  Figure figure{
      .title = std::string(AgainstOf(axis).title), .note = NoteOf(results, axis), .panels = {}};
  const GrowthSeries* skald = axis.Find("skald");
  if (skald == nullptr) return figure;
  if (axis.name.starts_with("memory")) {
    figure.panels = {MemoryPanel(axis, *skald)};
    figure.panel_width = 640;
    return figure;
  }
  // Where a flat line is what matters, it is drawn from zero.
  const bool log = axis.name != "kept" && axis.name != "threads";
  figure.panels = {ThroughputPanel(axis, log), RatioPanel(axis, *skald), OwnPanel(axis, *skald),
                   axis.name == "in-flight" ? CpuPanel(axis) : LatencyPanel(axis, *skald)};
  return figure;
}

Figure ThroughputFigure(const GrowthResults& results, const GrowthAxis& in_flight) {
  Panel panel = ThroughputPanel(in_flight, true);
  panel.title.clear();
  for (PlotLine& line : panel.lines) {
    if (line.label == "append") line.label = "append: bare RocksDB, best layout";
    if (line.label == "obvious") line.label = "obvious: bare RocksDB, hashed keys";
    if (line.label == "file") line.label = "file: append and sync";
  }
  return {.title = "Order sagas a second: every step durable before the next",
          .note = NoteOf(results, in_flight),
          .panels = {std::move(panel)},
          .panel_width = 760,
          .panel_height = 400};
}

bool DrawGrowth(const GrowthResults& results, const std::string& dir) {
  const auto draw = [&dir](std::string_view name, const Figure& figure) {
    const std::string path = fmt::format("{}/{}.svg", dir, name);
    const bool drawn = WriteSvg(path, figure);
    if (drawn) fmt::print("drawn: {}\n", path);
    return drawn;
  };
  bool all = true;
  for (const GrowthAxis& axis : results.axes) {
    all = draw(fmt::format("growth-{}", axis.name), FigureOf(results, axis)) && all;
    if (axis.name == "in-flight") all = draw("throughput", ThroughputFigure(results, axis)) && all;
  }
  return all;
}

}  // namespace skald::bench
