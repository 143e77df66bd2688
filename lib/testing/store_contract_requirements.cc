// What a unit may require, and what a failed one does to its batch.
#include <array>

#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

constexpr auto kNever = static_cast<Version>(~uint64_t{0});

absl::Status AFailedRequirementAppliesNothing(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("k", "1")}));
  const Batch batch =
      w.Next({PutRow("a", "x"), PutLog("l", "x"), RequireThenPut("k", Version::kAbsent, "b", "x"),
              PutRow("k", "x"), RequireThenPut("none", kNever, "c", "x"), DeleteRow("k")});
  for (int i = 0; i < 2; ++i) {
    SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(batch));
    SKALD_EXPECT(Join(result.failed_units) == "2,4", "{}", Join(result.failed_units));
  }
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "k=1", "{}", rows);
  SKALD_ASSIGN_OR_RETURN(const std::string log, ScanText(store, Space::kLog));
  SKALD_EXPECT(log.empty(), "{}", log);
  SKALD_ASSIGN_OR_RETURN(const Acquired acquired, store.Acquire("w"));
  SKALD_EXPECT(acquired.last_number == 1, "{}", acquired.last_number);
  SKALD_EXPECT(acquired.last_ticket == 1, "{}", acquired.last_ticket);
  return absl::OkStatus();
}

absl::Status TheNumberOfAFailedBatchIsFree(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  Batch batch = w.Next({RequireThenPut("none", kNever, "a", "x"), PutRow("b", "x")});
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(batch));
  SKALD_EXPECT(Join(result.failed_units) == "0", "{}", Join(result.failed_units));
  batch.units[0].Clear();
  SKALD_RETURN_IF_ERROR(w.Must(batch));
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "b=x", "{}", rows);
  SKALD_ASSIGN_OR_RETURN(const Version version, VersionAt(store, "b"));
  SKALD_EXPECT(version == VersionOf(w.fence().writer, 1, 1));
  return absl::OkStatus();
}

absl::Status ARowIsRequiredByItsVersion(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must({RequireThenPut("k", Version::kAbsent, "k", "1")}));
  SKALD_ASSIGN_OR_RETURN(const Version first, VersionAt(store, "k"));
  SKALD_RETURN_IF_ERROR(w.Must({RequireThenPut("k", first, "k", "2")}));
  SKALD_ASSIGN_OR_RETURN(const Version second, VersionAt(store, "k"));
  SKALD_EXPECT(first != second);
  for (const Version wrong : {first, Version::kAbsent, kNever}) {
    SKALD_ASSIGN_OR_RETURN(const CommitResult result,
                           w.Commit(w.Next({RequireThenPut("k", wrong, "k", "x")})));
    SKALD_EXPECT(Join(result.failed_units) == "0", "version {:x}", static_cast<uint64_t>(wrong));
  }
  Unit both;
  both.Require("k", second);
  both.Require("none", first);
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(w.Next({both})));
  SKALD_EXPECT(Join(result.failed_units) == "0", "all of a unit's requirements must hold");
  SKALD_RETURN_IF_ERROR(w.Must({DeleteRow("k")}));
  return w.Must({RequireThenPut("k", Version::kAbsent, "k", "3")});
}

absl::Status UnitsSeeTheUnitsBeforeThem(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  const uint16_t number = w.fence().writer;
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("gone", "1")}));
  SKALD_RETURN_IF_ERROR(
      w.Must({PutRow("k", "1"), RequireThenPut("k", VersionOf(number, 2, 0), "k", "2"),
              RequireThenPut("k", VersionOf(number, 2, 1), "k", "3"), DeleteRow("gone"),
              RequireThenPut("gone", Version::kAbsent, "back", "4")}));
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "back=4,k=3", "{}", rows);
  SKALD_ASSIGN_OR_RETURN(
      const CommitResult late,
      w.Commit(w.Next({PutRow("k", "x"), RequireThenPut("k", VersionOf(number, 2, 2), "k", "y")})));
  SKALD_EXPECT(Join(late.failed_units) == "1", "{}", Join(late.failed_units));
  return absl::OkStatus();
}

