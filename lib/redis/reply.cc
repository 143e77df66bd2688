#include <fmt/format.h>

#include <array>

#include "absl/strings/escaping.h"
#include "connection.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kShownBytesMost = 120;

struct Meaning {
  std::string_view word;  // that the error begins with
  absl::StatusCode code;
  std::string_view advice;
};

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr std::array kMeanings = {
    Meaning{"LOADING", kUnavailable, "it is starting; asked again later"},
    Meaning{"BUSY", kUnavailable, "a script blocks it; asked again later"},
    Meaning{"MASTERDOWN", kUnavailable, "a replica without its primary; asked again later"},
    Meaning{"CLUSTERDOWN", kUnavailable, "its cluster is down; asked again later"},
    Meaning{"TRYAGAIN", kUnavailable, "asked again later"},
    Meaning{"NOAUTH", absl::StatusCode::kUnauthenticated, "give a password"},
    Meaning{"WRONGPASS", absl::StatusCode::kUnauthenticated, "correct username and password"},
    Meaning{"NOPERM", absl::StatusCode::kPermissionDenied,
            "allow the user GET, SET, DEL, PEXPIRE and EVAL on the lock's key"},
    Meaning{"READONLY", kPrecondition, "this is a replica: give the primary's address"},
    Meaning{"MOVED", kPrecondition, "give the address of the node that it names"},
    Meaning{"ASK", kPrecondition, "asked again later"},
    Meaning{"WRONGTYPE", kPrecondition, "something else uses the key: choose another prefix"},
    Meaning{"MISCONF", kPrecondition, "it cannot write its snapshot: see its log"},
    Meaning{"NOREPLICAS", kPrecondition, "too few of its replicas are there"},
    Meaning{"OOM", absl::StatusCode::kResourceExhausted, "give it memory, or an eviction policy"},
};

std::string Shown(std::string_view text) {
  const std::string_view begin = text.substr(0, kShownBytesMost);
  return absl::CEscape(ToAbsl(begin)) + (begin.size() < text.size() ? "…" : "");
}

}  // namespace

std::string Describe(const RedisReply& reply) {
  switch (reply.kind) {
    case RedisReply::Kind::kNil:
      return "nil";
    case RedisReply::Kind::kInteger:
      return fmt::format("the integer {}", reply.integer);
    case RedisReply::Kind::kSimple:
    case RedisReply::Kind::kBulk:
      break;
  }
  return fmt::format("'{}'", Shown(reply.text));
}

absl::Status StatusOfRedisError(std::string_view error) {
  const std::string_view word = error.substr(0, error.find(' '));
  for (const Meaning& meaning : kMeanings) {
    if (word != meaning.word) continue;
    return {meaning.code, ToAbsl(fmt::format("it says '{}': {}", Shown(error), meaning.advice))};
  }
  return absl::InternalError(
      ToAbsl(fmt::format("it says '{}': is it a Redis, from version 2.6.12 on?", Shown(error))));
}

}  // namespace skald::inline v1::internal
