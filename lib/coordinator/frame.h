// The decoded values of one saga in memory: its input and the outputs of its steps, each decoded
// the first time that something needs it; a value that is its own encoding is read where that
// stands, in the journal. Owned by the saga's loop; attempts only read. Most sagas need their input
// alone, so there is room for that, and for the rest once one of them is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// Where each value of a definition stands in a frame.
struct FrameLayout {
  explicit FrameLayout(const DefinitionData& definition);

  const DefinitionData* definition;
  std::vector<size_t> offsets;  // of the outputs, by step
  size_t outputs_size = 0;
  size_t outputs_align = 1;
};

// Memory for values, which it neither makes nor destroys.
class FrameMemory {
 public:
  FrameMemory() = default;
  FrameMemory(FrameMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        capacity_(other.capacity_),
        over_aligned_(other.over_aligned_) {}
  FrameMemory& operator=(FrameMemory&&) = delete;
  ~FrameMemory() { Free(); }

  // Has room for so much; what there is is kept where it suffices. REQUIRES: no value is in it.
  void Reserve(size_t size, size_t align);
  std::byte* data() const { return data_; }

 private:
  void Free();

  std::byte* data_ = nullptr;
  uint32_t capacity_ = 0;
  bool over_aligned_ = false;
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

  // The value: `bytes` themselves where they may be read as it, which are to stay where they are as
  // long as it is used; or decoded from them unless it stands already. Slot 0 is the input, 1 + n
  // the output of step n. RETURNS: what the codec says.
  absl::StatusOr<const void*> Value(size_t slot, std::string_view bytes);
  // The same, of bytes that do not stay.
  absl::StatusOr<const void*> Decoded(size_t slot, std::string_view bytes);
  bool Has(size_t slot) const {
    return slot == 0 ? has_input_
                     : rest_ != nullptr && !rest_->present.empty() && rest_->present[slot - 1];
  }
  // The same for a fan-out's items: slot 2n is the item's value, 2n + 1 its output. Of one slot
  // `ops` are always the same.
  absl::StatusOr<const void*> Extra(size_t slot, const ValueOps& ops, std::string_view bytes);

 private:
  struct Owned {
    FrameMemory memory;
    const ValueOps* ops = nullptr;  // null: there is no value yet
  };
  struct Rest {
    FrameMemory outputs;
    absl::InlinedVector<bool, 8> present;
    std::vector<Owned> extra;
  };

  absl::StatusOr<const void*> Input(std::string_view bytes);
  const ValueOps& OpsOf(size_t slot) const {
    return slot == 0 ? layout_->definition->input : layout_->definition->steps[slot - 1].output;
  }
  Rest& RestOf();

  const FrameLayout* layout_ = nullptr;
  [[no_unique_address]] FrameMemory input_;
  bool has_input_ = false;
  std::unique_ptr<Rest> rest_;  // kept, as memory is
};

}  // namespace skald::inline v1::internal
