// An array that grows at its end and never moves what it holds: a million elements come and go at
// the cost of touching their memory once.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "large_pages.h"

namespace skald::inline v1::internal {

template <typename T>
class GrowingArray {
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);

 public:
  GrowingArray() = default;
  GrowingArray(GrowingArray&& other) noexcept
      : runs_(std::exchange(other.runs_, {})),
        last_(std::exchange(other.last_, nullptr)),
        last_end_(std::exchange(other.last_end_, nullptr)),
        run_count_(std::exchange(other.run_count_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  GrowingArray& operator=(GrowingArray&& other) noexcept {
    std::swap(runs_, other.runs_);
    std::swap(last_, other.last_);
    std::swap(last_end_, other.last_end_);
    std::swap(run_count_, other.run_count_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~GrowingArray() {
    for (size_t run = 0; run < run_count_; ++run) {
      LargePageAllocator<T>().deallocate(runs_[run], kFirst << run);
    }
  }

  size_t size() const { return size_; }
  T& operator[](size_t i) { return *At(i); }
  const T& operator[](size_t i) const { return *At(i); }
  void push_back(const T& element) {
    if (last_ == last_end_) AddRun();
    std::construct_at(last_++, element);
    ++size_;
  }

 private:
  // Run r holds kFirst << r elements.
  static constexpr size_t kFirst = 64;

  T* At(size_t i) const {
    const size_t run = std::bit_width(i / kFirst + 1) - 1;
    return runs_[run] + (i - kFirst * ((size_t{1} << run) - 1));
  }
  void AddRun() {
    last_ = LargePageAllocator<T>().allocate(kFirst << run_count_);
    last_end_ = last_ + (kFirst << run_count_);
    runs_[run_count_++] = last_;
  }

  std::array<T*, 32> runs_{};
  T* last_ = nullptr;
  T* last_end_ = nullptr;
  size_t run_count_ = 0;
  size_t size_ = 0;
};

}  // namespace skald::inline v1::internal
