#include "drive.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sagas.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

constexpr absl::Duration kDrainMax = absl::Seconds(10);
constexpr absl::Duration kTellMax = absl::Seconds(60);
constexpr size_t kSagaMemoryBytes = size_t{192} << 20;
constexpr size_t kSlowThreadsMax = 256;

}  // namespace

absl::StatusOr<Engine> OpenEngine(const RunOptions& options, const std::string& data,
                                  const OrderSource& orders, const OpenStore& open) {
  Engine engine;
  SKALD_ASSIGN_OR_RETURN(engine.shop, Shop::Open(data, options.chaos, open));
  SKALD_RETURN_IF_ERROR(engine.shop->warehouses.SetUp(orders, options.stock));
  SKALD_ASSIGN_OR_RETURN(engine.sagas, open(data + "/sagas", kSagaMemoryBytes));
  // A step that takes its time holds a thread meanwhile; the others answer by callback.
  const size_t threads = options.slow ? std::min(options.in_flight, kSlowThreadsMax) : 0;
  engine.pool = std::make_unique<skald::ThreadPool>(
      skald::ThreadPoolOptions{.threads = threads, .name = "steps"});
  std::vector<skald::Definition> definitions = {
      PlaceOrder(*engine.shop, options.faults),
      PlaceOrderOnCallback(*engine.shop, options.faults, options.customers.time_to_pay),
      ShipParcel(*engine.shop, options.faults), ReturnGoods(*engine.shop, options.faults)};
  SKALD_ASSIGN_OR_RETURN(engine.coordinator, skald::Coordinator::Open(*engine.sagas, *engine.pool,
                                                                      std::move(definitions)));
  engine.customers =
      std::make_shared<Customers>(*engine.coordinator, *engine.shop, options.customers);
  return engine;
}

absl::Status Drive(Engine& engine, const OrderSource& orders, const RunOptions& options,
                   const Watch& watch, Tally& tally) {
  const auto mend = [&](const std::string& number) { options.faults.Mend(number); };
  const ReplayOptions replay{
      .in_flight = options.in_flight,
      .mend = options.with_operator ? std::function<void(const std::string&)>(mend) : nullptr,
      .may_go_on =
          [&] { return watch.stop() ? absl::CancelledError("stopped") : engine.shop->Health(); },
      .progress = watch.progress};
  const absl::Status status = Replay(*engine.coordinator, *engine.customers, orders, replay, tally);
  // Where a participant cannot write, tries would only run out: its orders go on another time.
  const absl::Duration drain_max = engine.shop->Health().ok() ? kDrainMax : absl::ZeroDuration();
  engine.customers->Close();
  const absl::Status drained = engine.coordinator->Shutdown(drain_max);
  // Work of steps may still be queued that uses what the engine holds.
  skald::IgnoreError(engine.pool->Shutdown(skald::Deadline::In(skald::Clock::Real(), kDrainMax)),
                     "the pool waits for the rest when it is destroyed");
  if (!status.ok() || !drained.ok()) return status.ok() ? drained : status;
  if (engine.shop->chaos() != nullptr) SKALD_RETURN_IF_ERROR(engine.shop->chaos()->Finish());
  return engine.shop->TellEverything(kTellMax);
}

}  // namespace order_flow
