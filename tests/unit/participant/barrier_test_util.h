// A participant in memory: a store, its committer, a barrier, and requests to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "catch.h"
#include "skald/participant/barrier.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"

namespace skald::testing {

struct Hold {
  int64_t units = 0;
  friend bool operator==(const Hold&, const Hold&) = default;
};

class Shop {
 public:
  explicit Shop(BarrierOptions options = {}, CommitterOptions committer = {},
                Store* store = nullptr)
      : options_(std::move(options)),
        committer_options_(std::move(committer)),
        store_(store == nullptr ? memory_ : *store) {
    Open();
  }
  ~Shop() { Close(); }

  // As after a crash: whatever was not committed is gone.
  void Reopen() {
    Close();
    Open();
  }
  void Close() {
    barrier_.reset();
    if (committer_ != nullptr) IgnoreError(committer_->Shutdown(absl::Seconds(60)), "a test asks");
    committer_.reset();
  }

  Barrier& barrier() { return *barrier_; }
  Committer& committer() { return *committer_; }
  MemoryStore& memory() { return memory_; }

  std::optional<std::string> Row(std::string_view key) {
    auto row = store_.Get(Space::kRows, key);
    REQUIRE(row.ok());
    if (!row->has_value()) return std::nullopt;
    return (*row)->value;
  }
  // Rows of the barrier's records.
  size_t Records() {
    auto cursor = store_.Scan(Space::kRows, {"~b/", "~b0"});
    REQUIRE(cursor.ok());
    size_t count = 0;
    for (; (*cursor)->Valid(); (*cursor)->Next()) ++count;
    return count;
  }

 private:
  void Open() {
    auto committer = Committer::Open(store_, committer_options_);
    REQUIRE(committer.ok());
    committer_ = *std::move(committer);
    auto barrier = Barrier::Open(*committer_, options_);
    REQUIRE(barrier.ok());
    barrier_ = *std::move(barrier);
  }

  const BarrierOptions options_;
  const CommitterOptions committer_options_;
  MemoryStore memory_;
  Store& store_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Barrier> barrier_;
};

struct Asked {
  uint64_t incarnation = 100;
  uint64_t floor = 1;
  uint64_t fingerprint = 1;
};

inline BarrierRequest ActionRequest(const Asked& asked = {}) {
  return {.key = {.store = StoreId{1},
                  .saga = {.hash = 7, .incarnation = Incarnation{asked.incarnation}},
                  .step = 3},
          .floor = Incarnation{asked.floor},
          .fingerprint = {asked.fingerprint, 0}};
}
inline BarrierRequest CompensationRequest(const Asked& asked = {}) {
  BarrierRequest request = ActionRequest(asked);
  request.key.direction = Direction::kCompensation;
  return request;
}

inline int64_t ToNumber(const std::optional<std::string>& text) {
  return text ? std::stoll(*text) : 0;
}

// Takes one unit of stock, or says that it is sold out.
inline Verdict<Hold> TakeOne(Transaction& rows) {
  const auto stock = rows.Get("stock");
  if (!stock.ok()) return FromStatus(stock.status());
  const int64_t left = ToNumber(*stock);
  rows.Put("stock", std::to_string(left - 1));
  if (left == 0) return Rejected("sold out");
  return Hold{1};
}
inline Verdict<Nothing> GiveBack(Transaction& rows, const Hold& hold) {
  const auto stock = rows.Get("stock");
  if (!stock.ok()) return FromStatus(stock.status());
  rows.Put("stock", std::to_string(ToNumber(*stock) + hold.units));
  return Done();
}

inline void SetStock(Committer& committer, int64_t units) {
  Transaction rows = committer.Begin();
  rows.Put("stock", std::to_string(units));
  REQUIRE(std::move(rows).Commit().ok());
}

}  // namespace skald::testing
