#include "large_pages.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace skald::inline v1::internal {

void* AllocateLargePages(size_t bytes) {
  const size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  void* const memory = std::aligned_alloc(kLargePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // A wish: where it is not granted, the pages are small.
  (void)madvise(memory, whole, MADV_HUGEPAGE);
#endif
  return memory;
}

void FreeLargePages(void* memory) {
  std::free(memory);
}

}  // namespace skald::inline v1::internal
