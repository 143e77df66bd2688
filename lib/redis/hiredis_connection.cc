// hiredis connects, writes commands and reads replies. The bytes are moved here: hiredis' own way
// counts its time-out anew with each byte that comes, and a broken line raises SIGPIPE in the host.
#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "connection.h"
#include "skald/base/clock.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

// An answer to a command of ours is short; an error's text is not much longer.
constexpr size_t kReplyBytesMost = size_t{64} << 10;
constexpr size_t kShownBytesMost = 40;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reader = std::unique_ptr<redisReader, FreeReader>;

absl::Duration Now() {
  return Clock::Real().Boot();
}

absl::Status Errno(std::string_view doing, int error) {
  return absl::UnavailableError(
      ToAbsl(fmt::format("{}: {}", doing, std::generic_category().message(error))));
}

absl::Status NoProtocol(std::string_view bytes, std::string_view why) {
  return absl::InternalError(
      ToAbsl(fmt::format("it answers '{}', which is no reply of a Redis ({}): check the address",
                         absl::CEscape(ToAbsl(bytes.substr(0, kShownBytesMost))), why)));
}

// Waits until something of `events` is so, or an error, which the call that follows meets.
absl::Status Await(int fd, int16_t events, absl::Duration end, std::string_view doing) {
  while (true) {
    const absl::Duration left = end - Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(ToAbsl(fmt::format("no answer in time, {}", doing)));
    }
    pollfd wait{.fd = fd, .events = events, .revents = 0};
    // Rounded up: waiting for 0 ms would spin.
    const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
    const int ready = ::poll(&wait, 1, static_cast<int>(std::min<int64_t>(ms, 60'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Errno(doing, errno);
  }
}

RedisReply Convert(const redisReply& reply) {
  const std::string_view text =
      reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      return {.kind = RedisReply::Kind::kSimple, .text = std::string(text)};
    case REDIS_REPLY_STRING:
      return {.kind = RedisReply::Kind::kBulk, .text = std::string(text)};
    case REDIS_REPLY_INTEGER:
      return {.kind = RedisReply::Kind::kInteger, .integer = reply.integer};
    default:
      return {};
  }
}

// Bytes as they come -> one reply.
class ReplyParser {
 public:
  ReplyParser() : reader_(redisReaderCreate()) {}

  // RETURNS: nothing as long as more bytes are to come; an error that Redis answers with.
  absl::StatusOr<std::optional<RedisReply>> Feed(std::string_view bytes) {
    if (reader_ == nullptr) return absl::ResourceExhaustedError("no memory for its reply");
    // Arrays are refused by their first byte: a hostile one may claim any size.
    if (taken_ == 0 && std::string_view("+-:$").find(bytes.front()) == std::string_view::npos) {
      return NoProtocol(bytes, "by its first byte");
    }
    taken_ += bytes.size();
    if (taken_ > kReplyBytesMost) return NoProtocol(bytes, "it does not end");
    void* raw = nullptr;
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK ||
        redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
      return NoProtocol(bytes, reader_->errstr);
    }
    if (raw == nullptr) return std::nullopt;
    const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
    if (reader_->pos < reader_->len) return NoProtocol(bytes, "more than one came");
    if (reply->type == REDIS_REPLY_ERROR) return StatusOfRedisError({reply->str, reply->len});
    return Convert(*reply);
  }

 private:
  Reader reader_;
  size_t taken_ = 0;
};

absl::StatusOr<std::string> Format(const RedisCommand& command) {
  std::vector<const char*> parts;
  std::vector<size_t> sizes;
  for (const std::string& part : command) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  char* bytes = nullptr;
  const auto size =
      redisFormatCommandArgv(&bytes, static_cast<int>(parts.size()), parts.data(), sizes.data());
  if (size < 0) return absl::ResourceExhaustedError("no memory for a command");
  std::string formatted(bytes, static_cast<size_t>(size));
  redisFreeCommand(bytes);
  return formatted;
}

class HiredisConnection final : public RedisConnection {
 public:
  explicit HiredisConnection(RedisAddress address)
      : address_(std::move(address)),
        where_(fmt::format("Redis at {}:{}", address_.host, address_.port)) {}

