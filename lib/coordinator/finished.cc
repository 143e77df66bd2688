#include "finished.h"

#include <algorithm>

#include "skald/base/bytes.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

constexpr uint8_t kFormat = 1;
// The same, and the signals that the saga took.
constexpr uint8_t kFormatWithSignals = 2;
constexpr size_t kFixedBytesMax = 192;  // of a record, all but the strings themselves

}  // namespace

std::string SignalMark(std::string_view step, std::string_view key) {
  std::string text(step);
  text += '\0';
  text += key;
  const Hash128 hash = StableHash128(text);
  std::string mark;
  ByteWriter(&mark).Little(hash.low).Little(hash.high);
  return mark;
}

void AppendFinished(const FinishedRecord& record, std::string* out) {
  const size_t at = out->size();
  const std::string_view result = record.result.value_or(std::string_view());
  const size_t strings = record.definition.size() + record.key.size() + record.reason.size() +
                         record.step.size() + result.size() + record.signals.size();
  {
    RecordWriter writer(out, kFixedBytesMax + strings);
    writer.U8(record.signals.empty() ? kFormat : kFormatWithSignals)
        .Little(record.id.hash)
        .Little(static_cast<uint64_t>(record.id.incarnation))
        .String(record.definition)
        .Varint(record.version)
        .String(record.key)
        .Little(record.input_fingerprint.low)
        .Little(record.input_fingerprint.high)
        .U8(static_cast<uint8_t>(record.state))
        .String(record.reason)
        .String(record.step)
        .U8(record.result.has_value() ? 1 : 0)
        .String(result)
        .ZigZag(absl::ToUnixMicros(record.started))
        .ZigZag(absl::ToUnixMicros(record.finished))
        .ZigZag(absl::ToUnixMicros(record.expires))
        .Varint(record.sequence);
    if (!record.signals.empty()) writer.String(record.signals);
  }
  std::string length;
  ByteWriter(&length).Varint(out->size() - at);
  out->insert(at, length);
}

absl::StatusOr<FinishedRecord> ReadFinished(std::string_view& bytes) {
  ByteReader outer(bytes);
  ByteReader in(outer.String());
  FinishedRecord record;
  const uint8_t format = in.U8();
  if (format != kFormat && format != kFormatWithSignals) in.Fail();
  record.id.hash = in.Little<uint64_t>();
  record.id.incarnation = Incarnation{in.Little<uint64_t>()};
  record.definition = in.String();
  record.version = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  record.key = in.String();
  record.input_fingerprint.low = in.Little<uint64_t>();
  record.input_fingerprint.high = in.Little<uint64_t>();
  const uint8_t state = in.U8();
  if (state < static_cast<uint8_t>(SagaState::kRunning) ||
      state > static_cast<uint8_t>(SagaState::kAbandoned)) {
    in.Fail();
  }
  record.state = static_cast<SagaState>(state);
  record.reason = in.String();
  record.step = in.String();
  const bool has_result = in.U8() != 0;
  const std::string_view result = in.String();
  if (has_result) record.result = result;
  record.started = absl::FromUnixMicros(in.ZigZag());
  record.finished = absl::FromUnixMicros(in.ZigZag());
  record.expires = absl::FromUnixMicros(in.ZigZag());
  record.sequence = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  if (format == kFormatWithSignals) record.signals = in.String();
  if (!outer.ok() || record.signals.size() % kSignalMarkBytes != 0) in.Fail();
  SKALD_RETURN_IF_ERROR(in.Finish("record of a finished saga"));
  bytes = outer.rest();
  return record;
}

std::string FinishedKey(uint64_t hash) {
  std::string key(kFinishedFrom);
  ByteWriter(&key).Big(hash);
  return key;
}

namespace {

template <typename Matches>
absl::StatusOr<std::optional<FinishedRecord>> FindIn(std::string_view row, absl::Time now,
                                                     Matches matches) {
  std::optional<FinishedRecord> newest;
  while (!row.empty()) {
    SKALD_ASSIGN_OR_RETURN(const FinishedRecord record, ReadFinished(row));
    if (record.expires <= now || !matches(record)) continue;
    if (!newest || newest->id.incarnation < record.id.incarnation) newest = record;
  }
  return newest;
}

}  // namespace

absl::StatusOr<std::optional<FinishedRecord>> FindFinished(std::string_view row,
                                                           std::string_view definition,
                                                           std::string_view key, absl::Time now) {
  return FindIn(row, now, [&](const FinishedRecord& record) {
    return record.definition == definition && record.key == key;
  });
}

absl::StatusOr<std::optional<FinishedRecord>> FindFinished(std::string_view row, SagaId id,
                                                           absl::Time now) {
  return FindIn(row, now, [&](const FinishedRecord& record) { return record.id == id; });
}

bool TookSignal(const FinishedRecord& record, std::string_view mark) {
  for (size_t at = 0; at < record.signals.size(); at += kSignalMarkBytes) {
    if (record.signals.substr(at, kSignalMarkBytes) == mark) return true;
  }
  return false;
}

Settled ToSettled(const FinishedRecord& record) {
  Settled settled;
  settled.state = record.state;
  settled.reason = std::string(record.reason);
  settled.step = std::string(record.step);
  if (record.result) settled.result = std::string(*record.result);
  return settled;
}

SagaInfo ToInfo(const FinishedRecord& record) {
  SagaInfo info;
  info.id = record.id;
  info.definition = std::string(record.definition);
  info.version = record.version;
  info.key = std::string(record.key);
  info.state = record.state;
  info.reason = std::string(record.reason);
  info.started = record.started;
  info.updated = record.finished;
  info.sequence = record.sequence;
  return info;
}

void FinishedSet::Add(const FinishedRecord& record, uint64_t home, bool row_existed) {
  const auto offset = static_cast<uint32_t>(bytes_.size());
  AppendFinished(record, &bytes_);
  uint32_t& newest = newest_[record.id.hash];
  entries_.push_back({record.id.hash, offset, static_cast<uint32_t>(bytes_.size()) - offset, newest,
                      row_existed, home});
  newest = static_cast<uint32_t>(entries_.size());
}

FinishedSet::Place FinishedSet::Find(uint64_t hash) const {
  const auto found = newest_.find(hash);
  if (found == newest_.end()) return {.hash = hash};
  return {.hash = hash, .newest = found->second, .offset = entries_[found->second - 1].offset};
}

void FinishedSet::AppendRowOf(const Place& place, std::string* row) const {
  for (uint32_t at = place.newest; at != 0; at = entries_[at - 1].older) {
    row->append(bytes(entries_[at - 1]));
  }
}

bool FinishedSet::RowExisted(const Place& place) const {
  for (uint32_t at = place.newest; at != 0; at = entries_[at - 1].older) {
    if (entries_[at - 1].row_existed) return true;
  }
  return false;
}

std::vector<FinishedSet::Place> FinishedSet::Sorted() const {
  std::vector<Place> places;
  places.reserve(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    places.push_back({entries_[i].hash, i + 1, entries_[i].offset});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.newest > b.newest;
  });
  const auto same = [](const Place& a, const Place& b) { return a.hash == b.hash; };
  places.erase(std::unique(places.begin(), places.end(), same), places.end());
  return places;
}

void FinishedSet::Clear() {
  // The next generation is as large as this one: growing step by step costs as much as filling.
  const size_t size = newest_.size();
  bytes_.clear();
  entries_.clear();
  newest_.clear();
  newest_.reserve(size);
}

}  // namespace skald::inline v1::internal
