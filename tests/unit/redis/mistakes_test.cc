// The classic mistakes with a lock in Redis, done against a real one to show the damage, and the
// lock beside it that does not make them.
#include <signal.h>

#include "catch.h"
#include "contender.h"
#include "redis_server.h"

namespace skald_test {
namespace {

// What somebody takes who knows SET NX PX, and no more than that.
void TakeByHand(const RedisServer& server, const std::string& who, int milliseconds) {
  REQUIRE(server.Command({"SET", kKey, who, "NX", "PX", std::to_string(milliseconds)}) == "OK");
}

TEST_CASE("mistake: SETNX, then EXPIRE. Who dies in between has locked all others out for ever") {
  const RedisServer server;
  Contender b(server, "b", kLong);
  SECTION("so it is wrong") {
    REQUIRE(server.Number({"SETNX", kKey, "a"}) == 1);
    // … and here its process dies: EXPIRE is never sent.
    CHECK(server.Number({"PTTL", kKey}) == -1);  // it has no end
    b.clock.Advance(absl::Hours(24));
    CHECK_FALSE(b.Ask());
    CHECK(server.Number({"PTTL", kKey}) == -1);
  }
  SECTION("so it is right: value and time in one command") {
    const example_tests::TempDirectory directory;
    const std::string said = directory / "said";
    example_tests::Process a(
        {LOCK_HOLDER_PATH, std::to_string(server.port()), "report", "1500", said});
    REQUIRE(Eventually([&] { return example_tests::ReadFile(said) == "taken\n"; }));
    a.Signal(SIGKILL);
    REQUIRE(a.Wait().signal == SIGKILL);
    CHECK(server.Number({"PTTL", kKey}) != -1);
    CHECK(Eventually([&] { return b.Ask(); }));
  }
}

TEST_CASE("mistake: DEL to release. Who is late deletes another's lock, and a third one gets in") {
  const RedisServer server;
  Contender b(server, "b", kLong);
  Contender c(server, "c", kLong);
  SECTION("so it is wrong") {
    TakeByHand(server, "a", 30);
    UntilItLapses(server);  // its work took longer than it thought
    REQUIRE(b.Ask());
    CHECK_FALSE(c.Ask());
    CHECK(server.Number({"DEL", kKey}) == 1);
    CHECK(c.Ask());
    CHECK(b.lock->Held());  // both at once, with every clock in order
  }
  SECTION("so it is right: only what has our token is deleted") {
    Contender a(server, "a", absl::Minutes(1));
    REQUIRE(a.Ask());
    LetItLapse(server);
    REQUIRE(b.Ask());
    CHECK(a.lock->Release().ok());
    CHECK_FALSE(c.Ask());
    CHECK(b.lock->Held());
  }
}

TEST_CASE(
    "mistake: PEXPIRE to renew. Who has lost it renews another's lock and goes on believing") {
  const RedisServer server;
  Contender b(server, "b", kLong);
  Contender c(server, "c", kLong);
  SECTION("so it is wrong") {
    TakeByHand(server, "a", 30);
    UntilItLapses(server);
    REQUIRE(b.Ask());
    // Redis says yes, so it goes on, beside the one who has the lock …
    CHECK(server.Number({"PEXPIRE", kKey, "30"}) == 1);
    CHECK(b.lock->Held());
    // … whose time it has cut to its own: a third one gets in.
    UntilItLapses(server);
    CHECK(c.Ask());
    CHECK(b.lock->Held());
  }
  SECTION("so it is right: only what has our token is extended, and the loss is told") {
    Contender a(server, "a", absl::Minutes(1));
    REQUIRE(a.Ask());
    LetItLapse(server);
    REQUIRE(b.Ask());
    a.PollAfter(absl::Seconds(20));
    CHECK_FALSE(a.lock->Held());
    CHECK(absl::IsAborted(a.lost));
    CHECK(server.Number({"PTTL", kKey}) > 300'000);
    CHECK_FALSE(c.Ask());
  }
}

}  // namespace
}  // namespace skald_test
