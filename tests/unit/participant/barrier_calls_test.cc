#include "barrier_calls.h"

#include <fmt/format.h>

#include "catch.h"
#include "skald/store/memory_store.h"

using namespace skald;
using namespace skald::testing;

TEST_CASE("duplicate, reordered and late calls add up to what the model says") {
  MemoryStore store;
  const BarrierCalls options;
  const BarrierCallsReport report = MakeBarrierCalls(store, options);
  INFO(report.wrong);
  CHECK(report.wrong.empty());
  CHECK(report.keys_standing > 0);
  CHECK(report.keys_undone > 0);
  CHECK(report.keys_refused > options.keys / 4);
  CHECK(report.done + report.refused + report.compensated >= options.calls);
}

// Hidden: it takes a minute or two. test_participant "[ten-million]"
TEST_CASE("ten million calls over 100,000 keys add up to what the model says", "[.ten-million]") {
  MemoryStore store;
  const BarrierCallsReport report =
      MakeBarrierCalls(store, {.calls = 10'000'000, .keys = 100'000, .restarts = 10});
  fmt::print(
      "told Done {}, refused {} (by a reconcile: {} of both), compensated {}; asked again {}\n",
      report.done, report.refused, report.reconciled, report.compensated, report.asked_again);
  fmt::print("keys: {} stand, {} undone, {} refused\n", report.keys_standing, report.keys_undone,
             report.keys_refused);
  INFO(report.wrong);
  CHECK(report.wrong.empty());
  CHECK(report.done + report.refused + report.compensated >= 10'000'000);
}
