#include "skald/participant/lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "lease_rows.h"
#include "skald/async/internal/poll_thread.h"
#include "skald/base/bytes.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kNameBytesMost = 64;
constexpr size_t kHolderBytesMost = 256;
constexpr absl::Duration kDurationMin = absl::Milliseconds(30);

std::string EncodeFence(uint64_t fence) {
  std::string bytes;
  ByteWriter(&bytes).U8(kFormat).Little(fence);
  return bytes;
}

bool IsPlain(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMost) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace

class Lease::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Committer& committer, LeaseOptions options)
      : committer_(committer),
        options_(std::move(options)),
        row_key_(LeaseRowKey(options_.name)),
        fence_key_("~f/" + options_.name),
        thread_(*options_.clock) {
    lost_.request_stop();
  }

  void Run() {
    thread_.Start([this] { return Poll(); });
  }
  void Stop() SKALD_EXCLUDES(mutex_);

  bool Held() const SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return held_ && Now() < deadline_;
  }
  uint64_t fence() const SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return fence_;
  }
  absl::Status status() const SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return status_;
  }
  std::stop_token stop_token() const SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return lost_.get_token();
  }
  absl::Status Guard(Transaction& rows) const SKALD_EXCLUDES(mutex_);
  absl::Status Release() SKALD_EXCLUDES(mutex_);
  absl::Duration Poll() SKALD_EXCLUDES(mutex_);

 private:
  // What is written, and what it means when it is durable.
  enum class Asked : uint8_t { kTake, kRenew };

  // What was asked for, when, and how often the lease had been given up by then.
  struct Request {
    Asked asked = Asked::kTake;
    uint64_t fence = 0;
    absl::Duration at;
    uint64_t releases = 0;
  };

  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Duration Part(int thirds) const { return options_.duration * thirds / 3; }
  void Ask() SKALD_EXCLUDES(mutex_);
  bool Choose(const std::optional<LeaseRow>& row, LeaseRow& next, Request& request)
      SKALD_REQUIRES(mutex_);
  bool MayTake(const std::optional<LeaseRow>& row, absl::Duration now) SKALD_REQUIRES(mutex_);
  absl::Status Write(Transaction rows, const LeaseRow& row, Request request) SKALD_EXCLUDES(mutex_);
  void Answered(const Request& request, const absl::Status& status) SKALD_EXCLUDES(mutex_);
  void Lose(absl::Status why) SKALD_REQUIRES(mutex_);
  void StopLost() SKALD_EXCLUDES(mutex_);
  void Tell() SKALD_EXCLUDES(mutex_);

  Committer& committer_;
  LeaseOptions options_;
  const std::string row_key_;
  const std::string fence_key_;

  mutable Mutex mutex_;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  bool held_ SKALD_GUARDED_BY(mutex_) = false;
  uint64_t fence_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Duration deadline_ SKALD_GUARDED_BY(mutex_);  // of believing in it
  absl::Duration due_ SKALD_GUARDED_BY(mutex_);       // to ask, or to renew
  bool asking_ SKALD_GUARDED_BY(mutex_) = false;      // a commit is under way
  uint64_t releases_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Duration not_before_ SKALD_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // to take it
  absl::Status status_ SKALD_GUARDED_BY(mutex_);
  std::stop_source lost_ SKALD_GUARDED_BY(mutex_);
  std::vector<std::stop_source> ended_ SKALD_GUARDED_BY(mutex_);  // to be stopped without the lock
  // The holder as it was last seen to move, and when that was.
  std::optional<std::pair<uint64_t, uint64_t>> seen_ SKALD_GUARDED_BY(mutex_);
  absl::Duration seen_at_ SKALD_GUARDED_BY(mutex_);
  // What the host has not been told yet.
  std::optional<uint64_t> taken_ SKALD_GUARDED_BY(mutex_);
  std::optional<std::pair<uint64_t, absl::Status>> loss_ SKALD_GUARDED_BY(mutex_);
  internal::PollThread thread_;
};

void Lease::Impl::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    if (held_) Lose(absl::CancelledError("the lease's owner is gone"));
    loss_.reset();
  }
  StopLost();
  thread_.Stop();
}

void Lease::Impl::Lose(absl::Status why) {
  held_ = false;
  ended_.push_back(lost_);
  taken_.reset();
  loss_.emplace(fence_, std::move(why));
}

// What a host hangs on the token runs here, without the lock.
void Lease::Impl::StopLost() {
  std::vector<std::stop_source> ended;
  {
    const MutexLock lock(mutex_);
    ended.swap(ended_);
  }
  for (std::stop_source& holding : ended) holding.request_stop();
}

