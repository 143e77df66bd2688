// EXPECT: skald: this struct has padding bytes or floating-point members, so equal values need
// not have equal bytes; fill the gaps with named members, or specialise skald::Codec
#include "shop.h"

struct Basket {
  int64_t units;
  int32_t lines;
#ifdef SKALD_RIGHT
  int32_t unused = 0;
#endif
};
inline constexpr skald::SagaKey<"place-basket", 1, Basket> kPlaceBasket;

Definition Make() {
  return Define(kPlaceBasket)
      .NoEffect(Look{}, [](const StepContext&, const Basket&) { return std::string(); })
      .Build();
}
