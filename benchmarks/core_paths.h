// The core paths, each alone in a loop: tools/instructions.py counts the instructions of one round
// as the difference between two numbers of rounds, which leaves preparation out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "skald/base/ids.h"
#include "skald/base/random.h"

namespace skald::bench {

struct Path {
  std::string name;
  std::string what;  // one round of it
  uint64_t times;    // enough rounds for growing buffers and tables to even out
  std::function<void(uint64_t times)> run;
};

void AddEventPaths(std::vector<Path>& paths);  // events: encode, decode, fold; plans
void AddPartPaths(std::vector<Path>& paths);
void AddRecordPaths(std::vector<Path>& paths);
void AddSagaPaths(std::vector<Path>& paths);  // whole sagas

inline const absl::Time kPathsBegin = absl::FromUnixSeconds(1'800'000'000);

// As many sagas as one group holds when it goes out.
inline constexpr uint64_t kGroup = 192;

inline uint64_t Mixed(uint64_t number) {
  return SplitMix64(number);
}
inline SagaId IdOf(uint64_t number) {
  return {.hash = Mixed(number), .incarnation = Incarnation{number + 1}};
}

// "order-0000002a": of 14 bytes, and cheap to make: it is not what a path is about.
inline std::string OrderKey(uint64_t number) {
  std::string key = "order-00000000";
  for (size_t at = key.size(); number != 0 && at > 6; number >>= 4) {
    key[--at] = "0123456789abcdef"[number & 15];
  }
  return key;
}

// The compiler must take it that the value is used, and that it may change memory.
template <typename T>
void Keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace skald::bench
