// Sagas that begin when the clock says so, however many of the earlier ones have not ended: what
// users see who do not wait for one another.
#pragma once

#include "measure.h"
#include "skald/coordinator/coordinator.h"

namespace skald::bench {

// Starts `per_second` order sagas a second over a coordinator that knows kPlaceOrder, with
// exponential gaps: independent users come in clusters, evenly spaced ones do not. A saga's latency
// counts from the moment it was due, not from when the host got round to starting it; those due
// within the window are timed, all of them, until the last one has ended.
//
// The run has no figure but a problem when the engine does not keep up: over 65,536 sagas unended,
// a start refused, or, by their medians, half as many again unended in the window's second half as
// in its first, and more than twice options.in_flight. (A backlog that grows evenly would have a
// fine p99 / p50.)
Measured RunOpenLoopOn(Coordinator& coordinator, const RunOptions& options, double per_second);

}  // namespace skald::bench
