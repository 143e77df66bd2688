// A Redis that answers nonsense, late, in parts or not at all: a status that says so, never a
// crash, a hang or a lock that is held.
#include <utility>

#include "catch.h"
#include "connection.h"
#include "fake_server.h"
#include "redis_server.h"
#include "skald/base/clock.h"
#include "skald/redis/redis_lock.h"

namespace skald_test {
namespace {

using skald::Clock;
using skald::RedisLock;
using skald::RedisLockOptions;

// Long where an answer comes, short where none does.
constexpr absl::Duration kLong = absl::Seconds(20);
constexpr absl::Duration kShort = absl::Milliseconds(100);

RedisLockOptions To(uint16_t port, absl::Duration timeout = kLong) {
  return {.port = port,
          .connect_timeout = kLong,
          .command_timeout = timeout,
          .name = "report",
          .duration = absl::Minutes(2),
          .own_thread = false};
}

// What asking for the lock comes to, when the server answers its request with `answer`.
absl::Status AskedWith(const FakeAnswer& answer, absl::Duration timeout = kLong,
                       std::string password = "") {
  const FakeServer server([&](int, const std::string&) { return answer; });
  RedisLockOptions options = To(server.port(), timeout);
  options.password = std::move(password);
  absl::Status told;
  options.on_error = [&](const absl::Status& why) { told = why; };
  const auto lock = RedisLock::Open(std::move(options));
  REQUIRE(lock.ok());
  const absl::Duration begin = Clock::Real().Boot();
  (*lock)->Poll();
  CHECK(Clock::Real().Boot() - begin < kLong / 2);
  CHECK_FALSE((*lock)->Held());
  CHECK((*lock)->status() == told);
  return told;
}

bool Is(const absl::Status& status, absl::StatusCode code, const std::string& words) {
  INFO(status.ToString());
  const bool fits =
      status.code() == code && status.message().find(words) != absl::string_view::npos;
  CHECK(fits);
  return fits;
}

TEST_CASE("what is no reply of a Redis is shown, and grants nothing") {
  constexpr auto kCode = absl::StatusCode::kInternal;
  CHECK(Is(AskedWith({"HTTP/1.1 400 Bad Request\r\n\r\n"}), kCode, "'HTTP/1.1 400 Bad Request"));
  CHECK(Is(AskedWith({std::string("\0\0\x16\x03\x01", 5)}), kCode, R"(\000\000\026\003\001)"));
  CHECK(Is(AskedWith({"*2147483647\r\n"}), kCode, "first byte"));
  CHECK(Is(AskedWith({"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"}), kCode,
           "first byte"));
  CHECK(Is(AskedWith({"$-7\r\n"}), kCode, "no reply of a Redis"));
  CHECK(Is(AskedWith({"$9999999999999999999999\r\n"}), kCode, "no reply of a Redis"));
  CHECK(Is(AskedWith({":nine\r\n"}), kCode, "no reply of a Redis"));
  CHECK(Is(AskedWith({":99999999999999999999\r\n"}), kCode, "no reply of a Redis"));
  CHECK(Is(AskedWith({"+" + std::string(100'000, 'x')}), kCode, "does not end"));
}

TEST_CASE("two replies to one command grant nothing: no telling which is meant") {
  CHECK(Is(AskedWith({"+OK\r\n+OK\r\n"}), absl::StatusCode::kInternal, "more than one"));
}

TEST_CASE("replies of another type grant nothing, and are said") {
  constexpr auto kCode = absl::StatusCode::kInternal;
  CHECK(Is(AskedWith({":1\r\n"}), kCode, "answers the integer 1"));
  CHECK(Is(AskedWith({"$2\r\nOK\r\n"}), kCode, "answers 'OK'"));
  CHECK(Is(AskedWith({"+QUEUED\r\n"}), kCode, "answers 'QUEUED'"));
  CHECK(Is(AskedWith({"+\x1b[2J\r\n"}), kCode, R"(answers '\033[2J')"));
  CHECK(Is(AskedWith({":0\r\n"}, kLong, "secret"), kCode, "authenticating"));
}

TEST_CASE("error replies become the status that says what to do") {
  using absl::StatusCode;
  CHECK(Is(AskedWith({"-LOADING Redis is loading the dataset in memory\r\n"}),
           StatusCode::kUnavailable, "it is starting"));
  CHECK(Is(AskedWith({"-READONLY You can't write against a read only replica.\r\n"}),
           StatusCode::kFailedPrecondition, "give the primary's address"));
  CHECK(Is(AskedWith({"-OOM command not allowed when used memory > 'maxmemory'.\r\n"}),
           StatusCode::kResourceExhausted, "give it memory"));
  CHECK(Is(AskedWith({"-NOAUTH Authentication required.\r\n"}), StatusCode::kUnauthenticated,
           "give a password"));
  CHECK(Is(AskedWith({"-MOVED 3999 127.0.0.1:6381\r\n"}), StatusCode::kFailedPrecondition,
           "127.0.0.1:6381"));
  CHECK(Is(AskedWith({"-BUSY Redis is busy running a script.\r\n"}), StatusCode::kUnavailable,
           "asked again"));
  CHECK(Is(AskedWith({"-\x01\r\n"}), StatusCode::kInternal, R"(it says '\001')"));
  CHECK(Is(AskedWith({"-\r\n"}), StatusCode::kInternal, "it says ''"));
}

TEST_CASE("a line that closes in the middle of a reply, or before it, is Unavailable") {
  CHECK(Is(AskedWith({"+O", true}), absl::StatusCode::kUnavailable, "closed the line"));
  CHECK(Is(AskedWith({"$5\r\nab", true}), absl::StatusCode::kUnavailable, "closed the line"));
  CHECK(Is(AskedWith({"", true}), absl::StatusCode::kUnavailable, "closed the line"));
}

TEST_CASE("one that accepts and never answers costs the time-out, no more") {
  CHECK(Is(AskedWith({""}, kShort), absl::StatusCode::kDeadlineExceeded, "no answer in time"));
  CHECK(Is(AskedWith({"+OK\r"}, kShort), absl::StatusCode::kDeadlineExceeded, "no answer in time"));
  CHECK(Is(AskedWith({"$1000\r\nabc"}, kShort), absl::StatusCode::kDeadlineExceeded, "no answer"));
}

TEST_CASE("one that answers a byte now and then, without an end, costs the time-out, no more") {
  CHECK(Is(AskedWith({.bytes = "+++++", .dribble = true}, kShort),
           absl::StatusCode::kDeadlineExceeded, "no answer in time"));
}

TEST_CASE("an answer that comes after its time is not taken for the next one's") {
  const FakeServer server([&](int request, const std::string&) -> FakeAnswer {
    if (request == 0) return {};  // no answer in time …
    return {request == 1 ? ":0\r\n" : "$-1\r\n"};
  });
  skald::ManualClock clock;
  RedisLockOptions options = To(server.port(), 5 * kShort);
  options.clock = &clock;
  const auto lock = *RedisLock::Open(std::move(options));
  lock->Poll();
  CHECK(absl::IsDeadlineExceeded(lock->status()));
  clock.Advance(absl::Minutes(2));
  lock->Poll();
  CHECK(lock->status().ok());  // somebody else's, by the second request
  CHECK_FALSE(lock->Held());
  CHECK(server.connections() == 2);  // … and none can come on the new line
}

TEST_CASE("what is said without being asked is not taken for an answer") {
  FakeServer server([&](int request, const std::string&) -> FakeAnswer {
    return {request == 0 ? ":7\r\n" : "$-1\r\n"};
  });
  const auto redis = skald::internal::NewRedisConnection(
      {.host = "127.0.0.1", .port = server.port(), .connect_timeout = kLong});
  CHECK(redis->Call({"PING"}, kLong)->integer == 7);
  server.SayUnasked();
  REQUIRE(Eventually([&] { return server.unasked() == 1; }));
  const auto second = redis->Call({"PING"}, kLong);
  REQUIRE(second.ok());
  CHECK(second->kind == skald::internal::RedisReply::Kind::kNil);
  CHECK(server.connections() == 2);
}

TEST_CASE("nonsense to a renewal is told, and the lock is lost at two thirds, not before") {
  const FakeServer server([&](int request, const std::string&) -> FakeAnswer {
    return {request == 0 ? "+OK\r\n" : "+OK\r\n:1\r\n"};
  });
  skald::ManualClock clock;
  RedisLockOptions options = To(server.port());
  options.clock = &clock;
  absl::Status lost;
  int errors = 0;
  options.on_lost = [&](const absl::Status& why) { lost = why; };
  options.on_error = [&](const absl::Status&) { ++errors; };
  const auto lock = *RedisLock::Open(std::move(options));
  lock->Poll();
  REQUIRE(lock->Held());
  clock.Advance(absl::Seconds(40));
  lock->Poll();
  CHECK(lock->Held());
  CHECK(errors == 1);
  clock.Advance(absl::Seconds(40));
  lock->Poll();
  CHECK_FALSE(lock->Held());
  CHECK(lost.message().find("more than one") != absl::string_view::npos);
}

TEST_CASE("the destructor waits for a command under way, no longer than its time-out") {
  const FakeServer server([](int, const std::string&) { return FakeAnswer{}; });
  RedisLockOptions options = To(server.port());
  options.command_timeout = 3 * kShort;
  options.own_thread = true;
  auto lock = *RedisLock::Open(std::move(options));
  REQUIRE(Eventually([&] { return server.requests() > 0; }));
  const absl::Duration begin = Clock::Real().Boot();
  lock.reset();
  CHECK(Clock::Real().Boot() - begin < kLong / 2);
}

TEST_CASE(
    "a line that closes while a command is being written does not raise SIGPIPE in the host") {
  const FakeServer server([](int, const std::string&) { return FakeAnswer{.close = true}; });
  const auto redis = skald::internal::NewRedisConnection(
      {.host = "127.0.0.1", .port = server.port(), .connect_timeout = kLong});
  // More than the buffers of both sides hold, so that some is still to be written.
  const std::string large(size_t{64} << 20, 'x');
  const absl::Status status = redis->Call({"SET", "k", large}, absl::Seconds(20)).status();
  CHECK(Is(status, absl::StatusCode::kUnavailable, "sending: "));
}

}  // namespace
}  // namespace skald_test
