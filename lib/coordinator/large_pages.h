// Memory for what is large and soon gone: asked for in large pages. The first touch of a page is
// work of the kernel, in some virtual machines ten microseconds of it; with 290 bytes to be kept of
// each of a million sagas, that is many times what reading them takes.
#pragma once

#include <cstddef>
#include <new>

namespace skald::inline v1::internal {

// The system's large page on most machines; less is not worth one.
inline constexpr size_t kLargePage = size_t{2} << 20;

// At least `bytes`, aligned to a large page. Where there are none, ordinary memory.
void* AllocateLargePages(size_t bytes);
void FreeLargePages(void* memory);

// For containers.
template <typename T>
struct LargePageAllocator {
  using value_type = T;

  LargePageAllocator() = default;
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): containers convert it
  LargePageAllocator(const LargePageAllocator<U>& /*other*/) {}

  T* allocate(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (IsLarge(count)) return static_cast<T*>(AllocateLargePages(bytes));
    return static_cast<T*>(::operator new(bytes));
  }
  void deallocate(T* memory, size_t count) {
    if (IsLarge(count)) return FreeLargePages(memory);
    ::operator delete(memory);
  }
  friend bool operator==(const LargePageAllocator&, const LargePageAllocator&) { return true; }

 private:
  static bool IsLarge(size_t count) { return count * sizeof(T) >= kLargePage / 2; }
};

}  // namespace skald::inline v1::internal
