// What the lock needs of Redis: one command, one reply. The lock's tests have one of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace skald::inline v1::internal {

using RedisCommand = std::vector<std::string>;

// What is neither an error nor an array, which no command of ours is answered with.
struct RedisReply {
  enum class Kind : uint8_t { kSimple, kBulk, kInteger, kNil };
  Kind kind = Kind::kNil;
  std::string text;
  int64_t integer = 0;
};

// For messages: "the integer 3", "'QUEUED'".
std::string Describe(const RedisReply& reply);

// The status that an error reply of Redis stands for, with what to do about it.
absl::Status StatusOfRedisError(std::string_view error);

class RedisConnection {
 public:
  virtual ~RedisConnection() = default;
  // Sends a command, connecting first where that is needed, and waits for its reply: in all for
  // `timeout` at most.
  // RETURNS: an error: the command may have been executed or not. The next one connects anew.
  // THREADS: one at a time.
  virtual absl::StatusOr<RedisReply> Call(const RedisCommand& command, absl::Duration timeout) = 0;
};

struct RedisAddress {
  std::string host;
  uint16_t port = 0;
  std::string username;
  std::string password;
  int database = 0;
  absl::Duration connect_timeout;
};

// A real one; connects with the first command.
std::unique_ptr<RedisConnection> NewRedisConnection(RedisAddress address);

}  // namespace skald::inline v1::internal
