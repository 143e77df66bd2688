#include <string>

#include "ceilings.h"
#include "group_loop.h"
#include "workload.h"

namespace skald::bench {

Measured RunCeilingCommit4(const RunOptions& options) {
  PlainDb db(options, "commit4", PlainOptions());
  Flights flights(1);
  Window window(options);
  std::vector<double> latencies;
  std::string key;
  std::string value;
  uint64_t done = 0;
  do {
    const double begin = NowSeconds();
    for (uint32_t commit = 0; commit < kGroupsPerSaga; ++commit) {
      for (const Fact& fact : flights.NextGroup()) {
        key.clear();
        value.clear();
        AppendBigEndian64(key, fact.hash);
        AppendBigEndian32(key, fact.index);
        AppendHeader(value, fact, key.size());
        value.append(fact.payload);
        db.batch().Put(key, value);
      }
      db.Commit();
    }
    if (window.warm()) latencies.push_back(NowSeconds() - begin);
  } while (window.Tick(++done));
  Measured measured = window.Result();
  measured.latency_p50 = Quantile(latencies, 0.5);
  measured.latency_p99 = Quantile(latencies, 0.99);
  return measured;
}

}  // namespace skald::bench
