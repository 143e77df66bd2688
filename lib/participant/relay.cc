// The relay: messages from an outbox' rows to a publisher.
//
//   rows in order of ids -> a queue a key -> the first of each key is published, up to
//   in_flight_max confirmed -> its row is deleted; refused for good -> its row is parked; else ->
//   tried again later

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "outbox_impl.h"
#include "outbox_rows.h"
#include "skald/async/internal/poll_thread.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1 {
namespace {

// Messages that are held in memory: those that are under way, and the next ones.
constexpr size_t kHeldMax = 4096;
constexpr size_t kRoomAgain = kHeldMax / 4 * 3;
// Of one key: a long queue behind one that is refused leaves room for others.
constexpr size_t kHeldPerKeyMax = 256;
// Ids ascend in the order in which messages become durable, so what is new has higher ones. From
// time to time all is looked at from the beginning: for keys of which messages were left, and
// should an outbox have been opened while transactions of an earlier one were still under way.
constexpr absl::Duration kLookBack = absl::Seconds(10);

// The publisher says that it never will.
bool IsForGood(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsNotFound(status) || absl::IsUnimplemented(status);
}

}  // namespace

class Relay::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(std::shared_ptr<Outbox::Impl> outbox, Publisher& publisher, RelayOptions options)
      : outbox_owner_(std::move(outbox)),
        outbox_(*outbox_owner_),
        publisher_(publisher),
        options_(options),
        thread_(*options_.clock) {}

  void Run() {
    thread_.Start([this] { return Poll(); });
  }
  void Stop() SKALD_EXCLUDES(mutex_);
  absl::Duration Poll() SKALD_EXCLUDES(mutex_);
  Stats stats() const SKALD_EXCLUDES(mutex_);

 private:
  // One message on its way.
  struct Held {
    uint64_t id = 0;
    internal::OutboxRow row;
    bool sent = false;
    uint32_t tries = 0;
    absl::Duration next = -absl::InfiniteDuration();  // not before
  };

  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Status Look() SKALD_EXCLUDES(mutex_);
  absl::Status ReadFrom(uint64_t from) SKALD_EXCLUDES(mutex_);
  bool Hold(uint64_t id, std::string_view value) SKALD_REQUIRES(mutex_);
  std::vector<std::shared_ptr<Held>> Due(absl::Duration& next) SKALD_EXCLUDES(mutex_);
  void Answered(const std::shared_ptr<Held>& held, const absl::Status& status)
      SKALD_EXCLUDES(mutex_);
  void Later(Held& held) SKALD_REQUIRES(mutex_);
  void Remove(const std::shared_ptr<Held>& held, const std::string& reason) SKALD_EXCLUDES(mutex_);
  void Removed(const std::shared_ptr<Held>& held, bool parked, const absl::Status& status)
      SKALD_EXCLUDES(mutex_);

  const std::shared_ptr<Outbox::Impl> outbox_owner_;
  Outbox::Impl& outbox_;
  Publisher& publisher_;
  const RelayOptions options_;

  mutable Mutex mutex_;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  // By key, in order of ids; the first one is the one that may be under way.
  absl::btree_map<std::string, std::deque<std::shared_ptr<Held>>> keys_ SKALD_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> known_ SKALD_GUARDED_BY(mutex_);  // held, or being removed
  // Keys of which a message was left for a later look; those behind it wait for that, too.
  absl::flat_hash_set<std::string> left_ SKALD_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> damaged_ SKALD_GUARDED_BY(mutex_);
  uint64_t look_from_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Duration look_next_ SKALD_GUARDED_BY(mutex_);
  absl::Duration look_back_ SKALD_GUARDED_BY(mutex_);
  // Removed since the look that is under way began: it may see their rows still.
  bool looking_ SKALD_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<uint64_t> gone_ SKALD_GUARDED_BY(mutex_);
  absl::btree_map<uint64_t, absl::Time> ages_ SKALD_GUARDED_BY(mutex_);  // of those held
  Stats stats_ SKALD_GUARDED_BY(mutex_);
  internal::PollThread thread_;
};

void Relay::Impl::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  thread_.Stop();
}

