// Simulated histories as part of every test run: a few hundred seeds, and every history that once
// broke a promise.
#include "skald/testing/simulation.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "catch.h"

namespace {

using skald::Knob;
using skald::SimulationReport;

std::string Broken(const SimulationReport& report) {
  if (report.violations.empty()) return "";
  const skald::Violation& first = report.violations.front();
  return "seed " + std::to_string(report.seed) + ": " +
         std::string(skald::ToString(first.promise)) + ": " + first.what;
}

TEST_CASE("every promise is kept in 300 simulated histories") {
  uint64_t crashes = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const auto profile = skald::ProfileOf(seed);
    REQUIRE(profile[Knob::kSagas] >= 20);
    REQUIRE(profile[Knob::kCrashes] >= 1);
    const SimulationReport report = skald::RunSimulation({.profile = profile});
    REQUIRE(Broken(report) == "");
    for (const auto& [what, count] : report.counters)
      crashes += what.starts_with("died") ? count : 0;
  }
  CHECK(crashes >= 300);
}

TEST_CASE("one seed, one history") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const skald::SimulationOptions options{.profile = skald::ProfileOf(seed)};
    const SimulationReport once = skald::RunSimulation(options);
    const SimulationReport again = skald::RunSimulation(options);
    CHECK(once.trace_hash == again.trace_hash);
    CHECK(once.lines == again.lines);
    CHECK(once.lines > 100);
  }
}

TEST_CASE("a story has a line for each thing that happened, numbered") {
  skald::SimulationOptions options{.profile = skald::ProfileOf(3)};
  std::vector<std::string> story;
  options.story = [&](std::string_view line) { story.emplace_back(line); };
  const SimulationReport report = skald::RunSimulation(options);
  REQUIRE(story.size() == report.lines);
  CHECK(story.front().starts_with("    1  "));
}

TEST_CASE("every history that once broke a promise keeps it") {
  size_t read = 0;
  for (const auto& file : std::filesystem::directory_iterator(SKALD_REGRESSIONS)) {
    if (file.path().extension() != ".profile") continue;
    std::ifstream in(file.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto profile = skald::ParseProfile(text.str());
    INFO(file.path() << ": " << profile.status().ToString());
    REQUIRE(profile.ok());
    CHECK(Broken(skald::RunSimulation({.profile = *profile})) == "");
    ++read;
  }
  CHECK(read > 0);
}

TEST_CASE("a profile reads back as it was written, and what is none is refused") {
  const auto profile = skald::ProfileOf(12);
  const auto read = skald::ParseProfile(skald::ToText(profile));
  REQUIRE(read.ok());
  CHECK(*read == profile);
  for (const char* bad : {"sagas", "sagas x", "no-such-knob 1", "sagas -1", "sagas 99999999999"}) {
    CHECK(absl::IsInvalidArgument(skald::ParseProfile(bad).status()));
  }
}

TEST_CASE("a history that keeps its promises is not made smaller") {
  const skald::SimulationOptions options{.profile = skald::ProfileOf(5)};
  CHECK(skald::Shrink(options, skald::Promise::kEnd, 6).profile == options.profile);
}

}  // namespace
