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
#include <thread>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "outbox_impl.h"
#include "outbox_rows.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1 {
namespace {

// Messages that are held in memory: those that are under way, and the next ones.
constexpr size_t kHeldMax = 4096;
// Of one key: a long queue behind one that is refused leaves room for others.
constexpr size_t kHeldPerKeyMax = 256;
// A message becomes visible after one with a higher id where its transaction takes longer. So an id
// that was passed over is looked for, for so long, before what lies behind it is taken: its key may
// have messages there. Its transaction may have been dropped, too, and then nobody tells.
constexpr absl::Duration kMissedFor = absl::Seconds(10);
constexpr size_t kMissedMax = 4096;
// From time to time all is looked at from the beginning.
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
        options_(options) {}

  void Run() {
    thread_ = std::thread([this] { Loop(); });
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

  void Loop() SKALD_EXCLUDES(mutex_);
  absl::Duration Now() const { return options_.clock->Boot(); }
  absl::Status Look() SKALD_EXCLUDES(mutex_);
  bool MayLook(uint64_t& from) SKALD_EXCLUDES(mutex_);
  absl::Status TakeMissed() SKALD_EXCLUDES(mutex_);
  void Take(uint64_t id, std::string_view value) SKALD_REQUIRES(mutex_);
  void Hold(uint64_t id, internal::OutboxRow row) SKALD_REQUIRES(mutex_);
  void NoteMissed(uint64_t id) SKALD_REQUIRES(mutex_);
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
  CondVar changed_;
  bool stopping_ SKALD_GUARDED_BY(mutex_) = false;
  uint64_t answers_ SKALD_GUARDED_BY(mutex_) = 0;
  // By key, in order of ids; the first one is the one that may be under way.
  absl::btree_map<std::string, std::deque<std::shared_ptr<Held>>> keys_ SKALD_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> known_ SKALD_GUARDED_BY(mutex_);  // held, or being removed
  // Keys of which a message was left for a later look; those behind it wait for that, too.
  absl::flat_hash_set<std::string> left_ SKALD_GUARDED_BY(mutex_);
  uint64_t look_from_ SKALD_GUARDED_BY(mutex_) = 0;
  // Ids below it were seen, or are missed: passed over, and looked for until then.
  uint64_t seen_until_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::btree_map<uint64_t, absl::Duration> missed_ SKALD_GUARDED_BY(mutex_);
  // Removed since the look that is under way began, which may see them still.
  absl::flat_hash_set<uint64_t> removed_ SKALD_GUARDED_BY(mutex_);
  absl::Duration look_next_ SKALD_GUARDED_BY(mutex_);
  absl::Duration look_back_ SKALD_GUARDED_BY(mutex_);
  absl::btree_map<uint64_t, absl::Time> ages_ SKALD_GUARDED_BY(mutex_);  // of those held
  Stats stats_ SKALD_GUARDED_BY(mutex_);
  std::thread thread_;
};

void Relay::Impl::Loop() {
  uint64_t seen = 0;
  while (true) {
    const absl::Duration next = Poll();
    MutexLock lock(mutex_);
    const absl::Duration wait = next - Now();
    if (!stopping_ && answers_ == seen && wait > absl::ZeroDuration()) {
      changed_.WaitFor(mutex_, wait);
    }
    seen = answers_;
    if (stopping_) return;
  }
}

void Relay::Impl::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
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

// RETURNS: whether it is time to, and there is room.
bool Relay::Impl::MayLook(uint64_t& from) {
  const MutexLock lock(mutex_);
  const absl::Duration now = Now();
  if (now < look_next_ || known_.size() >= kHeldMax) return false;
  look_next_ = now + options_.interval;
  if (now >= look_back_) {
    look_back_ = now + kLookBack;
    look_from_ = 0;
    left_.clear();
  }
  from = look_from_;
  removed_.clear();
  return true;
}

// Reads what is new.
absl::Status Relay::Impl::Look() {
  uint64_t from = 0;
  if (!MayLook(from)) return absl::OkStatus();
  std::string end = outbox_.pending;
  ++end.back();
  SKALD_ASSIGN_OR_RETURN(
      const std::unique_ptr<Cursor> cursor,
      outbox_.committer.store().Scan(Space::kRows, {internal::WithId(outbox_.pending, from), end}));
  // Behind the snapshot, and taken before it: whatever stands before a message in it is there.
  SKALD_RETURN_IF_ERROR(TakeMissed());
  for (; cursor->Valid(); cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const uint64_t id, internal::IdIn(cursor->key(), outbox_.pending));
    const MutexLock lock(mutex_);
    if (known_.size() >= kHeldMax) {
      look_next_ = Now();
      return absl::OkStatus();
    }
    look_from_ = std::max(look_from_, id + 1);
    NoteMissed(id);
    Take(id, cursor->value());
  }
  return cursor->status();
}

