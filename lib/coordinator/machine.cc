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

void Machine::ComesBack(Attempt* attempt) {
  running.erase(std::remove(running.begin(), running.end(), attempt), running.end());
  if (running.empty()) outgrown.reset();
}

void Machine::MoveJournal(size_t room) {
  std::string larger;
  larger.reserve(std::max(2 * journal.size(), journal.size() + room));
  larger += journal;
  outgrown.Make().push_back(std::exchange(journal, std::move(larger)));
}

namespace {

// Empties a string and keeps its memory, unless that is much.
void Empty(std::string& text) {
  constexpr size_t kKeptBytesMax = 8192;
  text.clear();
  if (text.capacity() > kKeptBytesMax) text = std::string();
}

}  // namespace

void PendingStart::Reset() {
  registered = nullptr;
  done = nullptr;
  Empty(key);
  Empty(input);
  deadline = absl::InfiniteDuration();
  row_status = absl::OkStatus();
  row.reset();
  row_existed = false;
}

void Machine::Reset() {
  id = {};
  registered = nullptr;
  Empty(journal);
  outgrown.reset();
  std::destroy_at(&view);
  std::construct_at(&view);
  attempts.clear();
  running.clear();
  frame.Clear();
  watch.reset();
  owed.reset();
  halted.clear();
  next_same_hash = nullptr;
  home = floor_slot = group = 0;
  undurable = 0;
  next_token = 1;
  wake = {};
  asleep = gone = row_existed = announced_stuck = undecodable = false;
}

}  // namespace skald::inline v1::internal
