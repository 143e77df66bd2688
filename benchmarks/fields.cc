#include "fields.h"

#include <array>

#include "barrier_actions.h"
#include "ceilings.h"
#include "engine.h"
#include "kept.h"
#include "many.h"
#ifdef BENCH_ORDER_FLOW
#include "order_flow_claim.h"
#endif
#include "pool_orders.h"
#include "weight.h"

namespace skald::bench {
namespace {

std::function<Measured(const RunOptions&)> ClosedLoopOf(EngineRun engine) {
  return [engine](const RunOptions& run) { return RunClosedLoop(engine, run); };
}

std::vector<Contender> EnterThroughput(FieldPlan& /*plan*/) {
  return {{"file", RunCeilingFile},
          {"append", RunCeilingAppend},
          {"obvious", RunCeilingObvious},
          {"inline", ClosedLoopOf({RocksDb(), Steps::kInline})},
          {"compensating", ClosedLoopOf({RocksDb(), Steps::kInlineRefusing})},
          {"pool", ClosedLoopOf({RocksDb(), Steps::kThreadPool})}};
}

std::vector<Contender> EnterOpenLoop(FieldPlan& plan) {
  plan.note = "arrivals at exponential gaps, 70 % of a closed loop's rate just before";
  return {{"open loop",
           [](const RunOptions& run) { return RunOpenLoop({RocksDb(), Steps::kInline}, run); }}};
}

std::vector<Contender> EnterAlone(FieldPlan& plan) {
  plan.run.in_flight = 1;
  return {{"sync", RunCeilingSync},
          {"commit4", RunCeilingCommit4},
          {"alone", ClosedLoopOf({RocksDb(), Steps::kInline})},
          {"alone, pool", ClosedLoopOf({RocksDb(), Steps::kThreadPool})},
          {"blocking", [](const RunOptions& run) {
             return RunBlocking({RocksDb(), Steps::kThreadPool}, run);
           }}};
}

// The memory store keeps all it was told: a few seconds of it are a gigabyte.
void RunBriefly(FieldPlan& plan) {
  plan.run.warmup_seconds = 0.5;
  plan.seconds_max = 2;
}

std::vector<Contender> EnterMemory(FieldPlan& /*plan*/) {
  return {{"append", RunCeilingAppend}, {"memory", ClosedLoopOf({InMemory(), Steps::kInline})}};
}

std::vector<Contender> EnterAllocations(FieldPlan& plan) {
  RunBriefly(plan);
  return {{"allocations", [](const RunOptions& run) {
             return RunCountingAllocations({InMemoryUncounted(), Steps::kInline}, run);
           }}};
}

std::vector<Contender> EnterBarrier(FieldPlan& /*plan*/) {
  return {{"batch", RunCeilingBatch}, {"barrier", RunBarrierActions}};
}

constexpr std::array kFields = {
    Field{"throughput", EnterThroughput},    // claims 1, 1b, 2, 3
    Field{"alone", EnterAlone},              // claim 4
    Field{"open loop", EnterOpenLoop},       // claim 5
    Field{"memory", EnterMemory},            // claim 6
    Field{"allocations", EnterAllocations},  // claim 7
    Field{"weight", EnterWeight},            // claim 8
    Field{"many", EnterMany},                // claim 9
    Field{"kept", EnterKept},                // claims 10, 11
    Field{"pool", EnterPool},                // claim 12
    Field{"barrier", EnterBarrier},          // claim 13
#ifdef BENCH_ORDER_FLOW
    Field{"order flow", EnterOrderFlow},  // claim 15
#endif
};

}  // namespace

std::span<const Field> Fields() {
  return kFields;
}

}  // namespace skald::bench
