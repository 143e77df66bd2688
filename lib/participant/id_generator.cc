#include "skald/participant/id_generator.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "skald/base/bytes.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

constexpr int kSequenceBits = 14;
constexpr int kWorkerBits = 8;
constexpr int64_t kMillisMax = (int64_t{1} << 41) - 1;
constexpr uint8_t kFormat = 1;
constexpr absl::Duration kReserveMin = absl::Milliseconds(100);
constexpr absl::Duration kReserveMax = absl::Hours(1);
// The first span is short, and each next one twice as long: a process that is started again and
// again does not push its ids ahead of the clock.
constexpr int64_t kFirstSpanMillis = 20;
static_assert(kIdsPerMillisecond == 1U << kSequenceBits && kIdWorkers == 1U << kWorkerBits);

// 2020-01-01T00:00:00Z
const absl::Time kEpoch = absl::FromUnixSeconds(1'577'836'800);

// Counts the forks that led to this process.
std::atomic<uint32_t> forks{0};
void CountForks() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
  static_cast<void>(registered);
}

std::string RowOf(uint16_t worker) {
  return fmt::format("~i/{:03}", worker);
}

std::string Encode(int64_t until) {
  std::string bytes;
  ByteWriter(&bytes).U8(kFormat).Little(static_cast<uint64_t>(until));
  return bytes;
}

absl::StatusOr<int64_t> Decode(std::string_view bytes, std::string_view key) {
  ByteReader in(bytes);
  if (in.U8() != kFormat) in.Fail();
  const auto until = static_cast<int64_t>(in.Little<uint64_t>());
  if (until < 0 || until > kMillisMax) in.Fail();
  SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("ids' row '{}'", key)));
  return until;
}

absl::Status CheckOptions(const IdGeneratorOptions& options) {
  const auto refuse = [](std::string why) {
    return absl::InvalidArgumentError(ToAbsl("opening an id generator: " + why));
  };
  if (options.worker >= kIdWorkers) {
    return refuse(fmt::format("worker {} is out of range, there are 0 to {}", options.worker,
                              kIdWorkers - 1));
  }
  if (options.reserve_ahead < kReserveMin || options.reserve_ahead > kReserveMax) {
    return refuse(fmt::format("reserve_ahead is {}; it lies between 100ms and 1h",
                              absl::FormatDuration(options.reserve_ahead)));
  }
  if (options.step_back_max < absl::ZeroDuration()) return refuse("step_back_max is negative");
  return absl::OkStatus();
}

}  // namespace

struct IdGenerator::State : std::enable_shared_from_this<State> {
  State(Committer& c, const IdGeneratorOptions& o) : committer(c), options(o) {}

  int64_t WallMillis() const { return absl::ToInt64Milliseconds(options.clock->Wall() - kEpoch); }
  // A span is asked for when half of the last one is left: together they are what is reserved.
  int64_t SpanMax() const { return absl::ToInt64Milliseconds(options.reserve_ahead) * 2 / 3; }
  int64_t BootMillis() const { return absl::ToInt64Milliseconds(options.clock->Boot()); }

  // As far as ids may get: at the pace of the boot-time clock, and never behind the wall clock.
  int64_t Limit(int64_t wall) {
    const int64_t boot = BootMillis();
    int64_t ahead = offset.load(std::memory_order_relaxed);
    while (wall - boot > ahead &&
           !offset.compare_exchange_weak(ahead, wall - boot, std::memory_order_relaxed)) {
    }
    return boot + std::max(ahead, wall - boot);
  }

  absl::Status CheckClock(int64_t reached, int64_t wall) const;
  void ReserveAhead(int64_t reached);
  absl::Status Reserve(int64_t from) SKALD_EXCLUDES(mutex);
  void Reserved(int64_t until, const absl::Status& status) SKALD_EXCLUDES(mutex);

  Committer& committer;
  const IdGeneratorOptions options;
  const uint32_t forks_at_open = forks.load();

  std::atomic<int64_t> offset{INT64_MIN};       // of Limit to boot time, in milliseconds
  std::atomic<uint64_t> last{0};                // milliseconds and sequence of the last id
  std::atomic<int64_t> reserved_until{0};       // ids below this time may be given out
  std::atomic<int64_t> span{kFirstSpanMillis};  // how much is reserved next
  std::atomic<bool> reserving{false};           // a reservation is under way
  std::atomic<bool> stopped{false};             // another generator has the worker

