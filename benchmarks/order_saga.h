// The order saga of the claims, typed: three compensatable steps with empty bodies, a 200-byte
// input, 100-byte outputs.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "skald/saga/define.h"
#include "skald/saga/step_key.h"
#include "workload.h"

namespace skald::bench {

struct Order {
  std::array<char, kInputBytes> bytes;
};
struct Reply {
  std::array<char, kOutputBytes> bytes;
};

struct ReserveStock : StepKey<"reserve-stock", Reply> {};
struct RedeemCoupon : StepKey<"redeem-coupon", Reply> {};
struct FreezePoints : StepKey<"freeze-points", Reply> {};
inline constexpr SagaKey<"place-order", 1, Order> kPlaceOrder;

template <typename T>
T NoiseAs(uint64_t salt) {
  T value;
  std::memcpy(&value, Noise(sizeof value, salt).data(), sizeof value);
  return value;
}

inline Reply Answer(const StepContext& /*step*/, const Order& /*order*/) {
  static const Reply reply = NoiseAs<Reply>(0);
  return reply;
}
inline void Undo(const StepContext& /*step*/, const Order& /*order*/, const Reply* /*reply*/) {}

inline Definition PlaceOrderInline() {
  return Define(kPlaceOrder)
      .Step(ReserveStock{}, Answer, Undo, Inline())
      .Step(RedeemCoupon{}, Answer, Undo, Inline())
      .Step(FreezePoints{}, Answer, Undo, Inline())
      .Build();
}

inline Definition PlaceOrderOnThreads() {
  return Define(kPlaceOrder)
      .Step(ReserveStock{}, Answer, Undo)
      .Step(RedeemCoupon{}, Answer, Undo)
      .Step(FreezePoints{}, Answer, Undo)
      .Build();
}

}  // namespace skald::bench
