// The ladder's programs say, word for word, what their tutorial says they do.
#include <string>

#include "catch.h"
#include "process.h"

namespace example_tests {
namespace {

std::string Say(const char* path) {
  const Ended ended = RunProgram({path});
  INFO(ended.err);
  CHECK(ended.code == 0);
  return ended.out;
}

TEST_CASE("01_hello runs a saga and prints its result") {
  CHECK(Say(HELLO_PATH) ==
        "step 'deliver' says: Hello, world!\n"
        "the saga gave: Hello, world!\n");
}

TEST_CASE("02_compensation gives the seat back when there is no room") {
  CHECK(Say(COMPENSATION_PATH) ==
        "Ada books a trip\n"
        "  Ada gets seat 10\n"
        "  Ada gets room 1\n"
        "  Ada gets tickets\n"
        "  booked: Ada: seat 10, room 1\n"
        "Ben books a trip\n"
        "  Ben gets seat 9\n"
        "  Ben gives seat 9 back\n"
        "  undone, because book-room said: no room left\n"
        "left: 9 seats, 0 rooms\n");
}

#ifdef CRASH_PATH
TEST_CASE("03_crash_and_recover finishes after a crash what it began before") {
  CHECK(Say(CRASH_PATH) ==
        "first process: starts the saga\n"
        "  pack a lamp\n"
        "  post a lamp\n"
        "first process: dead\n"
        "second process: opens the same store\n"
        "  post a lamp (perhaps again)\n"
        "  notify who waits for a lamp\n"
        "done: tracking number of a lamp\n");
}
#endif

TEST_CASE("04_idempotent_start charges once, however often it is asked") {
  CHECK(Say(IDEMPOTENT_PATH) ==
        "first coordinator\n"
        "order A-1: a lamp\n"
        "  charging for a lamp, saga of key A-1\n"
        "  receipt 1\n"
        "order A-1: a lamp\n"
        "  receipt 1, as before\n"
        "order A-1: two lamps\n"
        "  refused: the key stands for another order\n"
        "second coordinator\n"
        "order A-1: a lamp\n"
        "  receipt 1, as before\n"
        "order A-1: a lamp\n"
        "  receipt 1, as before\n"
        "order A-1: two lamps\n"
        "  refused: the key stands for another order\n"
        "charged 1 time\n");
}

TEST_CASE("05_parallel books side by side and insures only who wants it") {
  CHECK(Say(PARALLEL_PATH) ==
        "Ada pays for seat 12A, room 7, policy 99\n"
        "Ben pays for seat 12A, room 7\n");
}

TEST_CASE("06_fan_out reserves each line, and gives all back when one is sold out") {
  CHECK(Say(FAN_OUT_PATH) ==
        "first: 3 lines, 3 reserved\n"
        "second: no vase left\n"
        "left: 3 lamps, 4 rugs\n");
}

TEST_CASE("07_await_payment takes a payment once, refuses a late one, and can be cancelled") {
  CHECK(Say(AWAIT_PATH) ==
        "order A-1\n"
        "  holds a lamp\n"
        "  ships a lamp, paid by payment 7\n"
        "order A-2\n"
        "  holds a lamp\n"
        "  puts the lamp back\n"
        "  undone: not paid in time\n"
        "  payment 8 came too late: its sender pays it back\n"
        "order A-3\n"
        "  holds a lamp\n"
        "  puts the lamp back\n"
        "  undone: cancelled\n");
}

TEST_CASE("08_coroutines asks three ways, none of which holds a thread of the pool for long") {
  CHECK(Say(COROUTINES_PATH) == "yes to tea one, yes to tea two, yes to tea three\n");
}

TEST_CASE("09_composition pays by a definition of its own, and ships parcels by sagas of theirs") {
  CHECK(Say(COMPOSITION_PATH) ==
        "3 lamps\n"
        "  reserves 3 lamps\n"
        "  freezes points\n"
        "  receipt over 3000; parcel 1 is on its way; parcel 2 is on its way\n"
        "7 lamps\n"
        "  reserves 7 lamps\n"
        "  freezes points\n"
        "  gives the points back\n"
        "  releases 7 lamps\n"
        "  undone by pay/charge: over the card's limit\n");
}

}  // namespace
}  // namespace example_tests
