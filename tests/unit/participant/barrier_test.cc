#include <stdexcept>

#include "barrier_test_util.h"

using namespace skald;
using namespace skald::testing;

TEST_CASE("an action changes the rows once, and its repetition gets the same output") {
  Shop shop;
  SetStock(shop.committer(), 10);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const Verdict<Hold> hold = shop.barrier().Action(ActionRequest(), TakeOne);
    REQUIRE(hold.done());
    CHECK(hold.output() == Hold{1});
    CHECK(shop.Row("stock") == "9");
    shop.Reopen();
  }
}

TEST_CASE("a rejection keeps nothing of what was written, and stays a rejection") {
  Shop shop;
  const Verdict<Hold> first = shop.barrier().Action(ActionRequest(), TakeOne);
  CHECK(first.kind() == VerdictKind::kRejected);
  CHECK(first.reason() == "sold out");
  CHECK_FALSE(shop.Row("stock").has_value());

  SetStock(shop.committer(), 10);
  shop.Reopen();
  const Verdict<Hold> again = shop.barrier().Action(ActionRequest(), TakeOne);
  CHECK(again.kind() == VerdictKind::kRejectedForKey);
  CHECK(again.reason() == "sold out");
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("RetryLater, Unknown and exceptions leave no trace, and the key is free") {
  Shop shop;
  const auto says = [&](auto what) {
    return shop.barrier().Action(ActionRequest(), [&](Transaction& rows) -> Verdict<Hold> {
      rows.Put("stock", "1");
      return what();
    });
  };
  const Verdict<Hold> later = says([] { return RetryLater("busy", absl::Seconds(2)); });
  CHECK(later.kind() == VerdictKind::kRetryLater);
  CHECK(later.delay() == absl::Seconds(2));
  CHECK(says([] { return Unknown("lost"); }).kind() == VerdictKind::kUnknown);
  const Verdict<Hold> threw = says([]() -> NotDone { throw std::runtime_error("boom"); });
  CHECK(threw.kind() == VerdictKind::kUnknown);
  CHECK(threw.reason() == "threw: boom");
  CHECK(says([]() -> NotDone { throw 7; }).kind() == VerdictKind::kUnknown);
  CHECK(shop.Records() == 0);
  CHECK_FALSE(shop.Row("stock").has_value());

  SetStock(shop.committer(), 1);
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).done());
}

TEST_CASE("a function may return a value, a status, a status or a value, or nothing") {
  Shop shop;
  const auto key = [](uint64_t incarnation) { return ActionRequest({.incarnation = incarnation}); };
  Barrier& barrier = shop.barrier();
  CHECK(barrier.Action(key(1), [](Transaction&) { return Hold{3}; }).output() == Hold{3});
  CHECK(barrier.Action(key(2), [](Transaction&) {}).done());
  CHECK(barrier.Action(key(3), [](Transaction&) { return absl::OkStatus(); }).done());
  const auto fails = [](absl::Status status) {
    return [status](Transaction&) -> absl::StatusOr<Hold> { return status; };
  };
  CHECK(barrier.Action(key(4), fails(absl::NotFoundError("no item"))).kind() ==
        VerdictKind::kRejected);
  CHECK(barrier.Action(key(4), fails(absl::OkStatus())).reason() == "NOT_FOUND: no item");
  CHECK(barrier.Action(key(5), fails(absl::UnavailableError("away"))).kind() ==
        VerdictKind::kUnknown);
}

TEST_CASE("a compensation undoes its action once, with the recorded output") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(shop.barrier().Action(ActionRequest(), TakeOne).done());
  for (int attempt = 0; attempt < 3; ++attempt) {
    CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack).done());
    CHECK(shop.Row("stock") == "10");
    shop.Reopen();
  }
  // A late attempt of the action gets what was recorded, and changes nothing.
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).output() == Hold{1});
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("undoing what never ran is done, changes nothing and refuses the late action") {
  Shop shop;
  SetStock(shop.committer(), 10);
  CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack).done());
  shop.Reopen();
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack).done());
  CHECK(shop.Row("stock") == "10");
}

