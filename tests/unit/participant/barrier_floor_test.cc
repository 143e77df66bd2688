#include "barrier_test_util.h"
#include "skald/store/forwarding_store.h"

using namespace skald;
using namespace skald::testing;

namespace {

VerdictKind Take(Shop& shop, const Asked& asked) {
  return shop.barrier().Action(ActionRequest(asked), TakeOne).kind();
}

std::optional<Incarnation> WrittenFloor(Shop& shop) {
  const std::string key = BarrierFloorKey("barrier", StoreId{1});
  const auto value = shop.Row(key);
  if (!value) return std::nullopt;
  const auto floor = DecodeBarrierFloor(key, *value);
  REQUIRE(floor.ok());
  CHECK(floor->store == StoreId{1});
  return floor->floor;
}

}  // namespace

TEST_CASE("a call below the highest floor seen is Unknown, in every direction") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(Take(shop, {.incarnation = 5, .floor = 5}) == VerdictKind::kDone);
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  CHECK(Take(shop, {.incarnation = 5, .floor = 5}) == VerdictKind::kUnknown);
  const Asked old{.incarnation = 9, .floor = 5};
  CHECK(Take(shop, old) == VerdictKind::kUnknown);
  CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(old), GiveBack).kind() ==
        VerdictKind::kUnknown);
  CHECK(shop.barrier().Reconcile<Hold>(ActionRequest(old)).kind() == VerdictKind::kUnknown);
  CHECK(Take(shop, {.incarnation = 10, .floor = 5}) == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "7");
}

TEST_CASE("floors of different coordinators' stores are apart") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  BarrierRequest other = ActionRequest({.incarnation = 5});
  other.key.store = StoreId{2};
  CHECK(shop.barrier().Action(other, TakeOne).done());
}

TEST_CASE("a floor that no live saga can have shuts nobody out") {
  Shop shop;
  SetStock(shop.committer(), 10);
  CHECK(Take(shop, {.incarnation = 20, .floor = ~uint64_t{0}}) == VerdictKind::kUnknown);
  CHECK(Take(shop, {.incarnation = 20, .floor = 1}) == VerdictKind::kDone);
}

TEST_CASE("the floor is written with a change each floor_step, not with every call") {
  Shop shop({.floor_step = 10});
  SetStock(shop.committer(), 1000);
  size_t writes = 0;
  std::optional<Incarnation> before;
  for (uint64_t floor = 1; floor <= 100; ++floor) {
    REQUIRE(Take(shop, {.incarnation = 200 + floor, .floor = floor}) == VerdictKind::kDone);
    const auto now = WrittenFloor(shop);
    writes += now != before;
    before = now;
  }
  CHECK(writes == 10);
  CHECK(WrittenFloor(shop) == Incarnation{100});
}

TEST_CASE("a written floor outlives a restart, and rows below it are dropped") {
  Shop shop({.floor_step = 10});
  SetStock(shop.committer(), 1000);
  for (uint64_t i = 1; i <= 50; ++i) {
    REQUIRE(Take(shop, {.incarnation = i, .floor = 1}) == VerdictKind::kDone);
  }
  REQUIRE(Take(shop, {.incarnation = 60, .floor = 41}) == VerdictKind::kDone);
  CHECK(shop.Records() == 51);
  REQUIRE(Take(shop, {.incarnation = 61, .floor = 41}) == VerdictKind::kDone);
  CHECK(shop.Records() == 12);  // 41 to 50, 60 and 61
  shop.Reopen();
  CHECK(Take(shop, {.incarnation = 40, .floor = 1}) == VerdictKind::kUnknown);
  CHECK(Take(shop, {.incarnation = 41, .floor = 1}) == VerdictKind::kDone);
  CHECK(shop.Row("stock") == "948");
}

TEST_CASE("rows that a crash left below a written floor are dropped after the restart") {
  Shop shop({.floor_step = 10});
  SetStock(shop.committer(), 1000);
  REQUIRE(Take(shop, {.incarnation = 5, .floor = 1}) == VerdictKind::kDone);
  REQUIRE(Take(shop, {.incarnation = 60, .floor = 41}) == VerdictKind::kDone);
  REQUIRE(shop.Records() == 2);
  shop.Reopen();
  REQUIRE(Take(shop, {.incarnation = 61, .floor = 41}) == VerdictKind::kDone);
  CHECK(shop.Records() == 2);  // 60 and 61
}

TEST_CASE("a floor that a crash forgot is still guarded by its rows") {
  Shop shop;  // floor_step 4096: nothing is written
  SetStock(shop.committer(), 10);
  const Asked ended{.incarnation = 5, .floor = 1};
  REQUIRE(shop.barrier().Compensation<Hold>(CompensationRequest(ended), GiveBack).done());
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  CHECK(Take(shop, ended) == VerdictKind::kUnknown);
  shop.Reopen();
  CHECK(Take(shop, ended) == VerdictKind::kRejectedForKey);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("Sweep writes the floor and drops what is below, at once") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(Take(shop, {.incarnation = 5, .floor = 1}) == VerdictKind::kDone);
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  CHECK_FALSE(WrittenFloor(shop).has_value());
  REQUIRE(shop.barrier().Sweep().ok());
  CHECK(WrittenFloor(shop) == Incarnation{10});
  CHECK(shop.Records() == 1);
  REQUIRE(shop.barrier().Sweep().ok());
  CHECK(shop.Records() == 1);
}

