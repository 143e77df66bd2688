// Sagas asleep: those that wait for a far timer or a signal only, and are not in memory. Each has
// two rows, written in the batch that says so in the journal: its whole journal by id, and a timer
// by time. What stays in memory of one is its hash and its incarnation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/ids.h"
#include "skald/coordinator/internal/watch.h"
#include "skald/store/store.h"

namespace skald::inline v1::internal {

// When a saga asleep is due. Its row's key in Space::kRows sorts by time.
struct WakeTime {
  absl::Time time;  // InfiniteFuture: only a signal or a verb wakes it
  SagaId saga;

  friend bool operator==(const WakeTime&, const WakeTime&) = default;
  friend bool operator<(const WakeTime& a, const WakeTime& b) {
    return a.time != b.time ? a.time < b.time : a.saga < b.saga;
  }
};

std::string AsleepKey(const SagaId& saga);
std::string WakeKey(const WakeTime& wake);
absl::StatusOr<WakeTime> ParseWakeKey(std::string_view key);
// All rows of timers.
KeyRange WakeRange();

// The row by id: the journal so far, when it is due, under which epoch it was written, and with
// which block.
struct AsleepRow {
  absl::Time wake;
  uint64_t epoch = 0;  // 0: not known, and so is
  uint64_t block = 0;
  std::string_view journal;
};
std::string EncodeAsleep(const AsleepRow& row);
absl::StatusOr<AsleepRow> DecodeAsleep(std::string_view bytes);

// What a shard knows of its sagas that are asleep.
class Sleepers {
 public:
  size_t size() const { return by_hash_.size(); }
  bool HasHash(uint64_t hash) const { return by_hash_.contains(hash); }
  // The one with this hash.
  std::optional<SagaId> Find(uint64_t hash) const;
  // REQUIRES: !HasHash(saga.hash).
  void Add(const WakeTime& wake);
  void Remove(const SagaId& saga) { by_hash_.erase(saga.hash); }
  template <typename F>
  void ForEach(F f) const {
    for (const auto& [hash, incarnation] : by_hash_) f(SagaId{hash, Incarnation{incarnation}});
  }

  // ---- timers, read from the store in windows
  // When there is something to do: a saga is due, or the next window is to be read.
  absl::Time next() const;
  // Reads the next window when it is time. `mine`: whether a hash is the shard's.
  template <typename Mine>
  absl::Status ReadWindow(Store& store, absl::Time now, Mine mine);
  // One that is due; nullopt: none is, of those that have been read.
  std::optional<WakeTime> TakeDue(absl::Time now);
  // The window must be read again: a row was missed, or a read failed.
  void Rewind(absl::Time to);

  // Of a saga that somebody waits for.
  absl::flat_hash_map<SagaId, WatchPtr> watches;

 private:
  static constexpr absl::Duration kWindow = absl::Seconds(30);
  static constexpr size_t kWindowRowsMax = 4096;

  absl::flat_hash_map<uint64_t, uint64_t> by_hash_;  // to the incarnation
  absl::btree_set<WakeTime> due_soon_;
  WakeTime read_to_{absl::UnixEpoch(), {}};  // every row before it was read
};

template <typename Mine>
absl::Status Sleepers::ReadWindow(Store& store, absl::Time now, Mine mine) {
  if (by_hash_.empty() || read_to_.time > now) return absl::OkStatus();
  const WakeTime to{now + kWindow, {}};
  absl::StatusOr<std::unique_ptr<Cursor>> cursor =
      store.Scan(Space::kRows, {WakeKey(read_to_), WakeKey(to)});
  if (!cursor.ok()) return cursor.status();
  size_t rows = 0;
  for (; (*cursor)->Valid() && rows < kWindowRowsMax; (*cursor)->Next(), ++rows) {
    absl::StatusOr<WakeTime> wake = ParseWakeKey((*cursor)->key());
    if (!wake.ok()) return wake.status();
    if (mine(wake->saga.hash)) due_soon_.insert(*wake);
    read_to_ = *wake;
  }
  if (absl::Status status = (*cursor)->status(); !status.ok()) return status;
  if (!(*cursor)->Valid()) read_to_ = to;
  return absl::OkStatus();
}

}  // namespace skald::inline v1::internal
