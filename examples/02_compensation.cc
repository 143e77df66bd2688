// 02: undoing. A trip is a seat and a room; when there is no room, the seat is given back.
//
// Steps before the pivot come with a compensation. When a step says Rejected, every step before it
// is undone, the last one first, and the saga ends as Compensated. Behind the pivot there is no way
// back: a Retriable is tried until it is done.

#include <cstdio>
#include <string>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

struct BookSeat : skald::StepKey<"book-seat", int> {};  // gives the seat's number
struct BookRoom : skald::StepKey<"book-room", int> {};
struct Pay : skald::StepKey<"pay", std::string> {};
struct SendTickets : skald::StepKey<"send-tickets"> {};

inline constexpr skald::SagaKey<"trip", 1, std::string, std::string> kTrip;

// One guest more than there are rooms. In real code this is a database with a barrier (see
// order_flow): the example runs one saga at a time and can do with two numbers.
struct Agency {
  int seats_free = 10;
  int rooms_free = 1;
};

skald::Definition Trip(Agency& agency) {
  using skald::StepContext;
  return skald::Define(kTrip)
      .Step(
          BookSeat{},
          [&](const StepContext&, const std::string& guest) {
            std::printf("  %s gets seat %d\n", guest.c_str(), agency.seats_free);
            return agency.seats_free--;
          },
          // The compensation gets what its action gave; null when that is not known.
          [&](const StepContext&, const std::string& guest, const int* seat) {
            std::printf("  %s gives seat %d back\n", guest.c_str(), seat != nullptr ? *seat : 0);
            ++agency.seats_free;
          })
      .Step(
          BookRoom{},
          [&](const StepContext&, const std::string& guest) -> skald::Verdict<int> {
            // Rejected: it will never happen, and this attempt changed nothing. (A step that failed
            // in a way that might pass says RetryLater, and is tried again.)
            if (agency.rooms_free == 0) return skald::Rejected("no room left");
            std::printf("  %s gets room %d\n", guest.c_str(), agency.rooms_free);
            return agency.rooms_free--;
          },
          [&](const StepContext&, const std::string&, const int*) { ++agency.rooms_free; })
      .Pivot(Pay{}, skald::Using(BookSeat{}, BookRoom{}),
             [](const StepContext&, const std::string& guest, int seat, int room) {
               return guest + ": seat " + std::to_string(seat) + ", room " + std::to_string(room);
             })
      .Retriable(SendTickets{},
                 [](const StepContext&, const std::string& guest) {
                   std::printf("  %s gets tickets\n", guest.c_str());
                 })
      .Returns(Pay{})
      .Build();
}

int Book(skald::Coordinator& coordinator, const std::string& guest) {
  std::printf("%s books a trip\n", guest.c_str());
  auto saga = coordinator.Start(kTrip, guest, {.key = guest});
  if (!saga.ok()) return 1;
  auto outcome = saga->Await();
  if (!outcome.ok()) return 1;
  if (outcome->completed()) {
    std::printf("  booked: %s\n", outcome->result()->c_str());
  } else {
    std::printf("  undone, because %s said: %s\n", outcome->step().c_str(),
                outcome->reason().c_str());
  }
  return 0;
}

int main() {
  Agency agency;
  skald::MemoryStore store;
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(store, pool, {Trip(agency)});
  if (!coordinator.ok()) return 1;
  if (Book(**coordinator, "Ada") != 0 || Book(**coordinator, "Ben") != 0) return 1;
  std::printf("left: %d seats, %d rooms\n", agency.seats_free, agency.rooms_free);
  return 0;
}
