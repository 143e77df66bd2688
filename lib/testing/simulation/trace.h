// The history of a simulation: a hash over all of it, and the lines themselves where a story is
// wanted.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/testing/oracle.h"
#include "skald/testing/simulation.h"

namespace skald::inline v1::internal {

class Trace {
 public:
  using Story = std::function<void(std::string_view)>;
  Trace(const Clock& clock, Story story) : clock_(clock), story_(std::move(story)) {}

  // One line: who, and what happened.
  template <typename... Args>
  void Say(std::string_view who, fmt::format_string<Args...> text, Args&&... args) {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{:>10.4f}s  {:<8} ",
                   absl::ToDoubleSeconds(clock_.Boot()), who);
    fmt::format_to(std::back_inserter(line_), text, std::forward<Args>(args)...);
    Add({line_.data(), line_.size()});
  }
  void Count(std::string_view what, uint64_t by = 1);

  uint64_t hash() const { return hash_; }
  uint64_t lines() const { return lines_; }
  absl::btree_map<std::string, uint64_t>& counters() { return counters_; }

 private:
  void Add(std::string_view line);

  const Clock& clock_;
  const Story story_;
  fmt::memory_buffer line_;
  uint64_t hash_ = 0;
  uint64_t lines_ = 0;
  absl::btree_map<std::string, uint64_t> counters_;
};

// What a history comes to; takes the trace's counters.
SimulationReport ReportOf(uint64_t seed, Trace& trace, const Oracle& oracle);

}  // namespace skald::inline v1::internal
