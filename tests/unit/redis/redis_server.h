// A real redis-server: on a free port of loopback, in a directory of its own, ended with the
// object.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "connection.h"
#include "examples/process.h"
#include "skald/redis/redis_lock.h"

namespace skald_test {

struct RedisServerOptions {
  bool persistent = false;  // an append-only file, synced with each command
  std::vector<std::string> arguments;
};

// Throws when there is no such program, or it does not start.
class RedisServer {
 public:
  explicit RedisServer(RedisServerOptions options = {});

  uint16_t port() const { return port_; }
  void Pause();     // SIGSTOP: the kernel goes on to accept connections for it
  void Continue();  // SIGCONT
  void Kill();      // SIGKILL
  void Restart();   // kill, and start again on the same port

  // One command on a connection of its own; fails the test when Redis answers with an error.
  // "OK" and other text, "(nil)", or a number.
  std::string Command(const std::vector<std::string>& command) const;
  int64_t Number(const std::vector<std::string>& command) const;
  // Of this server, on an own thread and real time unless a test says otherwise.
  skald::RedisLockOptions Lock(const std::string& name, absl::Duration duration) const;

 private:
  bool Start();
  bool Answers() const;

  const RedisServerOptions options_;
  example_tests::TempDirectory directory_;
  std::string program_;
  uint16_t port_ = 0;
  std::unique_ptr<example_tests::Process> process_;
};

// Looks until it is so; false when it is not within half a minute.
bool Eventually(const std::function<bool()>& so);

}  // namespace skald_test
