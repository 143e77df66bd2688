// What the audit's checks are made of.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "books.h"
#include "money.h"
#include "report.h"

namespace order_flow {

// One check: how many things it looked at, and the first one that is wrong.
class Finding {
 public:
  explicit Finding(std::string name) : name_(std::move(name)) {}

  template <typename... Arguments>
  void Expect(bool holds, fmt::format_string<Arguments...> wrong, Arguments&&... arguments) {
    ++looked_at_;
    if (holds) return;
    if (wrong_++ == 0) first_ = fmt::format(wrong, std::forward<Arguments>(arguments)...);
  }
  Check Conclude(std::string_view what) {
    std::string detail = wrong_ == 0 ? fmt::format("{} {}", FormatCount(looked_at_), what)
                         : wrong_ == 1
                             ? std::move(first_)
                             : fmt::format("{} (and {} more)", first_, FormatCount(wrong_ - 1));
    return {std::move(name_), wrong_ == 0, std::move(detail)};
  }

 private:
  std::string name_;
  std::string first_;
  int64_t looked_at_ = 0;
  int64_t wrong_ = 0;
};

// Those of the orders' own database, and of who hears of them.
void StatesAgreeWithWhatHappened(const Books& books, Finding& finding);
void EventsAreToldOnceInOrder(const Books& books, Finding& finding);

}  // namespace order_flow