// Callbacks run here, without the lock.
void Lease::Impl::Tell() {
  StopLost();
  std::optional<uint64_t> taken;
  std::optional<std::pair<uint64_t, absl::Status>> loss;
  {
    const MutexLock lock(mutex_);
    taken.swap(taken_);
    loss.swap(loss_);
  }
  if (loss && options_.on_lost) options_.on_lost(loss->first, loss->second);
  if (taken && options_.on_taken) options_.on_taken(*taken);
}

absl::Duration Lease::Impl::Poll() {
  bool ask = false;
  {
    const MutexLock lock(mutex_);
    const absl::Duration now = Now();
    if (held_ && now >= deadline_) {
      Lose(absl::DeadlineExceededError(
          "no renewal was durable in time: the process was paused, or the store is slow"));
      due_ = now;
    }
    ask = !asking_ && !stopping_ && now >= due_;
    if (ask) asking_ = true;
  }
  Tell();
  if (ask) Ask();
  Tell();
  const MutexLock lock(mutex_);
  // A commit under way comes back by itself; what must be noticed without it is the deadline.
  const absl::Duration idle = Now() + Part(1);
  absl::Duration next = asking_ ? idle : due_;
  if (held_) next = std::min(next, deadline_);
  return next;
}

// Whether nobody can hold it any more.
bool Lease::Impl::MayTake(const std::optional<LeaseRow>& row, absl::Duration now) {
  if (!row || !row->held) return true;
  // Our own, given up by ourselves: nobody believes in it.
  if (row->fence == fence_ && fence_ != 0) return true;
  // Of an earlier life. Once, or two that are called the same would take it from each other for
  // ever.
  if (options_.reclaim && fence_ == 0 && row->holder == options_.holder) return true;
  const std::pair<uint64_t, uint64_t> now_seen(row->fence, row->serial);
  if (seen_ != now_seen) {
    seen_ = now_seen;
    seen_at_ = now;
  }
  const absl::Duration free = seen_at_ + row->duration;
  if (now >= free) return true;
  due_ = std::min(free, now + Part(1));
  return false;
}

void Lease::Impl::Ask() {
  Request request{.at = Now()};
  {
    const MutexLock lock(mutex_);
    request.releases = releases_;
  }
  const auto later = [&](const absl::Status& why) SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    asking_ = false;
    status_ = why;
    due_ = std::max(due_, request.at + options_.duration / 10);
  };
  Transaction rows = committer_.Begin();
  const absl::StatusOr<std::optional<std::string>> bytes = rows.Get(row_key_);
  if (!bytes.ok()) return later(bytes.status());
  std::optional<LeaseRow> row;
  if (*bytes) {
    absl::StatusOr<LeaseRow> read = DecodeLeaseRow(**bytes, options_.name);
    if (!read.ok()) return later(read.status());
    row = *std::move(read);
  }
  LeaseRow next{.held = true, .duration = options_.duration, .holder = options_.holder};
  {
    const MutexLock lock(mutex_);
    if (!Choose(row, next, request)) {
      asking_ = false;
      return;
    }
  }
  IgnoreError(Write(std::move(rows), next, request), "it is asked for again");
}

// What to write over `row`. RETURNS: false: nothing now.
bool Lease::Impl::Choose(const std::optional<LeaseRow>& row, LeaseRow& next, Request& request) {
  status_ = absl::OkStatus();
  if (releases_ != request.releases) return false;  // given up while the row was read
  if (held_ && (!row || row->fence != fence_)) {
    due_ = request.at;
    Lose(absl::AbortedError(fmt::format("'{}' has taken it", row ? row->holder : "nobody")));
    return false;
  }
  if (!held_ && (request.at < not_before_ || !MayTake(row, request.at))) {
    due_ = std::max(due_, not_before_);
    return false;
  }
  request.asked = held_ ? Asked::kRenew : Asked::kTake;
  next.fence = held_ ? fence_ : (row ? row->fence : 0) + 1;
  if (SKALD_SABOTAGED(kKeepsFence) && row) next.fence = row->fence;
  next.serial = (row ? row->serial : 0) + 1;
  request.fence = next.fence;
  return true;
}

absl::Status Lease::Impl::Write(Transaction rows, const LeaseRow& row, Request request) {
  rows.Put(row_key_, EncodeLeaseRow(row));
  if (request.asked == Asked::kTake) rows.Put(fence_key_, EncodeFence(row.fence));
  const absl::Status queued =
      std::move(rows).CommitThen([self = shared_from_this(), request](const absl::Status& status) {
        self->Answered(request, status);
      });
  if (!queued.ok()) Answered(request, queued);
  return queued;
}

