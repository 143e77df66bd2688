#include "asleep.h"

#include <algorithm>

#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

// Keys that begin with '~' are the library's (docs/participants.md).
constexpr std::string_view kAsleepPrefix = "~a/";
constexpr std::string_view kWakePrefix = "~t/";
constexpr std::string_view kWakeEnd = "~t0";  // '0' follows '/'
constexpr uint8_t kFormat = 2;
constexpr uint8_t kFormatWithoutBlock = 1;  // read, not written
constexpr uint64_t kNever = ~uint64_t{0};

uint64_t ToMicros(absl::Time time) {
  if (time == absl::InfiniteFuture()) return kNever;
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMicros(time)));
}
absl::Time FromMicros(uint64_t micros) {
  return micros == kNever ? absl::InfiniteFuture()
                          : absl::FromUnixMicros(static_cast<int64_t>(micros));
}

}  // namespace

std::string AsleepKey(const SagaId& saga) {
  std::string key(kAsleepPrefix);
  ByteWriter(&key).Big(saga.hash).Big(static_cast<uint64_t>(saga.incarnation));
  return key;
}

std::string WakeKey(const WakeTime& wake) {
  std::string key(kWakePrefix);
  ByteWriter(&key)
      .Big(ToMicros(wake.time))
      .Big(wake.saga.hash)
      .Big(static_cast<uint64_t>(wake.saga.incarnation));
  return key;
}

absl::StatusOr<WakeTime> ParseWakeKey(std::string_view key) {
  ByteReader in(key);
  if (in.Raw(kWakePrefix.size()) != kWakePrefix) in.Fail();
  WakeTime wake;
  wake.time = FromMicros(in.Big<uint64_t>());
  wake.saga.hash = in.Big<uint64_t>();
  wake.saga.incarnation = Incarnation{in.Big<uint64_t>()};
  SKALD_RETURN_IF_ERROR(in.Finish("timer of a saga asleep"));
  return wake;
}

KeyRange WakeRange() {
  return {std::string(kWakePrefix), std::string(kWakeEnd)};
}

std::string EncodeAsleep(const AsleepRow& row) {
  std::string bytes;
  bytes.reserve(row.journal.size() + 25);
  ByteWriter(&bytes)
      .U8(kFormat)
      .Little(ToMicros(row.wake))
      .Little(row.epoch)
      .Little(row.block)
      .Raw(row.journal);
  return bytes;
}

absl::StatusOr<AsleepRow> DecodeAsleep(std::string_view bytes) {
  ByteReader in(bytes);
  AsleepRow row;
  const uint8_t format = in.U8();
  if (format != kFormat && format != kFormatWithoutBlock) in.Fail();
  row.wake = FromMicros(in.Little<uint64_t>());
  if (format == kFormat) {
    row.epoch = in.Little<uint64_t>();
    row.block = in.Little<uint64_t>();
  }
  row.journal = in.Raw(in.remaining());
  SKALD_RETURN_IF_ERROR(in.Finish("row of a saga asleep"));
  return row;
}

std::optional<SagaId> Sleepers::Find(uint64_t hash) const {
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return std::nullopt;
  return SagaId{hash, Incarnation{found->second}};
}

void Sleepers::Add(const WakeTime& wake) {
  const bool fresh =
      by_hash_.try_emplace(wake.saga.hash, static_cast<uint64_t>(wake.saga.incarnation)).second;
  SKALD_CHECK(fresh, "two sagas with the hash {:x} are asleep", wake.saga.hash);
  // A row that stands before what has been read will not be met there.
  if (wake < read_to_) due_soon_.insert(wake);
}

absl::Time Sleepers::next() const {
  if (by_hash_.empty()) return absl::InfiniteFuture();
  return due_soon_.empty() ? read_to_.time : std::min(read_to_.time, due_soon_.begin()->time);
}

std::optional<WakeTime> Sleepers::TakeDue(absl::Time now) {
  if (due_soon_.empty() || due_soon_.begin()->time > now) return std::nullopt;
  const WakeTime due = *due_soon_.begin();
  due_soon_.erase(due_soon_.begin());
  return due;
}

void Sleepers::Rewind(absl::Time to) {
  due_soon_.clear();
  read_to_ = {to, {}};
}

}  // namespace skald::inline v1::internal
