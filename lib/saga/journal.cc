#include "skald/saga/journal.h"

#include <fmt/core.h>

#include <bit>
#include <utility>

#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/crc32c.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr uint32_t kBlockMagic = 0x314a4b53;  // "SKJ1"
constexpr uint64_t kNoDeadline = ~uint64_t{0};

constexpr uint8_t kFlagClean = 1;
constexpr uint8_t kFlagOutput = 2;
constexpr uint8_t kFlagsKnown = kFlagClean | kFlagOutput;
constexpr uint8_t kEntryCarried = 1;
constexpr uint8_t kEntryAsleep = 2;
constexpr uint8_t kEntryFlagsKnown = kEntryCarried | kEntryAsleep;

constexpr size_t kTimeOffset = 2;
constexpr size_t kEventHeadBytes = kTimeOffset + 8 + 4;
// Of a step's event and of an entry, all but the strings themselves.
constexpr size_t kFixedEventBytesMax = kEventHeadBytes + 3 + 5 + 4 + 3 * kVarintBytesMax;
constexpr size_t kFixedEntryBytesMax = 8 + 8 + 1 + kVarintBytesMax;

constexpr size_t kChecksummedFrom = 8;  // behind the magic number and the checksum itself
constexpr size_t kHeaderBytes = kChecksummedFrom + 8 + 4 + 8 + 8 + 4;

uint64_t ToMicros(MicroTime time) {
  return time == MicroTime::InfiniteFuture() ? kNoDeadline : static_cast<uint64_t>(time.micros());
}
MicroTime FromMicros(uint64_t micros) {
  return micros == kNoDeadline ? MicroTime::InfiniteFuture()
                               : MicroTime::FromMicros(static_cast<int64_t>(micros));
}

void WriteStart(const Event& event, RecordWriter& out) {
  out.String(event.definition)
      .Varint(event.version)
      .Little(event.fingerprint)
      .String(event.key)
      .Little(event.input_fingerprint.low)
      .Little(event.input_fingerprint.high)
      .Little(ToMicros(event.deadline))
      .Varint(event.result_step)
      .String(event.input);
}

constexpr size_t VarintBytes(uint64_t value) {
  if (value < 0x80) [[likely]]
    return 1;
  return (static_cast<size_t>(std::bit_width(value)) + 6) / 7;
}
size_t StringBytes(std::string_view text) {
  return VarintBytes(text.size()) + text.size();
}

// To the byte: while a saga waits for its first step, its start is what it has in memory.
size_t StartBytes(const Event& event) {
  return kEventHeadBytes + StringBytes(event.definition) + VarintBytes(event.version) + 8 +
         StringBytes(event.key) + 16 + 8 + VarintBytes(event.result_step) +
         StringBytes(event.input);
}

void ReadStart(ByteReader& in, Event& event) {
  event.definition = in.String();
  event.version = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  event.fingerprint = in.Little<uint64_t>();
  event.key = in.String();
  event.input_fingerprint.low = in.Little<uint64_t>();
  event.input_fingerprint.high = in.Little<uint64_t>();
  event.deadline = FromMicros(in.Little<uint64_t>());
  event.result_step = static_cast<uint16_t>(in.VarintUpTo(UINT16_MAX));
  event.input = in.String();
}

// Verdict, GaveUp, Turn and OperatorVerb share one body, whose unused parts cost a byte each.
void WriteStepEvent(const Event& event, RecordWriter& out) {
  const auto flags =
      static_cast<uint8_t>((event.clean ? kFlagClean : 0) | (event.has_output ? kFlagOutput : 0));
  out.Varint(event.step)
      .Varint(event.index)
      .U8(static_cast<uint8_t>(event.direction))
      .U8(static_cast<uint8_t>(event.verdict))
      .U8(static_cast<uint8_t>(event.verb))
      .U8(flags)
      .String(event.actor)
      .String(event.reason);
  if (event.has_output) out.String(event.output);
}

template <typename Enum>
Enum ReadEnum(ByteReader& in, Enum last) {
  const uint8_t value = in.U8();
  if (value == 0 || value > static_cast<uint8_t>(last)) in.Fail();
  return in.ok() ? static_cast<Enum>(value) : last;
}

void ReadStepEvent(ByteReader& in, Event& event) {
  event.step = static_cast<uint16_t>(in.VarintUpTo(UINT16_MAX));
  event.index = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  event.direction = ReadEnum(in, Direction::kCompensation);
  event.verdict = ReadEnum(in, VerdictKind::kUnknown);
  event.verb = ReadEnum(in, Verb::kAbandon);
  const uint8_t flags = in.U8();
  if ((flags & ~kFlagsKnown) != 0) in.Fail();
  event.clean = (flags & kFlagClean) != 0;
  event.has_output = (flags & kFlagOutput) != 0;
  event.actor = in.String();
  event.reason = in.String();
  if (event.has_output) event.output = in.String();
}

}  // namespace

std::string_view ToString(Verb verb) {
  switch (verb) {
    case Verb::kRetry:
      return "Retry";
    case Verb::kSupplyOutput:
      return "SupplyOutput";
    case Verb::kMarkNotDone:
      return "MarkNotDone";
    case Verb::kAbandon:
      return "Abandon";
  }
  return "?";
}

size_t EventBytesMax(const Event& event) {
  return event.kind == EventKind::kStart
             ? StartBytes(event)
             : kFixedEventBytesMax + event.actor.size() + event.reason.size() + event.output.size();
}

