// EXPECT: skald: a saga's input and result are plain value types; leave the result out where
// there is none
#include "shop.h"

#ifdef SKALD_RIGHT
inline constexpr skald::SagaKey<"place", 1, Order> kPlace;
#else
inline constexpr skald::SagaKey<"place", 1, Order, void> kPlace;
#endif

std::string_view Name() {
  return kPlace.name();
}
