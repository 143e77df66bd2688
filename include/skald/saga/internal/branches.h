// Which steps can run together: guards, the branches they make, and the pivots in them.
//
// Used twice: on types, while a definition compiles, and on its data, when it is finished.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace skald::inline v1::internal {

// A decision's step, and the answer that lets the guarded step run.
struct GuardAt {
  uint16_t decision = 0;
  bool when = true;
  friend constexpr bool operator==(const GuardAt&, const GuardAt&) = default;
};
// All guards of a step, those of its decisions among them.
using Guards = std::vector<GuardAt>;

constexpr bool Has(const Guards& guards, GuardAt guard) {
  return std::find(guards.begin(), guards.end(), guard) != guards.end();
}

// No run of the saga has both: one decision stands between them.
constexpr bool AreExclusive(const Guards& one, const Guards& other) {
  for (const GuardAt& guard : one) {
    if (Has(other, {guard.decision, !guard.when})) return true;
  }
  return false;
}

// Whatever has `narrow` also has `wide`.
constexpr bool Implies(const Guards& narrow, const Guards& wide) {
  for (const GuardAt& guard : wide) {
    if (!Has(narrow, guard)) return false;
  }
  return true;
}

// Whether one of `others` runs in every run that has `guards`.
constexpr bool IsCovered(const Guards& guards, const std::vector<Guards>& others) {
  for (const Guards& other : others) {
    if (Implies(guards, other)) return true;
  }
  for (const Guards& other : others) {
    if (AreExclusive(guards, other)) continue;
    for (const GuardAt& guard : other) {
      if (Has(guards, guard)) continue;
      // Either answer of one more decision must do.
      Guards yes = guards;
      Guards no = guards;
      yes.push_back({guard.decision, true});
      no.push_back({guard.decision, false});
      return IsCovered(yes, others) && IsCovered(no, others);
    }
  }
  return false;
}

}  // namespace skald::inline v1::internal
