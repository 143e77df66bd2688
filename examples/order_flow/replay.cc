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

SagaEnd EndOf(SagaState state) {
  if (state == SagaState::kCompleted) return SagaEnd::kCompleted;
  return state == SagaState::kCompensated ? SagaEnd::kCompensated : SagaEnd::kStuck;
}

// What the callbacks and the loop that places orders share. Callbacks run on the coordinator's
// loop; those that come after the loop has ended still find it.
class Board : public std::enable_shared_from_this<Board> {
 public:
  Board(skald::Coordinator& coordinator, Customers& customers, size_t orders,
        const ReplayOptions& options)
      : coordinator_(coordinator),
        customers_(customers.shared_from_this()),
        mend_(options.mend),
        in_flight_max_(options.in_flight) {
    tally_.ends.resize(orders, SagaEnd::kNotYet);
  }

  // Waits for room, at most for a glance. RETURNS: whether there is.
  bool WaitForRoom() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    if (in_flight_ >= in_flight_max_ && failure_.ok()) wake_.WaitFor(mutex_, kGlance);
    return in_flight_ < in_flight_max_;
  }
  bool WaitForRest() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    const bool idle = in_flight_ == 0 && customers_->Idle();
    if (!idle) wake_.WaitFor(mutex_, kGlance);
    return idle;
  }

  // `index`: of the order in its source.
  void Place(size_t index, Order order) SKALD_EXCLUDES(mutex_) {
    {
      const skald::MutexLock lock(mutex_);
      ++in_flight_;
    }
    const auto placed = std::make_shared<const Placed>(
        Placed{std::move(order), index, skald::Clock::Real().Boot()});
    if (placed->order.kind == OrderKind::kReturn) {
      Start(kReturnGoods, placed);
    } else if (customers_->pay_by_callback()) {
      Start(kPlaceOrderOnCallback, placed);
    } else {
      Start(kPlaceOrder, placed);
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
  // What comes after it is not counted.
  Tally Take() SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    taken_ = true;
    return std::exchange(tally_, Tally());
  }

 private:
  using Handle = skald::SagaHandle<Receipt>;
  using Outcome = skald::Outcome<Receipt>;

  struct Placed {
    Order order;
    size_t index = 0;
    absl::Duration began;
  };
  using PlacedPtr = std::shared_ptr<const Placed>;

  template <typename Key>
  void Start(const Key& key, const PlacedPtr& placed) {
    const Order& order = placed->order;
    coordinator_.StartThen(
        key, order, {.key = order.number},
        [self = shared_from_this(), own = placed](absl::StatusOr<Handle> saga) mutable {
          if (!saga.ok()) return self->Fail(own->order.number, saga.status());
          self->customers_->OnPlaced(own->order, saga->id());
          self->Await(*std::move(saga), std::move(own));
        });
  }

  void Await(Handle saga, PlacedPtr placed) {
    saga.AwaitThen([self = shared_from_this(), saga,
                    placed = std::move(placed)](absl::StatusOr<Outcome> outcome) mutable {
      if (!outcome.ok()) return self->Fail(placed->order.number, outcome.status());
      if (outcome->state() == SagaState::kStuck && self->mend_) {
        return self->Help(std::move(saga), std::move(placed));
      }
      const bool completed = outcome->state() == SagaState::kCompleted;
      self->customers_->OnEnded(placed->order, saga.id(), completed);
      self->Finish(*placed, saga.existed(), *outcome);
    });
  }

  // What an operator does: sees to the cause, and tries again.
  void Help(Handle saga, PlacedPtr placed) SKALD_EXCLUDES(mutex_) {
    mend_(placed->order.number);
    {
      const skald::MutexLock lock(mutex_);
      ++tally_.helped;
    }
    const skald::SagaId id = saga.id();
    coordinator_.RetryThen(id, {"operator", "its cause is mended"},
                           [self = shared_from_this(), saga = std::move(saga),
                            placed = std::move(placed)](const absl::Status& status) mutable {
                             // (One that has gone on by itself meanwhile needs no help.)
                             const bool fine = status.ok() || absl::IsFailedPrecondition(status);
                             if (!fine) return self->Fail(placed->order.number, status);
                             self->Await(std::move(saga), std::move(placed));
                           });
  }

  void Fail(const std::string& number, const absl::Status& status) SKALD_EXCLUDES(mutex_) {
    const skald::MutexLock lock(mutex_);
    --in_flight_;
    if (failure_.ok()) failure_ = skald::Annotate(status, fmt::format("order {}", number));
    wake_.NotifyAll();
  }

  void Finish(const Placed& placed, bool existed, const Outcome& outcome) SKALD_EXCLUDES(mutex_) {
    const absl::Duration took = skald::Clock::Real().Boot() - placed.began;
    const skald::MutexLock lock(mutex_);
    if (!taken_) {
      tally_.ends[placed.index] = EndOf(outcome.state());
      Count(placed.order.number, placed.order.kind, outcome);
      tally_.existed += existed;
      if (!existed) tally_.latency.Record(absl::ToInt64Microseconds(took));
    }
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
      // (One that was cancelled is undone without a step that asked for it.)
      const std::string reason = KindOfReason(outcome.reason());
      const bool at_a_step = !outcome.step().empty();
      const std::string cause = at_a_step ? std::string(outcome.step()) : reason;
      ++(sale ? tally_.sales_compensated : tally_.returns_compensated)[cause];
      if (at_a_step) ++tally_.reasons[fmt::format("{}: {}", cause, reason)];
    } else {
      ++tally_.stuck;
      if (tally_.stuck_examples.size() < kStuckExamples) {
        tally_.stuck_examples.push_back(
            fmt::format("order {} at {}: {}", number, outcome.step(), outcome.reason()));
      }
    }
  }

  skald::Coordinator& coordinator_;
  const std::shared_ptr<Customers> customers_;
  const std::function<void(const std::string&)> mend_;
  const size_t in_flight_max_;
  skald::Mutex mutex_;
  skald::CondVar wake_;
  size_t in_flight_ SKALD_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ SKALD_GUARDED_BY(mutex_);
  bool taken_ SKALD_GUARDED_BY(mutex_) = false;
  Tally tally_ SKALD_GUARDED_BY(mutex_);
};

// Places orders while there is room, until all are placed, one failed or `options` says no.
absl::Status PlaceAll(Board& board, const OrderSource& orders, const ReplayOptions& options) {
  for (size_t next = 0; next < orders.size();) {
    SKALD_RETURN_IF_ERROR(options.may_go_on());
    SKALD_RETURN_IF_ERROR(board.failure());
    const bool room = board.WaitForRoom();
    if (next % 256 == 0 || !room) options.progress(board.finished());
    if (!room) continue;
    board.Place(next, orders.At(next));
    ++next;
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

absl::Status Replay(skald::Coordinator& coordinator, Customers& customers,
                    const OrderSource& orders, const ReplayOptions& options, Tally& tally) {
  const skald::Coordinator::Stats before = coordinator.stats();
  const absl::Duration began = skald::Clock::Real().Boot();
  const auto board = std::make_shared<Board>(coordinator, customers, orders.size(), options);
  absl::Status status = PlaceAll(*board, orders, options);
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