absl::Status WhatBuildsOnAFailedUnitFails(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  const uint16_t number = w.fence().writer;
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("d", "1")}));
  const Version before = VersionOf(number, 1, 0);
  Unit failing_delete = DeleteRow("d");
  failing_delete.Require("none", kNever);
  const Batch batch = w.Next({RequireThenPut("none", kNever, "a", "1"),               // 0 fails
                              RequireThenPut("a", VersionOf(number, 2, 0), "b", ""),  // 1 so does
                              RequireThenPut("b", VersionOf(number, 2, 1), "c", ""),  // 2 and this
                              RequireThenPut("a", Version::kAbsent, "e", ""),         // 3 holds
                              failing_delete,                                         // 4 fails
                              RequireThenPut("d", Version::kAbsent, "f", ""),         // 5 so does
                              RequireThenPut("d", before, "g", "")});                 // 6 holds
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(batch));
  SKALD_EXPECT(Join(result.failed_units) == "0,1,2,4,5", "{}", Join(result.failed_units));
  return absl::OkStatus();
}

absl::Status RequirementsComeBeforeTheUnitsOwnWrites(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  Unit unit;
  unit.Put(Space::kRows, "k", "1");
  unit.Require("k", Version::kAbsent);
  SKALD_RETURN_IF_ERROR(w.Must({unit}));
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(w.Next({unit})));
  SKALD_EXPECT(Join(result.failed_units) == "0", "{}", Join(result.failed_units));
  return absl::OkStatus();
}

absl::Status EveryWriteHasAVersionOfItsOwn(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter a, BatchWriter::Acquire(store, "a"));
  SKALD_ASSIGN_OR_RETURN(BatchWriter b, BatchWriter::Acquire(store, "b"));
  std::vector<Version> seen = {Version::kAbsent};
  for (int i = 0; i < 20; ++i) {
    BatchWriter& w = i % 3 == 0 ? b : a;
    const Batch batch = w.Next({Unit(), PutRow("k", "same"), PutLog(fmt::format("{:02}", i), "")});
    SKALD_RETURN_IF_ERROR(w.Must(batch));
    SKALD_ASSIGN_OR_RETURN(const Version version, VersionAt(store, "k"));
    SKALD_EXPECT(version == VersionOf(w.fence().writer, batch.ticket, 1), "{:x}",
                 static_cast<uint64_t>(version));
    for (const Version other : seen) SKALD_EXPECT(version != other);
    seen.push_back(version);
  }
  return absl::OkStatus();
}

absl::Status KeysAreSharedByAllWriters(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter a, BatchWriter::Acquire(store, "a"));
  SKALD_ASSIGN_OR_RETURN(BatchWriter b, BatchWriter::Acquire(store, "b"));
  SKALD_RETURN_IF_ERROR(a.Must({PutRow("k", "a"), PutLog("l", "a")}));
  const Version written = VersionOf(a.fence().writer, 1, 0);
  SKALD_RETURN_IF_ERROR(b.Must({RequireThenPut("k", written, "k", "b")}));
  SKALD_ASSIGN_OR_RETURN(const CommitResult result,
                         a.Commit(a.Next({RequireThenPut("k", written, "k", "late")})));
  SKALD_EXPECT(Join(result.failed_units) == "0", "{}", Join(result.failed_units));
  SKALD_RETURN_IF_ERROR(b.Must({DeleteRow("k"), PutLog("m", "b")}));
  SKALD_ASSIGN_OR_RETURN(const std::string log, ScanText(store, Space::kLog));
  SKALD_EXPECT(log == "l=a,m=b", "{}", log);
  return a.Must({RequireThenPut("k", Version::kAbsent, "k", "a")});
}

constexpr std::array kCases = {
    StoreContractCase{"A failed requirement is named and nothing of its batch applies",
                      AFailedRequirementAppliesNothing},
    StoreContractCase{"The number of a failed batch is still free", TheNumberOfAFailedBatchIsFree},
    StoreContractCase{"A row is required by its version or to be absent",
                      ARowIsRequiredByItsVersion},
    StoreContractCase{"Requirements see what earlier units of the batch write",
                      UnitsSeeTheUnitsBeforeThem},
    StoreContractCase{"What builds on a failed unit is named too", WhatBuildsOnAFailedUnitFails},
    StoreContractCase{"Requirements are judged before the unit's own writes",
                      RequirementsComeBeforeTheUnitsOwnWrites},
    StoreContractCase{"Every write of a row has a version of its own",
                      EveryWriteHasAVersionOfItsOwn},
    StoreContractCase{"Keys are shared by all writers", KeysAreSharedByAllWriters},
};

}  // namespace

std::span<const StoreContractCase> RequirementCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
