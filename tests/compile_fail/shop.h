// What the cases define: an order, what its steps give, and functions that fit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skald/saga/define.h"

using skald::After, skald::ForEach, skald::Unless, skald::When;
using skald::Define, skald::Definition, skald::StepContext, skald::Task, skald::Using,
    skald::Verdict;

struct Order {
  int64_t units;
};
struct Reservation {
  int64_t units;
};
struct Receipt {
  int64_t pence;
};

struct Reserve : skald::StepKey<"reserve", Reservation> {};
struct Look : skald::StepKey<"look", std::string> {};
struct Charge : skald::StepKey<"charge", Receipt> {};
struct Refund : skald::StepKey<"refund", Receipt> {};
struct Ship : skald::StepKey<"ship"> {};
struct Gift : skald::StepKey<"gift", bool> {};
struct Large : skald::StepKey<"large", bool> {};
struct Mark : skald::StepKey<"mark", bool> {};
struct Paid : skald::SignalKey<"paid", Receipt> {};
struct Line {
  int64_t units;
};

inline constexpr skald::SagaKey<"place-order", 1, Order> kPlaceOrder;
inline constexpr skald::SagaKey<"pay-order", 1, Order, Receipt> kPayOrder;

inline Reservation DoReserve(const StepContext&, const Order& order) {
  return {order.units};
}
inline void UndoReserve(const StepContext&, const Order&, const Reservation*) {}
inline std::string DoLook(const StepContext&, const Order&) {
  return "seen";
}
inline Receipt DoCharge(const StepContext&, const Order& order) {
  return {order.units};
}
inline void UndoCharge(const StepContext&, const Order&, const Receipt*) {}
inline void DoShip(const StepContext&, const Order&) {}
inline void UndoShip(const StepContext&, const Order&, const skald::Nothing*) {}
inline bool IsGift(const Order& order) {
  return order.units == 1;
}
inline bool DoMark(const StepContext&, const Order&) {
  return true;
}
inline std::vector<Line> LinesOf(const Order& order) {
  return std::vector<Line>(static_cast<size_t>(order.units));
}
inline Reservation ReserveLine(const StepContext&, const Order&, const Line& line) {
  return {line.units};
}
inline void ReleaseLine(const StepContext&, const Order&, const Line&, const Reservation*) {}
