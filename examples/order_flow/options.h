// The command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "chaos.h"
#include "customers.h"
#include "faults.h"

namespace order_flow {

struct RunOptions {
  std::string orders;  // a path, or "-"; empty: generate
  uint64_t generate = 100'000;
  size_t repeat = 1;  // rounds of the input
  uint64_t seed = 1;
  std::string data;  // empty: a fresh directory
  std::string report;
  size_t in_flight = 1024;
  std::optional<double> stock;  // nothing: unlimited
  std::string stock_text = "unlimited";
  FaultPlan faults;
  bool slow = false;  // some step takes its time
  CustomerOptions customers;
  ChaosOptions chaos;
  bool with_operator = false;  // somebody retries what is stuck
};

struct AuditOptions {
  std::string data;
  std::string report;
};

// Print the tables of order states.
struct StatesOptions {};

// What to do, or the exit code when the command line asked for help or makes no sense; the text for
// that is printed.
std::variant<RunOptions, AuditOptions, StatesOptions, int> ParseCommandLine(
    int argc, const char* const* argv);

}  // namespace order_flow
