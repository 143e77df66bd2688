// The shop: all participants over their databases, and the way of the orders' events to the mailer.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chaos.h"
#include "coupons.h"
#include "mailer.h"
#include "orders.h"
#include "payment.h"
#include "points.h"
#include "skald/participant/outbox.h"
#include "warehouses.h"

namespace order_flow {

// THREADS: any.
class Shop {
 public:
  // Opens or makes the databases in `directory`, each by `open`.
  static absl::StatusOr<std::unique_ptr<Shop>> Open(const std::string& directory,
                                                    const ChaosOptions& chaos,
                                                    const OpenStore& open);
  ~Shop();

  // OK while all can write; otherwise why one no longer can, until it is opened again.
  absl::Status Health() const;

  // Waits until all events have left. RETURNS: DeadlineExceeded: some have not.
  absl::Status TellEverything(absl::Duration patience);

 private:
  struct Databases {
    std::unique_ptr<Chaos> chaos;  // null: there is none
    Warehouses::Participants warehouses;
    std::unique_ptr<Participant> coupons;
    std::unique_ptr<Participant> points;
    std::unique_ptr<Participant> payment;
    std::unique_ptr<Participant> orders;
    std::unique_ptr<Participant> mailer;
    Orders::Pieces of_orders;
  };
  explicit Shop(Databases databases);
  absl::StatusOr<bool> EverythingIsTold();

  Databases databases_;

 public:
  Warehouses warehouses;
  Coupons coupons;
  Points points;
  Payment payment;
  Orders orders;
  Mailer mailer;

  Chaos* chaos() { return databases_.chaos.get(); }
  Participant& warehouse_data(uint8_t warehouse) { return *databases_.warehouses[warehouse]; }
  Participant& coupons_data() { return *databases_.coupons; }
  Participant& points_data() { return *databases_.points; }
  Participant& payment_data() { return *databases_.payment; }
  Participant& orders_data() { return *databases_.orders; }
  Participant& mailer_data() { return *databases_.mailer; }

 private:
  std::unique_ptr<skald::Relay> relay_;  // from the orders to the mailer
};

}  // namespace order_flow
