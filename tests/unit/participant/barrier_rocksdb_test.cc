#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "barrier_calls.h"
#include "barrier_test_util.h"
#include "skald/rocksdb/rocksdb_store.h"

using namespace skald;
using namespace skald::testing;

namespace {

class Directory {
 public:
  Directory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "skald-barrier-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string database() const { return (path_ / "db").string(); }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<Store> OpenStore(const Directory& directory) {
  auto store = OpenRocksDbStore(directory.database(), {.memory_bytes = size_t{16} << 20});
  REQUIRE(store.ok());
  return *std::move(store);
}

}  // namespace

TEST_CASE("on disk, what a barrier answered is answered again when the database is opened again") {
  const Directory directory;
  for (int run = 0; run < 2; ++run) {
    const auto store = OpenStore(directory);
    Shop shop({.floor_step = 10}, {}, store.get());
    if (run == 0) SetStock(shop.committer(), 10);
    const auto hold = shop.barrier().Action(ActionRequest(), TakeOne);
    REQUIRE(hold.done());
    CHECK(hold.output() == Hold{1});
    CHECK(shop.Row("stock") == "9");
    const Asked undone{.incarnation = 101};
    CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(undone), GiveBack).done());
    CHECK(shop.barrier().Action(ActionRequest(undone), TakeOne).kind() ==
          VerdictKind::kRejectedForKey);
  }
}

TEST_CASE("on disk, rows below the floor are dropped and stay refused after a restart") {
  const Directory directory;
  const auto ask = [](Shop& shop, uint64_t incarnation, uint64_t floor) {
    return shop.barrier()
        .Action(ActionRequest({.incarnation = incarnation, .floor = floor}), TakeOne)
        .kind();
  };
  {
    const auto store = OpenStore(directory);
    Shop shop({}, {}, store.get());
    SetStock(shop.committer(), 100);
    for (uint64_t i = 1; i <= 20; ++i) REQUIRE(ask(shop, i, 1) == VerdictKind::kDone);
    REQUIRE(ask(shop, 30, 15) == VerdictKind::kDone);
    REQUIRE(shop.barrier().Sweep().ok());
    CHECK(shop.Records() == 7);  // 15 to 20, and 30
  }
  const auto store = OpenStore(directory);
  Shop shop({}, {}, store.get());
  CHECK(shop.Records() == 7);
  CHECK(ask(shop, 14, 1) == VerdictKind::kUnknown);
  CHECK(ask(shop, 15, 1) == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "79");
}

TEST_CASE("on disk, 64 threads and 10,000 keys leave exactly nothing of a stock of 1,000") {
  constexpr int kThreads = 64;
  constexpr int kKeys = 10'000;
  const Directory directory;
  const auto store = OpenStore(directory);
  Shop shop({}, {}, store.get());
  SetStock(shop.committer(), 1'000);
  std::atomic<int> next = 0, reserved = 0, sold_out = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int key = next++; key < kKeys; key = next++) {
          const auto request = ActionRequest({.incarnation = 1 + static_cast<uint64_t>(key)});
          const Verdict<Hold> hold = shop.barrier().Action(request, TakeOne);
          reserved += hold.done();
          sold_out += hold.kind() == VerdictKind::kRejected;
        }
      });
    }
  }
  CHECK(reserved == 1'000);
  CHECK(sold_out == 9'000);
  CHECK(shop.Row("stock") == "0");
  // Many calls share a sync, although they all want the same row.
  CHECK(shop.committer().stats().batches < kKeys / 2);
}

TEST_CASE("on disk, duplicate, reordered and late calls add up to what the model says") {
  const Directory directory;
  const auto store = OpenStore(directory);
  const BarrierCallsReport report =
      MakeBarrierCalls(*store, {.calls = 40'000, .keys = 500, .restarts = 2, .seed = 2});
  INFO(report.wrong);
  CHECK(report.wrong.empty());
  CHECK(report.keys_standing > 0);
  CHECK(report.keys_undone > 0);
}
