// A connection by hand: a test says what each command is answered with, and sees what was sent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connection.h"
#include "lock_core.h"
#include "scripts.h"

namespace skald_test {

using skald::internal::RedisCommand;
using skald::internal::RedisReply;

inline RedisReply Ok() {
  return {.kind = RedisReply::Kind::kSimple, .text = "OK"};
}
inline RedisReply Nil() {
  return {.kind = RedisReply::Kind::kNil};
}
inline RedisReply Integer(int64_t value) {
  return {.kind = RedisReply::Kind::kInteger, .integer = value};
}

// What a command of the lock is for: "take", "reclaim", "renew" or "release".
inline std::string Verb(const RedisCommand& command) {
  if (command.at(0) == "SET") return "take";
  if (command.at(1) == skald::internal::kReclaimScript) return "reclaim";
  return command.at(1) == skald::internal::kExtendScript ? "renew" : "release";
}
inline std::string TokenOf(const RedisCommand& command) {
  return command.at(0) == "SET" ? command.at(2) : command.at(4);
}

// THREADS: one at a time, as every connection.
class ScriptedConnection final : public skald::internal::RedisConnection {
 public:
  using Answer = std::function<absl::StatusOr<RedisReply>(const RedisCommand&)>;
  struct Log {
    std::vector<RedisCommand> sent;
    std::vector<absl::Duration> timeouts;
    Answer answer;
  };
  explicit ScriptedConnection(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  absl::StatusOr<RedisReply> Call(const RedisCommand& command, absl::Duration timeout) override {
    log_->sent.push_back(command);
    log_->timeouts.push_back(timeout);
    return log_->answer(command);
  }

 private:
  const std::shared_ptr<Log> log_;
};

// A lock over such a connection, with a clock by hand. Commands are granted unless a test says
// other.
struct CoreByHand {
  explicit CoreByHand(absl::Duration duration = absl::Seconds(15)) {
    log->answer = &Granted;
    skald::RedisLockOptions options{.name = "report", .holder = "a", .duration = duration};
    options.on_taken = [this] { told.emplace_back("taken"); };
    options.on_lost = [this](const absl::Status& why) {
      told.emplace_back("lost");
      lost_because = why;
    };
    options.on_error = [this](const absl::Status& why) {
      told.emplace_back("error");
      error = why;
    };
    options.own_thread = false;
    options.clock = &clock;
    options.random = &random;
    core = std::make_unique<skald::internal::RedisLockCore>(
        std::move(options), std::make_unique<ScriptedConnection>(log));
  }
  ~CoreByHand() { core->Stop(); }
  CoreByHand(const CoreByHand&) = delete;
  CoreByHand& operator=(const CoreByHand&) = delete;

  static absl::StatusOr<RedisReply> Granted(const RedisCommand& command) {
    return Verb(command) == "take" ? Ok() : Integer(1);
  }
  static absl::StatusOr<RedisReply> Refused(const RedisCommand& command) {
    return Verb(command) == "take" ? Nil() : Integer(0);
  }
  void AnswerWith(const ScriptedConnection::Answer& answer) { log->answer = answer; }
  void Fail(const absl::Status& why) {
    log->answer = [why](const RedisCommand&) { return why; };
  }
  // Time passes; the host polls as it is told to, a millisecond late at most.
  void Pass(absl::Duration time) {
    const absl::Duration end = clock.Boot() + time;
    while (true) {
      const absl::Duration next = std::max(core->Poll(), clock.Boot() + absl::Milliseconds(1));
      clock.Advance(std::min(next, end) - clock.Boot());
      if (next > end) break;
    }
    core->Poll();
  }
  std::vector<std::string> Verbs() const {
    std::vector<std::string> verbs;
    for (const RedisCommand& command : log->sent) verbs.push_back(Verb(command));
    return verbs;
  }

  skald::ManualClock clock;
  skald::SeededRandom random{1};
  std::shared_ptr<ScriptedConnection::Log> log = std::make_shared<ScriptedConnection::Log>();
  std::vector<std::string> told;
  absl::Status lost_because;
  absl::Status error;
  std::unique_ptr<skald::internal::RedisLockCore> core;
};

}  // namespace skald_test
