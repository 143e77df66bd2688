// The orders to place, and what was read to find them.
//
// Both kinds of input give the same thing: figures that are known before the first order is placed,
// what the input orders of each item, and any order by its index, as often as asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "order.h"

namespace order_flow {

// What the input holds, counted by the rules of the replay.
struct IntakeCounts {
  int64_t lines_read = 0;
  int64_t invoices = 0;
  std::map<std::string, int64_t> lines_dropped;   // by reason
  std::map<std::string, int64_t> orders_refused;  // by reason

  friend bool operator==(const IntakeCounts&, const IntakeCounts&) = default;
};

// Units of each item that all sales of the input ask for; items that are only returned stand with
// 0.
using Demand = std::map<std::string, int64_t>;

// THREADS: any, once it is made.
class OrderSource {
 public:
  virtual ~OrderSource() = default;

  virtual size_t size() const = 0;
  // REQUIRES: index < size().
  virtual Order At(size_t index) const = 0;
  // How often the input comes; size() is of all rounds.
  virtual size_t rounds() const { return 1; }
  virtual const IntakeCounts& counts() const = 0;
  virtual const Demand& demand() const = 0;
  // Names the input for people, and tells it from every other one.
  virtual const std::string& identity() const = 0;
};

}  // namespace order_flow
