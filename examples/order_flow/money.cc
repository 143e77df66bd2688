#include "money.h"

#include <fmt/format.h>

#include <charconv>

namespace order_flow {
namespace {

bool IsDigits(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

std::optional<int64_t> ParseDigits(std::string_view text, int64_t max) {
  if (!IsDigits(text)) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool TakeMinus(std::string_view& text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

std::string GroupThousands(uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

uint64_t Magnitude(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

}  // namespace

std::optional<int64_t> ParseQuantity(std::string_view text) {
  const bool negative = TakeMinus(text);
  const std::optional<int64_t> value = ParseDigits(text, kQuantityMax);
  if (!value) return std::nullopt;
  return negative ? -*value : *value;
}

std::optional<Mills> ParseMills(std::string_view text) {
  constexpr size_t kDecimals = 3;
  const bool negative = TakeMinus(text);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::optional<int64_t> pounds = ParseDigits(whole, kPriceMax / 1000);
  if (!pounds) return std::nullopt;
  int64_t fraction = 0;
  if (point != std::string_view::npos) {
    const std::string_view decimals = text.substr(point + 1);
    if (decimals.size() > kDecimals) return std::nullopt;
    const std::optional<int64_t> digits = ParseDigits(decimals, 999);
    if (!digits) return std::nullopt;
    fraction = *digits;
    for (size_t i = decimals.size(); i < kDecimals; ++i) fraction *= 10;
  }
  const Mills mills = *pounds * 1000 + fraction;
  return negative ? -mills : mills;
}

std::string FormatPounds(Mills mills) {
  const uint64_t magnitude = Magnitude(mills);
  // A leading one keeps the zeros.
  const std::string decimals = fmt::format("{}", 1000 + magnitude % 1000).substr(1);
  return fmt::format("{}{}.{}", mills < 0 ? "-" : "", GroupThousands(magnitude / 1000), decimals);
}

std::string FormatCount(int64_t count) {
  return fmt::format("{}{}", count < 0 ? "-" : "", GroupThousands(Magnitude(count)));
}

}  // namespace order_flow
