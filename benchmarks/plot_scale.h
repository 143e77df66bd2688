// From values to places along an axis, and which values to write at it.
#pragma once

#include <vector>

#include "plot.h"

namespace skald::bench {

// One axis of one panel: values from `low` to `high`, or their logarithms, onto places.
class PlotScale {
 public:
  // The smallest scale of round ends over all `values`. `values` that a logarithmic axis cannot
  // show are passed over; without any the axis goes from 1 to 10.
  PlotScale(const PlotAxis& axis, const std::vector<double>& values);

  void SetPlaces(double first, double last) {
    first_ = first;
    last_ = last;
  }
  bool Shows(double value) const { return !log_ || value > 0; }
  // Clamped into the axis.
  double Place(double value) const;
  const std::vector<PlotTick>& ticks() const { return ticks_; }

 private:
  void SetLinear(double low, double high, bool from_zero);
  void SetLog(double low, double high);

  bool log_;
  double low_ = 0;
  double high_ = 1;
  double first_ = 0;
  double last_ = 1;
  std::vector<PlotTick> ticks_;
};

}  // namespace skald::bench
