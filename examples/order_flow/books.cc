#include "books.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "order_book.h"
#include "sagas.h"
#include "skald/base/bytes.h"
#include "skald/base/status.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace order_flow {
namespace {

// How many orders are held in memory at a time.
constexpr size_t kOrdersAtATime = 1000;

// The first key behind all that begin with `prefix`.
std::string After(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  return end;
}

// Calls visit(name, value) for each row under `prefix` whose name is of the part, or, where names
// are those of orders behind a `word`, whose order is.
template <typename Visitor>
absl::Status ForEachRow(skald::Store& store, std::string_view prefix, const OrderRange& part,
                        Visitor visit, std::string_view word = {}) {
  skald::KeyRange range{std::string(prefix), After(prefix)};
  if (!part.from.empty()) range.from += std::string(word) + part.from;
  if (part.to) range.to = std::string(prefix) + std::string(word) + *part.to;
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<skald::Cursor> cursor,
                         store.Scan(skald::Space::kRows, range));
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_RETURN_IF_ERROR(visit(std::string(cursor->key().substr(prefix.size())), cursor->value()));
  }
  return cursor->status();
}
template <typename Visitor>
absl::Status ForEachRow(skald::Store& store, std::string_view prefix, Visitor visit) {
  return ForEachRow(store, prefix, OrderRange(), std::move(visit));
}

template <typename Row>
absl::Status ReadRows(skald::Store& store, std::string_view prefix, const OrderRange& part,
                      std::map<std::string, Row>& into, std::string_view word = {}) {
  const auto read = [&](std::string name, std::string_view value) -> absl::Status {
    SKALD_ASSIGN_OR_RETURN(Row row, DecodeRow<Row>(KeyOf(prefix, name), value));
    into.emplace_hint(into.end(), std::move(name), std::move(row));
    return absl::OkStatus();
  };
  return ForEachRow(store, prefix, part, read, word);
}

absl::Status ReadRefusals(skald::Store& store, const OrderRange& part, Refusals& into) {
  return ForEachRow(store, kRefusedPrefix, part, [&](std::string name, std::string_view reason) {
    into.emplace_hint(into.end(), std::move(name), std::string(reason));
    return absl::OkStatus();
  });
}

// Whatever is of the input stands alike in each warehouse.
absl::Status ReadSetup(skald::Store& store, Books& books) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<skald::Row> row,
                         store.Get(skald::Space::kRows, kSetupKey));
  books.set_up = books.set_up && row.has_value();
  if (!row) return absl::OkStatus();
  const int64_t rows_before = books.setup.stock_rows;
  SKALD_ASSIGN_OR_RETURN(books.setup, DecodeRow<SetupRow>(kSetupKey, row->value));
  books.setup.stock_rows += rows_before;
  return absl::OkStatus();
}

// Where an order stands whose parcels stand like this; nothing: they went different ways.
std::optional<GoodsState> Together(GoodsState a, GoodsState b) {
  const auto both = [&](GoodsState x, GoodsState y) {
    return (a == x && b == y) || (a == y && b == x);
  };
  if (a == b) return a;
  // On its way forward it is paid for; on its way back it still has something.
  if (both(GoodsState::kReserved, GoodsState::kSold)) return GoodsState::kSold;
  if (both(GoodsState::kReserved, GoodsState::kShipped)) return GoodsState::kSold;
  if (both(GoodsState::kSold, GoodsState::kShipped)) return GoodsState::kSold;
  if (both(GoodsState::kReserved, GoodsState::kReleased)) return GoodsState::kReserved;
  return std::nullopt;
}

void AddParcel(Books& books, const std::string& number, const GoodsRow& parcel) {
  const auto [at, fresh] = books.goods.try_emplace(number, parcel);
  GoodsRow& order = at->second;
  if (fresh) {
    order.parcels = 1;  // counted from here on
    return;
  }
  ++order.parcels;
  order.items.insert(order.items.end(), parcel.items.begin(), parcel.items.end());
  if (const std::optional<GoodsState> state = Together(order.state, parcel.state)) {
    order.state = *state;
  } else {
    books.scattered[number] = "its parcels went different ways";
  }
}

