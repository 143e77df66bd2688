// Runs contenders turn by turn, so that a slow minute of the machine hits all of them alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "measure.h"

namespace skald::bench {

struct Contender {
  std::string name;
  std::function<Measured(const RunOptions&)> run = nullptr;
  std::vector<Measured> rounds = {};  // what Compete fills in
};

// `rounds` rounds of all contenders; every other one in reverse order. Tells on stderr how far it
// is.
void Compete(std::vector<Contender>& contenders, const RunOptions& options, int rounds);

// The median over the rounds without a problem of what `figure` reads from each.
double MedianOf(const Contender& contender, const std::function<double(const Measured&)>& figure);

}  // namespace skald::bench
