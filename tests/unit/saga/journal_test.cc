// The journal's bytes: as in the golden file, read back as they were, and refused when damaged.
#include "skald/saga/journal.h"

#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "catch.h"
#include "golden.h"
#include "skald/base/strings.h"

namespace skald {
namespace {

constexpr SagaId kSaga{0x1112131415161718, Incarnation{42}};
const absl::Time kTime = absl::FromUnixMicros(1'700'000'000'000'001);

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(ToAbsl(bytes));
}

Event Of(EventKind kind, uint16_t step) {
  Event event;
  event.kind = kind;
  event.time = kTime;
  event.step = step;
  return event;
}

// Every kind that is written, by the name it has in the golden file.
std::map<std::string, Event> AllEvents() {
  std::map<std::string, Event> all;
  Event& start = all["start"] = Of(EventKind::kStart, Event::kNoStep);
  start.definition = "place-order";
  start.version = 3;
  start.fingerprint = 0x0102030405060708;
  start.key = "order 7";
  start.input_fingerprint = {0x2122232425262728, 0x3132333435363738};
  start.input = "input";
  start.deadline = kTime + absl::Seconds(30);
  start.result_step = 2;
  Event& done = all["done"] = Of(EventKind::kVerdict, 1);
  done.verdict = VerdictKind::kDone;
  done.has_output = true;
  done.output = "output";
  Event& item = all["done-item"] = done;
  item.index = 300;
  Event& items = all["items"] = done;
  items.index = Event::kWhole;
  items.output = std::string_view("\2\1a\1b", 5);
  Event& rejected = all["rejected-clean"] = Of(EventKind::kVerdict, 1);
  rejected.verdict = VerdictKind::kRejected;
  rejected.clean = true;
  rejected.reason = "sold out";
  Event& undone = all["undone"] = Of(EventKind::kVerdict, 0);
  undone.direction = Direction::kCompensation;
  undone.verdict = VerdictKind::kDone;
  Event& gave_up = all["gave-up"] = Of(EventKind::kGaveUp, 1);
  gave_up.reason = "no answer";
  all["timer-of-a-sleep"] = Of(EventKind::kTimerFired, 4);
  Event& timer = all["timer-of-an-await"] = Of(EventKind::kTimerFired, 5);
  timer.has_output = true;
  timer.output = std::string_view("\0", 1);
  Event& signal = all["signal"] = Of(EventKind::kSignal, 5);
  signal.actor = "payment 9";
  signal.reason = "paid";
  signal.has_output = true;
  signal.output = "\1paid";
  Event& cancel = all["cancel"] = Of(EventKind::kCancelAsked, Event::kNoStep);
  cancel.actor = "customer";
  cancel.reason = "changed my mind";
  all["deadline"] = Of(EventKind::kDeadlinePassed, Event::kNoStep);
  Event& turn = all["turn"] = Of(EventKind::kTurn, 1);
  turn.state_after = SagaState::kCompensating;
  Event& verb = all["supply-output"] = Of(EventKind::kOperatorVerb, 2);
  verb.verb = Verb::kSupplyOutput;
  verb.actor = "operator";
  verb.reason = "seen";
  verb.has_output = true;
  verb.output = "by hand";
  return all;
}

std::string BytesOf(const Event& event) {
  std::string bytes;
  AppendEvent(event, &bytes);
  return bytes;
}

std::string SealedBlock() {
  BlockBuilder builder;
  builder.Add(kSaga, false, BytesOf(AllEvents()["turn"]));
  builder.Add(kSaga, true, BytesOf(AllEvents()["start"]));
  return std::string(
      builder.Seal({.epoch = 7, .shard = 1, .time = kTime, .next_incarnation = Incarnation{43}}));
}

TEST_CASE("the state after some events is read off their heads, and damage gives none") {
  CHECK_FALSE(LastState("").has_value());
  std::string events = BytesOf(AllEvents()["start"]);
  CHECK(LastState(events) == SagaState::kRunning);
  events += BytesOf(AllEvents()["turn"]);
  CHECK(LastState(events) == SagaState::kCompensating);
  for (size_t size = 1; size < events.size(); ++size) {
    CAPTURE(size);
    const auto state = LastState(std::string_view(events).substr(0, size));
    CHECK(state.value_or(SagaState::kRunning) == SagaState::kRunning);
    CHECK(state.has_value() == (size == BytesOf(AllEvents()["start"]).size()));
  }
}

TEST_CASE("events and blocks are the bytes of the golden file") {
  std::map<std::string, std::string> written;
  for (const auto& [name, event] : AllEvents()) written[name] = Hex(BytesOf(event));
  written["block-key"] = Hex(BlockKey(258));
  written["block"] = Hex(SealedBlock());
  for (const auto& [name, bytes] : written) UNSCOPED_INFO(name << " " << bytes);
  CHECK(written == testing::GoldenLines(SKALD_SOURCE_DIR "/tests/golden/journal/v1.txt"));
}

TEST_CASE("an event reads back as it was written") {
  for (const auto& [name, event] : AllEvents()) {
    INFO(name);
    const std::string bytes = BytesOf(event);
    std::string_view rest = bytes;
    const absl::StatusOr<Event> read = ReadEvent(rest);
    REQUIRE(read.ok());
    CHECK(rest.empty());
    CHECK(BytesOf(*read) == bytes);
    CHECK(read->step == event.step);
    CHECK(read->index == event.index);
    CHECK(read->output == event.output);
    CHECK(read->actor == event.actor);
    CHECK(read->reason == event.reason);
    CHECK(read->time == event.time);
  }
}

TEST_CASE("an event that is cut short does not read, and says what it was") {
  for (const auto& [name, event] : AllEvents()) {
    INFO(name);
    const std::string bytes = BytesOf(event);
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::string_view rest = std::string_view(bytes).substr(0, size);
      const absl::StatusOr<Event> read = ReadEvent(rest);
      REQUIRE(absl::IsDataLoss(read.status()));
      CHECK(read.status().message().find("event") != absl::string_view::npos);
    }
  }
}

TEST_CASE("a builder that was sealed writes the next block as a new one would") {
  const BlockHeader header{.epoch = 7, .shard = 1, .time = kTime};
  BlockBuilder used;
  used.Add(kSaga, false, std::string(100'000, 'x'));
  REQUIRE(ReadBlock(used.Seal(header))->entries.size() == 1);
  CHECK(used.empty());
  CHECK(used.size_bytes() == 0);
  const std::string nothing(used.Seal(header));
  CHECK(ReadBlock(nothing)->entries.empty());
  BlockBuilder fresh;
  for (BlockBuilder* builder : {&used, &fresh}) {
    builder->Add(kSaga, false, BytesOf(AllEvents()["turn"]));
    builder->AddAsleep(kSaga);
  }
  CHECK(used.Seal(header) == fresh.Seal(header));
}

TEST_CASE("a block with any bit flipped, or cut, does not read") {
  const std::string good = SealedBlock();
  REQUIRE(ReadBlock(good).ok());
  CHECK(ReadBlock(good)->entries.size() == 2);
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    CHECK(absl::IsDataLoss(ReadBlock(bad).status()));
  }
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK(absl::IsDataLoss(ReadBlock(good.substr(0, size)).status()));
  }
}

}  // namespace
}  // namespace skald
