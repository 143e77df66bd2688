// The rows that a transaction has touched. Most touch a few, which are found by looking at all of
// them; there is a table for more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "skald/base/strings.h"
#include "skald/store/batch.h"

namespace skald::inline v1 {

struct TouchedRow {
  static constexpr size_t kNotWritten = ~size_t{0};

  size_t key_at;  // among the keys
  size_t key_bytes;
  bool read = false;
  Version version = Version::kAbsent;  // what was read
  size_t written_at = kNotWritten;     // where in the unit the last own write stands

  bool written() const { return written_at != kNotWritten; }
};

// Not safe for use by two threads at once.
class TouchedRows {
 public:
  TouchedRows() = default;
  TouchedRows(const TouchedRows&) = delete;
  TouchedRows& operator=(const TouchedRows&) = delete;

  // RETURNS: null: it was not touched; otherwise until the next call of Touch.
  TouchedRow* Find(std::string_view key) {
    if (rows_.size() > kLookedThrough) {
      const auto found = table_.find(key);
      return found == table_.end() ? nullptr : &rows_[*found];
    }
    for (TouchedRow& row : rows_) {
      if (KeyOf(row) == key) return &row;
    }
    return nullptr;
  }
  TouchedRow& Touch(std::string_view key) {
    if (TouchedRow* const known = Find(key)) return *known;
    if (rows_.empty()) {
      rows_.reserve(kRowsAtFirst);
      keys_.reserve(kKeyBytesAtFirst);
    }
    rows_.push_back({.key_at = keys_.size(), .key_bytes = key.size()});
    keys_.append(key);
    if (rows_.size() > kLookedThrough) Tabulate();
    return rows_.back();
  }
  std::string_view KeyOf(const TouchedRow& row) const {
    return std::string_view(keys_).substr(row.key_at, row.key_bytes);
  }

  // In the order in which they were touched, which is the same each time.
  auto begin() { return rows_.begin(); }
  auto end() { return rows_.end(); }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

 private:
  static constexpr size_t kLookedThrough = 16;
  static constexpr size_t kRowsAtFirst = 8;
  static constexpr size_t kKeyBytesAtFirst = 192;

  struct Hash {
    using is_transparent = void;
    const TouchedRows* rows;
    size_t operator()(std::string_view key) const { return StringHash{}(key); }
    size_t operator()(uint32_t row) const { return StringHash{}(rows->KeyOf(rows->rows_[row])); }
  };
  struct Eq {
    using is_transparent = void;
    const TouchedRows* rows;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t a, std::string_view b) const {
      return rows->KeyOf(rows->rows_[a]) == b;
    }
  };

  void Tabulate() {
    while (table_.size() < rows_.size()) table_.insert(static_cast<uint32_t>(table_.size()));
  }

  std::vector<TouchedRow> rows_;
  std::string keys_;  // one behind the other
  absl::flat_hash_set<uint32_t, Hash, Eq> table_{0, Hash{this}, Eq{this}};
};

}  // namespace skald::inline v1
