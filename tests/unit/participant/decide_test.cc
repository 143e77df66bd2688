#include "skald/participant/decide.h"

#include "catch.h"

using namespace skald;

namespace {

constexpr Hash128 kAsked{1, 2};
constexpr Hash128 kOther{1, 3};
constexpr Incarnation kNoFloor{0};

BarrierRequest Request(Direction direction, Hash128 fingerprint = kAsked) {
  return {.key = {.store = StoreId{9},
                  .saga = {.hash = 0xfeed, .incarnation = Incarnation{100}},
                  .step = 3,
                  .direction = direction},
          .floor = Incarnation{40},
          .fingerprint = fingerprint};
}
BarrierRequest Action(Hash128 fingerprint = kAsked) {
  return Request(Direction::kAction, fingerprint);
}
BarrierRequest Compensation(Hash128 fingerprint = kAsked) {
  return Request(Direction::kCompensation, fingerprint);
}

BarrierRecord DoneRecord() {
  return {.action = ActionRecord::kDone, .action_fingerprint = kAsked, .text = "hold 7"};
}
BarrierRecord RejectedRecord() {
  return {.action = ActionRecord::kRejected, .action_fingerprint = kAsked, .text = "sold out"};
}
BarrierRecord Undone(BarrierRecord record,
                     CompensationRecord compensation = CompensationRecord::kDone) {
  record.compensation = compensation;
  record.compensation_fingerprint = kAsked;
  if (compensation == CompensationRecord::kRejected) record.compensation_reason = "closed";
  return record;
}

void CheckAnswers(const Decision& decision, VerdictKind kind, std::string_view text) {
  CHECK_FALSE(decision.run);
  CHECK_FALSE(decision.record.has_value());
  CHECK(decision.reply.kind == kind);
  CHECK(decision.reply.text == text);
}
void CheckRefuses(const Decision& decision) {
  CHECK_FALSE(decision.run);
  CHECK_FALSE(decision.record.has_value());
  CHECK(decision.reply.kind == VerdictKind::kUnknown);
  CHECK_FALSE(decision.reply.text.empty());
}

}  // namespace

TEST_CASE("an action that is not recorded runs") {
  CHECK(Decide(BarrierVerb::kAction, Action(), std::nullopt, kNoFloor).run);
}

TEST_CASE("a repeated action gets the recorded output, also after it was undone") {
  for (const auto& record :
       {DoneRecord(), Undone(DoneRecord()), Undone(DoneRecord(), CompensationRecord::kRejected)}) {
    CheckAnswers(Decide(BarrierVerb::kAction, Action(), record, kNoFloor), VerdictKind::kDone,
                 "hold 7");
    CheckAnswers(Decide(BarrierVerb::kReconcile, Action(), record, kNoFloor), VerdictKind::kDone,
                 "hold 7");
  }
}

TEST_CASE("a recorded rejection is answered for its key") {
  for (const auto& record : {RejectedRecord(), Undone(RejectedRecord())}) {
    for (const BarrierVerb verb : {BarrierVerb::kAction, BarrierVerb::kReconcile}) {
      CheckAnswers(Decide(verb, Action(), record, kNoFloor), VerdictKind::kRejectedForKey,
                   "sold out");
    }
  }
}

TEST_CASE("a blocked action is refused for its key, whatever it asks for") {
  for (const Hash128 fingerprint : {kAsked, kOther}) {
    for (const auto& record : {BarrierRecord{}, Undone(BarrierRecord{})}) {
      const Decision late = Decide(BarrierVerb::kAction, Action(fingerprint), record, kNoFloor);
      CHECK_FALSE(late.run);
      CHECK(late.reply.kind == VerdictKind::kRejectedForKey);
    }
  }
}

TEST_CASE("undoing what never ran changes nothing and blocks the action") {
  const Decision decision =
      Decide(BarrierVerb::kCompensation, Compensation(), std::nullopt, kNoFloor);
  CHECK_FALSE(decision.run);
  CHECK(decision.reply == BarrierReply{.kind = VerdictKind::kDone});
  REQUIRE(decision.record.has_value());
  CHECK(*decision.record == Undone(BarrierRecord{.action = ActionRecord::kBlocked}));
}

TEST_CASE("undoing what was rejected or blocked is done without running") {
  for (const auto& record : {RejectedRecord(), BarrierRecord{}}) {
    const Decision decision = Decide(BarrierVerb::kCompensation, Compensation(), record, kNoFloor);
    CHECK_FALSE(decision.run);
    CHECK(decision.reply.kind == VerdictKind::kDone);
    CHECK(decision.record == Undone(record));
  }
}

