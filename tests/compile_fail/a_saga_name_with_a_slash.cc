// EXPECT: skald: a saga's name is 1 to 64 letters, digits, '-', '_' or '.'
#include "shop.h"

#ifdef SKALD_RIGHT
inline constexpr skald::SagaKey<"orders.place", 1, Order> kPlace;
#else
inline constexpr skald::SagaKey<"orders/place", 1, Order> kPlace;
#endif

std::string_view Name() {
  return kPlace.name();
}