// What was passed over, and is visible by now.
absl::Status Relay::Impl::TakeMissed() {
  std::vector<uint64_t> missed;
  {
    const MutexLock lock(mutex_);
    const absl::Duration now = Now();
    absl::erase_if(missed_, [now](const auto& one) { return one.second <= now; });
    for (const auto& [id, until] : missed_) missed.push_back(id);
  }
  for (const uint64_t id : missed) {
    SKALD_ASSIGN_OR_RETURN(
        const std::optional<Row> row,
        outbox_.committer.store().Get(Space::kRows, internal::WithId(outbox_.pending, id)));
    if (!row) continue;
    const MutexLock lock(mutex_);
    missed_.erase(id);
    Take(id, row->value);
  }
  return absl::OkStatus();
}

// `id` is seen: those before it that are not are missed, but for those of earlier openings.
void Relay::Impl::NoteMissed(uint64_t id) {
  missed_.erase(id);
  if (id < seen_until_) return;
  const uint64_t opened = id >> Outbox::Impl::kCountBits << Outbox::Impl::kCountBits;
  uint64_t first = std::max(seen_until_, opened);
  if (id - first > kMissedMax) first = id - kMissedMax;
  seen_until_ = id + 1;
  if (id < outbox_.opened_at) return;
  const absl::Duration until = Now() + kMissedFor;
  for (; first < id; ++first) missed_.emplace(first, until);
  while (missed_.size() > kMissedMax) missed_.erase(missed_.begin());
}

void Relay::Impl::Take(uint64_t id, std::string_view value) {
  if (known_.contains(id) || removed_.contains(id)) return;
  absl::StatusOr<internal::OutboxRow> row = internal::DecodeOutboxRow(value);
  if (!row.ok()) {
    // Nobody can publish it, and it stays where a person finds it.
    known_.insert(id);
    ++stats_.failed;
    return;
  }
  const auto before = keys_.find(row->message.key);
  if (before != keys_.end() && before->second.size() >= kHeldPerKeyMax) {
    left_.insert(row->message.key);
  }
  if (!left_.contains(row->message.key)) Hold(id, *std::move(row));
}

void Relay::Impl::Hold(uint64_t id, internal::OutboxRow row) {
  known_.insert(id);
  auto held = std::make_shared<Held>();
  held->id = id;
  held->row = std::move(row);
  ages_.emplace(id, held->row.added);
  auto& queue = keys_[held->row.message.key];
  const auto after =
      std::find_if(queue.begin(), queue.end(), [id](const auto& other) { return other->id > id; });
  // What is under way stays first.
  queue.insert(after == queue.begin() && !queue.empty() && queue.front()->sent ? after + 1 : after,
               std::move(held));
}

// The first of each key that may be sent now. `next`: when another may be.
std::vector<std::shared_ptr<Relay::Impl::Held>> Relay::Impl::Due(absl::Duration& next) {
  std::vector<std::shared_ptr<Held>> due;
  const MutexLock lock(mutex_);
  const absl::Duration now = Now();
  for (auto& [key, queue] : keys_) {
    if (stats_.in_flight >= options_.in_flight_max || stopping_) break;
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
  return std::min(next, look_next_);
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
  if (status.ok()) return Remove(held, "");
  if (IsForGood(status)) return Remove(held, status.ToString());
  {
    const MutexLock lock(mutex_);
    ++stats_.failed;
    Later(*held);
    ++answers_;
  }
  changed_.NotifyAll();
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
    ++answers_;
    if (!status.ok()) {
      // It is there still, or may be: published again.
      ++stats_.failed;
      Later(*held);
    } else {
      --stats_.in_flight;
      ++(parked ? stats_.parked : stats_.published);
      known_.erase(held->id);
      removed_.insert(held->id);
      ages_.erase(held->id);
      const auto queue = keys_.find(held->row.message.key);
      std::erase(queue->second, held);
      const bool drained = queue->second.empty();
      if (drained) keys_.erase(queue);
      // What was left behind it can be taken now.
      if (drained && left_.contains(held->row.message.key)) look_next_ = look_back_ = Now();
      // Room for more.
      if (known_.size() + 1 == kHeldMax) look_next_ = Now();
    }
  }
  changed_.NotifyAll();
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
