// EXPECT: skald: an action returns its key's Output as T, absl::StatusOr<T>, skald::Verdict<T>
// or a skald::Task of these; with no Output also void or absl::Status
#include "shop.h"

Definition Make() {
  return Define(kPlaceOrder)
#ifdef SKALD_RIGHT
      .NoEffect(Look{},
                [](const StepContext&, const Order&) -> absl::StatusOr<std::string> {
                  return std::string();
                })
#else
      .NoEffect(Look{}, [](const StepContext&, const Order&) { return absl::OkStatus(); })
#endif
      .Build();
}
