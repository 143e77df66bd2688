// Asks for memory that is needed soon, so that it is there by then. What follows one saga in turn
// finds little of the next one in the nearest cache.
#pragma once

#include <cstddef>

namespace skald::inline v1::internal {

inline constexpr size_t kCacheLineBytes = 64;

// `object` may be anything, also null: nothing is read that a program could notice.
inline void Prefetch(const void* object, size_t bytes = 1) {
#if defined(__GNUC__)
  const char* at = static_cast<const char*>(object);
  for (size_t line = 0; line < bytes; line += kCacheLineBytes) __builtin_prefetch(at + line);
#else
  static_cast<void>(object);
  static_cast<void>(bytes);
#endif
}

}  // namespace skald::inline v1::internal
