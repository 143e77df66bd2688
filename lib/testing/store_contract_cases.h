// What the cases of the store contract share.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/status.h"
#include "skald/testing/store_contract.h"

// Returns Internal with place, condition and values unless `condition` holds.
#define SKALD_EXPECT(condition, ...)                                                          \
  do {                                                                                        \
    if (!(condition)) [[unlikely]]                                                            \
      return absl::InternalError(::fmt::format("{}:{}: expected {} ({})", __FILE__, __LINE__, \
                                               #condition, ::fmt::format("" __VA_ARGS__)));   \
  } while (false)

namespace skald::inline v1::store_contract {

// One batch after another under one fence, as a committer numbers them.
class BatchWriter {
 public:
  static absl::StatusOr<BatchWriter> Acquire(Store& store, std::string_view name);

  const Fence& fence() const { return acquired_.fence; }
  const Acquired& acquired() const { return acquired_; }
  // The next batch, still without units.
  Batch Next() const { return {.number = number_ + 1, .ticket = ticket_ + 1, .units = {}}; }
  Batch Next(std::vector<Unit> units) const {
    return {.number = number_ + 1, .ticket = ticket_ + 1, .units = std::move(units)};
  }
  // Commits it and, when it is durable, counts on.
  absl::StatusOr<CommitResult> Commit(const Batch& batch);
  // The same; anything but durable is an error.
  absl::Status Must(const Batch& batch);
  absl::Status Must(std::vector<Unit> units) { return Must(Next(std::move(units))); }
  void Count(const Batch& batch);

 private:
  BatchWriter(Store& store, const Acquired& acquired)
      : store_(&store),
        acquired_(acquired),
        number_(acquired.last_number),
        ticket_(acquired.last_ticket) {}

  Store* store_;
  Acquired acquired_;
  uint64_t number_;
  uint64_t ticket_;
};

Unit PutRow(std::string_view key, std::string_view value);
Unit PutLog(std::string_view key, std::string_view value);
Unit DeleteRow(std::string_view key);
// A unit that requires, then writes.
Unit RequireThenPut(std::string_view required, Version version, std::string_view key,
                    std::string_view value);

// nullopt: absent.
absl::StatusOr<std::optional<std::string>> ValueOf(Store& store, Space space, std::string_view key);
absl::StatusOr<Version> VersionAt(Store& store, std::string_view key);
// "k=v,k=v" in the order of the scan.
absl::StatusOr<std::string> ScanText(Store& store, Space space, const KeyRange& range = {});
std::string Join(const std::vector<uint32_t>& numbers);

std::span<const StoreContractCase> FenceCases();
std::span<const StoreContractCase> RequirementCases();
std::span<const StoreContractCase> ReadCases();
std::span<const StoreContractCase> EndingCases();
std::span<const StoreContractCase> ConcurrencyCases();
std::span<const StoreContractCase> ModelCases();

}  // namespace skald::inline v1::store_contract
