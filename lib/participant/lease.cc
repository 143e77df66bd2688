#include "skald/participant/lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "skald/base/bytes.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kNameBytesMost = 64;
constexpr size_t kHolderBytesMost = 256;
constexpr absl::Duration kDurationMin = absl::Milliseconds(30);
constexpr absl::Duration kDurationMax = absl::Hours(24);

// Who holds it, and a serial that each renewal changes.
struct LeaseRow {
  uint64_t fence = 0;
  uint64_t serial = 0;
  bool held = false;
  absl::Duration duration;
  std::string holder;
};

std::string Encode(const LeaseRow& row) {
  std::string bytes;
  ByteWriter(&bytes)
      .U8(kFormat)
      .Little(row.fence)
      .Little(row.serial)
      .U8(row.held)
      .Little(static_cast<uint64_t>(absl::ToInt64Microseconds(row.duration)))
      .String(row.holder);
  return bytes;
}

absl::StatusOr<LeaseRow> DecodeRow(std::string_view bytes, std::string_view key) {
  ByteReader in(bytes);
  LeaseRow row;
  if (in.U8() != kFormat) in.Fail();
  row.fence = in.Little<uint64_t>();
  row.serial = in.Little<uint64_t>();
  row.held = in.VarintUpTo(1) == 1;
  row.duration = absl::Microseconds(static_cast<int64_t>(in.Little<uint64_t>()));
  row.holder = in.String();
  SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("row of lease '{}'", key)));
  if (row.duration <= kDurationMax && row.duration >= absl::ZeroDuration()) return row;
  return absl::DataLossError(fmt::format("row of lease '{}': its duration makes no sense", key));
}

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
        row_key_("~l/" + options_.name),
        fence_key_("~f/" + options_.name),
        take_over_(options_.take_over) {
    lost_.request_stop();
  }

  void Run() {
    thread_ = std::thread([this] { Loop(); });
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
  std::stop_token stop_token() const SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return lost_.get_token();
  }
  absl::Status Guard(Transaction& rows) const SKALD_EXCLUDES(mutex_);
  absl::Status Release() SKALD_EXCLUDES(mutex_);
  absl::Duration Poll() SKALD_EXCLUDES(mutex_);

 private:
  // What is written, and what it means when it is durable.
  enum class Asked : uint8_t { kTake, kRenew, kRelease };

  void Loop() SKALD_EXCLUDES(mutex_);
  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Duration Part(int thirds) const { return options_.duration * thirds / 3; }
  void Ask() SKALD_EXCLUDES(mutex_);
  bool MayTake(const std::optional<LeaseRow>& row, absl::Duration now) SKALD_REQUIRES(mutex_);
  absl::Status Write(Transaction rows, LeaseRow row, Asked asked, absl::Duration now)
      SKALD_EXCLUDES(mutex_);
  void Answered(Asked asked, uint64_t fence, absl::Duration at, const absl::Status& status)
      SKALD_EXCLUDES(mutex_);
  void Lose(absl::Status why) SKALD_REQUIRES(mutex_);
  void Tell() SKALD_EXCLUDES(mutex_);

  Committer& committer_;
  LeaseOptions options_;
  const std::string row_key_;
  const std::string fence_key_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  bool held_ SKALD_GUARDED_BY(mutex_) = false;
  bool take_over_ SKALD_GUARDED_BY(mutex_);  // until it was taken once
  uint64_t fence_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Duration deadline_ SKALD_GUARDED_BY(mutex_);  // of believing in it
  absl::Duration due_ SKALD_GUARDED_BY(mutex_);       // to ask, or to renew
  bool asking_ SKALD_GUARDED_BY(mutex_) = false;      // a commit is under way
  uint64_t answers_ SKALD_GUARDED_BY(mutex_) = 0;     // that came back
  std::stop_source lost_ SKALD_GUARDED_BY(mutex_);
  // The holder as it was last seen to move, and when that was.
  std::optional<std::pair<uint64_t, uint64_t>> seen_ SKALD_GUARDED_BY(mutex_);
  absl::Duration seen_at_ SKALD_GUARDED_BY(mutex_);
  // What the host has not been told yet.
  std::optional<uint64_t> taken_ SKALD_GUARDED_BY(mutex_);
  std::optional<std::pair<uint64_t, absl::Status>> loss_ SKALD_GUARDED_BY(mutex_);
  std::thread thread_;
};

void Lease::Impl::Loop() {
  uint64_t seen = 0;
  while (true) {
    const absl::Duration next = Poll();
    MutexLock lock(mutex_);
    const absl::Duration wait = next - Now();
    // An answer that came since is to be looked at first.
    if (!stopping_ && answers_ == seen && wait > absl::ZeroDuration()) {
      changed_.WaitFor(mutex_, wait);
    }
    seen = answers_;
    if (stopping_) return;
  }
}

