#include "soak_report.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <utility>

#include "fmt/format.h"
#include "measure.h"
#include "nlohmann/json.hpp"
#include "plot.h"

namespace skald::bench {
namespace {

constexpr double kMiB = 1 << 20;

using Value = std::function<double(const SoakSecond&)>;

double PerSecond(const SoakSecond& second) {
  return second.per_second;
}
double Resident(const SoakSecond& second) {
  return second.resident_bytes;
}
double OnDisk(const SoakSecond& second) {
  return second.disk.bytes;
}

nlohmann::ordered_json Column(const Soak& soak, const Value& value) {
  nlohmann::ordered_json column = nlohmann::ordered_json::array();
  for (const SoakSecond& second : soak.each) column.push_back(value(second));
  return column;
}

nlohmann::ordered_json Columns(const Soak& soak) {
  const std::pair<const char*, Value> columns[] = {
      {"at", [](const SoakSecond& s) { return s.at; }},
      {"per_second", PerSecond},
      {"p50_us", [](const SoakSecond& s) { return s.p50 * 1e6; }},
      {"p99_us", [](const SoakSecond& s) { return s.p99 * 1e6; }},
      {"max_us", [](const SoakSecond& s) { return s.max * 1e6; }},
      {"resident_bytes", Resident},
      {"disk_bytes", OnDisk},
      {"longest_commit_us", [](const SoakSecond& s) { return s.longest_commit * 1e6; }},
      {"logs_begun", [](const SoakSecond& s) { return s.disk.logs_begun; }},
      {"tables_written", [](const SoakSecond& s) { return s.disk.tables_written; }},
      {"tables_gone", [](const SoakSecond& s) { return s.disk.tables_gone; }},
      {"others", [](const SoakSecond& s) { return s.processors.others; }},
      {"idle_flush_us", [](const SoakSecond& s) { return s.machine.flush * 1e6; }},
      {"idle_late_us", [](const SoakSecond& s) { return s.machine.late * 1e6; }},
      {"stolen", [](const SoakSecond& s) { return s.processors.stolen; }},
  };
  nlohmann::ordered_json json;
  for (const auto& [name, value] : columns) json[name] = Column(soak, value);
  return json;
}

PlotLine LineOf(const Soak& soak, std::string label, const Value& value) {
  PlotLine line{.label = std::move(label), .points = {}, .marks = false};
  for (const SoakSecond& second : soak.each) {
    const double y = value(second);
    // (The last second ends a little late.)
    line.points.push_back({std::min(second.at, soak.seconds) / 60, y, y, y});
  }
  return line;
}

Panel PanelOf(std::string title, std::string unit, bool log, std::vector<PlotLine> lines) {
  return {.title = std::move(title),
          .x = {.label = "minutes", .from_zero = true},
          .y = {.label = std::move(unit), .log = log, .from_zero = !log},
          .lines = std::move(lines)};
}

}  // namespace

void PrintVerdict(const Soak& soak) {
  constexpr size_t kSpikesMax = 50;
  std::vector<double> others;
  for (const SoakSecond& second : soak.each) others.push_back(second.processors.others);
  const std::vector<std::string> spikes = SpikesOf(soak);
  fmt::print("\n{} seconds with a p99 above {} ms{}\n", spikes.size(),
             SiText(SpikeLimit(soak) * 1e3), spikes.empty() ? "" : ":");
  for (size_t at = 0; at < std::min(spikes.size(), kSpikesMax); ++at) {
    fmt::print("  {}\n", spikes[at]);
  }
  if (spikes.size() > kSpikesMax) fmt::print("  and {} more\n", spikes.size() - kSpikesMax);
  fmt::print("\n{:<38} {:>10} {:>10}\n", "judged", "figure", "limit");
  for (const SoakJudgement& judgement : JudgeSoak(soak)) {
    fmt::print("{:<38} {:>10.2f} {:>10}  {}\n", judgement.what, judgement.figure,
               fmt::format("{} {}", judgement.at_least ? ">=" : "<=", SiText(judgement.limit)),
               judgement.met() ? "holds" : "FAILS");
  }
  fmt::print("\nin the median second other processes had {:.0f} % of the processors\n",
             Median(others) * 100);
  if (soak.found > 0) {
    fmt::print("{} starts found a saga that should have been forgotten; they are not counted\n",
               soak.found);
  }
}

bool WriteSoak(const std::string& path, const Soak& soak) {
  nlohmann::ordered_json json;
  for (const auto& [name, text] : soak.machine) json["machine"][name] = text;
  json["commit"] = soak.commit;
  json["seconds"] = soak.seconds;
  json["in_flight"] = soak.in_flight;
  json["retention_seconds"] = soak.retention_seconds;
  json["new_keys"] = soak.new_keys;
  for (const SoakJudgement& judgement : JudgeSoak(soak)) {
    json["judged"].push_back({{"what", judgement.what},
                              {"figure", judgement.figure},
                              {"limit", judgement.limit},
                              {"met", judgement.met()}});
  }
  json["spikes"] = SpikesOf(soak);
  json["each_second"] = Columns(soak);
  std::ofstream file(path);
  file << json.dump() << '\n';
  file.close();
  if (!file) fmt::print(stderr, "cannot write {}; name another file by --json\n", path);
  return !file.fail();
}

bool DrawSoak(const std::string& dir, const Soak& soak) {
  const auto milliseconds = [](double SoakSecond::* value) {
    return [value](const SoakSecond& second) { return second.*value * 1e3; };
  };
  const auto mebibytes = [](double (*value)(const SoakSecond&)) {
    return [value](const SoakSecond& second) { return value(second) / kMiB; };
  };
  const Figure figure{
      .title = fmt::format("At full speed for {:.3g} min, {} order sagas in flight",
                           soak.seconds / 60, soak.in_flight),
      .note =
          fmt::format("commit {}; sagas are known for {:.3g} s after their end{}", soak.commit,
                      soak.retention_seconds,
                      soak.new_keys ? ", and no key comes back" : ", then their keys come back"),
      .panels = {PanelOf("throughput", "sagas a second", false, {LineOf(soak, "", PerSecond)}),
                 PanelOf("from start to end", "ms", true,
                         {LineOf(soak, "p50", milliseconds(&SoakSecond::p50)),
                          LineOf(soak, "p99", milliseconds(&SoakSecond::p99)),
                          LineOf(soak, "longest", milliseconds(&SoakSecond::max))}),
                 PanelOf("resident memory", "MiB", false, {LineOf(soak, "", mebibytes(Resident))}),
                 PanelOf("on disk", "MiB", false, {LineOf(soak, "", mebibytes(OnDisk))})},
      .columns = 1,
      .panel_width = 900,
      .panel_height = 230};
  const std::string path = dir + "/soak.svg";
  const bool drawn = WriteSvg(path, figure);
  if (drawn) fmt::print("drawn: {}\n", path);
  return drawn;
}

}  // namespace skald::bench
