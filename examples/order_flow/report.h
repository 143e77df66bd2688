// What a run or an audit found, in numbers; as JSON for machines.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "money.h"
#include "order_source.h"

namespace order_flow {

struct Latency {
  int64_t p50 = 0;
  int64_t p99 = 0;
  int64_t p999 = 0;
  int64_t max = 0;
};

// What befell calls from sagas to participants on their way, on purpose.
struct ChaosCounts {
  int64_t duplicated = 0;
  int64_t reordered = 0;
  int64_t late = 0;
};

// Only a run measures these; an audit writes null in their place.
struct Measured {
  double sagas_per_second = 0;
  Latency latency_us;
  int64_t resumed = 0;  // sagas found unfinished at open
  ChaosCounts chaos;
};

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;  // what stands against what, or where it first differs
};

struct Audit {
  std::vector<Check> checks;
  bool ok() const;
};

struct Report {
  IntakeCounts intake;
  int64_t sales_completed = 0;
  int64_t returns_completed = 0;
  std::map<std::string, int64_t> sales_compensated;    // by the step that refused
  std::map<std::string, int64_t> returns_compensated;  // by the step that refused
  int64_t stuck = 0;  // a run: sagas that stand still. An audit: orders that are half done
  int64_t units_sold = 0;
  Mills revenue = 0;
  int64_t units_returned = 0;
  Mills refunded = 0;
  int64_t items_sold = 0;           // different ones
  int64_t payments_given_back = 0;  // that came by a callback for an order that was undone
  std::optional<Measured> measured;
  Audit audit;
};

// The fields and their meaning are those of the README of this example.
std::string ToJson(const Report& report);

// Replaces `path` as a whole: it holds the old report or the new one, never half of one.
// RETURNS: what the system says, naming `path`.
absl::Status WriteReport(const Report& report, const std::string& path);

}  // namespace order_flow
