#include "weight.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "heap.h"
#include "order_saga.h"
#include "parked.h"
#include "skald/async/manual_executor.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

namespace skald::bench {
namespace {

// Started between two rounds of the loop: more than the engine keeps spare objects for, so that
// these are all there when the first half has been started.
constexpr uint64_t kBurst = 16'384;

// Acknowledges what is committed and forgets it: what is left is the engine's own memory.
class ForgetfulStore final : public ForwardingStore {
 public:
  ForgetfulStore() : ForwardingStore(target_) {}

  absl::StatusOr<CommitResult> Commit(const Fence& /*fence*/, const Batch& /*batch*/) override {
    return CommitResult{};
  }
  absl::Status DropRange(const Fence& /*fence*/, Space /*space*/,
                         const KeyRange& /*range*/) override {
    return absl::OkStatus();
  }

 private:
  MemoryStore target_;
};

// An engine that this thread pumps: nothing depends on how threads take turns.
class Scales {
 public:
  explicit Scales(Definition definition) {
    CoordinatorOptions options;
    options.own_threads = false;
    options.in_flight_max = SIZE_MAX;
    auto opened = Coordinator::Open(store_, executor_, {std::move(definition)}, options);
    if (!opened.ok()) Die(opened.status().ToString());
    coordinator_ = *std::move(opened);
  }

  void Start(uint64_t count) {
    const Order order = NoiseAs<Order>(0);
    for (const uint64_t end = started_ + count; started_ < end;) {
      const uint64_t burst_end = std::min(end, started_ + kBurst);
      for (; started_ < burst_end; ++started_) {
        coordinator_->StartThen(kPlaceOrder, order, {.key = fmt::format("o-{}", started_)},
                                [](const absl::StatusOr<SagaHandle<Nothing>>& saga) {
                                  if (!saga.ok()) Die(saga.status().ToString());
                                });
      }
      Settle();
    }
  }
  Coordinator::Stats stats() const { return coordinator_->stats(); }

 private:
  void Settle() {
    do {
      coordinator_->RunUntilIdle();
    } while (executor_.RunUntilIdle() > 0);
  }

  ForgetfulStore store_;
  ManualExecutor executor_;
  std::unique_ptr<Coordinator> coordinator_;
  uint64_t started_ = 0;
};

// `payload_bytes`: of a saga, as far as it stays in memory.
Measured Weigh(Scales& scales, uint64_t count, size_t payload_bytes) {
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  scales.Start(count);
  const double before = HeapBytes();
  scales.Start(count);
  const double bytes = (HeapBytes() - before) / static_cast<double>(count);
  Measured measured{
      .count = 2 * count, .seconds = NowSeconds() - began, .cpu_seconds = CpuSeconds() - began_cpu};
  measured.found.emplace(kBytesASaga, bytes - static_cast<double>(payload_bytes));
  return measured;
}

Measured WeighInFlight(uint64_t count) {
  Parking parking(2 * count);
  Scales scales(PlaceOrderParked(parking));
  Measured measured = Weigh(scales, count, sizeof(Order));
  if (parking.size() != 2 * count || scales.stats().in_flight != 2 * count) {
    Die("not all sagas that were weighed are in flight");
  }
  return measured;
}

struct FarTimer : StepKey<"far-timer"> {};
struct FarSignal : SignalKey<"far-signal", Nothing> {};

Measured WeighAsleep(Definition definition, uint64_t count) {
  Scales scales(std::move(definition));
  Measured measured = Weigh(scales, count, 0);
  if (scales.stats().asleep != 2 * count) Die("not all sagas that were weighed are asleep");
  return measured;
}

}  // namespace

std::vector<Contender> EnterWeight(FieldPlan& plan) {
  const uint64_t in_flight = plan.quick ? 20'000 : 100'000;
  const uint64_t asleep = plan.quick ? 60'000 : 250'000;
  plan.run.warmup_seconds = 0;
  plan.seconds_max = 1;  // about: it weighs a number of sagas and is done
  plan.note = fmt::format("{0} sagas on top of {0}, asleep {1} on top of {1}", in_flight, asleep);
  return {{"in flight", [=](const RunOptions& /*run*/) { return WeighInFlight(in_flight); }},
          {"asleep, timer",
           [=](const RunOptions& /*run*/) {
             return WeighAsleep(
                 Define(kPlaceOrder).Sleep(FarTimer{}, absl::Hours(24 * 365)).Build(), asleep);
           }},
          {"asleep, signal", [=](const RunOptions& /*run*/) {
             return WeighAsleep(
                 Define(kPlaceOrder).AwaitSignal(FarSignal{}, absl::InfiniteDuration()).Build(),
                 asleep);
           }}};
}

}  // namespace skald::bench
