// Orders drawn at random, with the sizes and the skew of a real shop: baskets of a dozen lines with
// a long tail, a few items in very many orders, one order in seven a return, one in twelve a
// guest's.
//
// One seed, one sequence of orders, on every machine; order i is drawn by itself, so that none has
// to be kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "order_source.h"
#include "skald/base/random.h"

namespace order_flow {

class GeneratedOrders final : public OrderSource {
 public:
  // REQUIRES: count > 0.   COST: draws every order once, to count lines and units.
  GeneratedOrders(uint64_t count, uint64_t seed);

  size_t size() const override { return count_; }
  Order At(size_t index) const override;
  const IntakeCounts& counts() const override { return counts_; }
  const Demand& demand() const override { return demand_; }
  const std::string& identity() const override { return identity_; }

 private:
  Order Draw(size_t index, int64_t& lines) const;
  std::string Number(size_t index, OrderKind kind) const;
  uint32_t DrawItem(skald::Random& random) const;

  size_t count_;
  uint64_t seed_;
  std::vector<double> popularity_;  // cumulative share of the items, most popular first
  IntakeCounts counts_;
  Demand demand_;
  std::string identity_;
};

}  // namespace order_flow
