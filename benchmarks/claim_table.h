// The claims: what is measured, against which ceiling, what is aimed at, and below what a build
// fails. The only place where these numbers stand.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "measure.h"

namespace skald::bench {

enum class Bound : uint8_t { kAtLeast, kAtMost };

struct Claim {
  std::string_view id;
  std::string_view name;
  std::string_view unit;
  std::string_view field;  // see fields.h; a claim and its ceiling are of one field
  std::string_view contender;
  std::string_view ceiling;  // empty: the figure itself is compared
  double (*figure)(const Measured&);
  Bound bound;
  double target;  // of figure / ceiling, or of the figure
  double floor;   // beyond it the run fails; says how far the code of today must at least come
};

// A claim with two ceilings stands in two rows.
std::span<const Claim> Claims();

// Ids of claims that the page of targets names and nothing here measures yet, with their names.
struct MissingClaim {
  std::string_view id;
  std::string_view name;
};
std::span<const MissingClaim> MissingClaims();

inline bool Holds(Bound bound, double value, double limit) {
  return bound == Bound::kAtLeast ? value >= limit : value <= limit;
}

}  // namespace skald::bench
