// What is written and read of many sagas together: groups, records of finished ones, transactions,
// barriers.
#include <memory>
#include <optional>
#include <utility>

#include "core_paths.h"
#include "finished.h"
#include "order_saga.h"
#include "skald/base/check.h"
#include "skald/base/clock.h"
#include "skald/participant/barrier.h"
#include "skald/saga/journal.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"

namespace skald::bench {
namespace {

using internal::FinishedRecord;
using internal::FinishedSet;

// ---- finished sagas
// ------------------------------------------------------------------------------

FinishedRecord RecordOf(uint64_t number, std::string_view key) {
  FinishedRecord record;
  record.id = IdOf(number);
  record.definition = "place-order";
  record.version = 1;
  record.key = key;
  record.input_fingerprint = {number, 1};
  record.result = Noise(kOutputBytes, 0);
  record.started = kPathsBegin;
  record.finished = kPathsBegin + absl::Milliseconds(3);
  record.expires = kPathsBegin + absl::Hours(168);
  record.sequence = 4;
  return record;
}

void RunFinishedAdd(uint64_t times) {
  FinishedSet set;
  for (uint64_t i = 0; i < times; ++i) {
    if (i % 512 == 0) set.Clear();
    set.Add(RecordOf(i, "order-00001234"), i, false);
  }
  SKALD_CHECK(!set.empty(), "nothing was added");
}

void RunFinishedFind(uint64_t times) {
  constexpr uint64_t kRecords = 512;
  FinishedSet set;
  for (uint64_t i = 0; i < kRecords; ++i) set.Add(RecordOf(i, "order-00001234"), i, false);
  std::string row;
  for (uint64_t i = 0; i < times; ++i) {
    const uint64_t hash = Mixed(i % kRecords);
    row.clear();
    SKALD_CHECK(set.Contains(hash), "a record is lost");
    set.AppendRowOf(set.Find(hash), &row);
    const auto found = internal::FindFinished(row, "place-order", "order-00001234", kPathsBegin);
    SKALD_CHECK(found.ok() && found->has_value(), "a record does not read");
    Keep(found);
  }
}

void RunFinishedMiss(uint64_t times) {
  FinishedSet set;
  for (uint64_t i = 0; i < 512; ++i) set.Add(RecordOf(i, "order-00001234"), i, false);
  for (uint64_t i = 0; i < times; ++i) {
    SKALD_CHECK(!set.Contains(Mixed(512 + i)), "a record of nobody");
  }
}

// ---- groups
// --------------------------------------------------------------------------------------

// The events of one saga into the block of a group, and its share of the block's commit.
void RunBlock(uint64_t times) {
  const std::string event(Noise(kOutputBytes + 25, 1));
  BlockBuilder builder;
  Batch batch{.number = 1, .ticket = 1, .units = {}};
  for (uint64_t i = 1; i <= times; ++i) {
    builder.Add(IdOf(i), false, event);
    if (i % kGroup != 0 && i != times) continue;
    const std::string_view block = builder.Seal({.epoch = 1, .shard = 0, .time = kPathsBegin});
    Unit unit;
    unit.Put(Space::kLog, BlockKey(i), block);
    batch.units.clear();
    batch.units.push_back(std::move(unit));
    Keep(batch.Checksum());
  }
}

void RunReadBlock(uint64_t times) {
  const std::string event(Noise(kOutputBytes + 25, 1));
  BlockBuilder builder;
  for (uint64_t i = 0; i < kGroup; ++i) builder.Add(IdOf(i), false, event);
  const std::string bytes(builder.Seal({.epoch = 1, .shard = 0, .time = kPathsBegin}));
  for (uint64_t i = 0; i < times; i += kGroup) {
    const absl::StatusOr<Block> block = ReadBlock(bytes);
    SKALD_CHECK(block.ok() && block->entries.size() == kGroup, "a block does not read");
    Keep(block);
  }
}

struct Participant {
  Participant() {
    committer = Committer::Open(store, {.own_thread = false, .clock = &clock}).value();
    barrier = Barrier::Open(*committer).value();
  }
  void PollNow() {
    while (committer->PollOnce()) {
    }
  }

