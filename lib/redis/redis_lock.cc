#include "skald/redis/redis_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "connection.h"
#include "lock_core.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

constexpr size_t kNameBytesMost = 64;
constexpr size_t kHolderBytesMost = 256;
constexpr size_t kPrefixBytesMost = 128;
constexpr size_t kHostBytesMost = 253;
constexpr size_t kSecretBytesMost = 4096;
constexpr int kDatabaseMost = 65535;
constexpr absl::Duration kDurationMin = absl::Milliseconds(30);
constexpr absl::Duration kDurationMax = absl::Hours(24);
constexpr absl::Duration kTimeoutMin = absl::Milliseconds(1);
constexpr absl::Duration kTimeoutMax = absl::Minutes(10);

bool IsNameByte(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Printable ASCII without spaces.
bool IsGraphic(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; });
}

// What is wrong with it; empty: nothing.
std::string WrongWithName(const RedisLockOptions& options) {
  const std::string& name = options.name;
  if (name.empty() || name.size() > kNameBytesMost ||
      !std::all_of(name.begin(), name.end(), IsNameByte)) {
    return "its name must be 1 to 64 letters, digits, '-', '_' or '.'";
  }
  if (options.holder.size() > kHolderBytesMost) {
    return fmt::format("its holder's name has {} bytes, {} are allowed", options.holder.size(),
                       kHolderBytesMost);
  }
  if (HasControl(options.holder)) return "its holder's name has control characters";
  if (options.key_prefix.size() > kPrefixBytesMost || !IsGraphic(options.key_prefix)) {
    return fmt::format("key_prefix must be at most {} bytes of printable ASCII without spaces",
                       kPrefixBytesMost);
  }
  return "";
}

std::string WrongWithTimes(const RedisLockOptions& options) {
  if (options.duration < kDurationMin || options.duration > kDurationMax) {
    return fmt::format("its duration is {}; it lies between 30ms and 24h",
                       absl::FormatDuration(options.duration));
  }
  if (options.duration % absl::Milliseconds(1) != absl::ZeroDuration()) {
    return fmt::format("its duration is {}; Redis counts whole milliseconds",
                       absl::FormatDuration(options.duration));
  }
  const auto wrong = [](std::string_view which, absl::Duration timeout) {
    return timeout >= kTimeoutMin && timeout <= kTimeoutMax
               ? std::string()
               : fmt::format("{} is {}; it lies between 1ms and 10min", which,
                             absl::FormatDuration(timeout));
  };
  std::string connect = wrong("connect_timeout", options.connect_timeout);
  return connect.empty() ? wrong("command_timeout", options.command_timeout) : connect;
}

std::string WrongWithAddress(const RedisLockOptions& options) {
  if (options.host.empty() || options.host.size() > kHostBytesMost || !IsGraphic(options.host)) {
    return "host must be a name or an address of 1 to 253 printable characters";
  }
  if (options.port == 0) return "port is 0";
  if (options.database < 0 || options.database > kDatabaseMost) {
    return fmt::format("database is {}; it lies between 0 and {}", options.database, kDatabaseMost);
  }
  if (options.username.size() > kSecretBytesMost || options.password.size() > kSecretBytesMost) {
    return fmt::format("username or password is longer than {} bytes", kSecretBytesMost);
  }
  if (options.password.empty() && !options.username.empty()) {
    return "there is a username and no password";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisLock>> RedisLock::Open(RedisLockOptions options) {
  for (const std::string& wrong :
       {WrongWithName(options), WrongWithTimes(options), WrongWithAddress(options),
        std::string(options.clock == nullptr || options.random == nullptr
                        ? "there is no clock or no random"
                        : "")}) {
    if (wrong.empty()) continue;
    return absl::InvalidArgumentError(ToAbsl(
        fmt::format("opening Redis lock '{}': {}",
                    absl::CEscape(ToAbsl(std::string_view(options.name).substr(0, 64))), wrong)));
  }
  auto connection = internal::NewRedisConnection({.host = options.host,
                                                  .port = options.port,
                                                  .username = options.username,
                                                  .password = options.password,
                                                  .database = options.database,
                                                  .connect_timeout = options.connect_timeout});
  const bool own_thread = options.own_thread;
  auto core = std::make_unique<internal::RedisLockCore>(std::move(options), std::move(connection));
  if (own_thread) core->Run();
  return std::unique_ptr<RedisLock>(new RedisLock(std::move(core)));
}

RedisLock::RedisLock(std::unique_ptr<internal::RedisLockCore> core) : core_(std::move(core)) {}
RedisLock::~RedisLock() {
  core_->Stop();
}

bool RedisLock::Held() const {
  return core_->Held();
}
std::stop_token RedisLock::stop_token() const {
  return core_->stop_token();
}
absl::Status RedisLock::status() const {
  return core_->status();
}
absl::Status RedisLock::Release() {
  return core_->Release();
}
absl::Duration RedisLock::Poll() {
  return core_->Poll();
}

}  // namespace skald::inline v1
