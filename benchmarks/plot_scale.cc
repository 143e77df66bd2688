#include "plot_scale.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace skald::bench {
namespace {

// The next of 1, 2, 5 times a power of ten that is not below `value`.
double RoundStep(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string SiText(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size >= 999.5e6) return fmt::format("{:.3g}G", value * 1e-9);
  if (size >= 999.5e3) return fmt::format("{:.3g}M", value * 1e-6);
  if (size >= 9995) return fmt::format("{:.3g}k", value * 1e-3);
  if (size >= 999.5) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

PlotScale::PlotScale(const PlotAxis& axis, const std::vector<double>& values) : log_(axis.log) {
  double low = 0;
  double high = 0;
  bool any = false;
  for (const double value : values) {
    if (!std::isfinite(value) || !Shows(value)) continue;
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
  if (!any) low = 1, high = 10;
  if (log_) {
    SetLog(low, high);
  } else {
    SetLinear(low, high, axis.from_zero);
  }
  if (axis.ticks.empty()) return;
  // Ticks that were asked for stand where the values do, so the axis ends with them.
  ticks_ = axis.ticks;
  low_ = std::min(low, ticks_.front().at);
  high_ = std::max(high, ticks_.back().at);
  if (high_ <= low_) high_ = log_ ? low_ * 2 : low_ + 1;
}

void PlotScale::SetLinear(double low, double high, bool from_zero) {
  constexpr double kTicks = 5;
  if (from_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  if (high <= low) high = low + std::max(1.0, std::abs(low));
  const double step = RoundStep((high - low) / kTicks);
  low_ = std::floor(low / step + 1e-9) * step;
  high_ = std::ceil(high / step - 1e-9) * step;
  const auto count = static_cast<int>(std::lround((high_ - low_) / step));
  for (int at = 0; at <= count; ++at) {
    const double value = low_ + at * step;
    ticks_.push_back({value, SiText(std::abs(value) < step * 1e-6 ? 0 : value)});
  }
}

void PlotScale::SetLog(double low, double high) {
  constexpr double kFewDecades = 2.5;
  const bool few = std::log10(high / low) < kFewDecades;
  const std::vector<double> factors =
      few ? std::vector<double>{1, 2, 5, 10} : std::vector<double>{1, 10};
  const double first = std::pow(10, std::floor(std::log10(low)));
  const double last = std::pow(10, std::floor(std::log10(high)));
  low_ = first, high_ = last * 10;
  for (const double factor : factors) {
    if (first * factor <= low) low_ = first * factor;
  }
  for (auto factor = factors.rbegin(); factor != factors.rend(); ++factor) {
    if (last * *factor >= high) high_ = last * *factor;
  }
  if (high_ <= low_) high_ = low_ * 10;
  for (double power = first; power <= last; power *= 10) {
    for (const double factor : factors) {
      const double value = power * factor;
      const bool seen = !ticks_.empty() && value <= ticks_.back().at * 1.0001;
      if (seen || value < low_ * 0.9999 || value > high_ * 1.0001) continue;
      ticks_.push_back({value, SiText(value)});
    }
  }
}

double PlotScale::Place(double value) const {
  const double clamped = std::clamp(value, low_, high_);
  const double share =
      log_ ? std::log(clamped / low_) / std::log(high_ / low_) : (clamped - low_) / (high_ - low_);
  return first_ + share * (last_ - first_);
}

}  // namespace skald::bench
