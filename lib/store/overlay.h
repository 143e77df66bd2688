// The rows that a committer remembers: queued, in flight, and those committed lately. See
// docs/internals/store.md for why a look here at commit is enough. Not safe for use by two threads
// at once: the committer's mutex guards it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "skald/base/strings.h"
#include "skald/store/batch.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// Units that are committed together, and whom to tell.
struct CommitGroup {
  Batch batch;
  std::vector<CommitCallback> done;  // one a unit; empty once it has been called
  size_t unit_bytes = 0;             // of all units
  size_t bytes = 0;                  // what it counts against a bound, first the queue's
};

class Overlay {
 public:
  // Points into the unit that wrote it.
  struct Row {
    // The set hashes `key`; a later write moves it to an equal key in memory of its own.
    mutable std::string_view key;
    mutable std::string_view value;
    mutable Version version;  // kAbsent: deleted
    mutable uint64_t ticket;  // of the unit

    std::optional<skald::Row> Copy() const {
      if (version == Version::kAbsent) return std::nullopt;
      return skald::Row{version, std::string(value)};
    }
  };

  // Remembers what `unit` writes. REQUIRES: its bytes stay where they are until it is forgotten.
  void Add(const Unit& unit, uint16_t writer, uint64_t ticket);
  // Forgets what the unit of this ticket wrote, unless a later one wrote it again.
  void Forget(const Unit& unit, uint64_t ticket);
  const Row* Find(std::string_view key) const;

  // A reader's place among the settled groups. Each Begin is followed by one End.
  uint64_t BeginReading();
  void EndReading(uint64_t began);
  // Whether every row that was written since `began` is still here.
  bool Covers(uint64_t began) const { return began >= base_; }

  // Takes over a group that is durable and keeps its rows while a reader from before needs them,
  // and no more than `bytes_max` of such bytes.
  void Settle(std::unique_ptr<CommitGroup> group, size_t bytes_max);
  // Forgets some rows that nobody needs any more, few enough for one hold of the lock. A group that
  // is done with goes to `finished`, to be destroyed or used again outside the lock.
  // RETURNS: false when there was nothing to forget.
  bool ForgetSome(std::unique_ptr<CommitGroup>& finished);
  void Clear();

  size_t rows() const { return rows_.size(); }
  size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return StringHash{}(key); }
    size_t operator()(const Row& row) const { return StringHash{}(row.key); }
  };
  struct Eq {
    using is_transparent = void;
    static std::string_view Key(std::string_view key) { return key; }
    static std::string_view Key(const Row& row) { return row.key; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Key(a) == Key(b);
    }
  };

  absl::flat_hash_set<Row, Hash, Eq> rows_;
  // Groups are counted as they settle. readers_[i]: how many began when base_ + i had settled;
  // kept_[i]: the group that settled as number base_ + i + 1.
  uint64_t base_ = 0;
  std::deque<uint32_t> readers_ = {0};
  std::deque<std::unique_ptr<CommitGroup>> kept_;
  size_t kept_bytes_ = 0;
  size_t bytes_max_ = 0;
  std::unique_ptr<CommitGroup> forgetting_;
  size_t forgotten_units_ = 0;
};

}  // namespace skald::inline v1
