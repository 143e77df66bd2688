// Every order of events of one graph, by the real Fold, Plan and Judge, against what really
// happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skald/saga/definition.h"

namespace skald::testing {

// A graph by its edges: bit (to * (to - 1) / 2 + from) is set where `to` follows `from`, from < to.
struct Graph {
  uint16_t steps = 0;
  uint32_t edges = 0;
  std::optional<uint16_t> pivot;
  std::optional<uint16_t> no_effect;
};

// nullopt: the pivot would be no cut.
std::optional<Definition> Build(const Graph& graph);

struct Explored {
  uint64_t states = 0;
  uint64_t ends = 0;       // states that are at rest
  uint64_t undone = 0;     // compensations that ended
  bool cut_short = false;  // by the depth
  // The first thing that was wrong, with the way there; empty when nothing was.
  std::string wrong;
};

// Begins at Start. Every running attempt may end Done, Rejected or Unknown, which is its last
// attempt; a Cancel and a restart may come at any moment, each once; a blocked saga is Retried
// once. `depth_max`: events on one way.
Explored Explore(const Graph& graph, int depth_max);

}  // namespace skald::testing
