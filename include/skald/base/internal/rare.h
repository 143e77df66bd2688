// What few objects of a kind have: eight bytes until there is one.
#pragma once

#include <memory>
#include <utility>

namespace skald::inline v1::internal {

// Reads as T{} until Make(). A value: copies are deep.
template <typename T>
class Rare {
 public:
  Rare() = default;
  Rare(Rare&&) noexcept = default;
  Rare& operator=(Rare&&) noexcept = default;
  Rare(const Rare& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Rare& operator=(const Rare& other) {
    if (this != &other) *this = Rare(other);
    return *this;
  }
  ~Rare() = default;

  const T& operator*() const {
    static const T none{};
    return value_ == nullptr ? none : *value_;
  }
  const T* operator->() const { return &**this; }

  // COST: an allocation, the first time.
  T& Make() {
    if (value_ == nullptr) value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace skald::inline v1::internal
