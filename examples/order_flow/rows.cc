#include "rows.h"

#include <fmt/format.h>

#include <concepts>
#include <type_traits>
#include <utility>

#include "skald/base/bytes.h"

namespace order_flow {
namespace {

constexpr uint8_t kFormat = 1;

// One list of fields a row, used to write and to read: the two cannot part.
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, StockRow>
{
  f(r.initial), f(r.on_hand), f(r.reserved), f(r.sold), f(r.returned);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, GoodsRow>
{
  f(r.state, GoodsState::kReturned), f(r.parcels), f(r.total), f(r.registered), f(r.coupon),
      f(r.items);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, SetupRow>
{
  f(r.stock_rows), f(r.lines_read), f(r.invoices), f(r.lines_dropped), f(r.orders_refused);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, CouponRow>
{
  f(r.state, CouponState::kRestored), f(r.order), f(r.discount);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, AccountRow>
{
  f(r.granted), f(r.balance), f(r.frozen), f(r.spent);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, HoldRow>
{
  f(r.state, HoldState::kGranted), f(r.customer), f(r.points), f(r.granted);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, PaymentRow>
{
  f(r.total), f(r.paid), f(r.discount), f(r.points_value);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, RefundRow>
{
  f(r.amount);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, HeldRow>
{
  f(r.state, HeldState::kGivenBack), f(r.amount), f(r.used);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, PlacedRow>
{
  f(r.id), f(r.kind, OrderKind::kReturn), f(r.total);
}
template <typename Fields, typename Row>
void Visit(Fields& f, Row& r)
  requires std::same_as<std::remove_const_t<Row>, NoticeRow>
{
  f(r.events);
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) { out_.U8(kFormat); }
  void operator()(int64_t number) { out_.ZigZag(number); }
  void operator()(bool flag) { out_.U8(flag); }
  void operator()(const std::string& text) { out_.String(text); }
  void operator()(const std::vector<OrderItem>& items) {
    out_.Varint(items.size());
    for (const OrderItem& item : items) out_.String(item.code).ZigZag(item.quantity);
  }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum value, Enum /*last*/) {
    out_.U8(static_cast<uint8_t>(value));
  }

 private:
  skald::ByteWriter out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : in_(bytes) {
    if (in_.U8() != kFormat) in_.Fail();
  }
  void operator()(int64_t& number) { number = in_.ZigZag(); }
  void operator()(bool& flag) { flag = in_.VarintUpTo(1) == 1; }
  void operator()(std::string& text) { text = in_.String(); }
  void operator()(std::vector<OrderItem>& items) {
    const uint64_t count = in_.VarintUpTo(in_.remaining() / 2);
    items.resize(static_cast<size_t>(count));
    for (OrderItem& item : items) {
      item.code = in_.String();
      item.quantity = in_.ZigZag();
    }
  }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& value, Enum last) {
    const uint64_t number = in_.VarintUpTo(static_cast<uint64_t>(last));
    if (number == 0) in_.Fail();
    value = static_cast<Enum>(number);
  }
  absl::Status Finish(std::string_view key) const {
    if (in_.ok() && in_.remaining() == 0) return absl::OkStatus();
    return absl::DataLossError(fmt::format("the row '{}' does not read", key));
  }

 private:
  skald::ByteReader in_;
};

template <typename Row>
std::string Write(const Row& row) {
  std::string out;
  Writer writer(&out);
  Visit(writer, row);
  return out;
}

}  // namespace

std::string KeyOf(std::string_view prefix, std::string_view name) {
  std::string key;
  key.reserve(prefix.size() + name.size());
  key.append(prefix).append(name);
  return key;
}

std::string EncodeRow(const StockRow& row) {
  return Write(row);
}
std::string EncodeRow(const GoodsRow& row) {
  return Write(row);
}
std::string EncodeRow(const SetupRow& row) {
  return Write(row);
}
std::string EncodeRow(const CouponRow& row) {
  return Write(row);
}
std::string EncodeRow(const AccountRow& row) {
  return Write(row);
}
std::string EncodeRow(const HoldRow& row) {
  return Write(row);
}
std::string EncodeRow(const PaymentRow& row) {
  return Write(row);
}
std::string EncodeRow(const RefundRow& row) {
  return Write(row);
}
std::string EncodeRow(const HeldRow& row) {
  return Write(row);
}
std::string EncodeRow(const PlacedRow& row) {
  return Write(row);
}
std::string EncodeRow(const NoticeRow& row) {
  return Write(row);
}

template <typename Row>
absl::StatusOr<Row> DecodeRow(std::string_view key, std::string_view value) {
  Reader reader(value);
  Row row;
  Visit(reader, row);
  absl::Status status = reader.Finish(key);
  if (!status.ok()) return status;
  return row;
}

template <>
absl::StatusOr<StateRow> DecodeRow(std::string_view key, std::string_view value) {
  skald::ByteReader in(value);
  StateRow row;
  if (in.U8() != 1) in.Fail();
  row.version = in.Little<uint64_t>();
  row.state = in.U8();
  const uint64_t count = in.VarintUpTo(in.remaining() / 2);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t event = in.U8();
    row.happened.emplace_back(event, in.U8());
  }
  if (in.ok() && in.remaining() == 0) return row;
  return absl::DataLossError(fmt::format("the row '{}' does not read", key));
}

template absl::StatusOr<StockRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<GoodsRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<SetupRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<CouponRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<AccountRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<HoldRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<PaymentRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<RefundRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<HeldRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<PlacedRow> DecodeRow(std::string_view, std::string_view);
template absl::StatusOr<NoticeRow> DecodeRow(std::string_view, std::string_view);

}  // namespace order_flow
