// Places every order of a source, a bounded number at a time, and collects what became of them.
//
// Each order is a saga under its invoice number: one that an earlier run placed is found again, not
// placed again, so a run that was cut off is simply repeated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "customers.h"
#include "latency.h"
#include "order_source.h"
#include "skald/coordinator/coordinator.h"

namespace order_flow {

// How a saga ended, or that it did not.
enum class SagaEnd : uint8_t { kNotYet, kCompleted, kCompensated, kStuck };

struct Tally {
  std::vector<SagaEnd> ends;  // by the order's index in the source
  int64_t sales_completed = 0;
  int64_t returns_completed = 0;
  std::map<std::string, int64_t> sales_compensated;    // by step
  std::map<std::string, int64_t> returns_compensated;  // by step
  std::map<std::string, int64_t> reasons;              // why orders were undone, by kind of reason
  int64_t stuck = 0;
  std::vector<std::string> stuck_examples;  // a few, in words
  int64_t existed = 0;                      // of all, found from an earlier run
  int64_t driven = 0;                       // sagas that ended, or got stuck, in this run
  int64_t helped = 0;                       // times that an operator retried a stuck one
  LatencyHistogram latency;                 // of those that this run started
  absl::Duration elapsed;

  int64_t finished() const;
};

struct ReplayOptions {
  size_t in_flight = 1024;
  // An operator's way with an order that is stuck: mends its cause; what it leaves is retried.
  // None: it stays stuck.
  std::function<void(const std::string& number)> mend;
  // Looked at now and then; unless it is OK no further order is placed.
  std::function<absl::Status()> may_go_on;
  // Told now and then how many orders are at rest.
  std::function<void(size_t finished)> progress;
};

// RETURNS: what may_go_on says: what was placed is at rest or goes on at the next run; or what the
//          coordinator says, naming the order
// `tally` holds what is known so far, also after an error.
absl::Status Replay(skald::Coordinator& coordinator, Customers& customers,
                    const OrderSource& orders, const ReplayOptions& options, Tally& tally);

}  // namespace order_flow