Relay::Stats Relay::Impl::stats() const {
  const MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.waiting = ages_.size() - std::min(ages_.size(), stats.in_flight);
  if (!ages_.empty()) {
    stats.lag = std::max(absl::ZeroDuration(), options_.clock->Wall() - ages_.begin()->second);
  }
  return stats;
}

// Reads what is new.
absl::Status Relay::Impl::Look() {
  uint64_t from = 0;
  {
    const MutexLock lock(mutex_);
    const absl::Duration now = Now();
    if (now < look_next_ || known_.size() >= kHeldMax) return absl::OkStatus();
    look_next_ = now + options_.interval;
    if (now >= look_back_) {
      look_back_ = now + kLookBack;
      look_from_ = 0;
      left_.clear();
    }
    from = look_from_;
    looking_ = true;
  }
  const absl::Status read = ReadFrom(from);
  const MutexLock lock(mutex_);
  looking_ = false;
  gone_.clear();
  return read;
}

absl::Status Relay::Impl::ReadFrom(uint64_t from) {
  std::string end = outbox_.pending;
  ++end.back();
  SKALD_ASSIGN_OR_RETURN(
      const std::unique_ptr<Cursor> cursor,
      outbox_.committer.store().Scan(Space::kRows, {internal::WithId(outbox_.pending, from), end}));
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const uint64_t id, internal::IdIn(cursor->key(), outbox_.pending));
    const MutexLock lock(mutex_);
    if (!Hold(id, cursor->value())) return absl::OkStatus();
  }
  return cursor->status();
}

// RETURNS: false: there is no room for it.
bool Relay::Impl::Hold(uint64_t id, std::string_view value) {
  if (known_.size() >= kHeldMax) return false;
  look_from_ = std::max(look_from_, id + 1);
  if (known_.contains(id) || gone_.contains(id)) return true;
  absl::StatusOr<internal::OutboxRow> row = internal::DecodeOutboxRow(value);
  if (!row.ok()) {
    // Nobody can publish it, and it stays where a person finds it.
    stats_.damaged += damaged_.insert(id).second;
    return true;
  }
  const auto before = keys_.find(row->message.key);
  if (before != keys_.end() && before->second.size() >= kHeldPerKeyMax) {
    left_.insert(row->message.key);
  }
  if (left_.contains(row->message.key)) return true;
  known_.insert(id);
  auto held = std::make_shared<Held>();
  held->id = id;
  held->row = *std::move(row);
  ages_.emplace(id, held->row.added);
  auto& queue = keys_[held->row.message.key];
  const auto after =
      std::find_if(queue.begin(), queue.end(), [id](const auto& other) { return other->id > id; });
  // What is under way stays first.
  queue.insert(after == queue.begin() && !queue.empty() && queue.front()->sent ? after + 1 : after,
               std::move(held));
  return true;
}

// The first of each key that may be sent now. `next`: when another may be.
std::vector<std::shared_ptr<Relay::Impl::Held>> Relay::Impl::Due(absl::Duration& next) {
  std::vector<std::shared_ptr<Held>> due;
  const MutexLock lock(mutex_);
  const absl::Duration now = Now();
  for (auto& [key, queue] : keys_) {
    if (stats_.in_flight >= options_.in_flight_max || stopping_) break;
    if (SKALD_SABOTAGED(kOvertakesMessages)) {
      for (const std::shared_ptr<Held>& any : queue) {
        if (std::exchange(any->sent, true)) continue;
        ++any->tries;
        ++stats_.in_flight;
        due.push_back(any);
      }
      continue;
    }
    Held& first = *queue.front();
    if (first.sent) continue;
    if (first.next > now) {
      next = std::min(next, first.next);
      continue;
    }
    first.sent = true;
    ++first.tries;
    ++stats_.in_flight;
    due.push_back(queue.front());
  }
  return due;
}

