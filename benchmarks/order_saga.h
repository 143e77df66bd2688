// The order saga of the claims, typed: three compensatable steps with empty bodies, a 200-byte
// input, 100-byte outputs; all succeed, or the third refuses every tenth order.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "skald/base/verdict.h"
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

// An order says itself whether its points are refused: the step has no state to ask.
inline constexpr uint64_t kOneRefusedIn = 10;
inline constexpr char kRefused = 1;
inline bool IsRefused(uint64_t number) {
  return number % kOneRefusedIn == 0;
}
inline Order OrderThatMayBeRefused(uint64_t number) {
  Order order = NoiseAs<Order>(number);
  order.bytes[0] = IsRefused(number) ? kRefused : 0;
  return order;
}
inline Verdict<Reply> AnswerOrRefuse(const StepContext& step, const Order& order) {
  if (order.bytes[0] == kRefused) return Rejected("no points left");
  return Answer(step, order);
}

inline Definition PlaceOrderInline() {
  return Define(kPlaceOrder)
      .Step(ReserveStock{}, Answer, Undo, Inline())
      .Step(RedeemCoupon{}, Answer, Undo, Inline())
      .Step(FreezePoints{}, Answer, Undo, Inline())
      .Build();
}

inline Definition PlaceOrderRefusing() {
  return Define(kPlaceOrder)
      .Step(ReserveStock{}, Answer, Undo, Inline())
      .Step(RedeemCoupon{}, Answer, Undo, Inline())
      .Step(FreezePoints{}, AnswerOrRefuse, Undo, Inline())
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
