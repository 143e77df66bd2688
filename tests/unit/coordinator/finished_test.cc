// The record that is kept of a finished saga: as in the golden file, and found by key and id.
#include "finished.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "catch.h"
#include "golden.h"
#include "skald/base/strings.h"

namespace skald::internal {
namespace {

const absl::Time kStarted = absl::FromUnixMicros(1'700'000'000'000'001);

FinishedRecord Completed() {
  FinishedRecord record;
  record.id = {0x1112131415161718, Incarnation{42}};
  record.definition = "place-order";
  record.version = 3;
  record.key = "order 7";
  record.input_fingerprint = {0x2122232425262728, 0x3132333435363738};
  record.state = SagaState::kCompleted;
  record.result = "receipt";
  record.started = kStarted;
  record.finished = kStarted + absl::Seconds(1);
  record.expires = kStarted + absl::Hours(1);
  record.sequence = 300;
  return record;
}

FinishedRecord Compensated() {
  FinishedRecord record = Completed();
  record.state = SagaState::kCompensated;
  record.result.reset();
  record.reason = "sold out";
  record.step = "reserve";
  return record;
}

FinishedRecord WithSignal(std::string_view mark) {
  FinishedRecord record = Completed();
  record.signals = mark;
  return record;
}

std::string BytesOf(const FinishedRecord& record) {
  std::string bytes;
  AppendFinished(record, &bytes);
  return bytes;
}

TEST_CASE("records of finished sagas are the bytes of the golden file") {
  const std::string mark = "0123456789abcdef";
  std::map<std::string, std::string> written;
  const auto add = [&](const std::string& name, std::string_view bytes) {
    written[name] = absl::BytesToHexString(ToAbsl(bytes));
  };
  add("key", FinishedKey(Completed().id.hash));
  add("completed", BytesOf(Completed()));
  add("compensated", BytesOf(Compensated()));
  add("with-a-signal", BytesOf(WithSignal(mark)));
  CHECK(written == testing::GoldenLines(SKALD_SOURCE_DIR "/tests/golden/finished/v2.txt"));
}

TEST_CASE("a record reads back as it was written, and not when it is cut") {
  const std::string mark = SignalMark("paid", "d1");
  REQUIRE(mark.size() == kSignalMarkBytes);
  for (const FinishedRecord& record : {Completed(), Compensated(), WithSignal(mark)}) {
    const std::string bytes = BytesOf(record);
    std::string_view rest = bytes;
    const absl::StatusOr<FinishedRecord> read = ReadFinished(rest);
    REQUIRE(read.ok());
    CHECK(rest.empty());
    CHECK(BytesOf(*read) == bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::string_view cut = std::string_view(bytes).substr(0, size);
      CHECK_FALSE(ReadFinished(cut).ok());
    }
  }
}

TEST_CASE("a record knows the signals that its saga took, each by step and key") {
  const std::string marks = SignalMark("paid", "d1") + SignalMark("signed", "d2");
  const FinishedRecord record = WithSignal(marks);
  CHECK(TookSignal(record, SignalMark("paid", "d1")));
  CHECK(TookSignal(record, SignalMark("signed", "d2")));
  CHECK_FALSE(TookSignal(record, SignalMark("paid", "d2")));
  CHECK_FALSE(TookSignal(Completed(), SignalMark("paid", "d1")));
}

TEST_CASE("a generation gives each hash one row, with every record of it, in ascending order") {
  FinishedSet set;
  const auto add = [&](uint64_t hash, uint64_t incarnation, bool row_existed) {
    FinishedRecord record = Completed();
    record.id = {hash, Incarnation{incarnation}};
    set.Add(record, 0, row_existed);
  };
  for (int round = 0; round < 2; ++round) {
    add(30, 1, false);
    add(10, 2, true);
    add(20, 3, false);
    add(10, 4, false);
    add(10, 5, false);
    const std::vector<FinishedSet::Place> places = set.Sorted();
    REQUIRE(places.size() == 3);
    for (size_t i = 0; i < places.size(); ++i) {
      CHECK(places[i].hash == 10 * (i + 1));
      CHECK(places[i].newest == set.Find(places[i].hash).newest);
      CHECK(places[i].offset == set.Find(places[i].hash).offset);
      CHECK(set.RowExisted(places[i]) == (places[i].hash == 10));
    }
    std::string row;
    set.AppendRowOf(places[0], &row);
    std::vector<uint64_t> incarnations;
    for (std::string_view rest = row; !rest.empty();) {
      const absl::StatusOr<FinishedRecord> record = ReadFinished(rest);
      REQUIRE(record.ok());
      incarnations.push_back(static_cast<uint64_t>(record->id.incarnation));
    }
    CHECK(incarnations == std::vector<uint64_t>{5, 4, 2});
    set.Clear();
    CHECK(set.empty());
    CHECK(set.Find(10).newest == 0);
    CHECK(set.Sorted().empty());
  }
}

TEST_CASE("of a key's records the newest one that has not expired is found") {
  FinishedRecord old = Completed();
  old.expires = kStarted + absl::Hours(9);
  FinishedRecord young = Compensated();
  young.id.incarnation = Incarnation{43};
  const std::string row = BytesOf(old) + BytesOf(young);
  const auto at = [&](absl::Duration time) {
    return *FindFinished(row, "place-order", "order 7", kStarted + time);
  };
  CHECK(at(absl::ZeroDuration())->state == SagaState::kCompensated);
  CHECK(at(absl::Hours(2))->state == SagaState::kCompleted);
  CHECK_FALSE(at(absl::Hours(10)).has_value());
  CHECK_FALSE(FindFinished(row, "place-order", "order 8", kStarted)->has_value());
  CHECK((*FindFinished(row, old.id, kStarted))->state == SagaState::kCompleted);
}

}  // namespace
}  // namespace skald::internal