TEST_CASE("a compensation that says RetryLater may succeed later; one that is rejected may not") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(shop.barrier().Action(ActionRequest(), TakeOne).done());
  const auto says = [&](NotDone what) {
    return shop.barrier()
        .Compensation<Hold>(CompensationRequest(),
                            [&](Transaction&, const Hold&) -> Verdict<Nothing> { return what; })
        .kind();
  };
  CHECK(says(RetryLater("busy")) == VerdictKind::kRetryLater);
  CHECK(says(Unknown("lost")) == VerdictKind::kUnknown);
  CHECK(says(Rejected("closed")) == VerdictKind::kRejected);
  const auto again = shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack);
  CHECK(again.kind() == VerdictKind::kRejectedForKey);
  CHECK(again.reason() == "closed");
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("reconciling tells what happened, or makes sure that it never will") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(shop.barrier().Action(ActionRequest({.incarnation = 1}), TakeOne).done());
  CHECK(shop.barrier().Reconcile<Hold>(ActionRequest({.incarnation = 1})).output() == Hold{1});

  const BarrierRequest never = ActionRequest({.incarnation = 2});
  CHECK(shop.barrier().Reconcile<Hold>(never).kind() == VerdictKind::kRejectedForKey);
  shop.Reopen();
  CHECK(shop.barrier().Action(never, TakeOne).kind() == VerdictKind::kRejectedForKey);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("an output of another type than recorded is Unknown, and undoes nothing") {
  Shop shop;
  REQUIRE(shop.barrier().Action(ActionRequest(), [](Transaction&) { return uint32_t{5}; }).done());
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).kind() == VerdictKind::kUnknown);
  CHECK(shop.barrier().Compensation<Hold>(CompensationRequest(), GiveBack).kind() ==
        VerdictKind::kUnknown);
  CHECK_FALSE(shop.Row("stock").has_value());
}

TEST_CASE("a damaged record is Unknown, names the row and runs nothing") {
  Shop shop;
  SetStock(shop.committer(), 10);
  REQUIRE(shop.barrier().Action(ActionRequest(), TakeOne).done());
  Transaction rows = shop.committer().Begin();
  rows.Put(BarrierRowKey("barrier", ActionRequest().key), "\x01nonsense");
  REQUIRE(std::move(rows).Commit().ok());
  const Verdict<Hold> action = shop.barrier().Action(ActionRequest(), TakeOne);
  CHECK(action.kind() == VerdictKind::kUnknown);
  CHECK(action.reason().find("~b/barrier/") != std::string::npos);
  CHECK(shop.Row("stock") == "9");
}

TEST_CASE("barriers of different names in one store know nothing of each other") {
  Shop shop;
  SetStock(shop.committer(), 10);
  auto other = Barrier::Open(shop.committer(), {.name = "other"});
  REQUIRE(other.ok());
  CHECK(shop.barrier().Action(ActionRequest(), TakeOne).done());
  CHECK((*other)->Action(ActionRequest(), TakeOne).done());
  CHECK(shop.Row("stock") == "8");
}

TEST_CASE("a barrier is not opened under a name or with options that cannot be") {
  Shop shop;
  for (const std::string& name : {std::string(), std::string("a/b"), std::string(33, 'a')}) {
    CHECK(Barrier::Open(shop.committer(), {.name = name}).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
  CHECK(Barrier::Open(shop.committer(), {.floor_step = 0}).status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a request is made from what a step is told, and differs by its arguments") {
  struct Context {
    EffectKey idempotency_key() const { return ActionRequest().key; }
    Incarnation floor() const { return Incarnation{5}; }
  };
  const auto request = BarrierRequest::Of(Context{}, std::string("ab"), std::string("c"));
  CHECK(request.key == ActionRequest().key);
  CHECK(request.floor == Incarnation{5});
  const auto fingerprint = [](std::string a, std::string b) {
    return BarrierRequest::Of(Context{}, a, b).fingerprint;
  };
  CHECK(request.fingerprint == fingerprint("ab", "c"));
  CHECK(request.fingerprint != fingerprint("a", "bc"));
  CHECK(request.fingerprint != BarrierRequest::Of(Context{}).fingerprint);
}