void AppendEvent(const Event& event, std::string* out) {
  RecordWriter writer(out, EventBytesMax(event));
  writer.U8(static_cast<uint8_t>(event.kind))
      .U8(static_cast<uint8_t>(event.state_after))
      .Little(ToMicros(event.time));
  const size_t length_at = writer.size();
  writer.Little(uint32_t{0});
  const size_t body_at = writer.size();
  if (event.kind == EventKind::kStart) {
    WriteStart(event, writer);
  } else {
    WriteStepEvent(event, writer);
  }
  writer.LittleAt(length_at, static_cast<uint32_t>(writer.size() - body_at));
}

MicroTime internal::FirstTime(std::string_view journal) {
  return FromMicros(ByteReader(journal.substr(kTimeOffset)).Little<uint64_t>());
}

Hash128 internal::ReadHash(std::string_view bytes) {
  ByteReader in(bytes);
  Hash128 hash;
  hash.low = in.Little<uint64_t>();
  hash.high = in.Little<uint64_t>();
  return hash;
}

absl::Status ReadEvent(std::string_view& bytes, Event* event) {
  ByteReader head(bytes);
  event->kind = ReadEnum(head, EventKind::kExpired);
  event->state_after = ReadEnum(head, SagaState::kAbandoned);
  event->time = FromMicros(head.Little<uint64_t>());
  const std::string_view body = head.Raw(head.Little<uint32_t>());
  if (!head.ok())
    return absl::DataLossError("reading a journal event: cut short or of unknown kind");
  ByteReader in(body);
  if (event->kind == EventKind::kStart) {
    ReadStart(in, *event);
  } else {
    ReadStepEvent(in, *event);
  }
  if (!in.ok() || in.remaining() != 0) [[unlikely]] {
    return in.Finish(fmt::format("journal event {}", ToString(event->kind)));
  }
  bytes = head.rest();
  return absl::OkStatus();
}

absl::StatusOr<Event> ReadEvent(std::string_view& bytes) {
  Event event;
  SKALD_RETURN_IF_ERROR(ReadEvent(bytes, &event));
  return event;
}

std::optional<SagaState> LastState(std::string_view events) {
  std::optional<SagaState> last;
  for (ByteReader in(events); in.remaining() > 0;) {
    in.U8();
    last = ReadEnum(in, SagaState::kAbandoned);
    in.Little<uint64_t>();
    in.Raw(in.Little<uint32_t>());
    if (!in.ok()) return std::nullopt;
  }
  return last;
}

void BlockBuilder::Add(const SagaId& saga, bool carried, std::string_view events) {
  AddEntry(saga, carried ? kEntryCarried : 0, events);
}

void BlockBuilder::AddAsleep(const SagaId& saga) {
  AddEntry(saga, kEntryAsleep, {});
}

void BlockBuilder::AddEntry(const SagaId& saga, uint8_t flags, std::string_view events) {
  if (count_ == 0) block_.assign(kHeaderBytes, '\0');
  RecordWriter(&block_, kFixedEntryBytesMax + events.size())
      .Little(saga.hash)
      .Little(static_cast<uint64_t>(saga.incarnation))
      .U8(flags)
      .String(events);
  ++count_;
}

std::string_view BlockBuilder::Seal(const BlockHeader& header) {
  if (count_ == 0) block_.assign(kHeaderBytes, '\0');
  std::string head;
  ByteWriter(&head)
      .Little(header.epoch)
      .Little(header.shard)
      .Little(ToMicros(header.time))
      .Little(static_cast<uint64_t>(header.next_incarnation))
      .Little(count_);
  block_.replace(kChecksummedFrom, head.size(), head);
  internal::StoreLittle(kBlockMagic, block_.data());
  internal::StoreLittle(Crc32c(std::string_view(block_).substr(kChecksummedFrom)),
                        block_.data() + sizeof kBlockMagic);
  count_ = 0;
  return block_;
}

absl::Status ReadBlock(std::string_view bytes, Block* block) {
  ByteReader in(bytes);
  if (in.Little<uint32_t>() != kBlockMagic) {
    return absl::DataLossError(
        "reading a journal block: not a block of this format; was it written by a newer skald?");
  }
  const uint32_t crc = in.Little<uint32_t>();
  if (!in.ok() || crc != Crc32c(in.rest())) {
    return absl::DataLossError("reading a journal block: the checksum does not match");
  }
  block->entries.clear();
  block->header.epoch = in.Little<uint64_t>();
  block->header.shard = in.Little<uint32_t>();
  block->header.time = FromMicros(in.Little<uint64_t>());
  block->header.next_incarnation = Incarnation{in.Little<uint64_t>()};
  const uint32_t count = in.Little<uint32_t>();
  if (count <= in.remaining()) block->entries.reserve(count);
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    BlockEntry& entry = block->entries.emplace_back();
    entry.saga.hash = in.Little<uint64_t>();
    entry.saga.incarnation = Incarnation{in.Little<uint64_t>()};
    const uint8_t flags = in.U8();
    if ((flags & ~kEntryFlagsKnown) != 0) in.Fail();
    entry.carried = (flags & kEntryCarried) != 0;
    entry.asleep = (flags & kEntryAsleep) != 0;
    entry.events = in.String();
  }
  return in.Finish("journal block");
}

absl::StatusOr<Block> ReadBlock(std::string_view bytes) {
  Block block;
  SKALD_RETURN_IF_ERROR(ReadBlock(bytes, &block));
  return block;
}

std::string BlockKey(uint64_t sequence) {
  std::string key;
  ByteWriter(&key).Big(sequence);
  return key;
}

absl::StatusOr<uint64_t> ParseBlockKey(std::string_view key) {
  ByteReader in(key);
  const uint64_t sequence = in.Big<uint64_t>();
  SKALD_RETURN_IF_ERROR(in.Finish("journal block key"));
  return sequence;
}

}  // namespace skald::inline v1