  Mutex mutex;
  CondVar changed;
  int64_t written SKALD_GUARDED_BY(mutex) = 0;   // what our row says, durable or on its way
  absl::Status failure SKALD_GUARDED_BY(mutex);  // of the last reservation
};

absl::Status IdGenerator::State::CheckClock(int64_t reached, int64_t wall) const {
  const absl::Duration behind = absl::Milliseconds(reached - wall);
  if (behind <= options.step_back_max + options.reserve_ahead || options.go_on) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("the wall clock says {}, and ids of this worker have reached {}: it stepped back "
                  "by more than "
                  "step_back_max ({}), or an earlier generator reserved further ahead. Set it "
                  "right, or let ids "
                  "go on from there (IdGeneratorOptions::go_on)",
                  absl::FormatTime(kEpoch + absl::Milliseconds(wall), absl::UTCTimeZone()),
                  absl::FormatTime(kEpoch + absl::Milliseconds(reached), absl::UTCTimeZone()),
                  absl::FormatDuration(options.step_back_max)));
}

// Puts the end of the reserved span to `from` and the span behind it. Only who has read the row as
// this generator wrote it may write it.
absl::Status IdGenerator::State::Reserve(int64_t from) {
  Transaction rows = committer.Begin();
  const std::string key = RowOf(options.worker);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(key));
  int64_t before = 0;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(before, skald::Decode(*row, key));
  }
  MutexLock lock(mutex);
  if (before != written && !SKALD_SABOTAGED(kSharesWorker)) {
    // The reason first: whoever sees that it has stopped tells it.
    failure = absl::AbortedError(
        fmt::format("another generator has taken worker {}: give each its own, and open again",
                    options.worker));
    stopped.store(true);
    return failure;
  }
  if (options.lease != nullptr) {
    lock.Unlock();
    const absl::Status ours = options.lease->Guard(rows);
    // Not for good: it may be taken again before anybody else has reserved.
    if (!ours.ok()) {
      return absl::UnavailableError(
          fmt::format("worker {} is not held now: {}", options.worker, ToStd(ours.message())));
    }
    lock.Lock();
  }
  const int64_t until = std::max(from, before) + span.load();
  if (until > kMillisMax) {
    return absl::FailedPreconditionError("the time of ids ends in the year 2089");
  }
  if (SKALD_SABOTAGED(kIdsUnreserved)) reserved_until.store(until);
  rows.Put(key, skald::Encode(until));
  lock.Unlock();
  return std::move(rows).CommitThen([self = shared_from_this(), until](const absl::Status& status) {
    self->Reserved(until, status);
  });
}

void IdGenerator::State::Reserved(int64_t until, const absl::Status& status) {
  {
    const MutexLock lock(mutex);
    if (!stopped.load()) failure = status;
    if (status.ok()) {
      written = until;
      reserved_until.store(until, std::memory_order_release);
      span.store(std::min(span.load() * 2, SpanMax()));
    }
    // Under the lock, or Open could look just before and sleep just behind it.
    reserving.store(false, std::memory_order_release);
  }
  changed.NotifyAll();
}

// Asks for the next span when half of this one is used.
void IdGenerator::State::ReserveAhead(int64_t reached) {
  const int64_t left = reserved_until.load(std::memory_order_acquire) - reached;
  if (left * 2 > span.load(std::memory_order_relaxed)) return;
  if (reserving.load(std::memory_order_relaxed) || reserving.exchange(true)) return;
  if (const absl::Status asked = Reserve(reached); !asked.ok()) Reserved(0, asked);
}

IdGenerator::IdGenerator(std::shared_ptr<State> state) : state_(std::move(state)) {}
IdGenerator::~IdGenerator() = default;