absl::Duration Relay::Impl::Poll() {
  const absl::Status looked = Look();
  absl::Duration next = Now() + options_.interval;
  for (const std::shared_ptr<Held>& held : Due(next)) {
    publisher_.Publish({outbox_.options.name, held->id, held->row.added, held->row.message},
                       [self = shared_from_this(), held](const absl::Status& status) {
                         self->Answered(held, status);
                       });
  }
  const MutexLock lock(mutex_);
  // A store that cannot be read now is read again.
  if (!looked.ok()) ++stats_.failed;
  // Without room there is nothing to look for, until an answer makes some.
  return known_.size() >= kHeldMax ? next : std::min(next, look_next_);
}

void Relay::Impl::Later(Held& held) {
  const double doublings = std::min(held.tries - 1, 40U);
  const absl::Duration most =
      std::min(options_.delay_max, options_.delay_min * std::exp2(doublings));
  held.sent = false;
  held.next = Now() + most * options_.random->UnitInterval();
  --stats_.in_flight;
}

void Relay::Impl::Answered(const std::shared_ptr<Held>& held, const absl::Status& status) {
  if (status.ok() || SKALD_SABOTAGED(kForgetsUnconfirmed)) return Remove(held, "");
  if (IsForGood(status)) return Remove(held, status.ToString());
  {
    const MutexLock lock(mutex_);
    ++stats_.failed;
    Later(*held);
  }
  thread_.Wake();
}

// Takes the row away, or parks it when there is a reason. Until that is durable the key waits: a
// message behind it must not overtake one that may be published again.
void Relay::Impl::Remove(const std::shared_ptr<Held>& held, const std::string& reason) {
  Unit unit;
  unit.Delete(Space::kRows, internal::WithId(outbox_.pending, held->id));
  if (!reason.empty()) {
    internal::OutboxRow row = held->row;
    row.reason = reason;
    unit.Put(Space::kRows, internal::WithId(outbox_.parked, held->id),
             internal::EncodeOutboxRow(row));
  }
  const bool parked = !reason.empty();
  absl::Status queued;
  {
    // Whoever is told that this relay has stopped may take the committer away.
    const MutexLock lock(mutex_);
    if (stopping_) return;
    queued = outbox_.committer.Enqueue(
        std::move(unit), [self = shared_from_this(), held, parked](const absl::Status& status) {
          self->Removed(held, parked, status);
        });
  }
  if (!queued.ok()) Removed(held, parked, queued);
}

void Relay::Impl::Removed(const std::shared_ptr<Held>& held, bool parked,
                          const absl::Status& status) {
  {
    const MutexLock lock(mutex_);
    if (!status.ok()) {
      // It is there still, or may be: published again.
      ++stats_.failed;
      Later(*held);
    } else {
      --stats_.in_flight;
      ++(parked ? stats_.parked : stats_.published);
      known_.erase(held->id);
      if (looking_) gone_.insert(held->id);
      ages_.erase(held->id);
      const auto queue = keys_.find(held->row.message.key);
      std::erase(queue->second, held);
      const bool drained = queue->second.empty();
      if (drained) keys_.erase(queue);
      // What was left behind it can be taken now.
      if (drained && left_.contains(held->row.message.key)) look_next_ = look_back_ = Now();
      // Room for more, and for enough to be worth a look.
      if (known_.size() == kRoomAgain) look_next_ = Now();
    }
  }
  thread_.Wake();
}

Relay::Relay(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Relay::~Relay() {
  impl_->Stop();
}

absl::StatusOr<std::unique_ptr<Relay>> Relay::Open(Outbox& outbox, Publisher& publisher,
                                                   RelayOptions options) {
  const bool sane = options.in_flight_max > 0 && options.delay_min > absl::ZeroDuration() &&
                    options.delay_max >= options.delay_min &&
                    options.interval > absl::ZeroDuration();
  if (!sane) {
    return absl::InvalidArgumentError(
        "opening a relay: in_flight_max, delay_min and interval must be positive, and delay_max at "
        "least delay_min");
  }
  auto impl = std::make_shared<Impl>(outbox.impl_, publisher, options);
  if (options.own_thread) impl->Run();
  return std::unique_ptr<Relay>(new Relay(std::move(impl)));
}

absl::Duration Relay::Poll() {
  return impl_->Poll();
}
Relay::Stats Relay::stats() const {
  return impl_->stats();
}

}  // namespace skald::inline v1
