// What of the heap is in use.
#pragma once

#include <malloc.h>

namespace skald::bench {

// Of the whole process, malloc's own bytes included.
inline double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

}  // namespace skald::bench
