#include "skald/base/verdict.h"

#include <memory>

#include "catch.h"

namespace {

using skald::VerdictKind;
using skald::VerdictKindOf;

TEST_CASE("Only codes that surely changed nothing are rejections") {
  // The table of the contract, by hand.
  const absl::StatusCode rejected[] = {
      absl::StatusCode::kInvalidArgument,    absl::StatusCode::kNotFound,
      absl::StatusCode::kPermissionDenied,   absl::StatusCode::kUnauthenticated,
      absl::StatusCode::kFailedPrecondition, absl::StatusCode::kOutOfRange,
      absl::StatusCode::kUnimplemented};
  const absl::StatusCode unknown[] = {
      absl::StatusCode::kCancelled,         absl::StatusCode::kUnknown,
      absl::StatusCode::kDeadlineExceeded,  absl::StatusCode::kAlreadyExists,
      absl::StatusCode::kResourceExhausted, absl::StatusCode::kAborted,
      absl::StatusCode::kInternal,          absl::StatusCode::kUnavailable,
      absl::StatusCode::kDataLoss,          static_cast<absl::StatusCode>(99)};
  for (const absl::StatusCode code : rejected) CHECK(VerdictKindOf(code) == VerdictKind::kRejected);
  for (const absl::StatusCode code : unknown) CHECK(VerdictKindOf(code) == VerdictKind::kUnknown);
  CHECK(VerdictKindOf(absl::StatusCode::kOk) == VerdictKind::kDone);
}

TEST_CASE("A status becomes a verdict with its code and message as reason") {
  const skald::NotDone rejected = skald::FromStatus(absl::NotFoundError("no such item"));
  CHECK(rejected.kind == VerdictKind::kRejected);
  CHECK(rejected.reason == "NOT_FOUND: no such item");
  CHECK_FALSE(rejected.delay.has_value());
}

TEST_CASE("Done carries its output, move-only too") {
  skald::Verdict<std::unique_ptr<int>> verdict = std::make_unique<int>(3);
  REQUIRE(verdict.done());
  CHECK(verdict.kind() == VerdictKind::kDone);
  CHECK(verdict.reason().empty());
  CHECK(*std::move(verdict).output() == 3);
}

TEST_CASE("The explicit verdicts keep kind, reason and delay") {
  const skald::Verdict<int> later = skald::RetryLater("busy", absl::Seconds(2));
  CHECK_FALSE(later.done());
  CHECK(later.kind() == VerdictKind::kRetryLater);
  CHECK(later.reason() == "busy");
  CHECK(later.delay() == absl::Seconds(2));
  CHECK(skald::Verdict<int>(skald::RejectedForKey("r")).kind() == VerdictKind::kRejectedForKey);
  CHECK(skald::Verdict<int>(skald::Unknown("u")).not_done().kind == VerdictKind::kUnknown);
}

TEST_CASE("Every kind has its name") {
  CHECK(ToString(VerdictKind::kDone) == "Done");
  CHECK(ToString(VerdictKind::kRejected) == "Rejected");
  CHECK(ToString(VerdictKind::kRejectedForKey) == "RejectedForKey");
  CHECK(ToString(VerdictKind::kRetryLater) == "RetryLater");
  CHECK(ToString(VerdictKind::kUnknown) == "Unknown");
}

}  // namespace
