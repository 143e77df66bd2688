#include "customers.h"

#include <fmt/format.h>

#include <utility>

#include "sagas.h"
#include "skald/base/hash.h"
#include "skald/base/status.h"

namespace order_flow {
namespace {

constexpr absl::Duration kAskAgain = absl::Milliseconds(20);
constexpr int kAsksMost = 100;
constexpr absl::Duration kThinks = absl::Milliseconds(20);  // at most, before he pays or cancels

}  // namespace

// One payment on its way.
struct Customers::Payer {
  Order order;
  skald::SagaId saga;
  int callbacks = 1;  // how often the saga is told
  int asked = 0;      // of an order that was not open yet
};

// Somebody asks the coordinator or the shop for something, unless they are closing.
class Customers::Asking {
 public:
  explicit Asking(Customers& customers) : customers_(customers) {
    const skald::MutexLock lock(customers_.mutex_);
    may_ = !customers_.closed_;
    customers_.asking_ += may_;
  }
  ~Asking() {
    const skald::MutexLock lock(customers_.mutex_);
    customers_.asking_ -= may_;
    if (customers_.asking_ == 0) customers_.asked_.NotifyAll();
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  bool may() const { return may_; }

 private:
  Customers& customers_;
  bool may_ = false;
};

Customers::Customers(skald::Coordinator& coordinator, Shop& shop, CustomerOptions options)
    : coordinator_(coordinator), shop_(shop), options_(options) {}
Customers::~Customers() = default;

void Customers::Close() {
  const skald::MutexLock lock(mutex_);
  closed_ = true;
  while (asking_ > 0) asked_.Wait(mutex_);
}

bool Customers::Idle() const {
  const skald::MutexLock lock(mutex_);
  return busy_ == 0;
}
void Customers::Begin() {
  const skald::MutexLock lock(mutex_);
  ++busy_;
}
void Customers::End() {
  const skald::MutexLock lock(mutex_);
  --busy_;
}

bool Customers::Draws(std::string_view what, const Order& order, double share) const {
  const std::string which = fmt::format("{} {}", options_.seed, what);
  const uint64_t hash = skald::StableHash64(which, order.number);
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

void Customers::OnPlaced(const Order& order, skald::SagaId saga) {
  const auto thinks = [&](std::string_view what) {
    return kThinks * static_cast<double>(skald::StableHash64(what, order.number) % 1000) / 1000;
  };
  if (order.kind == OrderKind::kSale && Draws("cancels", order, options_.cancel)) {
    Begin();
    errands_.After(thinks("cancels"), [this, saga] {
      const Asking asking(*this);
      if (!asking.may()) return;
      coordinator_.CancelThen(saga, {"customer", "changed my mind"},
                              [self = shared_from_this()](const absl::Status& status) {
                                // Too late is an answer, too: the order stands.
                                skald::IgnoreError(status, "the saga says what became of it");
                                self->End();
                              });
    });
  }
  if (!options_.pay_by_callback || order.kind != OrderKind::kSale) return;
  const bool in_time = !Draws("never pays", order, options_.never_pay) &&
                       !Draws("pays late", order, options_.pay_late);
  if (!in_time) return;
  Begin();
  auto payer = std::make_shared<Payer>(Payer{order, saga});
  if (Draws("pays twice", order, options_.pay_twice)) payer->callbacks = 2;
  errands_.After(thinks("pays"),
                 [this, payer = std::move(payer)]() mutable { Pay(std::move(payer)); });
}

PaymentAnswers Customers::answers() const {
  const skald::MutexLock lock(mutex_);
  return answers_;
}

void Customers::OnEnded(const Order& order, skald::SagaId saga, bool completed) {
  if (completed && order.kind == OrderKind::kSale && Draws("signs", order, options_.sign)) {
    Begin();
    Sign(std::make_shared<Payer>(Payer{order, saga}));
  }
  const bool late = options_.pay_by_callback && order.kind == OrderKind::kSale &&
                    !Draws("never pays", order, options_.never_pay) &&
                    Draws("pays late", order, options_.pay_late);
  if (!late) return;
  Begin();
  Pay(std::make_shared<Payer>(Payer{order, saga}));
}

void Customers::Pay(std::shared_ptr<Payer> payer) {
  const Asking asking(*this);
  if (!asking.may()) return;
  const Order& order = payer->order;
  shop_.payment.Hold(order, [self = shared_from_this(), payer](const absl::Status& status) mutable {
    status.ok() ? self->AskOrder(std::move(payer)) : self->Later(std::move(payer), &Customers::Pay);
  });
}

// Once for each callback: the second one of an order is told that it is paid.
void Customers::AskOrder(std::shared_ptr<Payer> payer) {
  const Asking asking(*this);
  if (!asking.may()) return;
  const std::string& number = payer->order.number;
  shop_.orders.NotePayment(number, [self = shared_from_this(),
                                    payer](const absl::StatusOr<Orders::Answer>& answer) mutable {
    self->Heard(std::move(payer), answer);
  });
}

void Customers::Heard(std::shared_ptr<Payer> payer, const absl::StatusOr<Orders::Answer>& answer) {
  if (!answer.ok()) return Later(std::move(payer), &Customers::AskOrder);
  {
    const skald::MutexLock lock(mutex_);
    answers_.noted += *answer == Orders::Answer::kNoted;
    answers_.already += *answer == Orders::Answer::kAlready;
    answers_.may_not += *answer == Orders::Answer::kMayNot;
  }
  if (*answer == Orders::Answer::kNoOrder && ++payer->asked < kAsksMost) {
    return Later(std::move(payer), &Customers::AskOrder);
  }
  // One that does not open hears of it by its saga; that may be at an end, which the signal tells.
  *answer == Orders::Answer::kMayNot ? GiveBack(std::move(payer)) : Signal(std::move(payer));
}

void Customers::Sign(std::shared_ptr<Payer> signer) {
  const Asking asking(*this);
  if (!asking.may()) return;
  const std::string& number = signer->order.number;
  shop_.orders.NoteSignature(number, [self = shared_from_this(), signer](
                                         const absl::StatusOr<Orders::Answer>& answer) mutable {
    answer.ok() ? self->End() : self->Later(std::move(signer), &Customers::Sign);
  });
}

void Customers::Signal(std::shared_ptr<Payer> payer) {
  const Asking asking(*this);
  if (!asking.may()) return;
  const skald::SagaId saga = payer->saga;
  coordinator_.SignalThen(saga, PaymentMade{}, {}, payer->order.number,
                          [self = shared_from_this(), payer](const absl::Status& status) mutable {
                            if (status.ok()) {
                              if (--payer->callbacks > 0) return self->AskOrder(std::move(payer));
                              return self->End();
                            }
                            const bool never =
                                absl::IsFailedPrecondition(status) || absl::IsNotFound(status);
                            never ? self->GiveBack(std::move(payer))
                                  : self->Later(std::move(payer), &Customers::Signal);
                          });
}

void Customers::GiveBack(std::shared_ptr<Payer> payer) {
  const Asking asking(*this);
  if (!asking.may()) return;
  const std::string& number = payer->order.number;
  shop_.payment.GiveBack(
      number, [self = shared_from_this(), payer](const absl::Status& status) mutable {
        status.ok() ? self->End() : self->Later(std::move(payer), &Customers::GiveBack);
      });
}

void Customers::Later(std::shared_ptr<Payer> payer,
                      void (Customers::*what)(std::shared_ptr<Payer>)) {
  errands_.After(kAskAgain, [this, payer = std::move(payer), what]() mutable {
    (this->*what)(std::move(payer));
  });
}

}  // namespace order_flow
