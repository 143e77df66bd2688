// How a task ended: with a value or with an exception.
#pragma once

#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "skald/base/check.h"
#include "skald/base/export.h"

namespace skald::inline v1 {

// what() of a std::exception; a fixed text for anything else.
// REQUIRES: error != nullptr.
SKALD_EXPORT std::string ExceptionText(const std::exception_ptr& error);

template <typename T>
class [[nodiscard]] TaskResult {
 public:
  // std::monostate stands for void.
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  TaskResult() = default;
  template <typename... Args>
  void SetValue(Args&&... args) {
    state_.template emplace<1>(std::forward<Args>(args)...);
  }
  void SetException(std::exception_ptr error) { state_.template emplace<2>(std::move(error)); }

  bool has_value() const { return state_.index() == 1; }
  // REQUIRES: has_value().
  Value& value() & {
    SKALD_CHECK(has_value(), "state={}", state_.index());
    return *std::get_if<1>(&state_);
  }
  Value&& value() && { return std::move(value()); }
  // Null when has_value().
  std::exception_ptr exception() const {
    const auto* error = std::get_if<2>(&state_);
    return error == nullptr ? nullptr : *error;
  }
  // The value, or throws the exception on.
  // REQUIRES: one of them was set.
  T Take() && {
    SKALD_CHECK(state_.index() != 0, "a TaskResult without value and exception");
    if (!has_value()) std::rethrow_exception(exception());
    if constexpr (!std::is_void_v<T>) return std::move(value());
  }

 private:
  std::variant<std::monostate, Value, std::exception_ptr> state_;
};

}  // namespace skald::inline v1
