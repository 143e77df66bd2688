// An order as the sagas see it: one invoice, its lines summed up by item.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "money.h"
#include "skald/base/codec.h"

namespace order_flow {

// Persisted; numbers are never reused.
enum class OrderKind : uint8_t { kSale = 1, kReturn = 2 };

struct OrderItem {
  std::string code;
  int64_t quantity = 0;  // always positive: units sold, or brought back

  friend auto operator<=>(const OrderItem&, const OrderItem&) = default;
};

struct Order {
  std::string number;  // the InvoiceNo
  OrderKind kind = OrderKind::kSale;
  std::string customer;  // empty: a guest, without points and coupons
  std::string coupon;    // empty: none
  Mills total = 0;       // of all lines, positive: to pay, or to give back
  std::vector<OrderItem> items;

  bool guest() const { return customer.empty(); }
  friend auto operator<=>(const Order&, const Order&) = default;
};

// Items lie in three warehouses, each with a database of its own.
inline constexpr uint8_t kWarehouses = 3;
// Which one has an item, from 0.
uint8_t WarehouseOf(std::string_view item);

// What one warehouse has to do for an order.
struct Parcel {
  std::string number;  // the order's
  uint8_t warehouse = 0;
  uint8_t parcels = 1;  // of the order, in all
  Mills total = 0;      // of the whole order
  bool registered = false;
  std::string coupon;
  std::vector<OrderItem> items;

  friend auto operator<=>(const Parcel&, const Parcel&) = default;
};

// By warehouse; those that have nothing to do are left out.
std::vector<Parcel> ParcelsOf(const Order& order);

// What a step that may be refused for good says of itself; recorded by the participant's barrier.
template <typename T>
struct Decision {
  std::string refusal;  // empty: granted
  T granted{};
};

}  // namespace order_flow

template <>
struct skald::Codec<order_flow::Order> {
  static constexpr std::string_view kName = "order-flow.order";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const order_flow::Order& order, std::string* out);
  static absl::StatusOr<order_flow::Order> Decode(std::string_view bytes);
};

template <>
struct skald::Codec<order_flow::Parcel> {
  static constexpr std::string_view kName = "order-flow.parcel";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const order_flow::Parcel& parcel, std::string* out);
  static absl::StatusOr<order_flow::Parcel> Decode(std::string_view bytes);
};

// A string with its length, then the value.
template <typename T>
struct skald::Codec<order_flow::Decision<T>> {
  static constexpr std::string_view kName = "order-flow.decision";
  static constexpr uint32_t kSchemaVersion = Codec<T>::kSchemaVersion;
  static absl::Status Encode(const order_flow::Decision<T>& decision, std::string* out) {
    ByteWriter(out).String(decision.refusal);
    return skald::Encode(decision.granted, out);
  }
  static absl::StatusOr<order_flow::Decision<T>> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    std::string refusal(in.String());
    if (!in.ok()) return in.Finish(kName);
    SKALD_ASSIGN_OR_RETURN(T granted, skald::Decode<T>(in.rest()));
    return order_flow::Decision<T>{std::move(refusal), std::move(granted)};
  }
};
