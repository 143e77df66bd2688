#include "skald/json/json_codec.h"

#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.h"

namespace shop {

struct Line {
  std::string item;
  int64_t quantity = 0;
  friend bool operator==(const Line&, const Line&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Line, item, quantity)

struct Order {
  std::string id;
  double weight = 0;
  std::vector<Line> lines;
  std::map<std::string, int> tags;
  friend bool operator==(const Order&, const Order&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Order, id, weight, lines, tags)

// Trivially copyable and without gaps: the JSON codec goes before the struct codec.
struct Point {
  int32_t x = 0;
  int32_t y = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

struct Moody {
  int value = 0;
};
void to_json(nlohmann::json& json, const Moody& moody) {
  json = moody.value;
}
void from_json(const nlohmann::json&, Moody&) {
  throw std::runtime_error("not today");
}

}  // namespace shop

template <>
inline constexpr uint32_t skald::kSchemaVersionOf<shop::Point> = 3;

namespace {

using skald::Codec;
using skald::Decode;
using skald::Encode;

const shop::Order kOrder{"o-1", 2.5, {{"pen", 3}, {"ink", 1}}, {{"b", 2}, {"a", 1}}};

template <typename T>
std::string Bytes(const T& value) {
  std::string bytes;
  REQUIRE(Encode(value, &bytes).ok());
  return bytes;
}

TEST_CASE("A type with to_json and from_json survives the round trip") {
  const auto back = Decode<shop::Order>(Bytes(kOrder));
  REQUIRE(back.ok());
  CHECK(*back == kOrder);
}

TEST_CASE("The JSON is canonical: keys sorted, no white space") {
  CHECK(Bytes(kOrder) ==
        R"({"id":"o-1","lines":[{"item":"pen","quantity":3},{"item":"ink","quantity":1}],)"
        R"("tags":{"a":1,"b":2},"weight":2.5})");
}

TEST_CASE("A JSON codec goes before the codec for plain structs") {
  CHECK(Codec<shop::Point>::kName == "json");
  CHECK(Bytes(shop::Point{1, 2}) == R"({"x":1,"y":2})");
}

TEST_CASE("A JSON codec can name its schema version") {
  CHECK(Codec<shop::Point>::kSchemaVersion == 3);
  CHECK(Codec<shop::Order>::kSchemaVersion == 1);
}

TEST_CASE("Vectors and optionals of JSON types are coded") {
  const std::vector<std::optional<shop::Line>> lines = {shop::Line{"pen", 1}, std::nullopt};
  CHECK(Codec<std::vector<std::optional<shop::Line>>>::kName == "vector<optional<json>>");
  const auto back = Decode<std::vector<std::optional<shop::Line>>>(Bytes(lines));
  REQUIRE(back.ok());
  CHECK(*back == lines);
}

TEST_CASE("Bytes that are not the JSON of the type are refused as DataLoss") {
  for (const std::string bytes :
       {"", "{", "[]", "7", R"({"item":"pen"})", R"({"item":1,"quantity":2})",
        R"({"item":"pen","quantity":1}x)", "\xff\xfe"}) {
    INFO(bytes);
    CHECK(Decode<shop::Line>(bytes).status().code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("Deeply nested JSON is refused and does no harm") {
  CHECK(Decode<shop::Line>(std::string(1'000'000, '[')).status().code() ==
        absl::StatusCode::kDataLoss);
}

TEST_CASE("Text that is not UTF-8 is refused, and the output stays as it was") {
  std::string bytes = "before";
  CHECK(Encode(shop::Line{"\xff", 1}, &bytes).code() == absl::StatusCode::kInvalidArgument);
  CHECK(bytes == "before");
}

TEST_CASE("A number that JSON cannot say is refused rather than written as null") {
  for (const double odd :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    shop::Order order = kOrder;
    order.weight = odd;
    std::string bytes;
    CHECK(Encode(order, &bytes).code() == absl::StatusCode::kInvalidArgument);
    CHECK(bytes.empty());
  }
}

TEST_CASE("An exception of the type's own conversion becomes a status") {
  const auto back = Decode<shop::Moody>("1");
  CHECK(back.status().code() == absl::StatusCode::kInternal);
  CHECK(std::string(back.status().message()).find("not today") != std::string::npos);
}

}  // namespace
