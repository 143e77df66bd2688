#include "skald/base/codec.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace shop {

enum class Kind : uint16_t { kSmall = 1, kLarge = 515 };

struct Reservation {
  uint64_t stock_version = 0;
  int32_t units = 0;
  uint32_t warehouse = 0;
  friend bool operator==(const Reservation&, const Reservation&) = default;
};

struct Acknowledged {};

// Has the members of a protobuf message that a codec needs.
class FakeMessage {
 public:
  bool AppendToString(std::string* out) const {
    if (!required_) return false;
    out->append("m").append(text);
    return true;
  }
  bool ParseFromArray(const void* data, int size) {
    const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
    if (bytes.empty() || bytes[0] != 'm') return false;
    text = bytes.substr(1);
    return true;
  }
  void ClearRequired() { required_ = false; }
  std::string text;

 private:
  bool required_ = true;
};

struct Price {
  int64_t mills = 0;
  std::string currency;
};
struct Moody {};

}  // namespace shop

template <>
inline constexpr uint32_t skald::kSchemaVersionOf<shop::Reservation> = 4;

template <>
struct skald::Codec<shop::Price> {
  static constexpr std::string_view kName = "price";
  static constexpr uint32_t kSchemaVersion = 2;
  static absl::Status Encode(const shop::Price& price, std::string* out) {
    ByteWriter(out).ZigZag(price.mills).String(price.currency);
    if (price.currency.empty()) return absl::InvalidArgumentError("a price without a currency");
    return absl::OkStatus();
  }
  static absl::StatusOr<shop::Price> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    shop::Price price{in.ZigZag(), std::string(in.String())};
    SKALD_RETURN_IF_ERROR(in.Finish(kName));
    return price;
  }
};

template <>
struct skald::Codec<shop::Moody> {
  static constexpr std::string_view kName = "moody";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const shop::Moody&, std::string* out) {
    out->append("half");
    throw std::runtime_error("not today");
  }
  static absl::StatusOr<shop::Moody> Decode(std::string_view) { throw 7; }
};

