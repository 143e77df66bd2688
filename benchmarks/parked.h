// The order saga that gets stuck in its first step, as if a participant did not answer: its input
// is known, its action was called, and the answer never comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "measure.h"
#include "order_saga.h"
#include "skald/base/mutex.h"
#include "skald/saga/define.h"
#include "skald/saga/step_completion.h"

namespace skald::bench {

// Keeps the completions of steps that are not to end. Outlives the coordinator: a completion that
// goes away says Unknown.
class Parking {
 public:
  // Its own memory is had before anybody weighs: `sagas_max` completions.
  explicit Parking(size_t sagas_max) { parked_.reserve(sagas_max); }

  // The first one's time, in NowSeconds().
  double first_at() const { return first_at_.load(); }
  uint64_t size() const { return size_.load(); }

  void Park(StepCompletion<Reply> completion) {
    MutexLock lock(mutex_);
    if (parked_.empty()) first_at_.store(NowSeconds());
    parked_.push_back(std::move(completion));
    size_.store(parked_.size());
  }

 private:
  std::atomic<double> first_at_ = 0;
  std::atomic<uint64_t> size_ = 0;
  Mutex mutex_;
  std::vector<StepCompletion<Reply>> parked_ SKALD_GUARDED_BY(mutex_);
};

inline Definition PlaceOrderParked(Parking& parking) {
  const auto park = [&parking](const StepContext& /*step*/, const Order& /*order*/,
                               StepCompletion<Reply> done) { parking.Park(std::move(done)); };
  return Define(kPlaceOrder)
      .Step(ReserveStock{}, park, Undo, Timeout(absl::Hours(24)))
      .Step(RedeemCoupon{}, Answer, Undo)
      .Step(FreezePoints{}, Answer, Undo)
      .Build();
}

}  // namespace skald::bench
