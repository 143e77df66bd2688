// What Committer and Transaction share. One mutex; under it neither user code nor I/O.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "overlay.h"
#include "skald/base/mutex.h"
#include "skald/store/committer.h"
#include "touched_rows.h"

namespace skald::inline v1 {

// What a queued or kept unit costs beyond its bytes, so that empty ones are bounded too.
inline constexpr size_t kUnitOverhead = sizeof(Unit) + sizeof(CommitCallback);

// Most transactions write a few rows: room for them at once instead of by doubling.
inline constexpr size_t kUnitBytesAtFirst = 512;

inline void Answer(CommitCallback& done, const absl::Status& status) {
  if (!done) return;  // it was answered before, or nobody asked
  CommitCallback call = std::move(done);
  done = nullptr;
  std::move(call)(status);
}

// A write whose key is completed when the transaction is queued.
struct NumberedWrite {
  size_t at;  // in the unit
  std::shared_ptr<Sequence> sequence;
};

struct Transaction::State {
  explicit State(std::shared_ptr<Committer::Impl> owner) : impl(std::move(owner)) {}
  ~State();

  std::shared_ptr<Committer::Impl> impl;
  std::optional<uint64_t> began;  // the overlay's place, from the first read on
  TouchedRows rows;
  Unit unit;
  std::vector<NumberedWrite> numbered;
  absl::Status failed;  // a read that did not work or found a row changed
};

class Committer::Impl {
 public:
  Impl(Store& store, CommitterOptions options, const Acquired& acquired);

  absl::Status StartThread();
  void Close();  // stops, joins, answers what is left

  absl::Status Enqueue(Unit unit, CommitCallback done, bool admitted) SKALD_EXCLUDES(mutex_);
  absl::Status EnqueueTransaction(Transaction::State& tx, CommitCallback done)
      SKALD_EXCLUDES(mutex_);
  absl::StatusOr<std::optional<Row>> Get(std::string_view key) SKALD_EXCLUDES(mutex_);
  // The same, and registers `tx` as a reader before its first look.
  absl::StatusOr<std::optional<Row>> GetFor(Transaction::State& tx, std::string_view key)
      SKALD_EXCLUDES(mutex_);
  void EndReading(Transaction::State& tx) SKALD_EXCLUDES(mutex_);  // at the latest when it goes
  // Under the mutex, in the queue's order.
  static void DrawNumbers(Transaction::State& tx);

  bool PollOnce() { return Turn(); }
  absl::Status Shutdown(absl::Duration timeout) SKALD_EXCLUDES(mutex_);
  // Whether this is a callback: what waits there waits for itself.
  bool on_writer() const {
    if (!options_.own_thread) return in_turn_;
    const std::thread::id here = std::this_thread::get_id();
    return here == thread_.get_id() || here == answerer_id_.load(std::memory_order_relaxed);
  }
  bool own_thread() const { return options_.own_thread; }
  Fence fence() const { return fence_; }
  Store& store() const { return store_; }
  absl::Status health() const SKALD_EXCLUDES(mutex_);
  Stats stats() const SKALD_EXCLUDES(mutex_);

 private:
  enum class Phase : uint8_t { kRunning, kDraining, kStopped };

  // The queue's side.
  absl::Status Closed() const SKALD_REQUIRES(mutex_);  // why nothing more is taken
  absl::Status CheckOpen() const SKALD_REQUIRES(mutex_);
  absl::Status CheckRoom(const Unit& unit) const SKALD_REQUIRES(mutex_);
  void Append(Unit unit, CommitCallback done) SKALD_REQUIRES(mutex_);
  CommitGroup& GroupFor(const Unit& unit) SKALD_REQUIRES(mutex_);
  bool TakeSleeper() SKALD_REQUIRES(mutex_);  // whether the caller is to wake the writer
  // Registers `tx` as a reader and gives it memory for what it may write.
  void BeginReading(Transaction::State& tx) SKALD_REQUIRES(mutex_);
  std::optional<std::string_view> ChangedRow(const Transaction::State& tx) const
      SKALD_REQUIRES(mutex_);
  void EndReadingLocked(Transaction::State& tx) SKALD_REQUIRES(mutex_);
  absl::Status ReadAgain(Transaction::State& tx) SKALD_EXCLUDES(mutex_);

