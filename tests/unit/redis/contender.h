// One who wants a lock of a real Redis, with a clock by hand: Redis' time passes by itself, theirs
// does not.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "catch.h"
#include "redis_server.h"
#include "skald/base/clock.h"
#include "skald/redis/redis_lock.h"

namespace skald_test {

// Lasts for the whole test in Redis' time.
constexpr absl::Duration kLong = absl::Minutes(10);

struct Contender {
  Contender(const RedisServer& server, const std::string& holder, absl::Duration duration,
            absl::Duration timeout = absl::Seconds(20)) {
    skald::RedisLockOptions options = server.Lock("report", duration);
    options.connect_timeout = timeout;
    options.command_timeout = timeout;
    options.holder = holder;
    options.on_lost = [this](const absl::Status& why) {
      ++losses;
      lost = why;
    };
    options.on_error = [this](const absl::Status&) { ++errors; };
    options.own_thread = false;
    options.clock = &clock;
    auto opened = skald::RedisLock::Open(std::move(options));
    REQUIRE(opened.ok());
    lock = *std::move(opened);
  }
  // Asks, as often as it would within some durations. Whether it has it then.
  bool Ask() {
    for (int i = 0; i < 20; ++i) {
      const absl::Duration next = lock->Poll();
      if (lock->Held()) return true;
      clock.Advance(std::max(absl::ZeroDuration(), next - clock.Boot()));
    }
    return false;
  }
  void PollAfter(absl::Duration time) {
    clock.Advance(time);
    lock->Poll();
  }

  skald::ManualClock clock;
  int losses = 0;
  int errors = 0;
  absl::Status lost;
  std::unique_ptr<skald::RedisLock> lock;
};

// The key in Redis that they all want.
inline const std::string kKey = "skald:lock:report";

// Waits for Redis' own time.
inline void UntilItLapses(const RedisServer& server) {
  REQUIRE(Eventually([&] { return server.Number({"EXISTS", kKey}) == 0; }));
}
// The same, of a lock that lasts longer than a test should.
inline void LetItLapse(const RedisServer& server) {
  REQUIRE(server.Number({"PEXPIRE", kKey, "20"}) == 1);
  UntilItLapses(server);
}

}  // namespace skald_test
