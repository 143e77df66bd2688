// The journal of a saga: its events as bytes, in order. State is a fold over them (saga/fold.h).
//
// Event := kind u8, state-after u8, time u64 (microseconds since 1970, engine time, little-endian),
//          length u32, body. Bodies are in docs/formats/journal.md; a reader refuses what it does
// not know. A block is what one shard makes durable at once: the events of many sagas under one key
// of Space::kLog, checksummed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"
#include "skald/base/micro_time.h"
#include "skald/base/verdict.h"
#include "skald/saga/state.h"

namespace skald::inline v1 {

// Persisted; numbers are never reused.
enum class Verb : uint8_t { kRetry = 1, kSupplyOutput = 2, kMarkNotDone = 3, kAbandon = 4 };

SKALD_EXPORT std::string_view ToString(Verb verb);

// One event, decoded. Which fields mean something depends on the kind; views point into the bytes
// it was read from.
struct Event {
  static constexpr uint16_t kNoStep = 0xffff;
  // In place of an item's number: a fan-out before its items are known.
  static constexpr uint32_t kWhole = 0xffffffff;

  EventKind kind = EventKind::kStart;
  SagaState state_after = SagaState::kRunning;
  MicroTime time;

  // kStart
  std::string_view definition;
  uint32_t version = 0;
  uint64_t fingerprint = 0;
  std::string_view key;
  Hash128 input_fingerprint;
  std::string_view input;
  MicroTime deadline = MicroTime::InfiniteFuture();
  uint16_t result_step = kNoStep;  // whose output is the saga's result

  // kVerdict, kGaveUp, kTimerFired, kSignal, kTurn (cause), kOperatorVerb (where it names a step)
  uint16_t step = kNoStep;
  uint32_t index = 0;  // of a fan-out's item; kWhole; 0
  Direction direction = Direction::kAction;
  VerdictKind verdict = VerdictKind::kUnknown;
  bool clean = false;  // nothing of the step can have happened
  // kVerdict Done, kOperatorVerb kSupplyOutput, kSignal, kTimerFired of an await
  std::string_view output;
  bool has_output = false;

  // kOperatorVerb, kCancelAsked
  Verb verb = Verb::kRetry;
  std::string_view actor;  // kSignal: the deduplication key

  std::string_view reason;  // kSignal: its name, so that it can be told without the definition
};

// The room that AppendEvent asks for, which is little more than what it takes.
SKALD_EXPORT size_t EventBytesMax(const Event& event);
// Appends the event's bytes to `out`.
SKALD_EXPORT void AppendEvent(const Event& event, std::string* out);

// Reads one event from the front of `bytes` and takes it off.
// RETURNS: DataLoss naming what is wrong.
SKALD_EXPORT absl::StatusOr<Event> ReadEvent(std::string_view& bytes);
// The same into an event as it was constructed.
SKALD_EXPORT absl::Status ReadEvent(std::string_view& bytes, Event* event);

// The state after the last of some events, by their heads alone; nullopt: there is none, or they
// are cut short.
SKALD_EXPORT std::optional<SagaState> LastState(std::string_view events);

namespace internal {

// The time of the first event, of a journal that was read before.
SKALD_EXPORT MicroTime FirstTime(std::string_view journal);
// A hash as a start has its input's, right behind its key.
SKALD_EXPORT Hash128 ReadHash(std::string_view bytes);

}  // namespace internal

// ---- blocks
// ---------------------------------------------------------------------------------------

struct BlockHeader {
  uint64_t epoch = 0;  // of the fence it was written under
  uint32_t shard = 0;
  absl::Time time;                 // engine time when it was sealed: never below any event in it
  Incarnation next_incarnation{};  // none at or above this was given out before the block
};

struct BlockEntry {
  SagaId saga;
  bool carried = false;  // the saga's whole journal so far; what older blocks say of it is repeated
  // From here on its journal stands in a row of its own (lib/coordinator/asleep.h), until it is
  // carried back. No events.
  bool asleep = false;
  std::string_view events;
};

// Collects entries; Seal makes the bytes.
class SKALD_EXPORT BlockBuilder {
 public:
  void Add(const SagaId& saga, bool carried, std::string_view events);
  void AddAsleep(const SagaId& saga);
  // The finished block, valid until the next call; the builder is empty again and keeps its memory.
  std::string_view Seal(const BlockHeader& header);

  bool empty() const { return count_ == 0; }
  size_t size_bytes() const { return empty() ? 0 : block_.size(); }

 private:
  void AddEntry(const SagaId& saga, uint8_t flags, std::string_view events);

  std::string block_;  // its header's place comes first, and is filled in last
  uint32_t count_ = 0;
};

struct Block {
  BlockHeader header;
  std::vector<BlockEntry> entries;
};

// RETURNS: DataLoss: checksum, version or grammar. Views point into `bytes`.
SKALD_EXPORT absl::StatusOr<Block> ReadBlock(std::string_view bytes);
// The same into a block that was used before, whose memory it keeps.
SKALD_EXPORT absl::Status ReadBlock(std::string_view bytes, Block* block);

// The key of a block in Space::kLog: sequence numbers grow over the life of the store.
SKALD_EXPORT std::string BlockKey(uint64_t sequence);
SKALD_EXPORT absl::StatusOr<uint64_t> ParseBlockKey(std::string_view key);

}  // namespace skald::inline v1
