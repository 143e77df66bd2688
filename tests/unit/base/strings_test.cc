#include "skald/base/strings.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "catch.h"

namespace {

using namespace std::string_view_literals;

TEST_CASE("Views go both ways without losing zeros or length") {
  const std::string_view text("a\0b", 3);
  CHECK(skald::ToStd(skald::ToAbsl(text)) == text);
  CHECK(skald::ToStd(absl::NotFoundError("gone").message()) == "gone");
}

TEST_CASE("A StringMap is looked up by view, by literal and by string") {
  skald::StringMap<int> map;
  map["one"] = 1;
  map.try_emplace("two"sv, 2);
  CHECK(map.contains("one"sv));
  CHECK(map.at(std::string("two")) == 2);
  CHECK_FALSE(map.contains("three"sv));
  CHECK(map.erase("one"sv) == 1);
}

TEST_CASE("A StringSet is looked up by view") {
  skald::StringSet set = {"x"};
  CHECK(set.contains("x"sv));
  CHECK_FALSE(set.contains("y"sv));
}

TEST_CASE("String and view of the same text hash alike") {
  CHECK(skald::StringHash{}(std::string("abc")) == skald::StringHash{}("abc"sv));
}

}  // namespace