TEST_CASE("rows stay while an older call that may have read them is in process") {
  Shop shop;
  SetStock(shop.committer(), 10);
  const Asked old{.incarnation = 5, .floor = 1};
  const Verdict<Hold> action =
      shop.barrier().Action(ActionRequest(old), [&](Transaction& rows) -> Verdict<Hold> {
        // Its saga gives up on it, undoes it, ends and expires, all while it runs.
        CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(old), GiveBack).done());
        CHECK(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
        CHECK(shop.barrier().Sweep().ok());
        CHECK(shop.Records() == 2);
        return TakeOne(rows);
      });
  CHECK(action.kind() == VerdictKind::kUnknown);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("more stores than are remembered are asked to come later") {
  Shop shop({.stores_max = 2});
  const auto ask = [&](uint64_t store) {
    BarrierRequest request = ActionRequest();
    request.key.store = StoreId{store};
    return shop.barrier().Action(request, [](Transaction&) {}).kind();
  };
  CHECK(ask(1) == VerdictKind::kDone);
  CHECK(ask(2) == VerdictKind::kDone);
  CHECK(ask(3) == VerdictKind::kRetryLater);
  CHECK(ask(1) == VerdictKind::kDone);
}

TEST_CASE("a floor row that does not read keeps the barrier shut") {
  Shop shop;
  Transaction rows = shop.committer().Begin();
  rows.Put(BarrierFloorKey("barrier", StoreId{1}), "nonsense");
  REQUIRE(std::move(rows).Commit().ok());
  const auto opened = Barrier::Open(shop.committer());
  CHECK(opened.status().code() == absl::StatusCode::kUnimplemented);  // 'n' is a newer format
  CHECK(opened.status().ToString().find("~f/barrier/") != std::string::npos);
}

namespace {

// A store that drops nothing, for a while.
class NoDrops final : public skald::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  absl::Status DropRange(const skald::Fence& fence, skald::Space space,
                         const skald::KeyRange& range) override {
    if (broken) return absl::UnavailableError("not now");
    return ForwardingStore::DropRange(fence, space, range);
  }
  bool broken = false;
};

}  // namespace

TEST_CASE("what a sweep could not drop the next one drops") {
  MemoryStore memory;
  NoDrops store(memory);
  Shop shop({}, {}, &store);
  SetStock(shop.committer(), 10);
  REQUIRE(Take(shop, {.incarnation = 5, .floor = 5}) == VerdictKind::kDone);
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  store.broken = true;
  CHECK_FALSE(shop.barrier().Sweep().ok());
  store.broken = false;
  CHECK(shop.Records() == 2);
  CHECK(shop.barrier().Sweep().ok());
  CHECK(shop.Records() == 1);
}

TEST_CASE("a process that was left behind does not lower the floor") {
  MemoryStore memory;
  const auto left = *Committer::Open(memory, {.writer = "p1", .shared_rows = true});
  const auto ours = *Committer::Open(memory, {.writer = "p2", .shared_rows = true});
  SetStock(*ours, 10);
  auto paused = *Barrier::Open(*left, {.floor_step = 10});
  auto barrier = *Barrier::Open(*ours, {.floor_step = 10});
  const auto take = [](Barrier& by, const Asked& asked) {
    return by.Action(ActionRequest(asked), TakeOne).kind();
  };
  REQUIRE(take(*barrier, {.incarnation = 500, .floor = 1}) == VerdictKind::kDone);
  REQUIRE(take(*barrier, {.incarnation = 1000, .floor = 900}) == VerdictKind::kDone);
  REQUIRE(barrier->Sweep().ok());
  CHECK(take(*paused, {.incarnation = 2000, .floor = 100}) == VerdictKind::kDone);
  // It has learned it, too.
  CHECK(take(*paused, {.incarnation = 500, .floor = 1}) == VerdictKind::kUnknown);
  barrier.reset();
  barrier = *Barrier::Open(*ours, {.floor_step = 10});
  CHECK(take(*barrier, {.incarnation = 500, .floor = 1}) == VerdictKind::kUnknown);
}

TEST_CASE("a sweep drops what lies below a floor that another process has written") {
  MemoryStore memory;
  Shop left({}, {.writer = "p1", .shared_rows = true}, &memory);
  SetStock(left.committer(), 10);
  REQUIRE(Take(left, {.incarnation = 50, .floor = 1}) == VerdictKind::kDone);
  Shop ours({.floor_step = 10}, {.writer = "p2", .shared_rows = true}, &memory);
  REQUIRE(Take(ours, {.incarnation = 1000, .floor = 900}) == VerdictKind::kDone);
  REQUIRE(Take(left, {.incarnation = 2000, .floor = 100}) == VerdictKind::kDone);
  CHECK(left.barrier().Sweep().ok());
  CHECK(left.Records() == 2);
}

TEST_CASE("a sweep that cannot read the floor's row says so") {
  MemoryStore memory;
  Shop shop({}, {}, &memory);
  SetStock(shop.committer(), 10);
  REQUIRE(Take(shop, {.incarnation = 20, .floor = 10}) == VerdictKind::kDone);
  Transaction rows = shop.committer().Begin();
  rows.Put(BarrierFloorKey("barrier", StoreId{1}), "\x01nonsense");
  REQUIRE(std::move(rows).Commit().ok());
  CHECK(absl::IsDataLoss(shop.barrier().Sweep()));
}
