#include "frame.h"

#include <algorithm>
#include <new>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1::internal {
namespace {

// Every slot is aligned for any ordinary type; a frame for the widest vector type in use.
constexpr std::align_val_t kAlign{64};

}  // namespace

FrameLayout::FrameLayout(const DefinitionData& data) : definition(&data) {
  const auto place = [this](const ValueOps& ops) {
    SKALD_CHECK(ops.align <= static_cast<size_t>(kAlign), "align={}", ops.align);
    const size_t align = std::max<size_t>(ops.align, 1);
    size = (size + align - 1) / align * align;
    offsets.push_back(size);
    size += ops.size;
  };
  place(data.input);
  for (const StepNode& step : data.steps) place(step.output);
}

void Frame::FreeAligned::operator()(std::byte* memory) const {
  ::operator delete(memory, kAlign);
}

void Frame::Reset(const FrameLayout& layout) {
  Clear();
  layout_ = &layout;
  present_.assign(layout.offsets.size(), false);
  if (layout.size <= capacity_) return;
  memory_.reset(static_cast<std::byte*>(::operator new(layout.size, kAlign)));
  capacity_ = layout.size;
}

void Frame::Clear() {
  for (size_t slot = 0; slot < present_.size(); ++slot) {
    if (present_[slot]) OpsOf(slot).destroy(memory_.get() + layout_->offsets[slot]);
  }
  present_.clear();
  for (Owned& value : extra_) {
    if (value.memory != nullptr) value.ops->destroy(value.memory.get());
  }
  extra_.clear();
}

const ValueOps& Frame::OpsOf(size_t slot) const {
  const DefinitionData& data = *layout_->definition;
  return slot == 0 ? data.input : data.steps[slot - 1].output;
}

absl::StatusOr<const void*> Frame::Value(size_t slot, std::string_view bytes) {
  SKALD_DCHECK(slot < present_.size(), "slot={}", slot);
  std::byte* place = memory_.get() + layout_->offsets[slot];
  if (!present_[slot]) {
    absl::Status decoded = OpsOf(slot).decode(bytes, place);
    if (!decoded.ok()) return decoded;
    present_[slot] = true;
  }
  return static_cast<const void*>(place);
}

absl::StatusOr<const void*> Frame::Extra(size_t slot, const ValueOps& ops, std::string_view bytes) {
  if (slot >= extra_.size()) extra_.resize(slot + 1);
  Owned& value = extra_[slot];
  if (value.memory == nullptr) {
    SKALD_CHECK(ops.align <= static_cast<size_t>(kAlign), "align={}", ops.align);
    std::unique_ptr<std::byte, FreeAligned> memory(
        static_cast<std::byte*>(::operator new(ops.size, kAlign)));
    absl::Status decoded = ops.decode(bytes, memory.get());
    if (!decoded.ok()) return decoded;
    value.memory = std::move(memory);
    value.ops = &ops;
  }
  return static_cast<const void*>(value.memory.get());
}

}  // namespace skald::inline v1::internal
