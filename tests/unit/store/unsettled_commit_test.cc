// Commits whose outcome is unknown: repeated until they are settled, or the committer stops.
#include <string>
#include <vector>

#include "catch.h"
#include "skald/base/strings.h"
#include "skald/store/committer.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"
#include "store_test_util.h"

namespace skald {
namespace {

using testing::Answers;
using testing::Durable;
using testing::OpenByHand;
using testing::PollAll;
using testing::RowUnit;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

class Recorder final : public Observer {
 public:
  void OnNotice(const Notice& notice) override { kinds.emplace_back(notice.kind); }
  std::vector<std::string> kinds;
};

struct Setup {
  MemoryStore memory;
  FaultStore store{memory};
  ManualClock clock;
  Recorder observer;
  Answers answers;
  std::unique_ptr<Committer> committer = OpenByHand(
      store, {.unsettled_max = absl::Seconds(30), .observer = &observer, .clock = &clock});

  void Put(std::string_view key, std::string_view value) {
    REQUIRE(committer->Enqueue(RowUnit(key, value), answers.As(std::string(value))).ok());
  }
  // Polls and lets back-off pass, for so long.
  void Drive(absl::Duration time) {
    for (absl::Duration end = clock.Boot() + time; clock.Boot() < end;) {
      PollAll(*committer);
      clock.Advance(absl::Milliseconds(100));
    }
  }
};

TEST_CASE("An unknown outcome is settled by the identical batch before anything else goes out") {
  Setup t;
  const auto when = GENERATE(FaultStore::When::kBefore, FaultStore::When::kAfter);
  t.store.FailNext(3, when);
  t.Put("k", "1");
  PollAll(*t.committer);
  t.Put("k", "2");
  CHECK(t.answers.count() == 0);
  CHECK(t.committer->health().ok());
  CHECK((*t.committer->Get("k"))->value == "2");
  t.Drive(absl::Seconds(5));
  CHECK(t.answers.Order() == std::vector<std::string>{"1", "2"});
  CHECK(t.answers.Of("1") == kOk);
  CHECK(t.answers.Of("2") == kOk);
  CHECK(t.committer->stats().repeats == 3);
  CHECK(t.observer.kinds == std::vector<std::string>{"commit-unsettled"});
  CHECK(Durable(t.memory, "k") == "2");
  CHECK(t.store.commits() == 5);
}

TEST_CASE("Repetition backs off") {
  Setup t;
  t.store.FailNext(1000, FaultStore::When::kBefore);
  t.Put("k", "1");
  PollAll(*t.committer);
  CHECK(t.store.commits() == 1);
  CHECK_FALSE(t.committer->PollOnce());
  t.clock.Advance(absl::Milliseconds(1));
  CHECK(t.committer->PollOnce());
  CHECK_FALSE(t.committer->PollOnce());
  t.clock.Advance(absl::Milliseconds(2));
  CHECK(t.committer->PollOnce());
  t.Drive(absl::Seconds(20));
  CHECK(t.store.commits() > 20);  // at most a second apart
  CHECK(t.store.commits() < 40);
}

TEST_CASE("A commit that stays unsettled stops the committer and everyone is told to ask again") {
  Setup t;
  t.store.FailNext(1'000'000, FaultStore::When::kAfter,
                   absl::InternalError("the disk makes odd noises"));
  t.Put("k", "1");
  PollAll(*t.committer);
  t.Put("k", "2");
  t.Drive(absl::Seconds(29));
  CHECK(t.answers.count() == 0);
  t.Drive(absl::Seconds(2));
  CHECK(t.answers.Order() == std::vector<std::string>{"1", "2"});
  CHECK(t.answers.Of("1") == kUnavailable);
  CHECK(t.answers.Of("2") == kUnavailable);
  const std::string message(ToStd(t.answers.last().message()));
  CHECK(message.find("ask again with the same key") != std::string::npos);
  CHECK(message.find("odd noises") != std::string::npos);
  CHECK_FALSE(t.committer->health().ok());
  CHECK(t.observer.kinds == std::vector<std::string>{"commit-unsettled", "committer-stopped"});
  CHECK(t.committer->Enqueue(RowUnit("k", "3"), t.answers.As("3")).code() == kUnavailable);
  CHECK(t.committer->Get("k").status().code() == kUnavailable);
  CHECK(t.committer->Shutdown(absl::Seconds(1)).code() == kUnavailable);
  CHECK(t.answers.Of("3") == std::nullopt);
}

TEST_CASE("A stale fence stops the committer at once") {
  Setup t;
  t.Put("k", "1");
  PollAll(*t.committer);
  const auto newer = OpenByHand(t.memory);
  t.Put("k", "2");
  PollAll(*t.committer);
  CHECK(t.answers.Of("2") == kUnavailable);
  CHECK(t.committer->health().code() == absl::StatusCode::kAborted);
  CHECK(t.store.commits() == 2);
  CHECK((*newer->Get("k"))->value == "1");
}

TEST_CASE("A store that disagrees about the number stops the committer") {
  Setup t;
  Batch foreign{.number = 1, .ticket = 1, .units = {}};
  foreign.units.push_back(RowUnit("k", "foreign"));
  REQUIRE(t.memory.Commit(t.committer->fence(), foreign).ok());
  t.Put("k", "1");
  PollAll(*t.committer);
  CHECK(t.answers.Of("1") == kUnavailable);
  CHECK(t.committer->health().code() == absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("What reads an unsettled row shares its fate") {
  Setup t;
  const bool heals = GENERATE(true, false);
  t.store.FailNext(heals ? 3 : 1'000'000, FaultStore::When::kBefore);
  t.Put("k", "1");
  PollAll(*t.committer);
  Transaction tx = t.committer->Begin();
  CHECK(*tx.Get("k") == "1");
  tx.Put("k", "2");
  REQUIRE(std::move(tx).CommitThen(t.answers.As("2")).ok());
  t.Drive(absl::Seconds(40));
  CHECK(t.answers.Of("1") == (heals ? kOk : kUnavailable));
  CHECK(t.answers.Of("2") == (heals ? kOk : kUnavailable));
  CHECK(Durable(t.memory, "k") == (heals ? std::optional<std::string>("2") : std::nullopt));
}

TEST_CASE("Shutdown by hand answers what is unsettled and says so") {
  Setup t;
  t.store.FailNext(1000, FaultStore::When::kBefore);
  t.Put("k", "1");
  CHECK(t.committer->Shutdown(absl::Seconds(1)).code() == absl::StatusCode::kDeadlineExceeded);
  CHECK(t.answers.Of("1") == kUnavailable);
}

TEST_CASE(
    "A committer on its own thread settles, and one that is dropped while it backs off ends") {
  MemoryStore memory;
  FaultStore store(memory);
  const auto open = Committer::Open(store);
  REQUIRE(open.ok());
  store.FailNext(2, FaultStore::When::kAfter);
  Transaction tx = (*open)->Begin();
  tx.Put("k", "1");
  CHECK(std::move(tx).Commit().ok());
  CHECK((*open)->stats().repeats == 2);
  store.FailNext(1'000'000, FaultStore::When::kBefore);
  REQUIRE((*open)->Enqueue(RowUnit("k", "2"), nullptr).ok());
  CHECK((*open)->Shutdown(absl::ZeroDuration()).code() == absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace skald
