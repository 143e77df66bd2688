#include "soak_judge.h"

#include <functional>
#include <string>
#include <vector>

#include "catch.h"

using namespace skald::bench;

namespace {

// A hundred even seconds: a tenth is ten of them.
Soak Even() {
  Soak soak{.seconds = 100};
  for (int at = 1; at <= 100; ++at) {
    SoakSecond second{.at = at + 0.01,
                      .per_second = 1000,
                      .p99 = 0.010,
                      .resident_bytes = 1e8,
                      .disk = {.bytes = 1e9}};
    soak.each.push_back(second);
  }
  return soak;
}

// Which of throughput, latency, memory and disk hold, as "TLMD".
std::string Met(const Soak& soak) {
  std::string met;
  const std::vector<SoakJudgement> judged = JudgeSoak(soak);
  for (size_t at = 0; at < judged.size(); ++at) met += judged[at].met() ? "TLMD"[at] : '-';
  return met;
}

Soak With(const std::function<void(SoakSecond&)>& change) {
  Soak soak = Even();
  for (SoakSecond& second : soak.each) change(second);
  return soak;
}

}  // namespace

TEST_CASE("an even run holds") {
  CHECK(Met(Even()) == "TLMD");
  CHECK(SpikesOf(Even()).empty());
}

TEST_CASE("a run that slows down by more than a tenth fails") {
  const auto slower = [](double last) {
    return With([=](SoakSecond& second) {
      if (second.at > 90) second.per_second = last;
    });
  };
  CHECK(Met(slower(910)) == "TLMD");
  CHECK(Met(slower(890)) == "-LMD");
}

TEST_CASE("the first tenth is warm-up") {
  const Soak soak = With([](SoakSecond& second) {
    if (second.at > 10) return;
    second.per_second = 9000;
    second.p99 = 5;
    second.disk.bytes = 0;
  });
  CHECK(Met(soak) == "TLMD");
  CHECK(SpikesOf(soak).empty());
}

TEST_CASE("one second's spike fails, and is told with what happened in it") {
  Soak soak = Even();
  soak.each[60].p99 = 0.101;
  soak.each[60].disk = {.bytes = 1e9, .logs_begun = 1, .tables_written = 3, .tables_gone = 2};
  soak.each[60].longest_commit = 0.09;
  soak.each[60].machine = {.flush = 0.08, .late = 0.002};
  soak.each[60].notices = {"Stalling writes"};
  CHECK(Met(soak) == "T-MD");
  const std::vector<std::string> spikes = SpikesOf(soak);
  REQUIRE(spikes.size() == 1);
  CHECK(spikes[0] ==
        "61 s: p99 101 ms; longest commit 90 ms, buffers flushed (a new log), 3 tables written "
        "(0 MiB), 2 tables gone; beside it a flush of the disk with nothing to write took up to 80 "
        "ms, a sleeping thread woke up to 2 ms late, store: Stalling writes");
  soak.each[60].p99 = 0.099;
  CHECK(Met(soak) == "TLMD");
}

TEST_CASE("memory or disk that grows over the second half fails, a sawtooth does not") {
  CHECK(Met(With([](SoakSecond& second) { second.resident_bytes += second.at * 1e6; })) == "TL-D");
  CHECK(Met(With([](SoakSecond& second) { second.disk.bytes += second.at * 1e7; })) == "TLM-");
  CHECK(Met(With([](SoakSecond& second) {
          second.disk.bytes += (static_cast<int>(second.at) % 7) * 1e8;
        })) == "TLMD");
}
