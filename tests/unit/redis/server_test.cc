// The lock against a real Redis: one holder, pauses longer than the lease, restarts, a server that
// stands still.
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

#include "catch.h"
#include "contender.h"
#include "redis_server.h"
#include "skald/base/status.h"

namespace skald_test {
namespace {

using skald::Clock;
using skald::RedisLock;
using skald::RedisLockOptions;

TEST_CASE("of two that ask, the first has it, and its key says who, for no longer than it says") {
  const RedisServer server;
  Contender a(server, "host-a pid 7", kLong);
  Contender b(server, "host-b", kLong);
  CHECK(a.Ask());
  CHECK_FALSE(b.Ask());
  CHECK(b.lock->status().ok());
  CHECK(b.errors == 0);
  const std::string value = server.Command({"GET", kKey});
  CHECK(value.substr(32) == " host-a pid 7");
  const int64_t left = server.Number({"PTTL", kKey});
  CHECK(left > 0);
  CHECK(left <= absl::ToInt64Milliseconds(kLong));
}

TEST_CASE("one that gives it up lets the next take it at once") {
  const RedisServer server;
  Contender a(server, "a", kLong);
  Contender b(server, "b", kLong);
  REQUIRE(a.Ask());
  CHECK(a.lock->Release().ok());
  CHECK(server.Number({"EXISTS", kKey}) == 0);
  CHECK(b.Ask());
  CHECK_FALSE(a.Ask());
}

TEST_CASE("renewals keep it in Redis, whatever time has passed since it was taken") {
  const RedisServer server;
  Contender a(server, "a", absl::Seconds(30));
  REQUIRE(a.Ask());
  for (int i = 0; i < 3; ++i) {
    server.Command({"PEXPIRE", kKey, "5000"});
    a.PollAfter(absl::Seconds(10));
    CHECK(a.lock->Held());
    CHECK(server.Number({"PTTL", kKey}) > 20'000);
  }
}

TEST_CASE("a process that is stopped for longer than the lease believes nothing when it wakes up") {
  const RedisServer server;
  const example_tests::TempDirectory directory;
  const std::string said = directory / "said";
  example_tests::Process holder(
      {LOCK_HOLDER_PATH, std::to_string(server.port()), "report", "500", said});
  const auto says = [&](const std::string& words) {
    return Eventually(
        [&] { return example_tests::ReadFile(said).find(words) != std::string::npos; });
  };
  REQUIRE(says("taken"));
  holder.Signal(SIGSTOP);
  Contender b(server, "b", kLong);
  REQUIRE(Eventually([&] { return b.Ask(); }));
  const std::string value = server.Command({"GET", kKey});
  holder.Signal(SIGCONT);
  CHECK(holder.Wait().code == 0);
  CHECK(says("lost: DEADLINE_EXCEEDED: lock 'report' was not renewed in time"));
  CHECK(says("held: 0\nreleased: OK"));
  // Neither what it did when it woke up nor its late release has touched the other's.
  CHECK(server.Command({"GET", kKey}) == value);
  CHECK(b.lock->Held());
}

TEST_CASE("two hold it at once when one's clock stands still, and its late release takes nothing") {
  const RedisServer server;
  Contender a(server, "a", absl::Minutes(1));
  Contender b(server, "b", kLong);
  REQUIRE(a.Ask());
  LetItLapse(server);
  REQUIRE(b.Ask());
  const std::string value = server.Command({"GET", kKey});
  // This is why nothing that must not be wrong may rest on it.
  CHECK(a.lock->Held());
  CHECK(b.lock->Held());
  CHECK(a.lock->Release().ok());
  CHECK(server.Command({"GET", kKey}) == value);
  CHECK(server.Number({"PTTL", kKey}) > 300'000);
}

TEST_CASE("a late renewal extends nobody's lock, and tells the loss") {
  const RedisServer server;
  Contender a(server, "a", absl::Minutes(1));
  Contender b(server, "b", kLong);
  REQUIRE(a.Ask());
  const std::stop_token token = a.lock->stop_token();
  LetItLapse(server);
  REQUIRE(b.Ask());
  const std::string value = server.Command({"GET", kKey});
  a.PollAfter(absl::Seconds(20));
  CHECK_FALSE(a.lock->Held());
  CHECK(token.stop_requested());
  CHECK(absl::IsAborted(a.lost));
  CHECK(server.Command({"GET", kKey}) == value);
  CHECK(server.Number({"PTTL", kKey}) > 300'000);
  CHECK_FALSE(a.Ask());
}

TEST_CASE("a Redis that forgets by a restart gives it to another, and the holder is told") {
  RedisServer server;
  Contender a(server, "a", kLong);
  Contender b(server, "b", kLong);
  REQUIRE(a.Ask());
  server.Restart();
  CHECK(b.Ask());
  CHECK(a.lock->Held());  // until it asks
  a.PollAfter(kLong / 3);
  CHECK_FALSE(a.lock->Held());
  CHECK(a.losses == 1);
  CHECK(absl::IsAborted(a.lost));
  CHECK(a.lost.message().find("Redis lost its data") != absl::string_view::npos);
}

TEST_CASE("a Redis that remembers over a restart gives it to nobody else") {
  RedisServer server({.persistent = true});
  Contender a(server, "a", kLong);
  Contender b(server, "b", kLong);
  REQUIRE(a.Ask());
  server.Restart();
  REQUIRE(Eventually([&] { return b.Ask() || b.lock->status().ok(); }));  // it may be loading
  CHECK_FALSE(b.Ask());
  a.PollAfter(kLong / 3);
  CHECK(a.lock->Held());
  CHECK(a.losses == 0);
}

TEST_CASE("a Redis that stands still for some renewals costs time-outs, not the lock") {
  RedisServer server;
  Contender a(server, "a", kLong, absl::Milliseconds(50));
  REQUIRE(Eventually([&] { return a.Ask(); }));
  const int before = a.errors;
  server.Pause();
  a.PollAfter(kLong / 3);
  CHECK(a.errors == before + 1);
  CHECK(absl::IsDeadlineExceeded(a.lock->status()));
  CHECK(a.lock->Held());
  a.PollAfter(kLong / 10);
  CHECK(a.errors == before + 2);
  CHECK(a.lock->Held());
  server.Continue();
  CHECK(Eventually([&] {
    a.PollAfter(absl::Seconds(1));
    return a.lock->status().ok() || !a.lock->Held();
  }));
  CHECK(a.lock->Held());
  CHECK(a.losses == 0);
}

TEST_CASE(
    "a Redis that stands still for too long: lost at two thirds, taken anew when it wakes up") {
  RedisServer server;
  Contender a(server, "a", kLong, absl::Milliseconds(50));
  REQUIRE(Eventually([&] { return a.Ask(); }));
  const std::string value = server.Command({"GET", kKey});
  server.Pause();
  a.PollAfter(kLong * 2 / 3);
  CHECK_FALSE(a.lock->Held());
  CHECK(a.losses == 1);
  server.Continue();
  // Its own key is no obstacle to it, though it has not lapsed.
  CHECK(Eventually([&] { return a.Ask(); }));
  CHECK(server.Command({"GET", kKey}) != value);
}

TEST_CASE("an asking that timed out and was done all the same does not lock its own process out") {
  RedisServer server;
  Contender a(server, "a", kLong, absl::Milliseconds(50));
  server.Pause();
  a.lock->Poll();
  CHECK(absl::IsDeadlineExceeded(a.lock->status()));
  CHECK_FALSE(a.lock->Held());
  server.Continue();
  REQUIRE(Eventually([&] { return server.Number({"EXISTS", kKey}) == 1; }));
  CHECK(Eventually([&] { return a.Ask(); }));
}

TEST_CASE("a Redis that dies and comes back: told, and taken anew, by the lock's own thread") {
  RedisServer server;
  std::atomic<int> taken{0};
  std::atomic<int> lost{0};
  std::atomic<int> errors{0};
  RedisLockOptions options = server.Lock("report", absl::Milliseconds(300));
  options.on_taken = [&] { ++taken; };
  options.on_lost = [&](const absl::Status&) { ++lost; };
  options.on_error = [&](const absl::Status&) { ++errors; };
  const auto lock = *RedisLock::Open(std::move(options));
  REQUIRE(Eventually([&] { return taken >= 1 && lock->Held(); }));
  const std::stop_token token = lock->stop_token();
  server.Kill();
  CHECK(Eventually([&] { return token.stop_requested() && lost >= 1; }));
  CHECK_FALSE(lock->Held());
  CHECK(Eventually([&] { return absl::IsUnavailable(lock->status()); }));
  CHECK(errors >= 1);
  server.Restart();
  CHECK(Eventually([&] { return lock->Held(); }));
}

TEST_CASE("of four with threads of their own, one holds it at a time") {
  constexpr absl::Duration kDuration = absl::Milliseconds(600);
  const RedisServer server;
  std::atomic<int> taken{0};
  std::vector<std::unique_ptr<RedisLock>> locks;
  for (int i = 0; i < 4; ++i) {
    RedisLockOptions options = server.Lock("report", kDuration);
    options.on_taken = [&] { ++taken; };
    locks.push_back(*RedisLock::Open(std::move(options)));
  }
  int looks = 0;
  int twice = 0;
  const auto look = [&] {
    const absl::Duration begin = Clock::Real().Boot();
    std::vector<RedisLock*> holders;
    for (const auto& lock : locks) {
      if (lock->Held()) holders.push_back(lock.get());
    }
    // Between belief and lapse there is a third; a look that took longer proves nothing.
    if (Clock::Real().Boot() - begin < kDuration / 3) {
      ++looks;
      if (holders.size() > 1) ++twice;
    }
    for (RedisLock* holder : holders) {
      skald::IgnoreError(holder->Release(), "it lapses by itself then");
    }
    return taken >= 8;
  };
  CHECK(Eventually(look));
  CHECK(twice == 0);
  CHECK(looks > 8);
}

TEST_CASE("looking, releasing and polling at once from several threads is in order") {
  const RedisServer server;
  std::atomic<int> taken{0};
  RedisLockOptions options = server.Lock("report", absl::Milliseconds(120));
  options.on_taken = [&] { ++taken; };
  const auto lock = *RedisLock::Open(std::move(options));
  std::atomic<bool> done{false};
  const auto meddle = [&](bool release) {
    while (!done) {
      if (lock->Held() && release && !lock->Release().ok()) continue;
      lock->Poll();
      if (!lock->stop_token().stop_requested() && !lock->status().ok()) continue;
      std::this_thread::yield();
    }
  };
  std::vector<std::jthread> threads;
  for (const bool release : {true, true, false}) threads.emplace_back(meddle, release);
  CHECK(Eventually([&] { return taken >= 5; }));
  done = true;
  threads.clear();
}

}  // namespace
}  // namespace skald_test