absl::Status ReadWarehouse(skald::Store& store, uint8_t warehouse, const OrderRange& part,
                           Books& books) {
  std::map<std::string, GoodsRow> goods;
  SKALD_RETURN_IF_ERROR(ReadRows(store, kGoodsPrefix, part, goods));
  for (const auto& [number, parcel] : goods) {
    AddParcel(books, number, parcel);
    books.parcels.emplace(fmt::format("{} in {}", number, WarehouseName(warehouse)), parcel);
  }
  return ReadRefusals(store, part, books.refused[std::string(ReserveStock::name())]);
}

// An order that went through has every parcel that it should have.
void CheckParcels(const std::map<std::string, GoodsRow>& parcels, Books& books) {
  for (const auto& [name, parcel] : parcels) {
    const std::string number = name.substr(0, name.find(' '));
    const GoodsRow& order = books.goods.at(number);
    const bool through = order.state == GoodsState::kSold || order.state == GoodsState::kShipped;
    if (through && order.parcels != parcel.parcels) {
      books.scattered[number] =
          fmt::format("it has {} parcels of {}", order.parcels, parcel.parcels);
    }
    // Goods that come back have no row before.
    const bool back = order.state == GoodsState::kReturned;
    if (back && order.parcels != parcel.parcels) books.half_returned.insert(number);
  }
}

// What the outbox holds, by docs/formats/participants.md.
absl::Status ReadOutbox(skald::Store& store, std::map<std::string, NoticeRow>& waiting,
                        int64_t& parked) {
  const std::string prefix = fmt::format("~o/{}/", kOutboxName);
  SKALD_RETURN_IF_ERROR(
      ForEachRow(store, prefix + "m", [&](const std::string& id, std::string_view value) {
        skald::ByteReader in(value);
        in.Raw(1 + sizeof(uint64_t));  // its form, and when it was added
        const std::string number(in.String());
        const std::string topic(in.String());
        skald::ByteReader key(id);
        const auto number_of_message = static_cast<int64_t>(key.Big<uint64_t>());
        if (!in.ok() || !key.ok()) return absl::DataLossError("an event does not read");
        waiting[number].events.push_back({topic, number_of_message});
        return absl::OkStatus();
      }));
  return ForEachRow(store, prefix + "p", [&](const std::string&, std::string_view) {
    ++parked;
    return absl::OkStatus();
  });
}

template <typename State>
State StateIn(const Books& books, const std::string& number, State initial) {
  const auto found = books.states.find(number);
  return found == books.states.end() ? initial : static_cast<State>(found->second.state);
}

}  // namespace

SaleState SaleStateOf(const Books& books, const std::string& number) {
  return StateIn(books, number, kSaleTable.initial());
}
ReturnState ReturnStateOf(const Books& books, const std::string& number) {
  return StateIn(books, number, kReturnTable.initial());
}

absl::StatusOr<BookReader> BookReader::Open(const BookStores& stores) {
  BookReader reader(stores);
  Books& books = reader.books_;
  books.set_up = true;
  const OrderRange all;
  for (skald::Store* warehouse : stores.warehouses) {
    SKALD_RETURN_IF_ERROR(ReadSetup(*warehouse, books));
    SKALD_RETURN_IF_ERROR(ReadRows(*warehouse, kStockPrefix, all, books.stock));
  }
  SKALD_RETURN_IF_ERROR(ReadRows(*stores.points, kAccountPrefix, all, books.accounts));
  // What has left is looked for behind what has not: nothing falls between.
  SKALD_RETURN_IF_ERROR(ReadOutbox(*stores.orders, reader.waiting_, books.parked));
  return reader;
}

