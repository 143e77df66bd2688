#include "machine.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace skald::inline v1::internal {

void Machine::Forget(const Attempts& entry) {
  const auto at = std::find_if(attempts.begin(), attempts.end(),
                               [&](const Attempts& each) { return &each == &entry; });
  if (at != attempts.end()) attempts.erase(at);
}

void Machine::Reset() {
  constexpr size_t kKeptBytesMax = 8192;
  std::string kept_journal = std::move(journal);
  kept_journal.clear();
  if (kept_journal.capacity() > kKeptBytesMax) kept_journal = std::string();
  id = {};
  registered = nullptr;
  journal = std::move(kept_journal);
  std::destroy_at(&view);
  std::construct_at(&view);
  attempts.clear();
  running.clear();
  frame.Clear();
  watch.reset();
  std::string kept_input = std::move(start.input);
  kept_input.clear();
  if (kept_input.capacity() > kKeptBytesMax) kept_input = std::string();
  start = StartRequestState();
  start.input = std::move(kept_input);
  on_durable.clear();
  halted.clear();
  next_same_hash = nullptr;
  home = floor_slot = group = 0;
  undurable = outstanding = 0;
  next_token = 1;
  wake = {};
  asleep = gone = row_existed = announced_stuck = undecodable = false;
}

}  // namespace skald::inline v1::internal
