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

}  // namespace
}  // namespace example_tests
