// Money in whole thousandths of a pound ("mills"), and the numbers of an order line.
//
// Parsing is exact: what does not stand in the text is never rounded away.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace order_flow {

using Mills = int64_t;

// Bounds within which a line's amount and the sum of nine million of them fit an int64.
inline constexpr int64_t kQuantityMax = 1'000'000'000;
inline constexpr Mills kPriceMax = 1'000'000'000'000;
inline constexpr Mills kLineAmountMax = 1'000'000'000'000;

// An integer with an optional minus sign. Nothing: anything else, or beyond kQuantityMax.
std::optional<int64_t> ParseQuantity(std::string_view text);

// A decimal number with an optional minus sign and at most three decimals, as mills. Nothing:
// anything else, or beyond kPriceMax.
std::optional<Mills> ParseMills(std::string_view text);

// "1,234.567": pounds, grouped by thousands.
std::string FormatPounds(Mills mills);
// "1,234,567".
std::string FormatCount(int64_t count);

}  // namespace order_flow