absl::StatusOr<bool> BookReader::Next() {
  if (ended_) return false;
  part_.from = std::exchange(part_.to, std::nullopt).value_or("");
  SKALD_RETURN_IF_ERROR(FindEnd());
  ended_ = !part_.to.has_value();
  books_.orders() = OrderBooks();
  SKALD_RETURN_IF_ERROR(ReadPart());
  return true;
}

// A part ends where enough orders were opened, or refused at once: one of the two is each order.
absl::Status BookReader::FindEnd() {
  for (const std::string_view prefix : {kPlacedPrefix, kRefusedPrefix}) {
    const skald::KeyRange range{KeyOf(prefix, part_.from), After(prefix)};
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<skald::Cursor> cursor,
                           stores_.orders->Scan(skald::Space::kRows, range));
    for (size_t i = 0; i < kOrdersAtATime && cursor->Valid(); ++i) cursor->Next();
    SKALD_RETURN_IF_ERROR(cursor->status());
    if (!cursor->Valid()) continue;
    std::string end(cursor->key().substr(prefix.size()));
    if (!part_.to || end < *part_.to) part_.to = std::move(end);
  }
  return absl::OkStatus();
}

absl::Status BookReader::ReadPart() {
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_RETURN_IF_ERROR(ReadWarehouse(*stores_.warehouses[i], i, part_, books_));
  }
  CheckParcels(books_.parcels, books_);
  SKALD_RETURN_IF_ERROR(
      ReadRows(*stores_.coupons, kCouponPrefix, part_, books_.coupons, kCouponWord));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.points, kHoldPrefix, part_, books_.holds));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.payment, kPaymentPrefix, part_, books_.payments));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.payment, kRefundPrefix, part_, books_.refunds));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.payment, kHeldPrefix, part_, books_.held));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.orders, kPlacedPrefix, part_, books_.placed));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.orders, kStatePrefix, part_, books_.states));
  SKALD_RETURN_IF_ERROR(ReadRows(*stores_.mailer, kNoticePrefix, part_, books_.notices));
  const auto end = part_.to ? waiting_.lower_bound(*part_.to) : waiting_.end();
  books_.waiting.insert(waiting_.lower_bound(part_.from), end);
  const auto refusals = [&](skald::Store& store, std::string_view step) {
    return ReadRefusals(store, part_, books_.refused[std::string(step)]);
  };
  SKALD_RETURN_IF_ERROR(refusals(*stores_.orders, OpenOrder::name()));
  SKALD_RETURN_IF_ERROR(refusals(*stores_.coupons, RedeemCoupon::name()));
  SKALD_RETURN_IF_ERROR(refusals(*stores_.points, FreezePoints::name()));
  return refusals(*stores_.payment, Charge::name());
}

absl::StatusOr<std::vector<std::unique_ptr<skald::Store>>> OpenBookStores(
    const std::string& directory, BookStores& stores) {
  std::vector<std::unique_ptr<skald::Store>> opened;
  const auto open = [&](const std::string& name, skald::Store*& into) -> absl::Status {
    skald::RocksDbOptions options;
    options.create_if_missing = false;
    options.memory_bytes = size_t{64} << 20;
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<skald::Store> store,
                           skald::OpenRocksDbStore(fmt::format("{}/{}", directory, name), options));
    into = opened.emplace_back(std::move(store)).get();
    return absl::OkStatus();
  };
  for (uint8_t i = 0; i < kWarehouses; ++i) {
    SKALD_RETURN_IF_ERROR(open(WarehouseName(i), stores.warehouses[i]));
  }
  SKALD_RETURN_IF_ERROR(open("coupons", stores.coupons));
  SKALD_RETURN_IF_ERROR(open("points", stores.points));
  SKALD_RETURN_IF_ERROR(open("payment", stores.payment));
  SKALD_RETURN_IF_ERROR(open("orders", stores.orders));
  SKALD_RETURN_IF_ERROR(open("mailer", stores.mailer));
  return opened;
}

}  // namespace order_flow
