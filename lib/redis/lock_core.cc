#include "lock_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "scripts.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

// Between two tries: never none at all, and doubling this often at most.
constexpr absl::Duration kPauseMin = absl::Milliseconds(1);
constexpr int kDoublingsMax = 5;

}  // namespace

RedisLockCore::RedisLockCore(RedisLockOptions options, std::unique_ptr<RedisConnection> connection)
    : options_(std::move(options)),
      key_(options_.key_prefix + options_.name),
      milliseconds_(fmt::format("{}", absl::ToInt64Milliseconds(options_.duration))),
      timeout_(std::min(options_.command_timeout, options_.duration / 6)),
      connection_(std::move(connection)),
      thread_(*options_.clock) {
  lost_.request_stop();
}

bool RedisLockCore::Held() const {
  const MutexLock lock(mutex_);
  return held_ && Now() < deadline_;
}

std::stop_token RedisLockCore::stop_token() const {
  const MutexLock lock(mutex_);
  return lost_.get_token();
}

absl::Status RedisLockCore::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void RedisLockCore::Run() {
  thread_.Start([this] { return Poll(); });
}

void RedisLockCore::Stop() {
  std::stop_source ended;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    held_ = false;
    ended = lost_;
    news_ = News();
  }
  changed_.NotifyAll();
  ended.request_stop();
  thread_.Stop();
}

absl::Duration RedisLockCore::Poll() {
  NoticeDeadline();
  Tell();  // before the connection is taken: a callback may release
  if (const std::optional<Request> request = NextRequest()) {
    // Redis counts from when it hears of it, which is later.
    const absl::Duration sent = Now();
    const auto reply = connection_->Call(request->command, request->timeout);
    Answered(*request, sent, Granted(request->asked, reply));
    Tell();
  }
  const MutexLock lock(mutex_);
  // A command under way comes back by itself; what must be noticed without it is the deadline.
  absl::Duration next = busy_ ? Now() + Part(1) : due_;
  if (held_) next = std::min(next, deadline_);
  return next;
}

void RedisLockCore::NoticeDeadline() {
  const MutexLock lock(mutex_);
  if (held_ && Now() >= deadline_) Lapse();
}

// Callbacks, also those of the stop token, run here and in Release and Stop: without the lock.
void RedisLockCore::Tell() {
  News news;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    news = std::exchange(news_, News());
  }
  for (std::stop_source& ended : news.ended) ended.request_stop();
  if (news.error && options_.on_error) options_.on_error(*news.error);
  if (news.lost && options_.on_lost) options_.on_lost(*news.lost);
  if (news.taken && options_.on_taken) options_.on_taken();
}

// 128 bits, and who it is.
std::string RedisLockCore::NewToken() {
  const uint64_t high = options_.random->Next();
  std::string token = fmt::format("{:016x}{:016x}", high, options_.random->Next());
  return options_.holder.empty() ? token : token + " " + options_.holder;
}

RedisCommand RedisLockCore::Script(std::string_view script,
                                   std::vector<std::string> arguments) const {
  RedisCommand command{"EVAL", std::string(script), "1", key_};
  std::move(arguments.begin(), arguments.end(), std::back_inserter(command));
  return command;
}

// Between nothing and `most`, in whole microseconds, which every timer can count.
absl::Duration RedisLockCore::Jitter(absl::Duration most) {
  return absl::Floor(most * options_.random->UnitInterval(), absl::Microseconds(1));
}

// What is due now, if anything; the connection is the caller's then, until Answered.
std::optional<RedisLockCore::Request> RedisLockCore::NextRequest() {
  const MutexLock lock(mutex_);
  const absl::Duration now = Now();
  if (busy_ || stopping_ || now < due_) return std::nullopt;
  busy_ = true;
  if (held_) {
    // An answer behind the deadline is no use, and the loss is told in time.
    return Request{Asked::kRenew, token_, Script(kExtendScript, {token_, milliseconds_}),
                   std::min(timeout_, deadline_ - now)};
  }
  if (candidate_.empty()) candidate_ = NewToken();
  if (doubt_) {
    // Never an empty one: a key that somebody has set to nothing is not ours.
    const std::string& other = past_.empty() ? candidate_ : past_;
    return Request{Asked::kReclaim, candidate_,
                   Script(kReclaimScript, {candidate_, other, milliseconds_}), timeout_};
  }
  return Request{
      Asked::kTake, candidate_, {"SET", key_, candidate_, "NX", "PX", milliseconds_}, timeout_};
}