// Time is counted from when it was asked, for others count from when they see it.
void Lease::Impl::Answered(const Request& request, const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    asking_ = false;
    status_ = status;
    const absl::Duration now = Now();
    const absl::Duration deadline = request.at + Part(SKALD_SABOTAGED(kBelievesTooLong) ? 6 : 2);
    if (!status.ok()) {
      due_ = std::max(now + options_.duration / 10, not_before_);
    } else if (request.asked == Asked::kTake) {
      fence_ = request.fence;
      due_ = std::max(request.at + Part(1), not_before_);
      deadline_ = deadline;
      // Given up meanwhile, it lapses.
      held_ = now < deadline && !stopping_ && request.releases == releases_;
      if (held_) {
        lost_ = std::stop_source();
        taken_ = fence_;
      }
    } else if (held_ && request.fence == fence_) {
      due_ = request.at + Part(1);
      deadline_ = std::max(deadline_, deadline);
    }
  }
  thread_.Wake();
}

absl::Status Lease::Impl::Guard(Transaction& rows) const {
  uint64_t fence = 0;
  {
    const MutexLock lock(mutex_);
    if (!held_ || Now() >= deadline_) {
      return absl::AbortedError(fmt::format("lease '{}' is not held", options_.name));
    }
    fence = fence_;
  }
  SKALD_ASSIGN_OR_RETURN(
      const std::optional<std::string> stands,
      SKALD_SABOTAGED(kGuardForgets) ? committer_.Begin().Get(fence_key_) : rows.Get(fence_key_));
  if (stands == EncodeFence(fence)) return absl::OkStatus();
  return absl::AbortedError(
      fmt::format("lease '{}' has changed hands since fence {}", options_.name, fence));
}

absl::Status Lease::Impl::Release() {
  uint64_t fence = 0;
  {
    const MutexLock lock(mutex_);
    // Believed in no longer, whatever becomes of the row, and not asked for before others could.
    ++releases_;
    not_before_ = due_ = Now() + options_.duration;
    taken_.reset();
    if (!held_) return absl::OkStatus();
    held_ = false;
    ended_.push_back(lost_);
    fence = fence_;
  }
  StopLost();
  for (int tries = 0; tries < 16; ++tries) {
    Transaction rows = committer_.Begin();
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(row_key_));
    if (!bytes) return absl::OkStatus();
    SKALD_ASSIGN_OR_RETURN(LeaseRow row, DecodeLeaseRow(*bytes, options_.name));
    if (row.fence != fence) return absl::OkStatus();
    row.held = false;
    ++row.serial;
    rows.Put(row_key_, EncodeLeaseRow(row));
    const absl::Status committed = std::move(rows).Commit();
    // A renewal that was under way has changed the row.
    if (!absl::IsAborted(committed)) return committed;
  }
  return absl::AbortedError(fmt::format("lease '{}' keeps changing", options_.name));
}

Lease::Lease(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lease::~Lease() {
  impl_->Stop();
}

absl::StatusOr<std::unique_ptr<Lease>> Lease::Open(Committer& committer, LeaseOptions options) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        ToAbsl(fmt::format("opening lease '{}': {}", options.name.substr(0, 64), why)));
  };
  if (!IsPlain(options.name)) {
    return refuse("its name must be 1 to 64 letters, digits, '-', '_' or '.'");
  }
  if (options.holder.size() > kHolderBytesMost) {
    return refuse(fmt::format("its holder's name has {} bytes, {} are allowed",
                              options.holder.size(), kHolderBytesMost));
  }
  if (options.duration < kDurationMin || options.duration > kLeaseDurationMax) {
    return refuse(fmt::format("its duration is {}; it lies between 30ms and 24h",
                              absl::FormatDuration(options.duration)));
  }
  if (options.reclaim && options.holder.empty()) return refuse("to reclaim it wants a holder");
  const bool own_thread = options.own_thread;
  auto impl = std::make_shared<Impl>(committer, std::move(options));
  if (own_thread) impl->Run();
  return std::unique_ptr<Lease>(new Lease(std::move(impl)));
}

bool Lease::Held() const {
  return impl_->Held();
}
uint64_t Lease::fence() const {
  return impl_->fence();
}
absl::Status Lease::status() const {
  return impl_->status();
}
std::stop_token Lease::stop_token() const {
  return impl_->stop_token();
}
absl::Status Lease::Guard(Transaction& rows) const {
  return impl_->Guard(rows);
}
absl::Status Lease::Release() {
  return impl_->Release();
}
absl::Duration Lease::Poll() {
  return impl_->Poll();
}

}  // namespace skald::inline v1
