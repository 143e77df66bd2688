// Faults that steps are told to have, drawn by a stable hash: the same seed, order and step give
// the same fault in every run and after every crash.
//
//   --fail charge:rejected=0.02     one order in fifty is declined
//   --fail restock:unknown=0.5      every second attempt says "may have happened", having done
//   nothing
//   --slow freeze-points=2ms
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/mutex.h"

namespace order_flow {

enum class FaultKind : uint8_t {
  kRejected,  // refused for good, by the participant; drawn once an order
  kRetry,     // "not now"; drawn anew at each attempt
  kUnknown,   // "may have happened", though it did not; drawn anew at each attempt
  kThrow,     // the step throws; drawn anew at each attempt
  kLost,      // it happens, the first attempt's answer is lost; drawn once an order
};

// What an attempt is to suffer.
struct Fault {
  bool rejected = false;
  bool retry = false;
  bool unknown = false;
  bool thrown = false;
  bool lost = false;
  absl::Duration slow = absl::ZeroDuration();
};

// Which attempt it is.
struct FaultSite {
  std::string_view order;  // its number
  uint32_t item = 0;       // of a step that runs for several parcels: which
  std::string_view step;
  uint32_t attempt = 1;
};

// Orders whose faults somebody has mended. THREADS: any.
class MendedOrders {
 public:
  void Add(std::string_view order) SKALD_EXCLUDES(mutex_);
  bool Has(std::string_view order) const SKALD_EXCLUDES(mutex_);

 private:
  mutable skald::Mutex mutex_;
  std::set<std::string, std::less<>> orders_ SKALD_GUARDED_BY(mutex_);
};

class FaultPlan {
 public:
  // `steps`: the names that there are.
  FaultPlan(uint64_t seed, std::vector<std::string_view> steps)
      : seed_(seed), steps_(std::move(steps)) {}

  // "STEP:KIND=P" with P from 0 to 1. RETURNS: InvalidArgument, saying what is possible.
  absl::Status AddFailure(std::string_view text);
  // "STEP=DURATION", as 5ms or 1.5s.
  absl::Status AddDelay(std::string_view text);

  bool empty() const { return failures_.empty() && delays_.empty(); }

  Fault Draw(const FaultSite& site) const;

  // From now on nothing fails for this order.
  void Mend(std::string_view order) const { mended_->Add(order); }

 private:
  struct Failure {
    FaultKind kind;
    double probability;
  };

  absl::Status CheckStep(std::string_view step) const;
  bool Happens(const Failure& failure, const FaultSite& site) const;

  uint64_t seed_;
  std::vector<std::string_view> steps_;
  std::map<std::string, std::vector<Failure>, std::less<>> failures_;
  std::map<std::string, absl::Duration, std::less<>> delays_;
  std::shared_ptr<MendedOrders> mended_ = std::make_shared<MendedOrders>();
};

}  // namespace order_flow
