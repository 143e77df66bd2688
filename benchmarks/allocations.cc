#include "allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace skald::bench {
namespace {

std::atomic<bool> counting = false;
std::atomic<uint64_t> counted = 0;
thread_local int uncounted_depth = 0;

void* Allocate(size_t size, size_t align) {
  if (counting.load(std::memory_order_relaxed) && uncounted_depth == 0) {
    counted.fetch_add(1, std::memory_order_relaxed);
  }
  if (align <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
  return std::aligned_alloc(align, (size + align - 1) / align * align);
}

void* AllocateOrThrow(size_t size, size_t align) {
  void* memory = Allocate(size, align);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void CountAllocations() {
  counted.store(0);
  counting.store(true);
}

uint64_t CountedAllocations() {
  counting.store(false);
  return counted.load();
}

UncountedScope::UncountedScope() {
  ++uncounted_depth;
}
UncountedScope::~UncountedScope() {
  --uncounted_depth;
}

}  // namespace skald::bench

using skald::bench::Allocate;
using skald::bench::AllocateOrThrow;

void* operator new(size_t size) {
  return AllocateOrThrow(size, 0);
}
void* operator new[](size_t size) {
  return AllocateOrThrow(size, 0);
}
void* operator new(size_t size, std::align_val_t align) {
  return AllocateOrThrow(size, static_cast<size_t>(align));
}
void* operator new[](size_t size, std::align_val_t align) {
  return AllocateOrThrow(size, static_cast<size_t>(align));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, 0);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, 0);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
