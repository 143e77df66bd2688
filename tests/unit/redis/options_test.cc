// Options that make no sense are refused before anything is sent.
#include "catch.h"
#include "skald/redis/redis_lock.h"

namespace skald_test {
namespace {

using skald::RedisLock;
using skald::RedisLockOptions;

std::string Said(RedisLockOptions options) {
  options.own_thread = false;
  const absl::Status status = RedisLock::Open(std::move(options)).status();
  return status.ok() ? "OK" : std::string(status.ToString());
}

bool Refused(RedisLockOptions options, const std::string& words) {
  const std::string said = Said(std::move(options));
  INFO(said);
  const bool fits = said.rfind("INVALID_ARGUMENT: opening Redis lock '", 0) == 0 &&
                    said.find(words) != std::string::npos;
  CHECK(fits);
  return fits;
}

TEST_CASE("names that are empty, too long or of other characters are refused with the reason") {
  const std::string words = "must be 1 to 64 letters";
  CHECK(Refused({.name = ""}, words));
  CHECK(Refused({.name = "a b"}, words));
  CHECK(Refused({.name = "a\r\nDEL b"}, words));
  CHECK(Refused({.name = std::string("a\0b", 3)}, words));
  CHECK(Refused({.name = "caf\xc3\xa9"}, words));
  CHECK(Refused({.name = std::string(65, 'n')}, words));
  CHECK(Said({.name = std::string(64, 'n')}) == "OK");
  // What is refused is shown so that it does no harm in a log.
  CHECK(Refused({.name = "a\n\x1b[2J"}, R"('a\n\033[2J')"));
}

TEST_CASE(
    "prefixes and holders with control characters, or too long, are refused with the reason") {
  CHECK(Refused({.name = "n", .key_prefix = "a\n"}, "key_prefix"));
  CHECK(Refused({.name = "n", .key_prefix = "a b"}, "key_prefix"));
  CHECK(Refused({.name = "n", .key_prefix = std::string(129, 'p')}, "key_prefix"));
  CHECK(Said({.name = "n", .key_prefix = ""}) == "OK");
  CHECK(Said({.name = "n", .key_prefix = "{shop}:"}) == "OK");
  CHECK(Refused({.name = "n", .holder = "a\tb"}, "control characters"));
  CHECK(Refused({.name = "n", .holder = std::string(257, 'h')}, "257 bytes"));
  CHECK(Said({.name = "n", .holder = "caf\xc3\xa9 7"}) == "OK");
}

TEST_CASE("durations and time-outs that make no sense are refused with the reason") {
  CHECK(Refused({.name = "n", .duration = absl::Milliseconds(29)}, "29ms; it lies between"));
  CHECK(Refused({.name = "n", .duration = absl::Hours(25)}, "25h"));
  CHECK(Refused({.name = "n", .duration = -absl::Seconds(1)}, "-1s"));
  CHECK(Refused({.name = "n", .duration = absl::InfiniteDuration()}, "inf"));
  CHECK(Refused({.name = "n", .duration = absl::Microseconds(50'500)}, "whole milliseconds"));
  CHECK(Refused({.connect_timeout = absl::ZeroDuration(), .name = "n"}, "connect_timeout is 0"));
  CHECK(Refused({.command_timeout = absl::InfiniteDuration(), .name = "n"}, "command_timeout"));
}

TEST_CASE("addresses that make no sense are refused with the reason, and no secret is told") {
  CHECK(Refused({.host = "", .name = "n"}, "host must be"));
  CHECK(Refused({.host = std::string("a\0b", 3), .name = "n"}, "host must be"));
  CHECK(Refused({.host = std::string(254, 'h'), .name = "n"}, "host must be"));
  CHECK(Refused({.port = 0, .name = "n"}, "port is 0"));
  CHECK(Refused({.database = -1, .name = "n"}, "database is -1"));
  CHECK(Refused({.username = "u", .name = "n"}, "a username and no password"));
  const std::string said = Said({.password = std::string(5000, 'x'), .name = "n"});
  CHECK(said.find("longer than 4096") != std::string::npos);
  CHECK(said.find("xxx") == std::string::npos);
  CHECK(Refused({.name = "n", .clock = nullptr}, "no clock"));
}

}  // namespace
}  // namespace skald_test
