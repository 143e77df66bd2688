// EXPECT: skald: a step's name is 1 to 64 letters, digits, '-', '_' or '.'
#include "shop.h"

#ifdef SKALD_RIGHT
struct Send : skald::StepKey<"send-mail"> {};
#else
struct Send : skald::StepKey<"send mail"> {};
#endif

std::string_view Name() {
  return Send::name();
}
