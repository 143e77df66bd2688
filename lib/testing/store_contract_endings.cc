// What is still there after the store ended and was opened again.
#include <array>

#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

absl::Status ReopenKeepsEverything(StoreContractHost& host, StoreEnding ending) {
  const StoreId id = host.store().id();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(host.store(), "w"));
  SKALD_ASSIGN_OR_RETURN(BatchWriter x, BatchWriter::Acquire(host.store(), "x"));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("a", "1"), PutRow("b", "1"), PutLog("l", "1")}));
  SKALD_RETURN_IF_ERROR(x.Must({PutRow("c", "1"), DeleteRow("a")}));
  const Batch last = w.Next({PutRow("b", "2"), PutLog("m", "2")});
  SKALD_RETURN_IF_ERROR(w.Must(last));
  for (int times = 0; times < 3; ++times) {
    SKALD_RETURN_IF_ERROR(host.Reopen(ending));
    Store& store = host.store();
    SKALD_EXPECT(store.id() == id);
    SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
    SKALD_EXPECT(rows == "b=2,c=1", "{}", rows);
    SKALD_ASSIGN_OR_RETURN(const std::string log, ScanText(store, Space::kLog));
    SKALD_EXPECT(log == "l=1,m=2", "{}", log);
    SKALD_ASSIGN_OR_RETURN(const Version version, VersionAt(store, "b"));
    SKALD_EXPECT(version == VersionOf(w.fence().writer, last.ticket, 0));
  }
  SKALD_ASSIGN_OR_RETURN(BatchWriter again, BatchWriter::Acquire(host.store(), "w"));
  SKALD_EXPECT(again.fence().writer == w.fence().writer);
  SKALD_EXPECT(again.fence().epoch > w.fence().epoch, "{} {}", again.fence().epoch,
               w.fence().epoch);
  SKALD_EXPECT(again.acquired().last_number == 2, "{}", again.acquired().last_number);
  SKALD_EXPECT(again.acquired().last_ticket == last.last_ticket());
  SKALD_ASSIGN_OR_RETURN(const CommitResult repeated, host.store().Commit(again.fence(), last));
  SKALD_EXPECT(repeated.failed_units.empty(), "the last batch is known after reopening");
  const absl::Status stale = host.store().Commit(w.fence(), w.Next()).status();
  SKALD_EXPECT(stale.code() == absl::StatusCode::kAborted, "{}", stale.ToString());
  return again.Must({PutRow("b", "3")});
}

absl::Status EverythingSurvivesAClose(StoreContractHost& host, uint64_t) {
  return ReopenKeepsEverything(host, StoreEnding::kClean);
}

absl::Status EverythingSurvivesACrash(StoreContractHost& host, uint64_t) {
  return ReopenKeepsEverything(host, StoreEnding::kCrash);
}

// Each commit is acknowledged and the store dies at once.
absl::Status EveryAcknowledgedBatchSurvives(StoreContractHost& host, uint64_t) {
  std::string expected;
  for (int n = 0; n < 10; ++n) {
    SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(host.store(), "w"));
    SKALD_EXPECT(w.acquired().last_number == static_cast<uint64_t>(n), "{} of {}",
                 w.acquired().last_number, n);
    SKALD_RETURN_IF_ERROR(
        w.Must({PutLog(fmt::format("{}", n), "v"), PutRow(fmt::format("{}", n), "v")}));
    expected += fmt::format("{}{}=v", n == 0 ? "" : ",", n);
    SKALD_RETURN_IF_ERROR(host.Reopen(n % 3 == 2 ? StoreEnding::kClean : StoreEnding::kCrash));
    for (const Space space : {Space::kRows, Space::kLog}) {
      SKALD_ASSIGN_OR_RETURN(const std::string text, ScanText(host.store(), space));
      SKALD_EXPECT(text == expected, "{} instead of {}", text, expected);
    }
  }
  return absl::OkStatus();
}

absl::Status AnAcquiredEpochSurvives(StoreContractHost& host, uint64_t) {
  uint64_t last = 0;
  for (int n = 0; n < 5; ++n) {
    SKALD_ASSIGN_OR_RETURN(const Acquired acquired, host.store().Acquire("w"));
    SKALD_EXPECT(acquired.fence.epoch > last, "{} {}", acquired.fence.epoch, last);
    last = acquired.fence.epoch;
    SKALD_RETURN_IF_ERROR(host.Reopen(StoreEnding::kCrash));
  }
  return absl::OkStatus();
}

constexpr std::array kCases = {
    StoreContractCase{"Everything that was acknowledged is there after a clean end",
                      EverythingSurvivesAClose},
    StoreContractCase{"Everything that was acknowledged is there after a crash",
                      EverythingSurvivesACrash, true},
    StoreContractCase{"A crash after each acknowledgement loses none of them",
                      EveryAcknowledgedBatchSurvives, true},
    StoreContractCase{"An epoch that was given out is never given out again",
                      AnAcquiredEpochSurvives, true},
};

}  // namespace

std::span<const StoreContractCase> EndingCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
