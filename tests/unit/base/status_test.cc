#include "skald/base/status.h"

#include <memory>
#include <string>

#include "absl/strings/cord.h"
#include "catch.h"
#include "skald/base/strings.h"

namespace {

using skald::Annotate;
using skald::ToStd;

absl::StatusOr<std::unique_ptr<int>> Make(bool fail) {
  if (fail) return absl::NotFoundError("no int");
  return std::make_unique<int>(7);
}

absl::StatusOr<int> Double(bool fail) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<int> number, Make(fail));
  return 2 * *number;
}

absl::Status Relay(bool fail, int& reached) {
  SKALD_RETURN_IF_ERROR(Make(fail));
  SKALD_RETURN_IF_ERROR(Annotate(Double(fail).status(), "doubling"));
  ++reached;
  return absl::OkStatus();
}

TEST_CASE("ASSIGN_OR_RETURN moves the value out, or returns the error") {
  CHECK(*Double(false) == 14);
  CHECK(Double(true).status() == absl::NotFoundError("no int"));
}

TEST_CASE("RETURN_IF_ERROR goes on only after OK") {
  int reached = 0;
  CHECK(Relay(true, reached).code() == absl::StatusCode::kNotFound);
  CHECK(reached == 0);
  CHECK(Relay(false, reached).ok());
  CHECK(reached == 1);
}

TEST_CASE("Annotate puts the text before the message and keeps code and payloads") {
  absl::Status status = absl::AbortedError("stale fence");
  status.SetPayload("type.example/detail", absl::Cord("epoch 3"));
  const absl::Status annotated = Annotate(status, "committing batch 7");
  CHECK(annotated.code() == absl::StatusCode::kAborted);
  CHECK(ToStd(annotated.message()) == "committing batch 7: stale fence");
  CHECK(annotated.GetPayload("type.example/detail") == absl::Cord("epoch 3"));
}

TEST_CASE("Annotate leaves OK alone") {
  CHECK(Annotate(absl::OkStatus(), "text").ok());
}

}  // namespace
