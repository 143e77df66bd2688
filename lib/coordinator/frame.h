// The decoded values of one saga in memory: its input and the outputs of its steps, each decoded
// the first time that something needs it. Owned by the saga's loop; attempts only read.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// Where each value of a definition stands in a frame.
struct FrameLayout {
  explicit FrameLayout(const DefinitionData& definition);

  const DefinitionData* definition;
  std::vector<size_t> offsets;  // the input, then the outputs by step
  size_t size = 0;
};

class Frame {
 public:
  Frame() = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { Clear(); }

  // Empties the frame and lays it out anew; memory is kept where it suffices.
  void Reset(const FrameLayout& layout);
  // Destroys every value.
  void Clear();

  // The value, decoded from `bytes` unless it stands already. Slot 0 is the input, 1 + n the output
  // of step n. RETURNS: what the codec says.
  absl::StatusOr<const void*> Value(size_t slot, std::string_view bytes);
  bool Has(size_t slot) const { return present_[slot]; }
  // The same for a fan-out's items: slot 2n is the item's value, 2n + 1 its output. Of one slot
  // `ops` are always the same.
  absl::StatusOr<const void*> Extra(size_t slot, const ValueOps& ops, std::string_view bytes);

 private:
  struct FreeAligned {
    void operator()(std::byte* memory) const;
  };

  const ValueOps& OpsOf(size_t slot) const;

  const FrameLayout* layout_ = nullptr;
  std::unique_ptr<std::byte, FreeAligned> memory_;
  size_t capacity_ = 0;
  absl::InlinedVector<bool, 8> present_;
  struct Owned {
    std::unique_ptr<std::byte, FreeAligned> memory;
    const ValueOps* ops = nullptr;
  };
  std::vector<Owned> extra_;
};

}  // namespace skald::inline v1::internal