void Lease::Impl::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    if (held_) Lose(absl::CancelledError("the lease's owner is gone"));
    loss_.reset();
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Lease::Impl::Lose(absl::Status why) {
  held_ = false;
  lost_.request_stop();
  taken_.reset();
  loss_.emplace(fence_, std::move(why));
}

// Callbacks run here, without the lock.
void Lease::Impl::Tell() {
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
  if (!row || !row->held || take_over_) return true;
  // Our own, given up by ourselves: nobody believes in it.
  if (row->fence == fence_ && fence_ != 0) return true;
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
  const absl::Duration now = Now();
  const auto later = [&](absl::Status why) SKALD_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    asking_ = false;
    due_ = std::max(due_, now + options_.duration / 10);
    if (held_ && !why.ok() && absl::IsAborted(why)) Lose(std::move(why));
  };
  Transaction rows = committer_.Begin();
  const absl::StatusOr<std::optional<std::string>> bytes = rows.Get(row_key_);
  if (!bytes.ok()) return later(absl::OkStatus());
  std::optional<LeaseRow> row;
  if (*bytes) {
    absl::StatusOr<LeaseRow> read = DecodeRow(**bytes, options_.name);
    if (!read.ok()) return later(absl::OkStatus());
    row = *std::move(read);
  }
  LeaseRow next{.held = true, .duration = options_.duration, .holder = options_.holder};
  Asked asked = Asked::kTake;
  {
    const MutexLock lock(mutex_);
    if (held_) {
      if (!row || row->fence != fence_) {
        asking_ = false;
        due_ = now;
        Lose(absl::AbortedError(fmt::format("'{}' has taken it", row ? row->holder : "nobody")));
        return;
      }
      asked = Asked::kRenew;
      next.fence = fence_;
    } else {
      if (!MayTake(row, now)) {
        asking_ = false;
        return;
      }
      next.fence = (row ? row->fence : 0) + 1;
    }
    next.serial = (row ? row->serial : 0) + 1;
  }
  IgnoreError(Write(std::move(rows), next, asked, now), "it is asked for again");
}

absl::Status Lease::Impl::Write(Transaction rows, LeaseRow row, Asked asked, absl::Duration now) {
  rows.Put(row_key_, Encode(row));
  if (asked == Asked::kTake) rows.Put(fence_key_, EncodeFence(row.fence));
  const absl::Status queued = std::move(rows).CommitThen(
      [self = shared_from_this(), asked, fence = row.fence, now](const absl::Status& status) {
        self->Answered(asked, fence, now, status);
      });
  if (!queued.ok()) Answered(asked, row.fence, now, queued);
  return queued;
}

// `at`: when it was asked. Time is counted from there, for others count from when they see it.
void Lease::Impl::Answered(Asked asked, uint64_t fence, absl::Duration at,
                           const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    asking_ = false;
    ++answers_;
    const absl::Duration now = Now();
    const bool in_time = now < at + Part(2);
    if (!status.ok()) {
      due_ = now + options_.duration / 10;
    } else if (asked == Asked::kTake) {
      fence_ = fence;
      take_over_ = false;
      due_ = at + Part(1);
      deadline_ = at + Part(2);
      held_ = in_time && !stopping_;
      if (held_) {
        lost_ = std::stop_source();
        taken_ = fence;
      }
    } else if (asked == Asked::kRenew && held_ && fence == fence_) {
      due_ = at + Part(1);
      deadline_ = std::max(deadline_, at + Part(2));
    }
  }
  changed_.NotifyAll();
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
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> stands, rows.Get(fence_key_));
  if (stands == EncodeFence(fence)) return absl::OkStatus();
  return absl::AbortedError(
      fmt::format("lease '{}' has changed hands since fence {}", options_.name, fence));
}

absl::Status Lease::Impl::Release() {
  uint64_t fence = 0;
  {
    const MutexLock lock(mutex_);
    if (!held_) return absl::OkStatus();
    // Believed in no longer, whatever becomes of the row.
    held_ = false;
    lost_.request_stop();
    due_ = Now() + options_.duration;
    fence = fence_;
  }
  for (int tries = 0; tries < 16; ++tries) {
    Transaction rows = committer_.Begin();
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(row_key_));
    if (!bytes) return absl::OkStatus();
    SKALD_ASSIGN_OR_RETURN(LeaseRow row, DecodeRow(*bytes, options_.name));
    if (row.fence != fence) return absl::OkStatus();
    row.held = false;
    ++row.serial;
    rows.Put(row_key_, Encode(row));
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
  if (options.duration < kDurationMin || options.duration > kDurationMax) {
    return refuse(fmt::format("its duration is {}; it lies between 30ms and 24h",
                              absl::FormatDuration(options.duration)));
  }
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
