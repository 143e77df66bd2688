#include "workload.h"

#include <array>
#include <bit>
#include <cstring>

namespace skald::bench {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): spreads counters over all 64 bits.
uint64_t Mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

std::string MakeNoise() {
  std::string noise(size_t{256} << 10, '\0');
  for (size_t at = 0; at < noise.size(); at += sizeof(uint64_t)) {
    const uint64_t word = Mix(at);
    std::memcpy(&noise[at], &word, sizeof word);
  }
  return noise;
}

template <typename T>
void AppendRaw(std::string& out, T value) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

}  // namespace

std::string_view Noise(size_t size, uint64_t salt) {
  static const std::string noise = MakeNoise();
  return std::string_view(noise).substr(Mix(salt) % (noise.size() - size), size);
}

Flights::Flights(uint32_t in_flight, const Shape& shape) : shape_(shape), flights_(in_flight) {
  for (uint32_t at = 0; at < in_flight; ++at) {
    Begin(flights_[at]);
    flights_[at].phase = at % shape_.groups();
  }
}

void Flights::Begin(Flight& flight) {
  flight.saga = next_saga_++;
  flight.hash = Mix(flight.saga);
  flight.phase = 0;
}

std::span<const Fact> Flights::NextGroup() {
  facts_.clear();
  for (Flight& flight : flights_) {
    const size_t bytes = flight.phase == 0 ? shape_.input_bytes : shape_.output_bytes;
    const std::string_view payload = Noise(bytes, flight.hash + flight.phase);
    facts_.push_back({flight.saga, flight.hash, flight.phase, payload});
    if (++flight.phase < shape_.groups()) continue;
    facts_.push_back({flight.saga, flight.hash, shape_.groups(), {}});
    ++finished_;
    Begin(flight);
  }
  return facts_;
}

void AppendHeader(std::string& out, const Fact& fact, size_t key_bytes) {
  const size_t before = out.size();
  AppendRaw(out, fact.saga);
  AppendRaw(out, fact.index);
  AppendRaw(out, static_cast<uint32_t>(fact.payload.size()));
  AppendRaw(out, fact.hash);
  out.resize(before + kRecordOverhead - key_bytes);
}

void AppendBigEndian64(std::string& out, uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  AppendRaw(out, __builtin_bswap64(value));
}

void AppendBigEndian32(std::string& out, uint32_t value) {
  AppendRaw(out, __builtin_bswap32(value));
}

}  // namespace skald::bench