absl::StatusOr<std::unique_ptr<IdGenerator>> IdGenerator::Open(Committer& committer,
                                                               IdGeneratorOptions options) {
  CountForks();
  SKALD_RETURN_IF_ERROR(CheckOptions(options));
  auto state = std::make_shared<State>(committer, options);
  const std::string key = RowOf(options.worker);
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row, committer.Get(key));
  int64_t begin = 0;
  if (row) {
    SKALD_ASSIGN_OR_RETURN(begin, skald::Decode(row->value, key));
  }
  const int64_t wall = state->WallMillis();
  if (wall < 0) {
    return absl::FailedPreconditionError(
        fmt::format("opening an id generator: the wall clock says {}, before ids begin in 2020",
                    absl::FormatTime(options.clock->Wall(), absl::UTCTimeZone())));
  }
  {
    const MutexLock lock(state->mutex);
    state->written = begin;
  }
  // Whatever was given out lies before `begin`.
  const int64_t now = std::max(begin, wall);
  SKALD_RETURN_IF_ERROR(Annotate(state->CheckClock(now, wall), "opening an id generator"));
  state->offset.store(now - state->BootMillis());
  state->last.store((static_cast<uint64_t>(now) << kSequenceBits) - (now > 0 ? 1 : 0));
  state->reserving.store(true);
  SKALD_RETURN_IF_ERROR(state->Reserve(now));
  while (committer.pumped() && state->reserving.load() && committer.PollOnce()) {
  }
  if (committer.pumped() && state->reserving.load()) {
    return absl::UnavailableError("reserving the first ids is not settled yet: open again");
  }
  MutexLock lock(state->mutex);
  while (state->reserving.load()) state->changed.Wait(state->mutex);
  SKALD_RETURN_IF_ERROR(Annotate(state->failure, "reserving the first ids"));
  return std::unique_ptr<IdGenerator>(new IdGenerator(state));
}

absl::StatusOr<uint64_t> IdGenerator::TryNext() {
  State& state = *state_;
  if (forks.load(std::memory_order_relaxed) != state.forks_at_open) {
    return absl::FailedPreconditionError(
        "this process was forked from the one that opened the id generator: open one of its own");
  }
  if (state.stopped.load(std::memory_order_relaxed)) {
    const MutexLock lock(state.mutex);
    return state.failure;
  }
  const int64_t wall = state.WallMillis();
  const int64_t limit = state.Limit(wall);
  uint64_t last = state.last.load(std::memory_order_relaxed);
  const int64_t reached = std::max(static_cast<int64_t>(last >> kSequenceBits), wall);
  SKALD_RETURN_IF_ERROR(state.CheckClock(reached, wall));
  state.ReserveAhead(reached);
  const int64_t until = state.reserved_until.load(std::memory_order_acquire);
  const uint64_t begin = static_cast<uint64_t>(std::max<int64_t>(wall, 0)) << kSequenceBits;
  uint64_t next = 0;
  do {
    next = std::max(last + 1, begin);
    if (SKALD_SABOTAGED(kIdsByTheClock) && begin >> kSequenceBits != last >> kSequenceBits) {
      next = begin;
    }
    const auto millis = static_cast<int64_t>(next >> kSequenceBits);
    if (millis > limit) {
      return absl::UnavailableError("all ids of this millisecond are given out: ask again");
    }
    if (millis >= until) {
      const MutexLock lock(state.mutex);
      return absl::UnavailableError(
          fmt::format("the next ids are not reserved yet: ask again{}{}",
                      state.failure.ok() ? "" : "; the last try: ",
                      state.failure.ok() ? "" : ToStd(state.failure.message())));
    }
  } while (!state.last.compare_exchange_weak(last, next, std::memory_order_relaxed));
  const uint64_t sequence = next & (kIdsPerMillisecond - 1);
  return (next >> kSequenceBits << (kWorkerBits + kSequenceBits)) |
         uint64_t{state.options.worker} << kSequenceBits | sequence;
}

absl::StatusOr<uint64_t> IdGenerator::Next() {
  constexpr absl::Duration kLook = absl::Microseconds(200);
  // Real time: somebody really waits.
  const absl::Duration end = Clock::Real().Boot() + state_->options.reserve_ahead;
  while (true) {
    absl::StatusOr<uint64_t> id = TryNext();
    if (id.ok() || !absl::IsUnavailable(id.status())) return id;
    if (Clock::Real().Boot() >= end) return id;
    MutexLock lock(state_->mutex);
    state_->changed.WaitFor(state_->mutex, kLook);
  }
}

absl::StatusOr<IdGenerator::Parts> IdGenerator::Decode(uint64_t id) {
  if (id >> 63 != 0) {
    return absl::InvalidArgumentError(
        fmt::format("{} is no id of a generator: those have 63 bits", id));
  }
  const auto millis = static_cast<int64_t>(id >> (kWorkerBits + kSequenceBits));
  return Parts{kEpoch + absl::Milliseconds(millis),
               static_cast<uint16_t>(id >> kSequenceBits & (kIdWorkers - 1)),
               static_cast<uint16_t>(id & (kIdsPerMillisecond - 1))};
}

}  // namespace skald::inline v1
