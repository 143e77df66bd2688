// What the cases define: an order, what its steps give, and functions that fit.
#pragma once

#include <cstdint>
#include <string>

#include "skald/saga/define.h"

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
