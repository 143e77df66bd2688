// The sagas of a shop.
//
//   place-order    open-order → reserve-stock (for each parcel) → redeem-coupon → freeze-points
//                  → charge (pivot) → order-paid → grant-points, and beside it
//                  ship-parcels (a saga for each) → order-shipped
//   …version 2     the same, and before the charge the customer's payment is awaited:
//                  payment-made (a signal, or its time is up) → check-payment
//   ship-parcel    confirm-stock → mark-shipped (pivot)
//   return-goods   check-return (no effect) → open-order → refund (pivot)
//                  → restock (for each parcel) → order-returned
//
// Before its pivot a saga may be refused and is undone in reverse; behind it, it is carried
// through.
#pragma once

#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "faults.h"
#include "order.h"
#include "shop.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_key.h"

namespace order_flow {

struct OpenOrder : skald::StepKey<"open-order"> {};
struct ReserveStock : skald::StepKey<"reserve-stock"> {};
struct RedeemCoupon : skald::StepKey<"redeem-coupon", Discount> {};
struct FreezePoints : skald::StepKey<"freeze-points", PointsHold> {};
struct PaymentMade : skald::SignalKey<"payment-made"> {};
struct CheckPayment : skald::StepKey<"check-payment"> {};
struct Charge : skald::StepKey<"charge", Receipt> {};
struct OrderPaid : skald::StepKey<"order-paid"> {};
struct GrantPoints : skald::StepKey<"grant-points"> {};
struct ShipParcels : skald::StepKey<"ship-parcels"> {};
struct OrderShipped : skald::StepKey<"order-shipped"> {};
struct ConfirmStock : skald::StepKey<"confirm-stock"> {};
struct MarkShipped : skald::StepKey<"mark-shipped"> {};
struct CheckReturn : skald::StepKey<"check-return"> {};
struct Refund : skald::StepKey<"refund", Receipt> {};
struct Restock : skald::StepKey<"restock"> {};
struct OrderReturned : skald::StepKey<"order-returned"> {};

inline constexpr skald::SagaKey<"place-order", 1, Order, Receipt> kPlaceOrder;
inline constexpr skald::SagaKey<"place-order", 2, Order, Receipt> kPlaceOrderOnCallback;
inline constexpr skald::SagaKey<"ship-parcel", 1, Parcel> kShipParcel;
inline constexpr skald::SagaKey<"return-goods", 1, Order, Receipt> kReturnGoods;

// The names of all steps that can be told to fail, in order.
std::vector<std::string_view> StepNames();

// `shop` and `faults` must outlive whoever runs the definitions.
skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults);
skald::Definition PlaceOrderOnCallback(Shop& shop, const FaultPlan& faults,
                                       absl::Duration time_to_pay);
skald::Definition ShipParcel(Shop& shop, const FaultPlan& faults);
skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults);

}  // namespace order_flow
