#include "skald/testing/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace skald::inline v1 {

SeededScheduler::SeededScheduler(uint64_t seed) : random_(seed) {}

SeededScheduler::ActorId SeededScheduler::AddActor(std::string name, Actor actor) {
  const ActorId id{next_id_++};
  seats_.push_back({.id = id, .name = std::move(name), .actor = std::move(actor)});
  WakeAll();
  return id;
}

void SeededScheduler::RemoveActor(ActorId id) {
  std::erase_if(seats_, [id](const Seat& seat) { return seat.id == id; });
}

void SeededScheduler::SetPaused(ActorId id, bool paused) {
  for (Seat& seat : seats_) {
    if (seat.id == id) seat.paused = paused;
  }
  WakeAll();
}

void SeededScheduler::After(absl::Duration delay, Work event) {
  // In whole nanoseconds, as the clock counts: it must be able to get there.
  const absl::Duration whole =
      absl::Ceil(std::max(delay, absl::ZeroDuration()), absl::Nanoseconds(1));
  events_.emplace(clock_.Boot() + whole, std::move(event));
}

void SeededScheduler::ClearEvents() {
  while (!events_.empty()) std::exchange(events_, {}).clear();
}

void SeededScheduler::WakeAll() {
  for (Seat& seat : seats_) seat.idle = false;
}

bool SeededScheduler::RunDue(size_t choice) {
  const auto at = std::next(events_.begin(), static_cast<std::ptrdiff_t>(choice));
  Work event = std::move(at->second);
  events_.erase(at);
  std::move(event)();
  WakeAll();
  return true;
}

bool SeededScheduler::RunOne() {
  for (;;) {
    const auto due_end = events_.upper_bound(clock_.Boot());
    const auto due = static_cast<size_t>(std::distance(events_.begin(), due_end));
    std::vector<size_t> ready;
    for (size_t i = 0; i < seats_.size(); ++i) {
      if (!seats_[i].paused && !seats_[i].idle) ready.push_back(i);
    }
    if (due + ready.size() == 0) return false;
    ++turns_;
    const size_t choice = random_.Below(due + ready.size());
    if (choice < due) return RunDue(choice);
    const size_t index = ready[choice - due];
    const ActorId id = seats_[index].id;
    if (seats_[index].actor()) {
      WakeAll();
      return true;
    }
    // Its turn may have added or taken away others.
    for (Seat& seat : seats_) {
      if (seat.id == id) seat.idle = true;
    }
  }
}

void SeededScheduler::AdvanceToNext(absl::Duration limit) {
  absl::Duration by = limit;
  if (!events_.empty()) by = std::min(by, events_.begin()->first - clock_.Boot());
  clock_.Advance(std::max(by, absl::ZeroDuration()));
  WakeAll();
}

}  // namespace skald::inline v1