absl::StatusOr<bool> RedisLockCore::Granted(Asked asked,
                                            const absl::StatusOr<RedisReply>& reply) const {
  const auto doing = [&] {
    const std::string_view verb = asked == Asked::kRenew     ? "renewing"
                                  : asked == Asked::kRelease ? "giving up"
                                                             : "asking for";
    return fmt::format("{} lock '{}'", verb, options_.name);
  };
  if (!reply.ok()) return Annotate(reply.status(), doing());
  using Kind = RedisReply::Kind;
  if (asked == Asked::kTake) {
    if (reply->kind == Kind::kNil) return false;
    if (reply->kind == Kind::kSimple && reply->text == "OK") return true;
  } else if (reply->kind == Kind::kInteger && (reply->integer == 0 || reply->integer == 1)) {
    return reply->integer == 1;
  }
  return absl::InternalError(
      ToAbsl(fmt::format("{}: {}:{} answers {}, which makes no sense: check that it is a Redis",
                         doing(), options_.host, options_.port, Describe(*reply))));
}

void RedisLockCore::Answered(const Request& request, absl::Duration sent,
                             const absl::StatusOr<bool>& granted) {
  {
    const MutexLock lock(mutex_);
    busy_ = false;
    status_ = granted.status();
    if (!granted.ok()) {
      Failed(request, granted.status());
    } else {
      failures_ = 0;
      if (!*granted) {
        Refused(request);
      } else if (request.asked == Asked::kRenew) {
        Renewed(request, sent);
      } else {
        Taken(request, sent);
      }
    }
  }
  changed_.NotifyAll();
}

void RedisLockCore::Taken(const Request& request, absl::Duration sent) {
  due_ = sent + Part(1);
  if (stopping_) return;
  if (Now() >= sent + Part(2)) {
    // Too late to believe in it. Ours all the same, as far as Redis knows.
    doubt_ = true;
    due_ = Now();
    return;
  }
  deadline_ = sent + Part(2);
  held_ = true;
  token_ = request.token;
  candidate_.clear();
  past_.clear();
  doubt_ = false;
  lost_ = std::stop_source();
  news_.taken = true;
}

void RedisLockCore::Renewed(const Request& request, absl::Duration sent) {
  if (!held_ || request.token != token_) return;  // given up meanwhile
  // Nobody who has seen Held() turn false sees it turn true again within the same holding.
  if (Now() >= deadline_) return Lapse();
  deadline_ = sent + Part(2);
  due_ = sent + Part(1);
}

// Somebody else has it, or, of a renewal, at least not we.
void RedisLockCore::Refused(const Request& request) {
  if (request.asked == Asked::kRenew) {
    if (!held_ || request.token != token_) return;
    Lose(absl::AbortedError(ToAbsl(fmt::format(
        "lock '{}' is not ours in Redis any more: it lapsed, was deleted, or Redis lost its data",
        options_.name))));
    due_ = Now();
    return;
  }
  doubt_ = false;
  past_.clear();
  // Those who wait do not all ask in the same moment.
  due_ = Now() + Part(1) / 2 + Jitter(Part(1) / 2);
}

void RedisLockCore::Failed(const Request& request, const absl::Status& why) {
  // It may have been done.
  if (request.asked != Asked::kRenew) doubt_ = true;
  news_.error = why;
  // Full jitter; a renewal has a third of the duration left for all of its tries.
  const absl::Duration most = held_ ? options_.duration / 12 : options_.duration;
  const int doublings = std::min(failures_++, kDoublingsMax);
  const absl::Duration span = std::min(most, options_.duration / 32 * (1 << doublings));
  due_ = std::max(due_, Now() + kPauseMin + Jitter(span));
}

// Not renewed in time. In Redis it may still stand.
void RedisLockCore::Lapse() {
  past_ = token_;
  doubt_ = true;
  due_ = std::min(due_, Now());
  Lose(absl::DeadlineExceededError(ToAbsl(fmt::format(
      "lock '{}' was not renewed in time: {}", options_.name,
      status_.ok() ? "the process was paused, or not polled" : ToStd(status_.message())))));
}

void RedisLockCore::Lose(absl::Status why) {
  held_ = false;
  news_.ended.push_back(lost_);
  // Both between two calls of Tell: then the host need not know.
  if (!std::exchange(news_.taken, false)) news_.lost = std::move(why);
}

absl::Status RedisLockCore::Release() {
  std::stop_source ended;
  std::string token;
  {
    const MutexLock lock(mutex_);
    if (!held_) return absl::OkStatus();
    // Believed in no longer, whatever Redis says.
    held_ = false;
    news_.taken = false;
    ended = lost_;
    token = past_ = token_;
    doubt_ = true;
    due_ = Now() + options_.duration;
  }
  ended.request_stop();
  {
    MutexLock lock(mutex_);
    while (busy_) changed_.Wait(mutex_);
    busy_ = true;
  }
  const auto reply = connection_->Call(Script(kReleaseScript, {token}), timeout_);
  absl::Status released = Granted(Asked::kRelease, reply).status();
  {
    const MutexLock lock(mutex_);
    busy_ = false;
    status_ = released;
    if (released.ok() && past_ == token) {
      past_.clear();
      doubt_ = false;
    }
  }
  changed_.NotifyAll();
  thread_.Wake();
  return released;
}

}  // namespace skald::inline v1::internal
