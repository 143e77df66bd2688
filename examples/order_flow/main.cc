// An order flow on skald: see README.md beside this file.

#include <fmt/format.h>

#include <cstdio>
#include <variant>

#include "options.h"
#include "order_states.h"
#include "run.h"
#include "skald/base/strings.h"

namespace {

int Conclude(const absl::StatusOr<int>& code) {
  if (code.ok()) return *code;
  fmt::print(stderr, "order_flow: {}\n", skald::ToStd(code.status().message()));
  return order_flow::kExitWrong;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = order_flow::ParseCommandLine(argc, argv);
  if (const auto* run = std::get_if<order_flow::RunOptions>(&parsed)) {
    return Conclude(order_flow::Run(*run));
  }
  if (const auto* audit = std::get_if<order_flow::AuditOptions>(&parsed)) {
    return Conclude(order_flow::RunAudit(*audit));
  }
  if (std::holds_alternative<order_flow::StatesOptions>(parsed)) {
    fmt::print("{}", order_flow::StateDiagrams());
    return order_flow::kExitOk;
  }
  return std::get<int>(parsed);
}
