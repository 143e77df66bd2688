#include "replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "sagas.h"
#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

using skald::SagaState;

constexpr absl::Duration kGlance = absl::Milliseconds(100);
constexpr size_t kStuckExamples = 5;

// "out of stock: 6 of 85123A wanted, 2 there" → "out of stock".
std::string KindOfReason(const std::string& reason) {
  return reason.substr(0, reason.find(':'));
}

// What the callbacks and the loop that places orders share. Callbacks run on the coordinator's
// loop; those that come after the loop has ended still find it.
class Board : public std::enable_shared_from_this<Board> {
 public:
  explicit Board(size_t in_flight) : in_flight_max_(in_flight) {}

  // Waits for room, at most for a glance. RETURNS: whether there is.
  bool WaitForRoom() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    if (in_flight_ >= in_flight_max_ && failure_.ok()) wake_.WaitFor(mutex_, kGlance);
    return in_flight_ < in_flight_max_;
  }
  bool WaitForRest() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    if (in_flight_ > 0) wake_.WaitFor(mutex_, kGlance);
    return in_flight_ == 0;
  }

  void Place(skald::Coordinator& coordinator, const Order& order) SKALD_EXCLUDES(mutex_) {
    {
      const skald::MutexLock lock(mutex_);
      ++in_flight_;
    }
    if (order.kind == OrderKind::kSale) {
      Start(coordinator, kPlaceOrder, order);
    } else {
      Start(coordinator, kReturnGoods, order);
    }
  }

  absl::Status failure() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    return failure_;
  }
  size_t finished() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    return static_cast<size_t>(tally_.finished());
  }
  Tally Take() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    return tally_;
  }

 private:
  using Handle = skald::SagaHandle<Receipt>;
  using Outcome = skald::Outcome<Receipt>;

  template <typename Key>
  void Start(skald::Coordinator& coordinator, const Key& key, const Order& order) {
    const absl::Duration began = skald::Clock::Real().Boot();
    coordinator.StartThen(
        key, order, {.key = order.number},
        [self = shared_from_this(), number = order.number, kind = order.kind,
         began](absl::StatusOr<Handle> saga) mutable {
          if (!saga.ok()) return self->Fail(number, saga.status());
          const bool existed = saga->existed();
          saga->AwaitThen([self = std::move(self), number = std::move(number), kind, began,
                           existed](absl::StatusOr<Outcome> outcome) {
            if (!outcome.ok()) return self->Fail(number, outcome.status());
            self->Finish(number, kind, began, existed, *outcome);
          });
        });
  }

  void Fail(const std::string& number, const absl::Status& status) SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    --in_flight_;
    if (failure_.ok()) failure_ = skald::Annotate(status, fmt::format("order {}", number));
    wake_.NotifyAll();
  }

  void Finish(const std::string& number, OrderKind kind, absl::Duration began, bool existed,
              const Outcome& outcome) SKALD_EXCLUDES(mutex_) {
    const absl::Duration took = skald::Clock::Real().Boot() - began;
    const skald::MutexLock lock(mutex_);
    Count(number, kind, outcome);
    tally_.existed += existed;
    if (!existed) tally_.latency.Record(absl::ToInt64Microseconds(took));
    // Placing one order at a time would wake a thread for each.
    --in_flight_;
    if (in_flight_ == 0 || in_flight_ + in_flight_max_ / 8 == in_flight_max_ - 1) wake_.NotifyAll();
  }

  void Count(const std::string& number, OrderKind kind, const Outcome& outcome)
      SKALD_REQUIRES(mutex_) {
    const bool sale = kind == OrderKind::kSale;
    if (outcome.state() == SagaState::kCompleted) {
      ++(sale ? tally_.sales_completed : tally_.returns_completed);
    } else if (outcome.state() == SagaState::kCompensated) {
      ++(sale ? tally_.sales_compensated : tally_.returns_compensated)[outcome.step()];
      ++tally_.reasons[fmt::format("{}: {}", outcome.step(), KindOfReason(outcome.reason()))];
    } else {
      ++tally_.stuck;
      if (tally_.stuck_examples.size() < kStuckExamples) {
        tally_.stuck_examples.push_back(
            fmt::format("order {} at {}: {}", number, outcome.step(), outcome.reason()));
      }
    }
  }

  const size_t in_flight_max_;
  skald::Mutex mutex_;
  skald::CondVar wake_;
  size_t in_flight_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ SKALD_GUARDED_BY(mutex_);
  Tally tally_ SKALD_GUARDED_BY(mutex_);
};

// Places orders while there is room, until all are placed, one failed or `options` says no.
absl::Status PlaceAll(Board& board, skald::Coordinator& coordinator, const OrderSource& orders,
                      const ReplayOptions& options) {
  for (size_t next = 0; next < orders.size();) {
    SKALD_RETURN_IF_ERROR(options.may_go_on());
    SKALD_RETURN_IF_ERROR(board.failure());
    const bool room = board.WaitForRoom();
    if (next % 256 == 0 || !room) options.progress(board.finished());
    if (room) board.Place(coordinator, orders.At(next++));
  }
  return absl::OkStatus();
}

absl::Status WaitForAll(Board& board, const ReplayOptions& options) {
  while (!board.WaitForRest()) {
    SKALD_RETURN_IF_ERROR(options.may_go_on());
    options.progress(board.finished());
  }
  options.progress(board.finished());
  return board.failure();
}

}  // namespace

int64_t Tally::finished() const {
  int64_t sum = sales_completed + returns_completed + stuck;
  for (const auto& [step, count] : sales_compensated) sum += count;
  for (const auto& [step, count] : returns_compensated) sum += count;
  return sum;
}

absl::Status Replay(skald::Coordinator& coordinator, const OrderSource& orders,
                    const ReplayOptions& options, Tally& tally) {
  const skald::Coordinator::Stats before = coordinator.stats();
  const absl::Duration began = skald::Clock::Real().Boot();
  const auto board = std::make_shared<Board>(options.in_flight);
  absl::Status status = PlaceAll(*board, coordinator, orders, options);
  if (status.ok()) status = WaitForAll(*board, options);
  tally = board->Take();
  tally.elapsed = skald::Clock::Real().Boot() - began;
  const skald::Coordinator::Stats after = coordinator.stats();
  const auto ended = [](const skald::Coordinator::Stats& stats) {
    return static_cast<int64_t>(stats.completed + stats.compensated + stats.stuck);
  };
  tally.driven = std::max<int64_t>(0, ended(after) - ended(before));
  return status;
}

}  // namespace order_flow
