// The scripts, in a real Redis: what each does to each thing that may stand under the key.
#include "scripts.h"

#include "catch.h"
#include "redis_server.h"

namespace skald_test {
namespace {

using skald::internal::kExtendScript;
using skald::internal::kReclaimScript;
using skald::internal::kReleaseScript;

struct Scripts {
  // What stands under the key before; "(nil)": nothing.
  int64_t Run(std::string_view script, const std::string& before,
              const std::vector<std::string>& arguments) {
    server.Command({"DEL", "k"});
    if (before != "(nil)") server.Command({"SET", "k", before, "PX", "100000"});
    std::vector<std::string> command{"EVAL", std::string(script), "1", "k"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return server.Number(command);
  }
  std::string After() const { return server.Command({"GET", "k"}); }
  bool IsLong() const { return server.Number({"PTTL", "k"}) > 100'000; }

  const RedisServer server;
};

TEST_CASE("releasing deletes what has the token, and nothing else") {
  Scripts s;
  CHECK(s.Run(kReleaseScript, "ours", {"ours"}) == 1);
  CHECK(s.After() == "(nil)");
  for (const char* other : {"(nil)", "other", "", "our", "ours "}) {
    CHECK(s.Run(kReleaseScript, other, {"ours"}) == 0);
    CHECK(s.After() == other);
  }
}

TEST_CASE("extending extends what has the token, and nothing else") {
  Scripts s;
  CHECK(s.Run(kExtendScript, "ours", {"ours", "500000"}) == 1);
  CHECK(s.After() == "ours");
  CHECK(s.IsLong());
  for (const char* other : {"(nil)", "other", "", "our", "ours "}) {
    CHECK(s.Run(kExtendScript, other, {"ours", "500000"}) == 0);
    CHECK(s.After() == other);
    CHECK_FALSE(s.IsLong());
  }
}

TEST_CASE("reclaiming takes what is nobody's or has one of two tokens, and nothing else") {
  Scripts s;
  for (const char* free : {"(nil)", "ours", "past"}) {
    CHECK(s.Run(kReclaimScript, free, {"ours", "past", "500000"}) == 1);
    CHECK(s.After() == "ours");
    CHECK(s.IsLong());
  }
  for (const char* other : {"other", "", "past "}) {
    CHECK(s.Run(kReclaimScript, other, {"ours", "past", "500000"}) == 0);
    CHECK(s.After() == other);
    CHECK_FALSE(s.IsLong());
  }
}

TEST_CASE("a key of another type is left as it is, and the error says what to do") {
  const RedisServer server;
  server.Command({"LPUSH", "k", "v"});
  const auto redis = skald::internal::NewRedisConnection(
      {.host = "127.0.0.1", .port = server.port(), .connect_timeout = absl::Seconds(20)});
  for (const std::string_view script : {kReleaseScript, kExtendScript, kReclaimScript}) {
    const auto reply =
        redis->Call({"EVAL", std::string(script), "1", "k", "a", "b", "1000"}, absl::Seconds(20));
    INFO(reply.status().ToString());
    CHECK(absl::IsFailedPrecondition(reply.status()));
    CHECK(reply.status().message().find("another prefix") != absl::string_view::npos);
  }
  CHECK(server.Number({"LLEN", "k"}) == 1);
}

}  // namespace
}  // namespace skald_test
