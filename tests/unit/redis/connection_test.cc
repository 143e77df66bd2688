// One command, one reply, over real sockets: to a real Redis.
#include "connection.h"

#include "catch.h"
#include "fake_server.h"
#include "redis_server.h"

namespace skald_test {
namespace {

using skald::internal::NewRedisConnection;
using skald::internal::RedisAddress;
using skald::internal::RedisReply;

constexpr absl::Duration kLong = absl::Seconds(20);

RedisAddress At(uint16_t port) {
  return {.host = "127.0.0.1", .port = port, .connect_timeout = kLong};
}

TEST_CASE("replies of each kind come as what they are, whatever bytes they have") {
  const RedisServer server;
  const auto redis = NewRedisConnection(At(server.port()));
  const std::string bytes("a\0\r\n\xff$5", 7);
  CHECK(redis->Call({"SET", "k", bytes}, kLong)->text == "OK");
  const auto got = redis->Call({"GET", "k"}, kLong);
  CHECK(got->kind == RedisReply::Kind::kBulk);
  CHECK(got->text == bytes);
  CHECK(redis->Call({"GET", "none"}, kLong)->kind == RedisReply::Kind::kNil);
  CHECK(redis->Call({"SET", "e", ""}, kLong)->kind == RedisReply::Kind::kSimple);
  CHECK(redis->Call({"GET", "e"}, kLong)->kind == RedisReply::Kind::kBulk);
  CHECK(redis->Call({"DECRBY", "n", "5"}, kLong)->integer == -5);
  // Larger than a packet, and than the buffer that it is read into.
  const std::string large(20'000, 'x');
  CHECK(redis->Call({"SET", "l", large}, kLong).ok());
  CHECK(redis->Call({"GET", "l"}, kLong)->text == large);
}

TEST_CASE("an answer that is larger than any to a lock is refused") {
  const RedisServer server;
  const auto redis = NewRedisConnection(At(server.port()));
  CHECK(redis->Call({"SET", "l", std::string(100'000, 'x')}, kLong).ok());
  const absl::Status status = redis->Call({"GET", "l"}, kLong).status();
  CHECK(absl::IsInternal(status));
  CHECK(status.message().find("does not end") != absl::string_view::npos);
  CHECK(redis->Call({"GET", "none"}, kLong).ok());  // on a new line
}

TEST_CASE("after an error the next command connects anew, and a restart is not noticed at all") {
  RedisServer server;
  const auto redis = NewRedisConnection(At(server.port()));
  CHECK(redis->Call({"LPUSH", "k", "v"}, kLong)->integer == 1);
  CHECK(absl::IsFailedPrecondition(redis->Call({"GET", "k"}, kLong).status()));
  CHECK(redis->Call({"GET", "other"}, kLong).ok());
  server.Restart();
  CHECK(redis->Call({"GET", "other"}, kLong).ok());
}

TEST_CASE("nobody listens: that is said, with the address, at once") {
  const auto redis = NewRedisConnection(At(FreePort()));
  const absl::Status status = redis->Call({"PING"}, kLong).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message().find("Redis at 127.0.0.1:") == 0);
  CHECK(status.message().find("Connection refused") != absl::string_view::npos);
}

TEST_CASE("a name that nobody knows is Unavailable, and says so") {
  // A name may have no empty label, so nobody is asked.
  const auto redis = NewRedisConnection({.host = "a..b", .port = 6379, .connect_timeout = kLong});
  const absl::Status status = redis->Call({"PING"}, kLong).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message().find("a..b") != absl::string_view::npos);
}

TEST_CASE("passwords, users and databases: the right ones work, the wrong ones say what is wrong") {
  const RedisServer server({.arguments = {"--requirepass", "open sesame", "--user", "reader", "on",
                                          ">pass", "~*", "+get", "+select"}});
  RedisAddress address = At(server.port());
  CHECK(absl::IsUnauthenticated(NewRedisConnection(address)->Call({"GET", "k"}, kLong).status()));
  address.password = "wrong";
  const absl::Status wrong = NewRedisConnection(address)->Call({"GET", "k"}, kLong).status();
  CHECK(absl::IsUnauthenticated(wrong));
  CHECK(wrong.message().find("authenticating") != absl::string_view::npos);
  address.password = "open sesame";
  CHECK(NewRedisConnection(address)->Call({"SET", "k", "0"}, kLong).ok());
  address.database = 3;
  const auto third = NewRedisConnection(address);
  CHECK(third->Call({"GET", "k"}, kLong)->kind == RedisReply::Kind::kNil);
  address.database = 999;
  const absl::Status none = NewRedisConnection(address)->Call({"GET", "k"}, kLong).status();
  CHECK(none.message().find("selecting database 999") != absl::string_view::npos);
  address.database = 0;
  address.username = "reader";
  address.password = "pass";
  const auto reader = NewRedisConnection(address);
  CHECK(reader->Call({"GET", "k"}, kLong)->text == "0");
  CHECK(absl::IsPermissionDenied(reader->Call({"SET", "k", "1"}, kLong).status()));
}

TEST_CASE("a Redis that is full says so, with what to do") {
  const RedisServer server({.arguments = {"--maxmemory", "1", "--maxmemory-policy", "noeviction"}});
  const auto redis = NewRedisConnection(At(server.port()));
  const absl::Status full = redis->Call({"SET", "k", "v"}, kLong).status();
  CHECK(absl::IsResourceExhausted(full));
  CHECK(full.message().find("give it memory") != absl::string_view::npos);
}

TEST_CASE("a replica refuses, and the status says that the primary is wanted") {
  const RedisServer primary;
  const RedisServer replica(
      {.arguments = {"--replicaof", "127.0.0.1", std::to_string(primary.port())}});
  const auto redis = NewRedisConnection(At(replica.port()));
  const absl::Status refused = redis->Call({"SET", "k", "v"}, kLong).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(refused.message().find("primary's address") != absl::string_view::npos);
}

}  // namespace
}  // namespace skald_test
