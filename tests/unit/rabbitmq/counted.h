// What the process that is killed and the one that judges it agree on: keys that count up from 1,
// the number as the message's body.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace skald_test {

inline constexpr char kQueue[] = "numbers";
inline constexpr size_t kInFlight = 1000;

inline std::string KeyOf(uint64_t key) {
  return fmt::format("key-{}", key);
}

}  // namespace skald_test