  absl::StatusOr<RedisReply> Call(const RedisCommand& command, absl::Duration timeout) override {
    const absl::Duration end = Now() + timeout;
    absl::StatusOr<RedisReply> reply = CallUntil(command, end);
    if (reply.ok()) return reply;
    // What may still come on this line would be taken for the answer to the next command.
    context_.reset();
    return Annotate(reply.status(), where_);
  }

 private:
  absl::StatusOr<RedisReply> CallUntil(const RedisCommand& command, absl::Duration end) {
    if (context_ != nullptr && !IsQuiet()) context_.reset();
    if (context_ == nullptr) SKALD_RETURN_IF_ERROR(Connect(end));
    return Exchange(command, end);
  }

  // False: the other side has closed the line, or says what nobody asked.
  bool IsQuiet() const {
    char byte = 0;
    const ssize_t got = ::recv(context_->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  }

  absl::Status Connect(absl::Duration end) {
    context_.reset(redisConnectNonBlock(address_.host.c_str(), address_.port));
    if (context_ == nullptr) return absl::ResourceExhaustedError("no memory to connect");
    if (context_->err != 0) {
      return absl::UnavailableError(ToAbsl(fmt::format("connecting: {}", context_->errstr)));
    }
    const int fd = context_->fd;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    SKALD_RETURN_IF_ERROR(
        Await(fd, POLLOUT, std::min(end, Now() + address_.connect_timeout), "connecting"));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return Errno("connecting", error);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return Introduce(end);
  }

  absl::Status Introduce(absl::Duration end) {
    if (!address_.password.empty()) {
      RedisCommand auth{"AUTH"};
      if (!address_.username.empty()) auth.push_back(address_.username);
      auth.push_back(address_.password);
      SKALD_RETURN_IF_ERROR(Annotate(ExpectOk(auth, end), "authenticating"));
    }
    if (address_.database == 0) return absl::OkStatus();
    return Annotate(ExpectOk({"SELECT", fmt::format("{}", address_.database)}, end),
                    fmt::format("selecting database {}", address_.database));
  }

  absl::Status ExpectOk(const RedisCommand& command, absl::Duration end) {
    SKALD_ASSIGN_OR_RETURN(const RedisReply reply, Exchange(command, end));
    if (reply.kind == RedisReply::Kind::kSimple && reply.text == "OK") return absl::OkStatus();
    return absl::InternalError(
        ToAbsl(fmt::format("it answers {} where OK was expected", Describe(reply))));
  }

  absl::StatusOr<RedisReply> Exchange(const RedisCommand& command, absl::Duration end) {
    SKALD_ASSIGN_OR_RETURN(const std::string bytes, Format(command));
    SKALD_RETURN_IF_ERROR(Send(bytes, end));
    return Receive(end);
  }

  absl::Status Send(std::string_view bytes, absl::Duration end) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(context_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        SKALD_RETURN_IF_ERROR(Await(context_->fd, POLLOUT, end, "sending"));
      } else if (errno != EINTR) {
        return Errno("sending", errno);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<RedisReply> Receive(absl::Duration end) {
    ReplyParser parser;
    std::array<char, 4096> buffer;
    while (true) {
      SKALD_RETURN_IF_ERROR(Await(context_->fd, POLLIN, end, "waiting for its reply"));
      const ssize_t got = ::recv(context_->fd, buffer.data(), buffer.size(), 0);
      if (got == 0) return absl::UnavailableError("it closed the line before its reply was whole");
      if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) continue;
        return Errno("receiving", errno);
      }
      SKALD_ASSIGN_OR_RETURN(std::optional<RedisReply> reply,
                             parser.Feed({buffer.data(), static_cast<size_t>(got)}));
      if (reply) return *std::move(reply);
    }
  }

  const RedisAddress address_;
  const std::string where_;
  std::unique_ptr<redisContext, FreeContext> context_;
};

}  // namespace

std::unique_ptr<RedisConnection> NewRedisConnection(RedisAddress address) {
  return std::make_unique<HiredisConnection>(std::move(address));
}

}  // namespace skald::inline v1::internal
