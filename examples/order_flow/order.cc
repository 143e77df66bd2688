#include "order.h"

#include <algorithm>
#include <utility>

#include "skald/base/bytes.h"
#include "skald/base/hash.h"

namespace order_flow {
namespace {

void WriteItems(skald::ByteWriter& out, const std::vector<OrderItem>& items) {
  out.Varint(items.size());
  for (const OrderItem& item : items) out.String(item.code).ZigZag(item.quantity);
}

// An item takes two bytes at least: a wrong count reserves no more than was sent.
std::vector<OrderItem> ReadItems(skald::ByteReader& in) {
  const uint64_t count = in.VarintUpTo(in.remaining() / 2);
  std::vector<OrderItem> items;
  items.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    OrderItem item;
    item.code = in.String();
    item.quantity = in.ZigZag();
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

uint8_t WarehouseOf(std::string_view item) {
  return static_cast<uint8_t>(skald::StableHash64("warehouse", item) % kWarehouses);
}

std::vector<Parcel> ParcelsOf(const Order& order) {
  std::vector<Parcel> all(kWarehouses);
  for (const OrderItem& item : order.items) all[WarehouseOf(item.code)].items.push_back(item);
  for (uint8_t i = 0; i < kWarehouses; ++i) all[i].warehouse = i;
  std::erase_if(all, [](const Parcel& parcel) { return parcel.items.empty(); });
  for (Parcel& parcel : all) {
    parcel.number = order.number;
    parcel.parcels = static_cast<uint8_t>(all.size());
    parcel.total = order.total;
    parcel.registered = !order.guest();
    parcel.coupon = order.coupon;
  }
  return all;
}

}  // namespace order_flow

using order_flow::Order;
using order_flow::OrderKind;
using order_flow::Parcel;

void skald::Codec<Order>::Encode(const Order& order, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<uint8_t>(order.kind)).String(order.number).String(order.customer);
  writer.String(order.coupon).ZigZag(order.total);
  order_flow::WriteItems(writer, order.items);
}

absl::StatusOr<Order> skald::Codec<Order>::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Order order;
  const uint8_t kind = in.U8();
  if (kind != 1 && kind != 2) in.Fail();
  order.kind = static_cast<OrderKind>(kind);
  order.number = in.String();
  order.customer = in.String();
  order.coupon = in.String();
  order.total = in.ZigZag();
  order.items = order_flow::ReadItems(in);
  SKALD_RETURN_IF_ERROR(in.Finish(kName));
  return order;
}

void skald::Codec<Parcel>::Encode(const Parcel& parcel, std::string* out) {
  ByteWriter writer(out);
  writer.String(parcel.number).U8(parcel.warehouse).U8(parcel.parcels).ZigZag(parcel.total);
  writer.U8(parcel.registered).String(parcel.coupon);
  order_flow::WriteItems(writer, parcel.items);
}

absl::StatusOr<Parcel> skald::Codec<Parcel>::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Parcel parcel;
  parcel.number = in.String();
  parcel.warehouse = static_cast<uint8_t>(in.VarintUpTo(order_flow::kWarehouses - 1));
  parcel.parcels = static_cast<uint8_t>(in.VarintUpTo(order_flow::kWarehouses));
  parcel.total = in.ZigZag();
  parcel.registered = in.VarintUpTo(1) == 1;
  parcel.coupon = in.String();
  parcel.items = order_flow::ReadItems(in);
  SKALD_RETURN_IF_ERROR(in.Finish(kName));
  return parcel;
}
