#include "faults.h"

#include <string>

#include "catch.h"

namespace order_flow {
namespace {

FaultPlan Plan(uint64_t seed = 1) {
  return {seed, {"charge", "restock"}};
}

std::string WhyNot(const std::string& failure) {
  FaultPlan plan = Plan();
  const absl::Status status = plan.AddFailure(failure);
  REQUIRE(status.code() == absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

int Count(const FaultPlan& plan, bool Fault::* which, uint32_t attempt, int orders = 10'000) {
  int count = 0;
  for (int i = 0; i < orders; ++i)
    count += plan.Draw({std::to_string(i), 0, "charge", attempt}).*which;
  return count;
}

TEST_CASE("A fault hits the share of orders that it was given") {
  FaultPlan plan = Plan();
  REQUIRE(plan.AddFailure("charge:rejected=0.25").ok());
  const int hit = Count(plan, &Fault::rejected, 1);
  CHECK(hit > 2300);
  CHECK(hit < 2700);
  CHECK_FALSE(plan.Draw({"1", 0, "restock", 1}).rejected);
}

TEST_CASE("Certain faults always happen, impossible ones never") {
  FaultPlan plan = Plan();
  REQUIRE(plan.AddFailure("charge:retry=1").ok());
  REQUIRE(plan.AddFailure("charge:throw=0").ok());
  CHECK(Count(plan, &Fault::retry, 3, 100) == 100);
  CHECK(Count(plan, &Fault::thrown, 3, 100) == 0);
}

TEST_CASE("A refusal is the same at every attempt, a passing fault is drawn anew") {
  FaultPlan plan = Plan();
  REQUIRE(plan.AddFailure("charge:rejected=0.5").ok());
  REQUIRE(plan.AddFailure("charge:unknown=0.5").ok());
  int changed = 0;
  for (int i = 0; i < 200; ++i) {
    const Fault first = plan.Draw({std::to_string(i), 0, "charge", 1});
    const Fault second = plan.Draw({std::to_string(i), 0, "charge", 2});
    CHECK(first.rejected == second.rejected);
    changed += first.unknown != second.unknown;
  }
  CHECK(changed > 50);
}

TEST_CASE("Only a first attempt's answer is lost") {
  FaultPlan plan = Plan();
  REQUIRE(plan.AddFailure("charge:lost=1").ok());
  CHECK(plan.Draw({"1", 0, "charge", 1}).lost);
  CHECK_FALSE(plan.Draw({"1", 0, "charge", 2}).lost);
}

TEST_CASE("Another seed gives other faults, the same seed the same") {
  FaultPlan plans[] = {Plan(1), Plan(1), Plan(2)};
  for (FaultPlan& plan : plans) REQUIRE(plan.AddFailure("charge:lost=0.5").ok());
  int differing = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string order = std::to_string(i);
    CHECK(plans[0].Draw({order, 0, "charge", 1}).lost ==
          plans[1].Draw({order, 0, "charge", 1}).lost);
    differing +=
        plans[0].Draw({order, 0, "charge", 1}).lost != plans[2].Draw({order, 0, "charge", 1}).lost;
  }
  CHECK(differing > 50);
}

TEST_CASE("A fault that cannot be is refused with what can be") {
  CHECK(WhyNot("charge").find("STEP:KIND=P") != std::string::npos);
  CHECK(WhyNot("charge=1:lost").find("STEP:KIND=P") != std::string::npos);
  CHECK(WhyNot("pay:lost=1").find("charge, restock") != std::string::npos);
  CHECK(WhyNot("charge:gone=1").find("rejected, retry") != std::string::npos);
  for (const char* text : {"charge:lost=", "charge:lost=2", "charge:lost=-0.1", "charge:lost=nan",
                           "charge:lost=0.5x", "charge:lost=inf"}) {
    INFO(text);
    CHECK(WhyNot(text).find("not a probability") != std::string::npos);
  }
}

TEST_CASE("A delay is read with its unit and bounded") {
  FaultPlan plan = Plan();
  CHECK(plan.AddDelay("charge=1.5ms").ok());
  CHECK(plan.Draw({"1", 0, "charge", 1}).slow == absl::Microseconds(1500));
  CHECK(plan.Draw({"1", 0, "restock", 1}).slow == absl::ZeroDuration());
  for (const char* text :
       {"charge", "charge=5", "charge=-1s", "charge=1h", "charge=inf", "pay=1s"}) {
    INFO(text);
    CHECK_FALSE(plan.AddDelay(text).ok());
  }
}

}  // namespace
}  // namespace order_flow
