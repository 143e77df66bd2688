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
  double target;          // of figure / ceiling, or of the figure
  double floor_here = 0;  // instead of Floor()'s rule: named, and its reason told, in the table
};

// Beyond it a quick run fails: 0.8 of the target, or the target over 0.8 where less is better.
inline double Floor(const Claim& claim) {
  constexpr double kOfTarget = 0.8;
  if (claim.floor_here != 0) return claim.floor_here;
  return claim.bound == Bound::kAtLeast ? claim.target * kOfTarget : claim.target / kOfTarget;
}

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