  // The one writer's side: its thread, or whoever calls PollOnce.
  void Run() SKALD_EXCLUDES(mutex_);
  bool WaitForWork() SKALD_EXCLUDES(mutex_);
  bool Turn() SKALD_EXCLUDES(mutex_);
  bool TakeGroup() SKALD_EXCLUDES(mutex_);
  void Attempt();
  void OnDurable();
  void OnFailedUnits(const std::vector<uint32_t>& failed);
  void OnUnknown(const absl::Status& error);
  void Forget() SKALD_EXCLUDES(mutex_);
  void Recycle(std::unique_ptr<CommitGroup> group) SKALD_EXCLUDES(mutex_);
  void Finish(std::unique_ptr<CommitGroup> group) SKALD_EXCLUDES(mutex_);
  // Leaves the group in flight to the answerer. RETURNS: false: the writer is to answer it itself,
  // and may: all groups before are answered.
  bool HandOver() SKALD_EXCLUDES(mutex_);
  bool StartAnswerer();
  void WaitForAnswerer() SKALD_EXCLUDES(mutex_);  // until it has nothing to do
  bool AnswererIdle() const SKALD_REQUIRES(mutex_) {
    return answering_ == nullptr && !answerer_busy_;
  }
  bool Settled() const SKALD_REQUIRES(mutex_) { return !busy_ && queue_.empty() && AnswererIdle(); }

  // The answerer's side: its thread.
  void RunAnswerer() SKALD_EXCLUDES(mutex_);
  void Stop(const absl::Status& why) SKALD_EXCLUDES(mutex_);
  void AnswerAll() SKALD_EXCLUDES(mutex_);
  void Tell(Severity severity, std::string_view kind, const absl::Status& what);

  Store& store_;
  const CommitterOptions options_;
  const Fence fence_;
  const StoreLimits limits_;
  std::thread thread_;
  // Answers large groups while the writer commits the next; started when there is the first one.
  std::thread answerer_;
  std::atomic<std::thread::id> answerer_id_{};
  bool answerer_refused_ = false;  // the writer's

  // Of the one writer.
  std::unique_ptr<CommitGroup> in_flight_;
  uint64_t next_number_;
  absl::Duration unsettled_since_ = absl::InfiniteDuration();  // infinite: nothing is unsettled
  absl::Duration backoff_ = absl::ZeroDuration();
  absl::Duration retry_at_ = absl::ZeroDuration();  // by the clock's Boot()
  bool in_turn_ = false;

  mutable Mutex mutex_;
  CondVar work_;       // the writer waits here
  CondVar idle_;       // Shutdown waits here
  CondVar to_answer_;  // the answerer waits here
  CondVar answered_;   // the writer waits here for the answerer
  Phase phase_ SKALD_GUARDED_BY(mutex_) = Phase::kRunning;
  bool sleeping_ SKALD_GUARDED_BY(mutex_) = false;
  bool busy_ SKALD_GUARDED_BY(mutex_) = false;  // the writer has a group in flight or answers one
  // Durable, and the next that the answerer is to answer. No more than one: it would only be
  // memory.
  std::unique_ptr<CommitGroup> answering_ SKALD_GUARDED_BY(mutex_);
  bool answerer_busy_ SKALD_GUARDED_BY(mutex_) = false;
  bool answerer_ends_ SKALD_GUARDED_BY(mutex_) = false;
  bool dropped_ SKALD_GUARDED_BY(mutex_) = false;  // something was answered without being settled
  std::deque<std::unique_ptr<CommitGroup>> queue_ SKALD_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<CommitGroup>> spare_ SKALD_GUARDED_BY(mutex_);
  std::vector<Unit> spare_units_ SKALD_GUARDED_BY(mutex_);  // empty, with their memory
  size_t queue_bytes_ SKALD_GUARDED_BY(mutex_) = 0;
  uint64_t next_ticket_ SKALD_GUARDED_BY(mutex_);
  Overlay overlay_ SKALD_GUARDED_BY(mutex_);
  absl::Status health_ SKALD_GUARDED_BY(mutex_);
  Stats stats_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1
