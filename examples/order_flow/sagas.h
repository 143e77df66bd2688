// The sagas of a shop.
//
//   place-order    reserve-stock (for each parcel) → redeem-coupon → freeze-points
//                  → charge (pivot) → grant-points, beside it ship-parcels (a saga for each)
//   …version 2     the same, and before the charge the customer's payment is awaited:
//                  payment-made (a signal, or its time is up) → check-payment
//   ship-parcel    confirm-stock → mark-shipped (pivot)
//   return-goods   check-return (no effect) → refund (pivot) → restock (for each parcel)
//
// Before its pivot a saga may be refused and is undone in reverse; behind it, it is carried
// through.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coupons.h"
#include "faults.h"
#include "order.h"
#include "payment.h"
#include "points.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_key.h"
#include "warehouses.h"

namespace order_flow {

struct ReserveStock : skald::StepKey<"reserve-stock"> {};
struct RedeemCoupon : skald::StepKey<"redeem-coupon", Discount> {};
struct FreezePoints : skald::StepKey<"freeze-points", PointsHold> {};
struct PaymentMade : skald::SignalKey<"payment-made"> {};
struct CheckPayment : skald::StepKey<"check-payment"> {};
struct Charge : skald::StepKey<"charge", Receipt> {};
struct GrantPoints : skald::StepKey<"grant-points"> {};
struct ShipParcels : skald::StepKey<"ship-parcels"> {};
struct ConfirmStock : skald::StepKey<"confirm-stock"> {};
struct MarkShipped : skald::StepKey<"mark-shipped"> {};
struct CheckReturn : skald::StepKey<"check-return"> {};
struct Refund : skald::StepKey<"refund", Receipt> {};
struct Restock : skald::StepKey<"restock"> {};

inline constexpr skald::SagaKey<"place-order", 1, Order, Receipt> kPlaceOrder;
inline constexpr skald::SagaKey<"place-order", 2, Order, Receipt> kPlaceOrderOnCallback;
inline constexpr skald::SagaKey<"ship-parcel", 1, Parcel> kShipParcel;
inline constexpr skald::SagaKey<"return-goods", 1, Order, Receipt> kReturnGoods;

// The names of all steps that can be told to fail, in order.
std::vector<std::string_view> StepNames();

// The participants over their databases.
class Shop {
 public:
  // Opens or makes the databases in `directory`.
  static absl::StatusOr<std::unique_ptr<Shop>> Open(const std::string& directory);

  // OK while all can write; otherwise why one no longer can, until it is opened again.
  absl::Status Health() const;

 private:
  struct Databases {
    Warehouses::Participants warehouses;
    std::unique_ptr<Participant> coupons;
    std::unique_ptr<Participant> points;
    std::unique_ptr<Participant> payment;
  };
  explicit Shop(Databases databases);

  Databases databases_;

 public:
  Warehouses warehouses;
  Coupons coupons;
  Points points;
  Payment payment;

  Participant& warehouse_data(uint8_t warehouse) { return *databases_.warehouses[warehouse]; }
  Participant& coupons_data() { return *databases_.coupons; }
  Participant& points_data() { return *databases_.points; }
  Participant& payment_data() { return *databases_.payment; }
};

// `shop` and `faults` must outlive whoever runs the definitions.
skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults);
skald::Definition PlaceOrderOnCallback(Shop& shop, const FaultPlan& faults,
                                       absl::Duration time_to_pay);
skald::Definition ShipParcel(Shop& shop, const FaultPlan& faults);
skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults);

}  // namespace order_flow
