#include "shop.h"

#include <fmt/format.h>

#include <utility>

#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"

namespace order_flow {

Shop::Shop(Databases databases)
    : databases_(std::move(databases)),
      warehouses(databases_.warehouses),
      coupons(*databases_.coupons),
      points(*databases_.points),
      payment(*databases_.payment),
      orders(*databases_.orders, databases_.of_orders),
      mailer(*databases_.mailer) {}

Shop::~Shop() {
  if (databases_.chaos) databases_.chaos->Stop();
}

absl::StatusOr<std::unique_ptr<Shop>> Shop::Open(const std::string& directory,
                                                 const ChaosOptions& chaos, const OpenStore& open) {
  Databases databases;
  if (chaos.any()) databases.chaos = std::make_unique<Chaos>(chaos);
  const ParticipantOptions options{.chaos = databases.chaos.get()};
  ParticipantOptions leased = options;
  leased.leased = true;
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_ASSIGN_OR_RETURN(databases.warehouses[i],
                           Participant::Open(directory, WarehouseName(i), leased, open));
  }
  SKALD_ASSIGN_OR_RETURN(databases.coupons, Participant::Open(directory, "coupons", options, open));
  SKALD_ASSIGN_OR_RETURN(databases.points, Participant::Open(directory, "points", options, open));
  SKALD_ASSIGN_OR_RETURN(databases.payment, Participant::Open(directory, "payment", options, open));
  SKALD_ASSIGN_OR_RETURN(databases.orders, Participant::Open(directory, "orders", options, open));
  SKALD_ASSIGN_OR_RETURN(databases.mailer, Participant::Open(directory, "mailer", {}, open));
  SKALD_ASSIGN_OR_RETURN(databases.of_orders, Orders::OpenPieces(*databases.orders));
  std::unique_ptr<Shop> shop(new Shop(std::move(databases)));
  SKALD_ASSIGN_OR_RETURN(shop->relay_,
                         skald::Relay::Open(*shop->databases_.of_orders.outbox, shop->mailer));
  return shop;
}

absl::Status Shop::Health() const {
  for (const auto& warehouse : databases_.warehouses) {
    SKALD_RETURN_IF_ERROR(warehouse->committer().health());
  }
  for (const auto* participant : {&databases_.coupons, &databases_.points, &databases_.payment,
                                  &databases_.orders, &databases_.mailer}) {
    SKALD_RETURN_IF_ERROR((*participant)->committer().health());
  }
  return absl::OkStatus();
}

// Its rows are gone once they are taken.
absl::StatusOr<bool> Shop::EverythingIsTold() {
  const skald::Relay::Stats stats = relay_->stats();
  if (stats.in_flight > 0 || stats.waiting > 0) return false;
  const std::string first = fmt::format("~o/{}/m", kOutboxName);
  const std::string end = fmt::format("~o/{}/n", kOutboxName);
  SKALD_ASSIGN_OR_RETURN(
      const std::unique_ptr<skald::Cursor> cursor,
      databases_.orders->store().Scan(skald::Space::kRows, skald::KeyRange{first, end}));
  SKALD_RETURN_IF_ERROR(cursor->status());
  return !cursor->Valid();
}

absl::Status Shop::TellEverything(absl::Duration patience) {
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + patience;
  skald::Mutex mutex;
  skald::CondVar never;
  while (true) {
    SKALD_ASSIGN_OR_RETURN(const bool told, EverythingIsTold());
    if (told) return absl::OkStatus();
    if (clock.Boot() >= end) {
      return absl::DeadlineExceededError("events of orders have not reached the mailer");
    }
    const skald::MutexLock lock(mutex);
    never.WaitFor(mutex, absl::Milliseconds(5));
  }
}

}  // namespace order_flow
