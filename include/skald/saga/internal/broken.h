// The end of a chain in which a rule was broken.
#pragma once

#include "skald/saga/definition.h"

namespace skald::inline v1::internal {

// What a wrong call returns: takes everything that may follow, so that one error stays one.
struct Broken {
  template <typename... Parts>
  Broken Step(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken NoEffect(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Pivot(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Retriable(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Decide(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Sleep(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken AwaitSignal(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Returns(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Broken Retention(Parts&&... /*parts*/) {
    return {};
  }
  template <typename... Parts>
  Definition Build(Parts&&... /*parts*/) {
    return Definition(nullptr);
  }
};

}  // namespace skald::inline v1::internal
