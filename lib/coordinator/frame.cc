#include "frame.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1::internal {
namespace {

// What memory has anyway, and the widest vector type in use.
constexpr size_t kUsualAlign = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
constexpr size_t kAlignMax = 64;

bool MayBeReadAs(const ValueOps& ops, std::string_view bytes) {
  return ops.is_its_bytes && bytes.size() == ops.size &&
         reinterpret_cast<uintptr_t>(bytes.data()) % ops.align == 0;
}

}  // namespace

FrameLayout::FrameLayout(const DefinitionData& data) : definition(&data) {
  for (const StepNode& step : data.steps) {
    const size_t align = std::max<size_t>(step.output.align, 1);
    outputs_align = std::max(outputs_align, align);
    outputs_size = (outputs_size + align - 1) / align * align;
    offsets.push_back(outputs_size);
    outputs_size += step.output.size;
  }
}

void FrameMemory::Reserve(size_t size, size_t align) {
  SKALD_CHECK(align <= kAlignMax && size <= UINT32_MAX, "align={} size={}", align, size);
  const bool over_aligned = align > kUsualAlign;
  if (data_ != nullptr && size <= capacity_ && over_aligned <= over_aligned_) return;
  Free();
  data_ = static_cast<std::byte*>(over_aligned ? ::operator new(size, std::align_val_t{kAlignMax})
                                               : ::operator new(size));
  capacity_ = static_cast<uint32_t>(size);
  over_aligned_ = over_aligned;
}

void FrameMemory::Free() {
  if (over_aligned_) {
    ::operator delete(data_, std::align_val_t{kAlignMax});
  } else {
    ::operator delete(data_);
  }
  data_ = nullptr;
}

void Frame::Reset(const FrameLayout& layout) {
  Clear();
  layout_ = &layout;
}

void Frame::Clear() {
  if (std::exchange(has_input_, false)) layout_->definition->input.destroy(input_.data());
  if (rest_ == nullptr) return;
  for (size_t step = 0; step < rest_->present.size(); ++step) {
    if (!rest_->present[step]) continue;
    layout_->definition->steps[step].output.destroy(rest_->outputs.data() + layout_->offsets[step]);
  }
  rest_->present.clear();
  for (Owned& value : rest_->extra) {
    if (value.ops != nullptr) value.ops->destroy(value.memory.data());
  }
  rest_->extra.clear();
}

Frame::Rest& Frame::RestOf() {
  if (rest_ == nullptr) rest_ = std::make_unique<Rest>();
  return *rest_;
}

absl::StatusOr<const void*> Frame::Input(std::string_view bytes) {
  if (has_input_) return static_cast<const void*>(input_.data());
  const ValueOps& ops = layout_->definition->input;
  input_.Reserve(ops.size, ops.align);
  absl::Status decoded = ops.decode(bytes, input_.data());
  if (!decoded.ok()) return decoded;
  has_input_ = true;
  return static_cast<const void*>(input_.data());
}

absl::StatusOr<const void*> Frame::Value(size_t slot, std::string_view bytes) {
  return MayBeReadAs(OpsOf(slot), bytes) ? static_cast<const void*>(bytes.data())
                                         : Decoded(slot, bytes);
}

absl::StatusOr<const void*> Frame::Decoded(size_t slot, std::string_view bytes) {
  if (slot == 0) return Input(bytes);
  const size_t step = slot - 1;
  SKALD_DCHECK(step < layout_->offsets.size(), "step={}", step);
  Rest& rest = RestOf();
  if (rest.present.empty()) {
    rest.present.assign(layout_->offsets.size(), false);
    rest.outputs.Reserve(layout_->outputs_size, layout_->outputs_align);
  }
  std::byte* place = rest.outputs.data() + layout_->offsets[step];
  if (!rest.present[step]) {
    absl::Status decoded = layout_->definition->steps[step].output.decode(bytes, place);
    if (!decoded.ok()) return decoded;
    rest.present[step] = true;
  }
  return static_cast<const void*>(place);
}

absl::StatusOr<const void*> Frame::Extra(size_t slot, const ValueOps& ops, std::string_view bytes) {
  if (MayBeReadAs(ops, bytes)) return static_cast<const void*>(bytes.data());
  Rest& rest = RestOf();
  if (slot >= rest.extra.size()) rest.extra.resize(slot + 1);
  Owned& value = rest.extra[slot];
  if (value.ops == nullptr) {
    value.memory.Reserve(ops.size, ops.align);
    absl::Status decoded = ops.decode(bytes, value.memory.data());
    if (!decoded.ok()) return decoded;
    value.ops = &ops;
  }
  return static_cast<const void*>(value.memory.data());
}

}  // namespace skald::inline v1::internal