  ManualClock clock{kPathsBegin};
  MemoryStore store{{.id = StoreId{7}}};
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Barrier> barrier;
};

std::string RowOf(uint64_t number) {
  return OrderKey(Mixed(number));
}

// One row read, that and another one written, 256 transactions a commit.
void RunTransaction(uint64_t times) {
  Participant shop;
  uint64_t done = 0;
  for (uint64_t i = 1; i <= times; ++i) {
    Transaction rows = shop.committer->Begin();
    SKALD_CHECK(rows.Get(RowOf(i)).ok(), "a row does not read");
    rows.Put(RowOf(i), Noise(kOutputBytes, i));
    rows.Put(RowOf(~i), Noise(kOutputBytes, ~i));
    const absl::Status queued = std::move(rows).CommitThen(
        [&done](const absl::Status& status) { done += static_cast<uint64_t>(status.ok()); });
    SKALD_CHECK(queued.ok(), "the queue is full");
    if (i % 256 == 0 || i == times) shop.PollNow();
  }
  SKALD_CHECK(done == times, "{} of {} committed", done, times);
}

// ---- barriers
// ------------------------------------------------------------------------------------

BarrierRequest RequestOf(uint64_t number, Direction direction = Direction::kAction) {
  return {.key = {.store = StoreId{1}, .saga = IdOf(number), .step = 3, .direction = direction},
          .floor = Incarnation{1},
          .fingerprint = {number, 0}};
}

BarrierRecord RecordedAction(const BarrierRequest& request) {
  return {.action = ActionRecord::kDone,
          .action_fingerprint = request.fingerprint,
          .text = std::string(Noise(kOutputBytes, 2))};
}

void RunDecide(BarrierVerb verb, bool recorded, bool runs, uint64_t times) {
  const bool action = verb == BarrierVerb::kAction;
  const BarrierRequest request =
      RequestOf(1, action ? Direction::kAction : Direction::kCompensation);
  std::optional<BarrierRecord> record;
  if (recorded) record = RecordedAction(request);
  for (; times > 0; --times) {
    const Decision decision = Decide(verb, request, record, Incarnation{1});
    SKALD_CHECK(decision.run == runs, "decided otherwise");
    Keep(decision);
  }
}

void RunBarrierRecord(uint64_t times) {
  const BarrierRequest request = RequestOf(1);
  const BarrierRecord record = RecordedAction(request);
  for (; times > 0; --times) {
    const std::string key = BarrierRowKey("stock", request.key);
    const std::string row = EncodeBarrierRecord(key, record);
    SKALD_CHECK(DecodeBarrierRecord(key, row).ok(), "a record does not read");
  }
}

// A whole action: its row, its record, its share of the commit, its answer.
void RunBarrierAction(uint64_t times) {
  Participant shop;
  uint64_t done = 0;
  for (uint64_t i = 1; i <= times; ++i) {
    shop.barrier->ActionThen(
        RequestOf(i),
        [&](Transaction& rows) {
          rows.Put(RowOf(i), Noise(kOutputBytes, i));
          return std::string(Noise(kOutputBytes, 3));
        },
        [&done](const Verdict<std::string>& said) { done += static_cast<uint64_t>(said.done()); });
    if (i % 256 == 0 || i == times) shop.PollNow();
  }
  SKALD_CHECK(done == times, "{} of {} done", done, times);
}

void AddBarriers(std::vector<Path>& paths) {
  const auto add = [&](std::string name, std::string what, BarrierVerb verb, bool recorded,
                       bool runs) {
    paths.push_back({std::move(name), std::move(what), 8192,
                     [=](uint64_t times) { RunDecide(verb, recorded, runs, times); }});
  };
  add("decide-action", "nothing is recorded", BarrierVerb::kAction, false, true);
  add("decide-again", "the action is recorded", BarrierVerb::kAction, true, false);
  add("decide-undo", "the action is recorded", BarrierVerb::kCompensation, true, true);
  add("decide-undo-nothing", "nothing is recorded", BarrierVerb::kCompensation, false, false);
  paths.push_back({"barrier-record", "key and row, written and read", 4096, RunBarrierRecord});
  paths.push_back({"barrier-action", "an action, 256 a commit", 2048, RunBarrierAction});
}

}  // namespace

void AddRecordPaths(std::vector<Path>& paths) {
  paths.push_back({"finished-add", "a record into memory, 512 a set", 4096, RunFinishedAdd});
  paths.push_back({"finished-find", "a record in memory, read", 4096, RunFinishedFind});
  paths.push_back({"finished-miss", "a hash that is not there", 8192, RunFinishedMiss});
  paths.push_back({"block", "a saga's events into a block, 192 a commit", 6144, RunBlock});
  paths.push_back({"block-read", "a saga's events out of a block", 6144, RunReadBlock});
  paths.push_back({"transaction", "one row read, two written, 256 a commit", 2048, RunTransaction});
  AddBarriers(paths);
}

}  // namespace skald::bench
