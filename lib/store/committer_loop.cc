// The side of the committer that is one writer at a time: its thread, or whoever calls PollOnce.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "committer_impl.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr absl::Duration kBackoffMin = absl::Milliseconds(1);
constexpr absl::Duration kBackoffMax = absl::Seconds(1);
constexpr size_t kSpareGroupsMax = 4;
constexpr size_t kSpareUnitsMax = 1024;  // a megabyte at most

}  // namespace

absl::Status Committer::Impl::StartThread() {
  if (!options_.own_thread) return absl::OkStatus();
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(fmt::format(
        "no thread for the committer of writer '{}': {}", options_.writer, error.what()));
  }
  return absl::OkStatus();
}

void Committer::Impl::Run() {
  do {
    while (Turn()) {
    }
  } while (WaitForWork());
  AnswerAll();
}

// RETURNS: false when the thread is to end.
bool Committer::Impl::WaitForWork() {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kStopped) return false;
  if (in_flight_ != nullptr) {
    work_.WaitFor(mutex_, retry_at_ - options_.clock->Boot());
    return phase_ != Phase::kStopped;
  }
  while (queue_.empty() && phase_ == Phase::kRunning) {
    sleeping_ = true;
    work_.Wait(mutex_);
    sleeping_ = false;
  }
  return !queue_.empty() && phase_ != Phase::kStopped;
}

// RETURNS: whether there was anything to do.
bool Committer::Impl::Turn() {
  if (in_turn_) return false;  // PollOnce from a callback
  if (in_flight_ == nullptr && !TakeGroup()) return false;
  if (options_.clock->Boot() < retry_at_) return false;
  in_turn_ = true;
  Attempt();
  in_turn_ = false;
  return true;
}

bool Committer::Impl::TakeGroup() {
  MutexLock lock(mutex_);
  if (queue_.empty() || phase_ == Phase::kStopped) return false;
  in_flight_ = std::move(queue_.front());
  queue_.pop_front();
  queue_bytes_ -= in_flight_->bytes;
  busy_ = true;
  in_flight_->batch.number = next_number_;
  return true;
}

void Committer::Impl::Attempt() {
  if (SKALD_SABOTAGED(kAnswerBeforeCommit)) {
    for (CommitCallback& done : in_flight_->done) Answer(done, absl::OkStatus());
  }
  absl::StatusOr<CommitResult> result = store_.Commit(fence_, in_flight_->batch);
  if (result.ok() && result->failed_units.empty()) return OnDurable();
  if (result.ok()) return OnFailedUnits(result->failed_units);
  switch (result.status().code()) {
    case absl::StatusCode::kAborted:
      return Stop(Annotate(result.status(), "another has taken over this writer's name"));
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
      return Stop(Annotate(result.status(), "the store and its committer disagree"));
    default:
      return OnUnknown(result.status());
  }
}

void Committer::Impl::OnDurable() {
  ++next_number_;
  unsettled_since_ = absl::InfiniteDuration();
  backoff_ = retry_at_ = absl::ZeroDuration();
  {
    MutexLock lock(mutex_);
    ++stats_.batches;
    stats_.units += in_flight_->batch.units.size();
    stats_.bytes += in_flight_->unit_bytes;
  }
  if (HandOver()) return;
  for (CommitCallback& done : in_flight_->done) Answer(done, absl::OkStatus());
  Finish(std::move(in_flight_));
  MutexLock lock(mutex_);
  busy_ = false;
  if (phase_ != Phase::kRunning) idle_.NotifyAll();
}

// Those that failed are answered and leave an empty unit in their place, so that all others keep
// the versions that the overlay has shown; the rest goes out again under the same number.
void Committer::Impl::OnFailedUnits(const std::vector<uint32_t>& failed) {
  Batch& batch = in_flight_->batch;
  const bool sound = std::all_of(failed.begin(), failed.end(), [&](uint32_t index) {
    return index < batch.units.size() && batch.units[index].require_count() > 0;
  });
  if (!sound) {
    return Stop(absl::InternalError("the store named units that require nothing"));
  }
  {
    MutexLock lock(mutex_);
    stats_.conflicts += failed.size();
    for (const uint32_t index : failed) {
      overlay_.Forget(batch.units[index], batch.ticket + index);
    }
  }
  unsettled_since_ = absl::InfiniteDuration();
  backoff_ = retry_at_ = absl::ZeroDuration();
  WaitForAnswerer();
  const absl::Status conflict =
      absl::AbortedError("a row that was read has been changed by another writer: begin again");
  for (const uint32_t index : failed) {
    in_flight_->unit_bytes -= batch.units[index].size_bytes();
    batch.units[index].Clear();
    Answer(in_flight_->done[index], conflict);
  }
}

