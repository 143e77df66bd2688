#include "skald/testing/store_contract.h"

#include "store_contract_cases.h"

namespace skald::inline v1 {
namespace store_contract {

absl::StatusOr<BatchWriter> BatchWriter::Acquire(Store& store, std::string_view name) {
  SKALD_ASSIGN_OR_RETURN(const Acquired acquired, store.Acquire(name));
  return BatchWriter(store, acquired);
}

absl::StatusOr<CommitResult> BatchWriter::Commit(const Batch& batch) {
  absl::StatusOr<CommitResult> result = store_->Commit(fence(), batch);
  if (result.ok() && result->failed_units.empty()) Count(batch);
  return result;
}

absl::Status BatchWriter::Must(const Batch& batch) {
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, Commit(batch));
  SKALD_EXPECT(result.failed_units.empty(), "batch={} failed={}", batch.number,
               Join(result.failed_units));
  return absl::OkStatus();
}

void BatchWriter::Count(const Batch& batch) {
  number_ = batch.number;
  ticket_ = batch.last_ticket();
}

Unit PutRow(std::string_view key, std::string_view value) {
  Unit unit;
  unit.Put(Space::kRows, key, value);
  return unit;
}

Unit PutLog(std::string_view key, std::string_view value) {
  Unit unit;
  unit.Put(Space::kLog, key, value);
  return unit;
}

Unit DeleteRow(std::string_view key) {
  Unit unit;
  unit.Delete(Space::kRows, key);
  return unit;
}

Unit RequireThenPut(std::string_view required, Version version, std::string_view key,
                    std::string_view value) {
  Unit unit;
  unit.Require(required, version);
  unit.Put(Space::kRows, key, value);
  return unit;
}

absl::StatusOr<std::optional<std::string>> ValueOf(Store& store, Space space,
                                                   std::string_view key) {
  SKALD_ASSIGN_OR_RETURN(std::optional<Row> row, store.Get(space, key));
  if (!row.has_value()) return std::optional<std::string>();
  return std::optional<std::string>(std::move(row->value));
}

absl::StatusOr<Version> VersionAt(Store& store, std::string_view key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row, store.Get(Space::kRows, key));
  return row.has_value() ? row->version : Version::kAbsent;
}

absl::StatusOr<std::string> ScanText(Store& store, Space space, const KeyRange& range) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(space, range));
  std::string text;
  for (; cursor->Valid(); cursor->Next()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", cursor->key(), cursor->value());
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  return text;
}

std::string Join(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (const uint32_t number : numbers) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", number);
  }
  return text;
}

}  // namespace store_contract

std::span<const StoreContractCase> StoreContractCases() {
  static const auto* const kAll = [] {
    auto* all = new std::vector<StoreContractCase>();
    for (const auto cases : {store_contract::FenceCases(), store_contract::RequirementCases(),
                             store_contract::ReadCases(), store_contract::EndingCases(),
                             store_contract::ConcurrencyCases(), store_contract::ModelCases()}) {
      all->insert(all->end(), cases.begin(), cases.end());
    }
    return all;
  }();
  return *kAll;
}

absl::Status RunStoreContractCase(const StoreContractCase& which, StoreContractHost& host,
                                  uint64_t seed) {
  if (which.needs_crash && !host.can_crash()) {
    return absl::UnimplementedError("the host cannot let its store crash");
  }
  SKALD_RETURN_IF_ERROR(Annotate(host.Fresh(), "opening a fresh store"));
  return Annotate(which.run(host, seed), fmt::format("seed {}", seed));
}

}  // namespace skald::inline v1
