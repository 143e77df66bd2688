#include "growth_results.h"

#include <algorithm>
#include <exception>
#include <fstream>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "plot.h"

namespace skald::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Figure {
  const char* name;
  double Reading::* value;
};
constexpr Figure kFigures[] = {{"per_second", &Reading::per_second},
                               {"cpu_us", &Reading::cpu_us},
                               {"p50_us", &Reading::p50_us},
                               {"p99_us", &Reading::p99_us},
                               {"bytes", &Reading::bytes}};

const GrowthPoint* PointAt(const GrowthSeries* series, double x) {
  if (series == nullptr) return nullptr;
  const auto found = std::find_if(series->points.begin(), series->points.end(),
                                  [&](const GrowthPoint& point) { return point.x == x; });
  return found == series->points.end() ? nullptr : &*found;
}

// Of throughputs, round by round: both met the same minute of the machine.
double RatioOf(const GrowthPoint& point, const GrowthPoint& ceiling) {
  std::vector<double> ratios;
  for (size_t at = 0; at < std::min(point.rounds.size(), ceiling.rounds.size()); ++at) {
    if (ceiling.rounds[at].per_second <= 0) continue;
    ratios.push_back(point.rounds[at].per_second / ceiling.rounds[at].per_second);
  }
  return Median(std::move(ratios));
}

Json ToJson(const GrowthPoint& point, const GrowthPoint* ceiling) {
  Json json = {{"x", point.x}};
  for (const Figure& figure : kFigures) {
    const double median = MedianOf(point, figure.value);
    if (median != 0) json[figure.name] = median;
  }
  if (ceiling != nullptr) json["ratio"] = RatioOf(point, *ceiling);
  json["rounds"] = Json::array();
  for (const Reading& round : point.rounds) {
    Json each = Json::object();
    for (const Figure& figure : kFigures) {
      if (round.*figure.value != 0) each[figure.name] = round.*figure.value;
    }
    json["rounds"].push_back(std::move(each));
  }
  return json;
}

Json ToJson(const GrowthAxis& axis) {
  Json json;
  for (const GrowthSeries& series : axis.series) {
    Json& points = json["series"][series.name] = Json::array();
    const GrowthSeries* ceiling = series.name == "append" ? nullptr : axis.Find("append");
    for (const GrowthPoint& point : series.points) {
      points.push_back(ToJson(point, PointAt(ceiling, point.x)));
    }
    const double slope = SlopeOf(series, &Reading::bytes);
    if (slope != 0) json["slope_bytes"] = slope;
  }
  return json;
}

GrowthPoint PointFrom(const Json& json) {
  GrowthPoint point{.x = json.at("x").get<double>(), .rounds = {}};
  for (const Json& each : json.at("rounds")) {
    Reading round;
    for (const Figure& figure : kFigures) round.*figure.value = each.value(figure.name, 0.0);
    point.rounds.push_back(round);
  }
  return point;
}

GrowthResults ResultsFrom(const Json& json) {
  GrowthResults results{.machine = {},
                        .commit = json.at("commit").get<std::string>(),
                        .seconds = json.at("seconds").get<double>(),
                        .axes = {}};
  for (const auto& [name, text] : json.at("machine").items()) {
    results.machine.emplace_back(name, text.get<std::string>());
  }
  for (const auto& [name, found] : json.at("axes").items()) {
    GrowthAxis& axis = results.axes.emplace_back(GrowthAxis{name, {}});
    for (const auto& [who, points] : found.at("series").items()) {
      GrowthSeries& series = axis.series.emplace_back(GrowthSeries{who, {}});
      for (const Json& point : points) series.points.push_back(PointFrom(point));
    }
  }
  return results;
}

}  // namespace

Reading ReadingOf(const Measured& run) {
  return {.per_second = run.per_second(),
          .cpu_us = run.cpu_us(),
          .p50_us = run.latency_p50 * 1e6,
          .p99_us = run.latency_p99 * 1e6};
}

const GrowthSeries* GrowthAxis::Find(std::string_view who) const {
  const auto found = std::find_if(series.begin(), series.end(),
                                  [&](const GrowthSeries& one) { return one.name == who; });
  return found == series.end() ? nullptr : &*found;
}

double MedianOf(const GrowthPoint& point, double Reading::* figure) {
  std::vector<double> values;
  for (const Reading& round : point.rounds) values.push_back(round.*figure);
  return Median(std::move(values));
}

double SlopeOf(const GrowthSeries& series, double Reading::* figure) {
  double count = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (const GrowthPoint& point : series.points) {
    for (const Reading& round : point.rounds) {
      count += 1;
      sum_x += point.x;
      sum_y += round.*figure;
      sum_xx += point.x * point.x;
      sum_xy += point.x * (round.*figure);
    }
  }
  const double spread = count * sum_xx - sum_x * sum_x;
  return spread > 0 ? (count * sum_xy - sum_x * sum_y) / spread : 0;
}

bool WriteGrowth(const std::string& path, const GrowthResults& results) {
  Json json;
  for (const auto& [name, text] : results.machine) json["machine"][name] = text;
  json["commit"] = results.commit;
  json["seconds"] = results.seconds;
  json["axes"] = Json::object();
  for (const GrowthAxis& axis : results.axes) json["axes"][axis.name] = ToJson(axis);
  std::ofstream file(path);
  file << json.dump(1) << '\n';
  file.close();
  if (!file) fmt::print(stderr, "cannot write {}; name another file by --json\n", path);
  return !file.fail();
}

std::optional<GrowthResults> ReadGrowth(const std::string& path) {
  std::ifstream file(path);
  try {
    return ResultsFrom(Json::parse(file));
  } catch (const std::exception& error) {
    fmt::print(stderr, "--draw {}: no results of a growth run: {}\n", path, error.what());
    return std::nullopt;
  }
}

void PrintAxis(const GrowthAxis& axis) {
  constexpr auto kRow = "{:<18} {:<9} {:>11} {:>8} {:>10} {:>10} {:>10} {:>8}\n";
  fmt::print(fmt::runtime(kRow), axis.name, "who", "per second", "CPU us", "p50 us", "p99 us",
             "bytes", "x append");
  const auto text = [](double value) { return value == 0 ? std::string() : SiText(value); };
  for (const GrowthSeries& series : axis.series) {
    const GrowthSeries* append = series.name == "append" ? nullptr : axis.Find("append");
    for (const GrowthPoint& point : series.points) {
      const auto median = [&](double Reading::* figure) { return text(MedianOf(point, figure)); };
      const GrowthPoint* ceiling = PointAt(append, point.x);
      fmt::print(fmt::runtime(kRow), fmt::format("{:.0f}", point.x), series.name,
                 median(&Reading::per_second), median(&Reading::cpu_us), median(&Reading::p50_us),
                 median(&Reading::p99_us), median(&Reading::bytes),
                 ceiling == nullptr ? "" : text(RatioOf(point, *ceiling)));
    }
    const double slope = SlopeOf(series, &Reading::bytes);
    if (slope != 0) fmt::print("slope: {:.1f} bytes a saga\n", slope);
  }
  fmt::print("\n");
}

}  // namespace skald::bench
