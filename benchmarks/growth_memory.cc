// What waiting sagas take in memory: what opening a coordinator over them adds to the process, when
// the store's buffers and cache have seen it all before.
#include <algorithm>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "growth_axes.h"
#include "order_saga.h"
#include "process.h"
#include "skald/async/manual_executor.h"
#include "skald/coordinator/coordinator.h"
#include "skald/rocksdb/rocksdb_store.h"
#include "skald/saga/define.h"

namespace skald::bench {
namespace {

struct Rest : StepKey<"rest"> {};
inline constexpr SagaKey<"waiter", 1, Order> kWaiter;

Definition Waiter() {
  return Define(kWaiter).Sleep(Rest{}, absl::Hours(24 * 365)).Build();
}

class Scales {
 public:
  // `asleep_after`: whether they leave memory.
  Scales(const GrowthFlags& flags, absl::Duration asleep_after)
      : dir_(flags.dir, "scales"), asleep_after_(asleep_after) {
    auto store = OpenRocksDbStore(dir_.path() + "/db");
    if (!store.ok()) Die(store.status().ToString());
    store_ = *std::move(store);
  }

  void StartUpTo(uint64_t count);
  double Weigh(uint64_t count);

 private:
  std::unique_ptr<Coordinator> Open(uint64_t count);

  ScratchDir dir_;
  absl::Duration asleep_after_;
  ManualExecutor executor_;
  std::unique_ptr<Store> store_;
  uint64_t started_ = 0;
};

std::unique_ptr<Coordinator> Scales::Open(uint64_t count) {
  auto opened = Coordinator::Open(*store_, executor_, {Waiter()},
                                  {.own_threads = false,
                                   .in_flight_max = std::max<size_t>(count + 1, size_t{1} << 18),
                                   .asleep_after = asleep_after_});
  if (!opened.ok()) Die(opened.status().ToString());
  (*opened)->RunUntilIdle();
  return *std::move(opened);
}

void Scales::StartUpTo(uint64_t count) {
  constexpr uint64_t kAtOnce = 8192;
  const std::unique_ptr<Coordinator> coordinator = Open(count);
  while (started_ < count && !Interrupted()) {
    for (const uint64_t end = std::min(count, started_ + kAtOnce); started_ < end; ++started_) {
      coordinator->StartThen(kWaiter, NoiseAs<Order>(started_), {.key = fmt::to_string(started_)},
                             [](const absl::StatusOr<SagaHandle<Nothing>>& saga) {
                               if (!saga.ok()) Die(saga.status().ToString());
                             });
    }
    coordinator->RunUntilIdle();
    TellProgress(fmt::format("{} of {} waiting", started_, count));
  }
}

double Scales::Weigh(uint64_t count) {
  const uint64_t before = TrimmedResidentBytes();
  const std::unique_ptr<Coordinator> coordinator = Open(count);
  const Coordinator::Stats stats = coordinator->stats();
  const bool all_there = asleep_after_ == absl::InfiniteDuration()
                             ? stats.in_flight == count && stats.asleep == 0
                             : stats.asleep == count;
  if (!all_there && !Interrupted()) {
    Die(fmt::format("of {} waiting sagas {} are in memory and {} asleep", count, stats.in_flight,
                    stats.asleep));
  }
  return static_cast<double>(TrimmedResidentBytes()) - static_cast<double>(before);
}

GrowthAxis WeighAll(const AxisSpec& spec, const GrowthFlags& flags, absl::Duration asleep_after) {
  GrowthAxis axis{.name = std::string(spec.name), .series = {{"skald", {}}}};
  Scales scales(flags, asleep_after);
  for (const double x : spec.PointsOf(flags)) {
    if (Interrupted()) break;
    TellProgress({});
    fmt::print(stderr, "{} at {:.0f}\n", spec.name, x);
    const auto count = static_cast<uint64_t>(x);
    scales.StartUpTo(count);
    (void)scales.Weigh(count);  // fills the store's cache
    GrowthPoint point{.x = x, .rounds = {}};
    for (int round = 0; round < flags.rounds && !Interrupted(); ++round) {
      point.rounds.push_back({.bytes = scales.Weigh(count)});
    }
    axis.series.front().points.push_back(std::move(point));
  }
  return axis;
}

}  // namespace

GrowthAxis WeighInFlight(const AxisSpec& spec, const GrowthFlags& flags) {
  return WeighAll(spec, flags, absl::InfiniteDuration());
}

GrowthAxis WeighAsleep(const AxisSpec& spec, const GrowthFlags& flags) {
  return WeighAll(spec, flags, absl::Seconds(5));
}

}  // namespace skald::bench
