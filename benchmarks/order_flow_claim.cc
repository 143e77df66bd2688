#include "order_flow_claim.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "ceiling_flow.h"
#include "drive.h"
#include "flow_recording.h"
#include "fmt/format.h"
#include "generator.h"
#include "input_file.h"
#include "order_book.h"
#include "repeated_orders.h"
#include "sagas.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald::bench {
namespace {

constexpr uint64_t kGenerated = 6000;  // of a round; about what a log of four months has
constexpr uint64_t kSeed = 1;
// A first look, so that a run takes about the time that it is asked to.
constexpr uint64_t kLookOrders = 1500;
// What is recorded is held in memory.
constexpr uint64_t kRecordedOrdersMax = 50'000;

template <typename T>
T MustHave(absl::StatusOr<T> value) {
  if (!value.ok()) Die(value.status().ToString());
  return *std::move(value);
}

// The first `count` orders of an input that comes in as many rounds as that takes.
class FirstOrders final : public order_flow::OrderSource {
 public:
  FirstOrders(const OrderSource& rounds, uint64_t count) : rounds_(rounds), count_(count) {}
  size_t size() const override { return count_; }
  order_flow::Order At(size_t index) const override { return rounds_.At(index); }
  const order_flow::IntakeCounts& counts() const override { return rounds_.counts(); }
  const order_flow::Demand& demand() const override { return rounds_.demand(); }
  const std::string& identity() const override { return rounds_.identity(); }

 private:
  const OrderSource& rounds_;
  uint64_t count_;
};

std::unique_ptr<order_flow::OrderSource> ReadInput(const std::string& path) {
  if (path.empty()) return std::make_unique<order_flow::GeneratedOrders>(kGenerated, kSeed);
  const auto source = MustHave(order_flow::OpenInput(path));
  auto book = MustHave(order_flow::OrderBook::Read(*source, path));
  if (book->size() == 0) Die(fmt::format("{} has no order to place; name another file", path));
  return book;
}

std::unique_ptr<order_flow::OrderSource> RoundsOf(const std::string& path) {
  auto input = ReadInput(path);
  const size_t rounds = kRecordedOrdersMax / input->size() + 1;
  return MustHave(order_flow::RepeatedOrders::Over(std::move(input), rounds));
}

// Of an earlier run where there is one: its memory is used again.
RecordedDatabase& RecordOf(const std::string& name, Recording& recording) {
  for (const auto& database : recording) {
    if (database->name() == name) return *database;
  }
  return *recording.emplace_back(std::make_unique<RecordedDatabase>(name));
}

// The shop's and the sagas' databases, recorded while `on`.
order_flow::OpenStore OpenRecording(const std::atomic<bool>& on, Recording& recording) {
  return [&on, &recording](const std::string& path,
                           size_t memory_bytes) -> absl::StatusOr<std::shared_ptr<Store>> {
    RocksDbOptions options;
    options.memory_bytes = memory_bytes;
    auto store = OpenRocksDbStore(path, options);
    if (!store.ok()) return store.status();
    const std::string name = path.substr(path.rfind('/') + 1);
    return std::make_shared<RecordingStore>(*std::move(store), on, RecordOf(name, recording));
  };
}

void AddCounts(const Recording& recording, Measured& measured) {
  const auto an_order = [&](auto count) {
    uint64_t sum = 0;
    for (const auto& database : recording) sum += ((*database).*count)();
    return static_cast<double>(sum) / static_cast<double>(measured.count);
  };
  measured.found["syncs_an_order"] = an_order(&RecordedDatabase::commits);
  measured.found["rows_an_order"] = an_order(&RecordedDatabase::rows);
  measured.found["bytes_an_order"] = an_order(&RecordedDatabase::bytes);
}

// From the first order placed until the last one is at rest and told of. What is opened and set up
// before that is not recorded.
Measured RunOrderFlow(const order_flow::OrderSource& orders, const RunOptions& options,
                      Recording& recording) {
  const ScratchDir dir(options.dir, "order-flow");
  const order_flow::RunOptions flow{
      .in_flight = options.in_flight,
      .faults = order_flow::FaultPlan(kSeed, order_flow::StepNames())};
  std::atomic<bool> on = false;
  auto engine =
      MustHave(order_flow::OpenEngine(flow, dir.path(), orders, OpenRecording(on, recording)));
  on = true;
  order_flow::Tally tally;
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  const absl::Status status = order_flow::Drive(engine, orders, flow, {}, tally);
  if (!status.ok()) Die(status.ToString());
  Measured measured{.count = static_cast<uint64_t>(tally.sales_completed + tally.returns_completed),
                    .seconds = NowSeconds() - began,
                    .cpu_seconds = CpuSeconds() - began_cpu};
  on = false;
  if (measured.count != orders.size()) {
    Die(fmt::format("{} of {} orders went through", measured.count, orders.size()));
  }
  AddCounts(recording, measured);
  return measured;
}

// The ceiling writes what the last run of the flow wrote, so that a slow minute, in which groups
// are small and syncs many, is the same for both.
class FlowContest {
 public:
  explicit FlowContest(const std::string& path) : rounds_(RoundsOf(path)) {}

  Measured RunFlow(const RunOptions& options) {
    if (seconds_ != options.seconds) Look(options);
    return Record(options, orders_);
  }
  Measured RunCeiling(const RunOptions& options) {
    if (seconds_ != options.seconds) {
      Look(options);
      Record(options, orders_);
    }
    Measured measured = RunCeilingFlow(recording_, orders_, options);
    AddCounts(recording_, measured);
    return measured;
  }

 private:
  Measured Record(const RunOptions& options, uint64_t orders) {
    for (const auto& database : recording_) {
      // In proportion to the run before, and half as much again.
      if (recorded_orders_ > 0)
        database->Reserve(database->bytes() * 3 / 2 * orders / recorded_orders_);
      database->Clear();
    }
    recorded_orders_ = orders;
    const Measured measured = RunOrderFlow(FirstOrders(*rounds_, orders), options, recording_);
    for (const auto& database : recording_) database->Sort();
    return measured;
  }
  // How many orders take about as long as is asked for.
  void Look(const RunOptions& options) {
    seconds_ = options.seconds;
    const double orders = Record(options, kLookOrders).per_second() * options.seconds;
    orders_ = std::clamp(static_cast<uint64_t>(orders), kLookOrders, kRecordedOrdersMax);
  }

  std::unique_ptr<order_flow::OrderSource> rounds_;
  double seconds_ = 0;
  uint64_t orders_ = 0;
  uint64_t recorded_orders_ = 0;
  Recording recording_;
};

}  // namespace

std::vector<Contender> EnterOrderFlow(FieldPlan& plan) {
  auto contest = std::make_shared<FlowContest>(plan.orders);
  plan.note = plan.orders.empty() ? std::string("drawn orders; --orders names a log")
                                  : fmt::format("orders of {}", plan.orders);
  return {{"flow's rows", [contest](const RunOptions& run) { return contest->RunCeiling(run); }},
          {"order flow", [contest](const RunOptions& run) { return contest->RunFlow(run); }}};
}

}  // namespace skald::bench
