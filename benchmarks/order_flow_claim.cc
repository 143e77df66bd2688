#include "order_flow_claim.h"

#include <algorithm>
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

// The shop's and the sagas' databases, counted, and recorded where `recording` is not null.
order_flow::OpenStore OpenCounting(CountingStore::Counts& counts, Recording* recording) {
  return [&counts, recording](const std::string& path,
                              size_t memory_bytes) -> absl::StatusOr<std::shared_ptr<Store>> {
    RocksDbOptions options;
    options.memory_bytes = memory_bytes;
    auto store = OpenRocksDbStore(path, options);
    if (!store.ok()) return store.status();
    RecordedDatabase* record = nullptr;
    if (recording != nullptr) {
      const std::string name = path.substr(path.rfind('/') + 1);
      record = recording->emplace_back(std::make_unique<RecordedDatabase>(name)).get();
    }
    return std::make_shared<CountingStore>(*std::move(store), counts, record);
  };
}

// From the first order placed until the last one is at rest and told of.
Measured RunOrderFlow(const order_flow::OrderSource& orders, const RunOptions& options,
                      Recording* recording) {
  const ScratchDir dir(options.dir, "order-flow");
  const order_flow::RunOptions flow{
      .in_flight = options.in_flight,
      .faults = order_flow::FaultPlan(kSeed, order_flow::StepNames())};
  CountingStore::Counts counts;
  auto engine =
      MustHave(order_flow::OpenEngine(flow, dir.path(), orders, OpenCounting(counts, recording)));
  counts.on = true;
  order_flow::Tally tally;
  const double began = NowSeconds();
  const double began_cpu = CpuSeconds();
  const absl::Status status = order_flow::Drive(engine, orders, flow, {}, tally);
  if (!status.ok()) Die(status.ToString());
  const auto count = static_cast<uint64_t>(tally.sales_completed + tally.returns_completed);
  if (count != orders.size()) {
    Die(fmt::format("{} of {} orders went through", count, orders.size()));
  }
  Measured measured{
      .count = count, .seconds = NowSeconds() - began, .cpu_seconds = CpuSeconds() - began_cpu};
  const auto of_orders = static_cast<double>(count);
  measured.found["syncs_an_order"] = static_cast<double>(counts.commits) / of_orders;
  measured.found["rows_an_order"] = static_cast<double>(counts.rows) / of_orders;
  return measured;
}

class FlowContest {
 public:
  explicit FlowContest(const std::string& path) : rounds_(RoundsOf(path)) {}

  Measured RunFlow(const RunOptions& options) {
    Prepare(options);
    return RunOrderFlow(FirstOrders(*rounds_, orders_), options, nullptr);
  }
  Measured RunCeiling(const RunOptions& options) {
    Prepare(options);
    Measured measured = RunCeilingFlow(recording_, orders_, options);
    uint64_t commits = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    for (const auto& database : recording_) {
      commits += database->commits();
      rows += database->rows();
      bytes += database->bytes();
    }
    const auto of_orders = static_cast<double>(orders_);
    measured.found["syncs_an_order"] = static_cast<double>(commits) / of_orders;
    measured.found["rows_an_order"] = static_cast<double>(rows) / of_orders;
    measured.found["bytes_an_order"] = static_cast<double>(bytes) / of_orders;
    return measured;
  }

 private:
  // Records a run that takes about as long as is asked for.
  void Prepare(const RunOptions& options) {
    if (seconds_ == options.seconds) return;
    seconds_ = options.seconds;
    const Measured look = RunOrderFlow(FirstOrders(*rounds_, kLookOrders), options, nullptr);
    const double orders = look.per_second() * options.seconds;
    orders_ = std::clamp(static_cast<uint64_t>(orders), kLookOrders, kRecordedOrdersMax);
    recording_.clear();
    RunOrderFlow(FirstOrders(*rounds_, orders_), options, &recording_);
  }

  std::unique_ptr<order_flow::OrderSource> rounds_;
  double seconds_ = 0;
  uint64_t orders_ = 0;
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
