// The side of the committer that many threads see: queueing, reading, opening and ending.
#include "skald/store/committer.h"

#include <fmt/core.h>

#include <string>
#include <utility>

#include "committer_impl.h"
#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
Committer::Impl::Impl(Store& store, CommitterOptions options, const Acquired& acquired)
    : store_(store),
      options_(std::move(options)),
      fence_(acquired.fence),
      limits_(store.limits()),
      next_number_(acquired.last_number + 1),
      next_ticket_(acquired.last_ticket + 1) {}

absl::Status Committer::Impl::Closed() const {
  if (health_.ok()) {
    return absl::UnavailableError(
        fmt::format("the committer of writer '{}' is shut down", options_.writer));
  }
  return absl::UnavailableError(
      fmt::format("the committer of writer '{}' has stopped, ask again with the same key once the "
                  "store is open again: {}",
                  options_.writer, ToStd(health_.message())));
}

absl::Status Committer::Impl::CheckOpen() const {
  return phase_ == Phase::kRunning ? absl::OkStatus() : Closed();
}

absl::Status Committer::Impl::CheckRoom(const Unit& unit) const {
  if (queue_bytes_ + unit.size_bytes() + kUnitOverhead <= options_.queue_bytes_max) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      fmt::format("{} bytes wait to be committed by writer '{}', the bound is {}: come back later",
                  queue_bytes_, options_.writer, options_.queue_bytes_max));
}

absl::Status Committer::Impl::Enqueue(Unit unit, CommitCallback done, bool admitted) {
  if (unit.require_count() > 0) {
    return absl::InvalidArgumentError("a unit with requirements goes through a Transaction");
  }
  SKALD_RETURN_IF_ERROR(CheckLimits(unit, limits_));
  bool wake = false;
  {
    MutexLock lock(mutex_);
    SKALD_RETURN_IF_ERROR(CheckOpen());
    if (!admitted) SKALD_RETURN_IF_ERROR(CheckRoom(unit));
    Append(std::move(unit), std::move(done));
    wake = TakeSleeper();
  }
  if (wake) work_.NotifyOne();
  return absl::OkStatus();
}

bool Committer::Impl::TakeSleeper() {
  return std::exchange(sleeping_, false);
}

CommitGroup& Committer::Impl::GroupFor(const Unit& unit) {
  if (!queue_.empty()) {
    CommitGroup& last = *queue_.back();
    const bool fits = last.batch.units.size() < limits_.batch_units &&
                      last.unit_bytes + unit.size_bytes() <= limits_.batch_bytes;
    if (fits) return last;
  }
  if (spare_.empty()) {
    queue_.push_back(std::make_unique<CommitGroup>());
  } else {
    queue_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  queue_.back()->batch.ticket = next_ticket_;
  return *queue_.back();
}

void Committer::Impl::Append(Unit unit, CommitCallback done) {
  CommitGroup& group = GroupFor(unit);
  const size_t bytes = unit.size_bytes();
  SKALD_DCHECK(group.batch.ticket + group.batch.units.size() == next_ticket_);
  overlay_.Add(unit, fence_.writer, next_ticket_++);
  group.batch.units.push_back(std::move(unit));
  group.done.push_back(std::move(done));
  group.unit_bytes += bytes;
  group.bytes += bytes + kUnitOverhead;
  queue_bytes_ += bytes + kUnitOverhead;
}

absl::StatusOr<std::optional<Row>> Committer::Impl::Get(std::string_view key) {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kStopped) return Closed();
    if (const Overlay::Row* row = overlay_.Find(key)) return row->Copy();
  }
  return store_.Get(Space::kRows, key);
}

absl::Status Committer::Impl::health() const {
  MutexLock lock(mutex_);
  return health_;
}

Committer::Stats Committer::Impl::stats() const {
  MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.overlay_rows = overlay_.rows();
  stats.overlay_bytes = overlay_.kept_bytes();
  stats.queue_bytes = queue_bytes_;
  return stats;
}

absl::Status Committer::Impl::Shutdown(absl::Duration timeout) {
  SKALD_CHECK(!on_writer(), "Shutdown is called from a CommitCallback");
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kRunning) phase_ = Phase::kDraining;
    work_.NotifyAll();
  }
  if (!options_.own_thread) {
    while (Turn()) {
    }
  }
  const absl::Duration end = options_.clock->Boot() + timeout;
  MutexLock lock(mutex_);
  // Also of one that has stopped by itself: what it still tells and answers is waited for.
  while (options_.own_thread && !Settled()) {
    const absl::Duration left = end - options_.clock->Boot();
    if (left <= absl::ZeroDuration() || !idle_.WaitFor(mutex_, left)) break;
  }
  const bool settled = Settled() && !dropped_;
  phase_ = Phase::kStopped;
  work_.NotifyAll();
  if (!health_.ok()) return Closed();
  if (settled) return absl::OkStatus();
  lock.Unlock();
  if (!options_.own_thread) AnswerAll();
  return absl::DeadlineExceededError(fmt::format(
      "writer '{}' still had commits to settle when it was shut down", options_.writer));
}

void Committer::Impl::Close() {
  SKALD_CHECK(!on_writer(), "a Committer is destroyed in a CommitCallback");
  {
    MutexLock lock(mutex_);
    phase_ = Phase::kStopped;
    work_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  AnswerAll();
  {
    MutexLock lock(mutex_);
    answerer_ends_ = true;
    to_answer_.NotifyAll();
  }
  if (answerer_.joinable()) answerer_.join();
}

absl::StatusOr<std::unique_ptr<Committer>> Committer::Open(Store& store, CommitterOptions options) {
  absl::StatusOr<Acquired> acquired = store.Acquire(options.writer);
  if (!acquired.ok()) {
    return Annotate(acquired.status(), fmt::format("acquiring writer '{}'", options.writer));
  }
  auto impl = std::make_shared<Impl>(store, std::move(options), *acquired);
  SKALD_RETURN_IF_ERROR(impl->StartThread());
  return std::unique_ptr<Committer>(new Committer(std::move(impl)));
}

Committer::Committer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Committer::~Committer() {
  impl_->Close();
}

Transaction Committer::Begin() {
  return Transaction(std::make_unique<Transaction::State>(impl_));
}
absl::StatusOr<std::optional<Row>> Committer::Get(std::string_view key) {
  return impl_->Get(key);
}
absl::Status Committer::Enqueue(Unit unit, CommitCallback done, bool admitted) {
  return impl_->Enqueue(std::move(unit), std::move(done), admitted);
}
bool Committer::PollOnce() {
  SKALD_CHECK(!impl_->own_thread(), "PollOnce on a committer that has its own thread");
  return impl_->PollOnce();
}
absl::Status Committer::Shutdown(absl::Duration timeout) {
  return impl_->Shutdown(timeout);
}
Fence Committer::fence() const {
  return impl_->fence();
}
bool Committer::pumped() const {
  return !impl_->own_thread();
}
Store& Committer::store() const {
  return impl_->store();
}
absl::Status Committer::health() const {
  return impl_->health();
}
Committer::Stats Committer::stats() const {
  return impl_->stats();
}

}  // namespace skald::inline v1
