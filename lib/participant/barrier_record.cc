#include "skald/participant/barrier_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/crc32c.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kNameBytesMax = 32;
// Both sort behind names in plain letters, which is what a participant's own rows begin with.
constexpr std::string_view kRecordPrefix = "~b/";
constexpr std::string_view kFloorPrefix = "~f/";

std::string Prefixed(std::string_view prefix, std::string_view name, size_t room) {
  SKALD_CHECK(IsBarrierName(name), "name='{}'", name);
  std::string key;
  key.reserve(prefix.size() + name.size() + 1 + room);
  ByteWriter(&key).Raw(prefix).Raw(name).Raw("/");
  return key;
}

// For messages: row keys hold bytes that do not print.
std::string Readable(std::string_view row_key) {
  std::string text;
  for (const char byte : row_key) {
    const auto code = static_cast<uint8_t>(byte);
    if (code >= 0x20 && code < 0x7f) {
      text.push_back(byte);
    } else {
      text += fmt::format("\\x{:02x}", code);
    }
  }
  return text;
}

absl::Status Damaged(std::string_view row_key, std::string_view what) {
  return absl::DataLossError(fmt::format(
      "barrier row '{}': {}; restore it from a backup, or settle its saga by hand and remove it",
      Readable(row_key), what));
}

void WriteFingerprint(ByteWriter& out, const Hash128& fingerprint) {
  out.Little(fingerprint.low).Little(fingerprint.high);
}

Hash128 ReadFingerprint(ByteReader& in) {
  const auto low = in.Little<uint64_t>();
  return {low, in.Little<uint64_t>()};
}

uint32_t Checksum(std::string_view row_key, std::string_view body) {
  return Crc32cExtend(Crc32c(row_key), body);
}

// What stands between the format byte and the checksum.
absl::StatusOr<std::string_view> CheckedBody(std::string_view row_key, std::string_view value) {
  if (value.empty()) return Damaged(row_key, "empty");
  const auto format = static_cast<uint8_t>(value.front());
  if (format > kFormat) {
    return absl::UnimplementedError(
        fmt::format("barrier row '{}' has format {}; this build reads up to {}: run a newer one",
                    Readable(row_key), format, kFormat));
  }
  if (format == 0 || value.size() < 1 + sizeof(uint32_t)) return Damaged(row_key, "cut short");
  const std::string_view body = value.substr(0, value.size() - sizeof(uint32_t));
  const auto stored = ByteReader(value.substr(body.size())).Little<uint32_t>();
  if (stored != Checksum(row_key, body)) return Damaged(row_key, "wrong checksum");
  return body.substr(1);
}

bool IsPossible(const BarrierRecord& record) {
  if (record.action < ActionRecord::kDone || record.action > ActionRecord::kBlocked) return false;
  if (record.compensation > CompensationRecord::kRejected) return false;
  // Only what happened can fail to be undone.
  return record.compensation != CompensationRecord::kRejected ||
         record.action == ActionRecord::kDone;
}

}  // namespace

bool IsBarrierName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

std::string BarrierRowKey(std::string_view name, const EffectKey& key) {
  EffectKey action = key;
  action.direction = Direction::kAction;
  const auto bytes = action.Encode();
  std::string row_key = Prefixed(kRecordPrefix, name, bytes.size());
  row_key.append(bytes.data(), bytes.size());
  return row_key;
}

std::string BarrierRowBound(std::string_view name, StoreId store, Incarnation incarnation) {
  std::string bound = Prefixed(kRecordPrefix, name, 2 * sizeof(uint64_t));
  ByteWriter(&bound).Big(static_cast<uint64_t>(store)).Big(static_cast<uint64_t>(incarnation));
  return bound;
}

std::string EncodeBarrierRecord(std::string_view row_key, const BarrierRecord& record) {
  SKALD_CHECK(IsPossible(record), "action={} compensation={}", static_cast<int>(record.action),
              static_cast<int>(record.compensation));
  std::string value;
  value.reserve(64 + record.text.size() + record.compensation_reason.size());
  ByteWriter out(&value);
  out.U8(kFormat)
      .U8(static_cast<uint8_t>(record.action))
      .U8(static_cast<uint8_t>(record.compensation));
  if (record.action != ActionRecord::kBlocked) {
    WriteFingerprint(out, record.action_fingerprint);
    out.String(record.text);
  }
  if (record.compensation != CompensationRecord::kNone) {
    WriteFingerprint(out, record.compensation_fingerprint);
    out.String(record.compensation_reason);
  }
  out.Little(Checksum(row_key, value));
  return value;
}

absl::StatusOr<BarrierRecord> DecodeBarrierRecord(std::string_view row_key,
                                                  std::string_view value) {
  SKALD_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(row_key, value));
  ByteReader in(body);
  BarrierRecord record;
  record.action = ActionRecord{in.U8()};
  record.compensation = CompensationRecord{in.U8()};
  if (!IsPossible(record)) return Damaged(row_key, "impossible state");
  if (record.action != ActionRecord::kBlocked) {
    record.action_fingerprint = ReadFingerprint(in);
    record.text = in.String();
  }
  if (record.compensation != CompensationRecord::kNone) {
    record.compensation_fingerprint = ReadFingerprint(in);
    record.compensation_reason = in.String();
  }
  if (!in.ok() || in.remaining() != 0) return Damaged(row_key, "wrong length");
  return record;
}

std::string BarrierFloorPrefix(std::string_view name) {
  return Prefixed(kFloorPrefix, name, 0);
}

std::string BarrierFloorKey(std::string_view name, StoreId store) {
  std::string row_key = Prefixed(kFloorPrefix, name, sizeof(uint64_t));
  ByteWriter(&row_key).Big(static_cast<uint64_t>(store));
  return row_key;
}

std::string EncodeBarrierFloor(std::string_view row_key, Incarnation floor) {
  std::string value;
  ByteWriter out(&value);
  out.U8(kFormat).Little(static_cast<uint64_t>(floor));
  out.Little(Checksum(row_key, value));
  return value;
}

absl::StatusOr<BarrierFloor> DecodeBarrierFloor(std::string_view row_key, std::string_view value) {
  if (row_key.size() < sizeof(uint64_t)) return Damaged(row_key, "key cut short");
  SKALD_ASSIGN_OR_RETURN(const std::string_view body, CheckedBody(row_key, value));
  ByteReader in(body);
  BarrierFloor floor;
  floor.floor = Incarnation{in.Little<uint64_t>()};
  if (!in.ok() || in.remaining() != 0) return Damaged(row_key, "wrong length");
  ByteReader store(row_key.substr(row_key.size() - sizeof(uint64_t)));
  floor.store = StoreId{store.Big<uint64_t>()};
  return floor;
}

}  // namespace skald::inline v1
