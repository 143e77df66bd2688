// What a store makes durable in one step: a numbered batch of units.
//
// A unit is what one writer-side party (a shard of the coordinator, a barrier call) has to say; it
// applies whole or not at all, together with all other units of its batch. A unit may name
// requirements; if one does not hold, nothing of the batch applies and the unit is named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "skald/base/export.h"

namespace skald::inline v1 {

// Two kinds of access, so that a store can lay them out apart. A key lives in exactly one.
enum class Space : uint8_t {
  kRows = 0,  // read by key at random, overwritten; every value has a Version
  kLog = 1,   // written once under growing keys, read in order by recovery only, dropped by range
};

// Tells one write of a row from every other write of that row; only equality means anything. The
// high 16 bits are the writer's number in its store, the rest a ticket: at a million units a second
// a writer's tickets last nine years. kAbsent: there is no row.
enum class Version : uint64_t { kAbsent = 0 };

inline constexpr int kTicketBits = 48;

// What a Put in unit `index` of a batch gives its row.
// REQUIRES: writer >= 1, ticket + index < 2^48.
constexpr Version VersionOf(uint16_t writer, uint64_t ticket, size_t index) {
  return static_cast<Version>((uint64_t{writer} << kTicketBits) | (ticket + index));
}

// A list of operations, kept as bytes. Moving a unit leaves its bytes where they are in memory:
// views into it stay valid as long as the unit, or what it was moved to, lives and nothing is
// added.
class SKALD_EXPORT Unit {
 public:
  enum class OpKind : uint8_t { kPut = 1, kDelete = 2, kRequire = 3 };
  // The views point into the unit.
  struct Op {
    OpKind kind;
    Space space;
    std::string_view key;
    std::string_view value;  // kPut only
    Version version;         // kRequire: what must stand there. kPut: unused
  };

  // REQUIRES: key.size() <= kKeyBytesMax for all of these; a longer one is refused at commit.
  void Put(Space space, std::string_view key, std::string_view value);
  void Delete(Space space, std::string_view key);
  // Of Space::kRows; kAbsent: must not be there. Judged before the unit's own writes, wherever it
  // stands among them.
  void Require(std::string_view key, Version version);

  // Writes `number`, big-endian, over the last eight bytes of the key of the operation that was
  // added when size_bytes() was `at`. REQUIRES: the key has as many.
  void NumberKey(size_t at, uint64_t number);

  bool empty() const { return bytes_.empty(); }
  size_t op_count() const { return ops_; }
  size_t require_count() const { return requires_; }
  size_t row_write_count() const { return row_writes_; }  // Puts and Deletes of Space::kRows
  // What the unit counts against StoreLimits::batch_bytes.
  size_t size_bytes() const { return bytes_.size(); }
  // The longest key and value in it; what a store's limits are checked against.
  size_t key_bytes_max() const { return key_bytes_max_; }
  size_t value_bytes_max() const { return value_bytes_max_; }
  // Forgets the operations and keeps the memory.
  void Clear();
  void Reserve(size_t bytes) { bytes_.reserve(bytes); }

  // In the order they were added. Visitor: void(const Op&).
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    size_t at = 0;
    Op op;
    while (Next(at, op)) visit(op);
  }
  // The operation that was added when size_bytes() was `at`.
  Op At(size_t at) const;
  // For checksums: the unit's operations as bytes, equal exactly when the operations are.
  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void Begin(OpKind kind, Space space, std::string_view key, size_t extra);
  void AppendWithLength(std::string_view text);
  bool Next(size_t& at, Op& op) const;

  std::vector<char> bytes_;
  uint32_t ops_ = 0;
  uint32_t requires_ = 0;
  uint32_t row_writes_ = 0;
  size_t key_bytes_max_ = 0;
  size_t value_bytes_max_ = 0;
};

inline constexpr size_t kKeyBytesMax = 4096;

// Units of one commit. Every Put of unit i in Space::kRows gets VersionOf(writer, ticket, i). A
// unit may be empty: it keeps its place, so that the tickets of the units after it stay as they
// are.
struct SKALD_EXPORT Batch {
  uint64_t number = 0;  // last committed number of the writer + 1
  uint64_t ticket = 0;  // above every ticket that the writer used before, from 1
  std::vector<Unit> units;

  size_t size_bytes() const;
  // The highest ticket it uses: what Acquired::last_ticket is raised to.
  uint64_t last_ticket() const { return units.empty() ? ticket : ticket + units.size() - 1; }
  // Over number, ticket and all operations.
  uint64_t Checksum() const;
};

}  // namespace skald::inline v1