void Committer::Impl::OnUnknown(const absl::Status& error) {
  if (SKALD_SABOTAGED(kUnknownIsDurable)) return OnDurable();
  const absl::Duration now = options_.clock->Boot();
  if (unsettled_since_ == absl::InfiniteDuration()) {
    unsettled_since_ = now;
    backoff_ = kBackoffMin;
    Tell(Severity::kWarning, "commit-unsettled", error);
  } else {
    backoff_ = std::min(2 * backoff_, kBackoffMax);
  }
  if (now - unsettled_since_ >= options_.unsettled_max) {
    return Stop(
        Annotate(error, fmt::format("the outcome of batch {} is unknown after {}", next_number_,
                                    absl::FormatDuration(now - unsettled_since_))));
  }
  retry_at_ = now + backoff_;
  MutexLock lock(mutex_);
  ++stats_.repeats;
}

// Hands a durable group to the overlay, if there are rows in it, and forgets what nobody needs any
// more. What takes time happens outside the lock.
void Committer::Impl::Finish(std::unique_ptr<CommitGroup> group) {
  group->done.clear();
  group->bytes = 0;
  bool has_rows = false;
  for (Unit& unit : group->batch.units) {
    if (unit.row_write_count() == 0) unit = Unit();
    has_rows = has_rows || !unit.empty();
    group->bytes += unit.size_bytes() + kUnitOverhead;
  }
  if (has_rows) {
    // With shared rows the store judges every requirement; a row that is durable may have been
    // overwritten by another writer, and is read from the store.
    const size_t bytes_max = options_.shared_rows ? 0 : options_.overlay_bytes_max;
    MutexLock lock(mutex_);
    overlay_.Settle(std::move(group), bytes_max);
  } else {
    Recycle(std::move(group));
  }
  Forget();
}

void Committer::Impl::Forget() {
  for (bool more = true; more;) {
    std::unique_ptr<CommitGroup> finished;
    {
      MutexLock lock(mutex_);
      more = overlay_.ForgetSome(finished);
    }
    if (finished != nullptr) Recycle(std::move(finished));
  }
}

// Keeps the memory of a few groups for the next ones, and that of small units for transactions.
void Committer::Impl::Recycle(std::unique_ptr<CommitGroup> group) {
  std::vector<Unit>& units = group->batch.units;
  const auto large = [](const Unit& unit) {
    return unit.empty() || unit.size_bytes() > kUnitBytesAtFirst;
  };
  units.erase(std::remove_if(units.begin(), units.end(), large), units.end());
  for (Unit& unit : units) unit.Clear();
  group->unit_bytes = group->bytes = 0;
  {
    MutexLock lock(mutex_);
    const size_t taken = std::min(units.size(), kSpareUnitsMax - spare_units_.size());
    std::move(units.end() - static_cast<std::ptrdiff_t>(taken), units.end(),
              std::back_inserter(spare_units_));
  }
  units.clear();
  MutexLock lock(mutex_);
  if (spare_.size() < kSpareGroupsMax) spare_.push_back(std::move(group));
}

void Committer::Impl::Stop(const absl::Status& why) {
  WaitForAnswerer();  // nobody hears of the stop before those whose commit is durable
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kStopped;
    health_ = why;
  }
  Tell(Severity::kError, "committer-stopped", why);
  AnswerAll();
}

// Tells everyone who waits that the outcome is not known, in order.
void Committer::Impl::AnswerAll() {
  WaitForAnswerer();  // what it has is durable, and said so
  std::deque<std::unique_ptr<CommitGroup>> left;
  absl::Status status;
  {
    MutexLock lock(mutex_);
    overlay_.Clear();  // it points into what is destroyed here
    left = std::move(queue_);
    queue_.clear();
    queue_bytes_ = 0;
    status = Closed();
    busy_ = true;
    dropped_ = dropped_ || !left.empty() || in_flight_ != nullptr;
  }
  if (in_flight_ != nullptr) left.push_front(std::move(in_flight_));
  for (const auto& group : left) {
    for (CommitCallback& done : group->done) Answer(done, status);
  }
  MutexLock lock(mutex_);
  busy_ = false;
  idle_.NotifyAll();
}

void Committer::Impl::Tell(Severity severity, std::string_view kind, const absl::Status& what) {
  if (options_.observer == nullptr) return;
  const std::string message = what.ToString();
  options_.observer->OnNotice({.severity = severity,
                               .kind = kind,
                               .subject = options_.writer,
                               .message = message,
                               .time = options_.clock->Wall()});
}

}  // namespace skald::inline v1
