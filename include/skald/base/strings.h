// The only place where Abseil's string_view and the standard one meet. (Debian 12 builds Abseil
// with a type of its own; elsewhere the two are the same and the conversions do nothing.)
//
//   StringMap<int> count;                         // look-ups by std::string_view, no copy
//   if (count.contains(std::string_view("a"))) …
//   fmt::format("{}", ToStd(status.message()))
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace skald::inline v1 {

inline absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view ToStd(absl::string_view text) {
  return {text.data(), text.size()};
}

// Hashing and equality for any mixture of std::string and std::string_view. Differs from process to
// process: see base/hash.h for hashes that may be stored.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return absl::Hash<absl::string_view>{}(ToAbsl(text));
  }
};
struct StringEq {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

template <typename V>
using StringMap = absl::flat_hash_map<std::string, V, StringHash, StringEq>;
using StringSet = absl::flat_hash_set<std::string, StringHash, StringEq>;

}  // namespace skald::inline v1
