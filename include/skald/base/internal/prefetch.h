// Asks for memory that is needed soon, so that it is there by then. What follows one saga in turn
// finds little of the next one in the nearest cache.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skald::inline v1::internal {

inline constexpr size_t kCacheLineBytes = 64;

// `object` may be anything, also null: nothing is read that a program could notice.
inline void Prefetch(const void* object, size_t bytes = 1) {
#if defined(__GNUC__)
  // (As numbers: to add to a null pointer is undefined.)
  const auto at = reinterpret_cast<uintptr_t>(object);
  for (size_t line = 0; line < bytes; line += kCacheLineBytes) {
    __builtin_prefetch(reinterpret_cast<const void*>(at + line));
  }
#else
  static_cast<void>(object);
  static_cast<void>(bytes);
#endif
}

}  // namespace skald::inline v1::internal
