// The audit: holds the participants' books against each other, order by order and item by item.
//
// Orders are looked at a part at a time; what is kept of all of them is what the report says, sums
// by item and by customer, and eight bytes an order for its number.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "books.h"
#include "report.h"

namespace order_flow {

struct Audited {
  Report report;               // with the audit's checks
  int64_t orders_waiting = 0;  // some event of theirs has not left
  int64_t payments_held = 0;   // neither used nor given back
};

// `by_callback`: sales are paid first, as the manifest says. Orders under way are in order as far
// as they have come. RETURNS: what BookReader does.
absl::StatusOr<Audited> AuditBooks(const BookStores& stores, bool by_callback);

// Adds what the books say of a part of the orders to a report, and what they say beside orders. An
// order that is neither shipped nor undone counts as stuck: the books cannot tell it from one under
// way.
void AddOrders(const Books& books, Report& report);
void AddStanding(const Books& books, Report& report);

}  // namespace order_flow
