// 09: sagas made of others. Payment is a definition of its own, with its own point of no return; an
// order takes it in as its pivot, and a failed charge undoes the order's steps too. Behind that,
// each parcel is shipped by a saga of its own, which the order starts and waits for.

#include <cstdio>
#include <string>
#include <vector>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

using skald::Define, skald::Rejected, skald::StepContext, skald::Using, skald::Verdict;

// ---- payment: freezes points, then charges the rest

struct FreezePoints : skald::StepKey<"freeze-points"> {};
struct Charge : skald::StepKey<"charge", std::string> {};
inline constexpr skald::SagaKey<"payment", 1, int, std::string> kPayment;

auto Payment() {  // auto: its types are still known where it is used
  return Define(kPayment)
      .Step(
          FreezePoints{}, [](const StepContext&, const int&) { std::puts("  freezes points"); },
          [](const StepContext&, const int&, const skald::Nothing*) {
            std::puts("  gives the points back");
          })
      .Pivot(Charge{},
             [](const StepContext&, const int& pence) -> Verdict<std::string> {
               if (pence > 5000) return Rejected("over the card's limit");
               return "receipt over " + std::to_string(pence);
             })
      .Returns(Charge{})
      .Build();
}

// ---- shipping: of one parcel

struct Ship : skald::StepKey<"ship", std::string> {};
inline constexpr skald::SagaKey<"shipping", 1, std::string, std::string> kShipping;

skald::Definition Shipping() {
  return Define(kShipping)
      .Pivot(Ship{}, [](const StepContext&,
                        const std::string& parcel) { return parcel + " is on its way"; })
      .Returns(Ship{})
      .Build();
}

// ---- the order, which has two lamps to a parcel

struct Reserve : skald::StepKey<"reserve"> {};
struct Pay : skald::StepKey<"pay", std::string> {};
struct Parcels : skald::StepKey<"parcels", std::string> {};
struct Report : skald::StepKey<"report", std::string> {};
inline constexpr skald::SagaKey<"order", 1, int, std::string> kOrder;

std::vector<std::string> ParcelsOf(const int& lamps) {
  std::vector<std::string> parcels;
  for (int i = 0; i < lamps; i += 2) parcels.push_back("parcel " + std::to_string(i / 2 + 1));
  return parcels;
}

skald::Definition Order() {
  return Define(kOrder)
      .Step(
          Reserve{},
          [](const StepContext&, const int& lamps) { std::printf("  reserves %d lamps\n", lamps); },
          [](const StepContext&, const int& lamps, const skald::Nothing*) {
            std::printf("  releases %d lamps\n", lamps);
          })
      .Pivot(Pay{}, Payment(), [](const int& lamps) { return lamps * 1000; })
      .Retriable(Parcels{}, skald::ForEach(ParcelsOf), skald::RunSaga(kShipping))
      .NoEffect(Report{}, Using(Pay{}, Parcels{}),
                [](const StepContext&, const int&, const std::string& receipt,
                   const std::vector<std::string>& parcels) {
                  std::string all = receipt;
                  for (const std::string& parcel : parcels) all += "; " + parcel;
                  return all;
                })
      .Returns(Report{})
      .Build();
}

int main() {
  skald::MemoryStore store;
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(store, pool, {Order(), Shipping()});
  if (!coordinator.ok()) return 1;
  for (const int lamps : {3, 7}) {
    std::printf("%d lamps\n", lamps);
    auto saga = (*coordinator)->Start(kOrder, lamps);
    if (!saga.ok()) return 1;
    const auto outcome = saga->Await();
    if (!outcome.ok()) return 1;
    std::printf("  %s\n",
                outcome->completed()
                    ? outcome->result()->c_str()
                    : ("undone by " + outcome->step() + ": " + outcome->reason()).c_str());
  }
  return 0;
}
