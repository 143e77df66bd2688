// EXPECT: skald: a step's output is a plain value type; leave it out where there is none
#include "shop.h"

#ifdef SKALD_RIGHT
struct Send : skald::StepKey<"send", std::string> {};
#else
struct Send : skald::StepKey<"send", const std::string&> {};
#endif

std::string_view Name() {
  return Send::name();
}
