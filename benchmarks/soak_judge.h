// What a long run at full speed showed, second by second, and whether that is good enough.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine.h"
#include "soak_watch.h"

namespace skald::bench {

struct SoakSecond {
  double at = 0;  // seconds since the run began, at its end
  double per_second = 0;
  double p50 = 0;  // seconds
  double p99 = 0;
  double max = 0;
  double resident_bytes = 0;
  DiskWatch::Seen disk;
  double longest_commit = 0;  // seconds
  ProcessorWatch::Seen processors;
  MachineWatch::Seen machine;
  std::vector<std::string> notices;
};

struct Soak {
  Machine machine;
  std::string commit;
  double seconds = 0;
  uint32_t in_flight = 0;
  double retention_seconds = 0;
  bool new_keys = false;
  uint64_t found = 0;  // starts whose key was still known, of which nothing was expected
  std::vector<SoakSecond> each;
};

struct SoakJudgement {
  std::string what;
  double figure = 0;
  double limit = 0;
  bool at_least = false;  // the limit is the least it may be, otherwise the most
  bool met() const { return at_least ? figure >= limit : figure <= limit; }
};

// A tenth of the run is what a minute is to one of ten. The first one is warm-up.
//   throughput  the last tenth's is 0.9 x the second's at least
//   latency     no second's p99 is above 10 x the median of all p99
//   memory      grows by a tenth of its mean at most over the second half (least squares)
//   disk        likewise
std::vector<SoakJudgement> JudgeSoak(const Soak& soak);

// The seconds whose p99 is above the limit, each in one line with what happened in it.
std::vector<std::string> SpikesOf(const Soak& soak);

// Above which p99 a second is a spike.
double SpikeLimit(const Soak& soak);

}  // namespace skald::bench
