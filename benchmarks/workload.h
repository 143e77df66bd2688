// The order saga as bare facts: what the ceilings write, five records a saga.
//
// A saga moves in four durable groups, as the guarantees demand: its start, the verdicts of steps 1
// and 2, and the verdict of step 3 together with the end. One of another shape moves likewise. A
// record is its payload and 48 bytes, the key included. Payloads do not compress.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skald::bench {

inline constexpr size_t kInputBytes = 200;
inline constexpr size_t kOutputBytes = 100;
inline constexpr size_t kRecordOverhead = 48;
inline constexpr uint32_t kGroupsPerSaga = 4;

// How long a saga is and what it carries; by itself the order saga.
struct Shape {
  uint32_t steps = kGroupsPerSaga - 1;
  size_t input_bytes = kInputBytes;
  size_t output_bytes = kOutputBytes;  // of each step

  uint32_t groups() const { return steps + 1; }
  size_t payload_bytes() const { return input_bytes + steps * output_bytes; }
};

struct Fact {
  uint64_t saga = 0;   // counts from 1
  uint64_t hash = 0;   // of `saga`: what a coordinator would shard by
  uint32_t index = 0;  // 0 start, from 1 the verdicts, then the end
  std::string_view payload;
};

// Some `size` bytes of noise; another `salt` is another place in one fixed buffer.
std::string_view Noise(size_t size, uint64_t salt);

// Keeps `in_flight` sagas going: every group brings each of them one step further, and a finished
// one is followed by a new one. The sagas are spread over their phases.
class Flights {
 public:
  explicit Flights(uint32_t in_flight, const Shape& shape = {});

  // The facts of the next group. Valid until the next call.
  std::span<const Fact> NextGroup();
  // Sagas whose last fact was in a group handed out so far.
  uint64_t finished() const { return finished_; }

 private:
  struct Flight {
    uint64_t saga;
    uint64_t hash;
    uint32_t phase;
  };
  void Begin(Flight& flight);

  const Shape shape_;
  std::vector<Flight> flights_;
  std::vector<Fact> facts_;
  uint64_t next_saga_ = 1;
  uint64_t finished_ = 0;
};

// Appends the record's first bytes so that with `key_bytes` of key and the payload it has its size.
void AppendHeader(std::string& out, const Fact& fact, size_t key_bytes);

// Numbers in keys stand with their highest byte first, so that they sort.
void AppendBigEndian64(std::string& out, uint64_t value);
void AppendBigEndian32(std::string& out, uint32_t value);

}  // namespace skald::bench