TEST_CASE("undoing what happened runs once; repeated, it is done") {
  CHECK(Decide(BarrierVerb::kCompensation, Compensation(), DoneRecord(), kNoFloor).run);
  CheckAnswers(Decide(BarrierVerb::kCompensation, Compensation(), Undone(DoneRecord()), kNoFloor),
               VerdictKind::kDone, "");
  const auto refused = Undone(DoneRecord(), CompensationRecord::kRejected);
  CheckAnswers(Decide(BarrierVerb::kCompensation, Compensation(), refused, kNoFloor),
               VerdictKind::kRejectedForKey, "closed");
}

TEST_CASE("reconciling what is not recorded writes the block that makes its answer true") {
  const Decision decision = Decide(BarrierVerb::kReconcile, Action(), std::nullopt, kNoFloor);
  CHECK_FALSE(decision.run);
  CHECK(decision.reply.kind == VerdictKind::kRejectedForKey);
  CHECK(decision.record == BarrierRecord{.action = ActionRecord::kBlocked});
}

TEST_CASE("the same key with another request is refused, never rejected") {
  for (const auto& record : {DoneRecord(), RejectedRecord()}) {
    CheckRefuses(Decide(BarrierVerb::kAction, Action(kOther), record, kNoFloor));
    CheckRefuses(Decide(BarrierVerb::kReconcile, Action(kOther), record, kNoFloor));
    CheckRefuses(
        Decide(BarrierVerb::kCompensation, Compensation(kOther), Undone(record), kNoFloor));
  }
}

TEST_CASE("a key below the floor is refused, never rejected") {
  const Incarnation above{101};
  for (const auto& record : {std::optional(DoneRecord()), std::optional<BarrierRecord>()}) {
    CheckRefuses(Decide(BarrierVerb::kAction, Action(), record, above));
    CheckRefuses(Decide(BarrierVerb::kReconcile, Action(), record, above));
    CheckRefuses(Decide(BarrierVerb::kCompensation, Compensation(), record, above));
  }
  CHECK(Decide(BarrierVerb::kAction, Action(), std::nullopt, Incarnation{100}).run);
}

TEST_CASE("a request whose own floor is above it is refused, and teaches no floor") {
  BarrierRequest request = Action();
  request.floor = Incarnation{101};
  CHECK_FALSE(IsPlausibleFloor(request));
  CheckRefuses(Decide(BarrierVerb::kAction, request, std::nullopt, kNoFloor));
  request.floor = Incarnation{100};
  CHECK(IsPlausibleFloor(request));
}

TEST_CASE("a key of the wrong direction is refused") {
  CheckRefuses(Decide(BarrierVerb::kAction, Compensation(), std::nullopt, kNoFloor));
  CheckRefuses(Decide(BarrierVerb::kReconcile, Compensation(), std::nullopt, kNoFloor));
  CheckRefuses(Decide(BarrierVerb::kCompensation, Action(), std::nullopt, kNoFloor));
}

TEST_CASE("Done and Rejected are recorded, RetryLater and Unknown are not") {
  const auto record = [](VerdictKind kind) {
    return Record(BarrierVerb::kAction, Action(), std::nullopt, {.kind = kind, .text = "text"});
  };
  CHECK(record(VerdictKind::kDone) ==
        BarrierRecord{ActionRecord::kDone, kAsked, "text", CompensationRecord::kNone, {}, {}});
  for (const VerdictKind kind : {VerdictKind::kRejected, VerdictKind::kRejectedForKey}) {
    CHECK(
        record(kind) ==
        BarrierRecord{ActionRecord::kRejected, kAsked, "text", CompensationRecord::kNone, {}, {}});
  }
  CHECK(record(VerdictKind::kRetryLater) == std::nullopt);
  CHECK(record(VerdictKind::kUnknown) == std::nullopt);
}

TEST_CASE("a compensation is recorded beside what its action said") {
  const auto record = [](VerdictKind kind, std::string text) {
    return Record(BarrierVerb::kCompensation, Compensation(), DoneRecord(),
                  {.kind = kind, .text = std::move(text)});
  };
  CHECK(record(VerdictKind::kDone, "") == Undone(DoneRecord()));
  CHECK(record(VerdictKind::kRejected, "closed") ==
        Undone(DoneRecord(), CompensationRecord::kRejected));
  CHECK(record(VerdictKind::kRetryLater, "busy") == std::nullopt);
}

TEST_CASE("a long reason is cut where it is recorded, an output never") {
  const std::string text(5000, 'x');
  const auto rejected = Record(BarrierVerb::kAction, Action(), std::nullopt,
                               {.kind = VerdictKind::kRejected, .text = text});
  const auto done = Record(BarrierVerb::kAction, Action(), std::nullopt,
                           {.kind = VerdictKind::kDone, .text = text});
  REQUIRE(rejected.has_value());
  REQUIRE(done.has_value());
  CHECK(rejected->text.size() == 1024);  // the bound named in docs/formats/barrier.md
  CHECK(done->text == text);
}
