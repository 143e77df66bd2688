// The two sagas of a shop.
//
//   place-order    reserve-stock → redeem-coupon → freeze-points → charge (pivot)
//                  → confirm-stock → grant-points → mark-shipped
//   return-goods   check-return (no effect) → refund (pivot) → restock
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
#include "inventory.h"
#include "order.h"
#include "payment.h"
#include "points.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_key.h"

namespace order_flow {

struct ReserveStock : skald::StepKey<"reserve-stock"> {};
struct RedeemCoupon : skald::StepKey<"redeem-coupon", Discount> {};
struct FreezePoints : skald::StepKey<"freeze-points", PointsHold> {};
struct Charge : skald::StepKey<"charge", Receipt> {};
struct ConfirmStock : skald::StepKey<"confirm-stock"> {};
struct GrantPoints : skald::StepKey<"grant-points"> {};
struct MarkShipped : skald::StepKey<"mark-shipped"> {};
struct CheckReturn : skald::StepKey<"check-return"> {};
struct Refund : skald::StepKey<"refund", Receipt> {};
struct Restock : skald::StepKey<"restock"> {};

inline constexpr skald::SagaKey<"place-order", 1, Order, Receipt> kPlaceOrder;
inline constexpr skald::SagaKey<"return-goods", 1, Order, Receipt> kReturnGoods;

// The names of all steps of both, in order.
std::vector<std::string_view> StepNames();

// The four participants over their databases.
class Shop {
 public:
  // Opens or makes the databases in `directory`.
  static absl::StatusOr<std::unique_ptr<Shop>> Open(const std::string& directory);

  // OK while all four can write; otherwise why one no longer can, until it is opened again.
  absl::Status Health() const;

  Inventory inventory;
  Coupons coupons;
  Points points;
  Payment payment;

  Participant& inventory_data() { return *databases_.inventory; }
  Participant& coupons_data() { return *databases_.coupons; }
  Participant& points_data() { return *databases_.points; }
  Participant& payment_data() { return *databases_.payment; }

 private:
  struct Databases {
    std::unique_ptr<Participant> inventory;
    std::unique_ptr<Participant> coupons;
    std::unique_ptr<Participant> points;
    std::unique_ptr<Participant> payment;
  };
  explicit Shop(Databases databases);

  Databases databases_;
};

// `shop` and `faults` must outlive whoever runs the definitions.
skald::Definition PlaceOrder(Shop& shop, const FaultPlan& faults);
skald::Definition ReturnGoods(Shop& shop, const FaultPlan& faults);

}  // namespace order_flow
