// Sagas made of others.
//
// Before the pivot, or as the pivot, a definition stands in a step's place, just as Build() gives
// it: its steps join the graph, each under the name <key>/<step>, and are undone with all others.
//
//   auto Payment(Bank& bank) { return skald::Define(kPayment)….Build(); }      // auto: typed
//
//   .Step(ReserveAll{}, ReservationPart(shop))                          // takes this saga's input
//   .Pivot(Pay{}, Using(ReserveAll{}), Payment(bank),
//          [](const Order& order, const Reservation& r) { return PaymentInput{…}; })
//
// Whoever uses the key is given the definition's result; whoever follows it waits for all of it.
// The function that gives its input is called once, must not block, and what it gave is journaled.
// One that throws is a rejection.
//
// Behind the pivot a step starts a saga of its own and waits for its end:
//
//   .Retriable(Parcels{}, Using(Pack{}), ForEach(ParcelsOf), RunSaga(kShipParcel))
//
// That saga has its own id, deadline and turn, and is known under a key that this step's
// idempotency key makes, so that it is started once. When it is Completed, the step is Done with
// its result. When it is Compensated or Abandoned, the step gives up, as a Retriable that is
// Rejected does: an operator's Retry starts another one. While it is Stuck, the step waits. Waiting
// holds no thread, and leaves memory. Its definition must be registered with the same coordinator.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "skald/saga/step_key.h"

namespace skald::inline v1 {

namespace internal {

template <typename Key>
struct RunSagaPart {
  using SagaKey = Key;
};

// The names of two keys, joined as those of composed definitions are.
template <typename Outer, typename Inner>
struct JoinedName {
  static constexpr size_t kSize = Outer::name().size() + 1 + Inner::name().size();
  static constexpr std::array<char, kSize> kChars = [] {
    std::array<char, kSize> chars{};
    size_t at = 0;
    for (const char c : Outer::name()) chars[at++] = c;
    chars[at++] = '/';
    for (const char c : Inner::name()) chars[at++] = c;
    return chars;
  }();
};

}  // namespace internal

// In the place of a Retriable's action: starts the saga of this key and waits for its end.
template <typename Key>
constexpr internal::RunSagaPart<Key> RunSaga(const Key& /*key*/) {
  return {};
}

// The key of a step inside a definition that stands in the step `Outer`'s place: what Signal and
// SupplyOutput take.
//
//   coordinator.Signal(id, skald::Within<Pay, Paid>{}, payment, dedup_key);
template <typename Outer, typename Inner>
struct Within : Inner {
  static constexpr std::string_view name() {
    using Joined = internal::JoinedName<Outer, Inner>;
    return {Joined::kChars.data(), Joined::kSize};
  }
};

}  // namespace skald::inline v1
