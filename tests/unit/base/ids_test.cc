#include "skald/base/ids.h"

#include <set>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "catch.h"

namespace {

using skald::Direction;
using skald::EffectKey;
using skald::Incarnation;
using skald::ParseSagaId;
using skald::SagaId;
using skald::StoreId;

const SagaId kSaga{0x00c0ffee00c0ffee, Incarnation{42}};
const EffectKey kKey{StoreId{0x0102030405060708}, kSaga, 0xa1b2c3d4, 7, Direction::kCompensation};

TEST_CASE("A saga id is written as its header says, and read back") {
  CHECK(ToString(kSaga) == "00c0ffee00c0ffee-42");
  CHECK(*ParseSagaId("00c0ffee00c0ffee-42") == kSaga);
  const SagaId largest{UINT64_MAX, Incarnation{UINT64_MAX}};
  CHECK(*ParseSagaId(ToString(largest)) == largest);
}

TEST_CASE("Anything else than the one form of a saga id is refused") {
  for (const std::string text :
       {"", "-", "42", "00c0ffee00c0ffee", "00c0ffee00c0ffee-", "00C0FFEE00C0FFEE-42",
        "00c0ffee00c0ffee-042", "00c0ffee00c0ffee-+42", "00c0ffee00c0ffee--42",
        "0c0ffee00c0ffee-42", "000c0ffee00c0ffee-42", "00c0ffee00c0ffee-42 ",
        " 00c0ffee00c0ffee-42", "00c0ffee00c0ffee_42", "00c0ffee00c0ffeg-42",
        "00c0ffee00c0ffee-18446744073709551616", "0x00ffee00c0ffee-42"}) {
    INFO(text);
    CHECK(ParseSagaId(text).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("An effect key has one form in bytes and in text") {
  CHECK(ToString(kKey) ==
        "0102030405060708"
        "000000000000002a"
        "00c0ffee00c0ffee"
        "a1b2c3d4"
        "00000007"
        "02");
  const auto bytes = kKey.Encode();
  CHECK(*EffectKey::Decode({bytes.data(), bytes.size()}) == kKey);
}

TEST_CASE("Effect keys of one store sort by incarnation before anything else") {
  EffectKey older = kKey;
  older.saga = {UINT64_MAX, Incarnation{41}};
  CHECK(older.Encode() < kKey.Encode());
}

TEST_CASE("Bytes that are not an effect key are refused") {
  const auto encoded = kKey.Encode();
  const std::string bytes(encoded.begin(), encoded.end());
  CHECK_FALSE(EffectKey::Decode(bytes.substr(1)).ok());
  CHECK_FALSE(EffectKey::Decode(bytes + "x").ok());
  for (const char direction : {'\x00', '\x03'}) {
    std::string wrong = bytes;
    wrong.back() = direction;
    CHECK(EffectKey::Decode(wrong).status().code() == absl::StatusCode::kDataLoss);
  }
}

TEST_CASE("Every part of an effect key tells it from others") {
  absl::flat_hash_set<EffectKey> keys = {kKey};
  EffectKey other = kKey;
  other.store = StoreId{1};
  keys.insert(other);
  other = kKey;
  other.saga.hash = 1;
  keys.insert(other);
  other = kKey;
  other.saga.incarnation = Incarnation{1};
  keys.insert(other);
  other = kKey;
  other.step = 1;
  keys.insert(other);
  other = kKey;
  other.index = 1;
  keys.insert(other);
  other = kKey;
  other.direction = Direction::kAction;
  keys.insert(other);
  CHECK(keys.size() == 7);
  std::set<std::string> texts;
  for (const EffectKey& key : keys) texts.insert(ToString(key));
  CHECK(texts.size() == 7);
}

}  // namespace
