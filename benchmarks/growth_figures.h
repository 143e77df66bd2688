// Growth results as pictures.
#pragma once

#include <string>

#include "growth_results.h"
#include "plot.h"

namespace skald::bench {

// All figures of one axis: what they are drawn against is its name's business.
Figure FigureOf(const GrowthResults& results, const GrowthAxis& axis);
// Throughput against sagas in flight, the library and all ceilings: the one for the front page.
Figure ThroughputFigure(const GrowthResults& results, const GrowthAxis& in_flight);

// Writes DIR/growth-NAME.svg of every axis, and DIR/throughput.svg, and says so. False, and a line
// on stderr, when one cannot be written.
bool DrawGrowth(const GrowthResults& results, const std::string& dir);

}  // namespace skald::bench
