#include "skald/async/stop_token.h"

#include "catch.h"

namespace {

using skald::LinkedStopSource;

TEST_CASE("A linked source stops with its parent") {
  std::stop_source parent;
  LinkedStopSource child(parent.get_token());
  bool told = false;
  const std::stop_callback callback(child.token(), [&] { told = true; });
  CHECK_FALSE(child.stop_requested());
  parent.request_stop();
  CHECK(told);
  CHECK(child.stop_requested());
}

TEST_CASE("A linked source stops alone without its parent") {
  std::stop_source parent;
  LinkedStopSource child(parent.get_token());
  CHECK(child.RequestStop());
  CHECK_FALSE(child.RequestStop());
  CHECK(child.token().stop_requested());
  CHECK_FALSE(parent.stop_requested());
}

TEST_CASE("A source linked to a stopped parent is stopped from the start") {
  std::stop_source parent;
  parent.request_stop();
  CHECK(LinkedStopSource(parent.get_token()).stop_requested());
}

TEST_CASE("A linked source without a parent that can stop works alone") {
  LinkedStopSource source{std::stop_token()};
  CHECK_FALSE(source.stop_requested());
  CHECK(source.RequestStop());
}

TEST_CASE("A parent that stops after its child is gone finds nothing to tell") {
  std::stop_source parent;
  std::stop_token token;
  {
    LinkedStopSource child(parent.get_token());
    token = child.token();
  }
  parent.request_stop();
  CHECK_FALSE(token.stop_requested());
}

}  // namespace
