#include "order.h"

#include <utility>

#include "skald/base/bytes.h"

using order_flow::Order;
using order_flow::OrderItem;
using order_flow::OrderKind;

void skald::Codec<Order>::Encode(const Order& order, std::string* out) {
  ByteWriter writer(out);
  writer.U8(static_cast<uint8_t>(order.kind)).String(order.number).String(order.customer);
  writer.String(order.coupon).ZigZag(order.total).Varint(order.items.size());
  for (const OrderItem& item : order.items) writer.String(item.code).ZigZag(item.quantity);
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
  // An item takes two bytes at least: a wrong count reserves no more than was sent.
  const uint64_t count = in.VarintUpTo(bytes.size() / 2);
  order.items.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    OrderItem item;
    item.code = in.String();
    item.quantity = in.ZigZag();
    order.items.push_back(std::move(item));
  }
  SKALD_RETURN_IF_ERROR(in.Finish(kName));
  return order;
}
