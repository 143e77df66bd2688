// What a store makes durable in one step: a numbered batch of units.
//
// A unit is what one writer-side party (a shard of the coordinator, a barrier call) has to say; it
// applies whole or not at all, together with all other units of its batch. A unit may name
// requirements; if one does not hold, nothing of the batch applies and the unit is named.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "skald/base/export.h"

namespace skald::inline v1 {

// Two kinds of access, so that a store can lay them out apart. A key lives in exactly one.
enum class Space : uint8_t {
  kRows = 0,  // read by key at random, overwritten; every value has a Version
  kLog = 1,   // written once under growing keys, read in order by recovery only, dropped by range
};

// Tells one write of a row from every other write of that row; only equality means anything. The high
// 16 bits are the writer's number in its store, the rest a ticket. kAbsent: there is no row.
enum class Version : uint64_t { kAbsent = 0 };

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

  // REQUIRES: key.size() <= kKeyBytesMax for all of these.
  void Put(Space space, std::string_view key, std::string_view value);
  void Delete(Space space, std::string_view key);
  void Require(std::string_view key, Version version);  // Space::kRows; kAbsent: must not be there

  bool empty() const { return ops_ == 0; }
  size_t op_count() const { return ops_; }
  size_t require_count() const { return requires_; }
  // What the unit counts against Limits::batch_bytes.
  size_t size_bytes() const { return bytes_.size(); }
  void Clear();

  // In the order they were added. Visitor: void(const Op&).
  template <typename Visitor>
  void ForEach(Visitor&& visit) const {
    size_t at = 0;
    Op op;
    while (Next(at, op)) visit(op);
  }
  // For checksums: the unit's operations as bytes, equal exactly when the operations are.
  std::string_view bytes() const { return bytes_; }

 private:
  friend struct Batch;
  bool Next(size_t& at, Op& op) const;

  std::string bytes_;
  uint32_t ops_ = 0;
  uint32_t requires_ = 0;
};

inline constexpr size_t kKeyBytesMax = 4096;

// Units of one commit. Every Put of unit i in Space::kRows gets the version VersionOf(i).
struct SKALD_EXPORT Batch {
  uint64_t number = 0;  // last committed number of the writer + 1
  uint64_t ticket = 0;  // versions of this batch: ticket + unit index, under the writer's number
  std::vector<Unit> units;

  size_t size_bytes() const;
  // Over number, ticket and all operations.
  uint64_t Checksum() const;
};

}  // namespace skald::inline v1
