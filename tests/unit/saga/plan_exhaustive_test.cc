// All graphs of up to five steps, all orders of events: reverse order, nothing undone that was
// never dispatchable, everything undone that may have run, no turn behind a pivot that may have
// run.
#include <cstdint>
#include <optional>

#include "catch.h"
#include "plan_model.h"

namespace skald::testing {
namespace {

struct Total {
  uint64_t graphs = 0;
  uint64_t states = 0;
  uint64_t ends = 0;
  uint64_t undone = 0;
  bool cut_short = false;
};

Total ExploreAll(uint16_t steps, int depth_max) {
  Total total;
  const uint32_t edges_max = uint32_t{1} << (steps * (steps - 1) / 2);
  for (uint32_t edges = 0; edges < edges_max; ++edges) {
    for (uint16_t pivot = 0; pivot <= steps; ++pivot) {
      Graph graph{.steps = steps, .edges = edges, .pivot = std::nullopt, .no_effect = std::nullopt};
      if (pivot < steps) graph.pivot = pivot;
      // One in turn reads only.
      if (edges % (steps + 1u) < steps)
        graph.no_effect = static_cast<uint16_t>(edges % (steps + 1u));
      if (!Build(graph)) continue;
      const Explored explored = Explore(graph, depth_max);
      INFO("steps " << steps << ", edges " << edges << ", pivot " << pivot);
      REQUIRE(explored.wrong == "");
      REQUIRE((explored.ends > 0 || explored.cut_short));
      ++total.graphs;
      total.states += explored.states;
      total.ends += explored.ends;
      total.undone += explored.undone;
      total.cut_short = total.cut_short || explored.cut_short;
    }
  }
  return total;
}

constexpr int kWithoutEnd = 1000;

TEST_CASE("every order of events of every graph of up to four steps keeps the order of things") {
  for (uint16_t steps = 1; steps <= 4; ++steps) {
    const Total total = ExploreAll(steps, kWithoutEnd);
    CHECK_FALSE(total.cut_short);
    CHECK(total.graphs >= (uint64_t{1} << (steps * (steps - 1) / 2)));
    CHECK((steps == 1 || total.undone > 0));  // (the one step alone has no effect)
    WARN(steps << " steps: " << total.graphs << " graphs, " << total.states << " states, "
               << total.ends << " at rest");
  }
}

// Under a sanitizer it is the memory that is looked at, and fewer events will do.
#if defined(SKALD_DEBUG_CHECKS)
constexpr int kEventsOfFive = 4;
#else
constexpr int kEventsOfFive = 6;
#endif

TEST_CASE("every order of six events of every graph of five steps keeps the order of things") {
  const Total total = ExploreAll(5, kEventsOfFive);
  CHECK(total.graphs >= 1024);
  CHECK(total.undone > 0);
  WARN("5 steps: " << total.graphs << " graphs, " << total.states << " states, " << total.ends
                   << " at rest");
}

}  // namespace
}  // namespace skald::testing
