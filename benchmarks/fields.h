// The fields of the claims: contenders that run turn by turn, with what they share and how long
// they run. A new field is a function here or in a file of its own, one line in Fields(), and the
// rows of its claims in claim_table.cc.
//
//   std::vector<Contender> EnterKept(FieldPlan& plan) {
//     const uint64_t sagas = plan.quick ? 100'000 : 10'000'000;
//     plan.note = fmt::format("{} sagas kept", sagas);
//     auto kept = std::make_shared<KeptStore>(plan.run, sagas);   // made once, before the rounds
//     return {{"empty", RunOnEmpty},
//             {"kept", [kept](const RunOptions& run) { return RunOn(*kept, run); }}};
//   }
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contest.h"
#include "measure.h"

namespace skald::bench {

// How a field is going to run. Its function may change all but `quick`.
struct FieldPlan {
  bool quick = false;  // short, and on small data: say in `note` on how much
  RunOptions run;
  double seconds_max = std::numeric_limits<double>::infinity();  // of run.seconds, however long
  std::string orders;  // a log for the order flow; empty: drawn orders
  std::string note;  // what a reader must know of this run's size; printed and kept with its claims
};

struct Field {
  std::string_view name;  // what a claim says
  // Ceilings first. Called once, when one of its claims is asked for; what the contenders hold
  // together lives until the field has ended. Contenders that no wanted claim names may be left
  // out.
  std::vector<Contender> (*enter)(FieldPlan& plan);
};

std::span<const Field> Fields();

}  // namespace skald::bench
