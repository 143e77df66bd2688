// A world in which nothing happens by itself: one thread, a manual clock, and a seed that decides
// what comes next among all that could. The same seed gives the same history.
//
//   SeededScheduler world(seed);
//   world.AddActor("coordinator", [&] { return coordinator->PollOnce(); });
//   world.After(absl::Milliseconds(3), [&] { DeliverReply(); });
//   while (world.RunOne() || world.AdvanceToNext(absl::Seconds(1))) …
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "skald/async/executor.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/random.h"

namespace skald::inline v1 {

// THREADS: one.
class SKALD_EXPORT SeededScheduler {
 public:
  // RETURNS: whether it did anything.
  using Actor = absl::AnyInvocable<bool()>;
  enum class ActorId : uint64_t {};

  explicit SeededScheduler(uint64_t seed);

  ManualClock& clock() { return clock_; }
  // Decides only what comes next; what else is drawn should have a source of its own.
  Random& random() { return random_; }

  // Something that can be asked at any moment to do a piece of its work. The name is for people.
  ActorId AddActor(std::string name, Actor actor);
  // Not while it has its turn.
  void RemoveActor(ActorId id);
  // A paused actor gets no turn: a process that was stopped, or is very slow.
  void SetPaused(ActorId id, bool paused);

  // Once, `delay` of boot time from now. Among things that are due, chance decides.
  void After(absl::Duration delay, Work event);
  // Drops all events, also those that dropping one adds.
  void ClearEvents();
  size_t events() const { return events_.size(); }

  // One of the things that can be done now. RETURNS: false when no event is due and no actor that
  // is not paused had anything to do.
  bool RunOne();
  // Lets time pass until the next event, but `limit` at most.
  void AdvanceToNext(absl::Duration limit);
  uint64_t turns() const { return turns_; }

 private:
  struct Seat {
    ActorId id;
    std::string name;
    Actor actor;
    bool paused = false;
    bool idle = false;  // had nothing to do, and nothing has happened since
  };

  bool RunDue(size_t choice);
  void WakeAll();

  ManualClock clock_;
  SeededRandom random_;
  std::vector<Seat> seats_;
  std::multimap<absl::Duration, Work> events_;  // by boot time
  uint64_t next_id_ = 1;
  uint64_t turns_ = 0;
};

}  // namespace skald::inline v1