namespace {

using skald::Codec;
using skald::Decode;
using skald::Encode;

template <typename T>
std::string Bytes(const T& value) {
  std::string bytes;
  REQUIRE(Encode(value, &bytes).ok());
  return bytes;
}

template <typename T>
void RoundTrip(const T& value) {
  const absl::StatusOr<T> back = Decode<T>(Bytes(value));
  REQUIRE(back.ok());
  CHECK(*back == value);
}

template <typename T>
absl::StatusCode DecodeCode(std::string_view bytes) {
  return Decode<T>(bytes).status().code();
}

TEST_CASE("Numbers survive the round trip at their extremes") {
  RoundTrip(std::numeric_limits<int64_t>::min());
  RoundTrip(std::numeric_limits<uint64_t>::max());
  RoundTrip(int32_t{-1});
  RoundTrip(uint8_t{255});
  RoundTrip('x');
  RoundTrip(true);
  RoundTrip(false);
  RoundTrip(-0.1);
  RoundTrip(std::numeric_limits<float>::infinity());
  CHECK(std::isnan(*Decode<double>(Bytes(std::nan("")))));
  CHECK(std::signbit(*Decode<double>(Bytes(-0.0))));
}

TEST_CASE("Numbers are little-endian in their own width") {
  CHECK(Bytes(uint32_t{0x01020304}) == "\x04\x03\x02\x01");
  CHECK(Bytes(int16_t{-2}) == "\xfe\xff");
  CHECK(Bytes(1.0) == std::string("\0\0\0\0\0\0\xf0\x3f", 8));
}

TEST_CASE("Enums are coded as their numbers") {
  RoundTrip(shop::Kind::kLarge);
  CHECK(Bytes(shop::Kind::kLarge) == "\x03\x02");
}

TEST_CASE("Strings are their own bytes") {
  RoundTrip(std::string());
  RoundTrip(std::string("a\0b", 3));
  CHECK(Bytes(std::string("abc")) == "abc");
}

TEST_CASE("Structs without gaps are coded as they stand, their size is checked") {
  const shop::Reservation reservation{7, -3, 2};
  RoundTrip(reservation);
  const std::string bytes = Bytes(reservation);
  CHECK(bytes.size() == 16);
  CHECK(DecodeCode<shop::Reservation>(bytes + "x") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<shop::Reservation>(bytes.substr(1)) == absl::StatusCode::kDataLoss);
  RoundTrip(std::array<uint16_t, 3>{1, 2, 3});
}

TEST_CASE("Empty structs and Nothing take no bytes") {
  CHECK(Bytes(skald::Nothing{}).empty());
  CHECK(Bytes(shop::Acknowledged{}).empty());
  CHECK(Decode<skald::Nothing>("").ok());
  CHECK(DecodeCode<skald::Nothing>("x") == absl::StatusCode::kDataLoss);
}

TEST_CASE("Optionals and vectors nest") {
  using Nested = std::vector<std::optional<std::vector<std::string>>>;
  RoundTrip(Nested{});
  RoundTrip(
      Nested{std::nullopt, std::vector<std::string>{}, std::vector<std::string>{"a", "", "b"}});
  RoundTrip(std::optional<shop::Reservation>({1, 2, 3}));
  RoundTrip(std::vector<bool>{true, false, true});
  RoundTrip(std::vector<skald::Nothing>(5));
  CHECK(Bytes(std::vector<uint8_t>{7, 9}) == "\x02\x01\x07\x01\x09");
}

TEST_CASE("Wrong bytes are refused as DataLoss by every codec") {
  CHECK(DecodeCode<uint32_t>("abc") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<uint32_t>("abcde") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<bool>("\x02") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<shop::Kind>("x") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::optional<uint8_t>>("") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::optional<uint8_t>>("\x02x") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::optional<uint8_t>>(std::string_view("\0x", 2)) ==
        absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::vector<uint8_t>>("") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::vector<uint8_t>>("\x02\x01\x07") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::vector<uint8_t>>("\x01\x01\x07x") == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<shop::FakeMessage>("x") == absl::StatusCode::kDataLoss);
}

TEST_CASE("A vector that claims more elements than it has bytes is refused without room for them") {
  const std::string claim = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  CHECK(DecodeCode<std::vector<std::string>>(claim) == absl::StatusCode::kDataLoss);
  CHECK(DecodeCode<std::vector<skald::Nothing>>(claim) == absl::StatusCode::kDataLoss);
}

TEST_CASE("Protobuf messages are coded by their own members") {
  shop::FakeMessage message;
  message.text = "hello";
  CHECK(Bytes(message) == "mhello");
  CHECK(Decode<shop::FakeMessage>("mhello")->text == "hello");
  CHECK(Codec<shop::FakeMessage>::kName == "protobuf");
  message.ClearRequired();
  std::string bytes;
  CHECK(Encode(message, &bytes).code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("A type's own codec is used, also inside others") {
  const std::vector<shop::Price> prices = {{-1'500, "GBP"}, {2, "EUR"}};
  const auto back = Decode<std::vector<shop::Price>>(Bytes(prices));
  REQUIRE(back.ok());
  CHECK((*back)[0].mills == -1'500);
  CHECK((*back)[1].currency == "EUR");
}

TEST_CASE("When encoding fails the output is as it was before") {
  std::string bytes = "before";
  CHECK(Encode(shop::Price{1, ""}, &bytes).code() == absl::StatusCode::kInvalidArgument);
  CHECK(bytes == "before");
  CHECK(Encode(std::vector<shop::Price>{{1, "GBP"}, {1, ""}}, &bytes).code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(bytes == "before");
}

TEST_CASE("A codec that throws becomes a status") {
  std::string bytes;
  const absl::Status encoded = Encode(shop::Moody{}, &bytes);
  CHECK(encoded.code() == absl::StatusCode::kInternal);
  CHECK(std::string(encoded.message()) ==
        "encoding a payload as moody: the codec threw an exception: not today");
  CHECK(bytes.empty());
  CHECK(DecodeCode<shop::Moody>("") == absl::StatusCode::kInternal);
}

TEST_CASE("Every codec names its encoding and its schema version") {
  CHECK(Codec<std::string>::kName == "string");
  CHECK(Codec<bool>::kName == "bool");
  CHECK(Codec<int64_t>::kName == "i64");
  CHECK(Codec<uint8_t>::kName == "u8");
  CHECK(Codec<double>::kName == "f64");
  CHECK(Codec<shop::Kind>::kName == "u16");
  CHECK(Codec<shop::Reservation>::kName == "struct");
  CHECK(Codec<std::vector<std::optional<shop::Price>>>::kName == "vector<optional<price>>");
  CHECK(Codec<shop::Acknowledged>::kSchemaVersion == 1);
  CHECK(Codec<shop::Reservation>::kSchemaVersion == 4);
  CHECK(Codec<std::vector<std::optional<shop::Price>>>::kSchemaVersion == 2);
}

}  // namespace
