// A store in memory: the whole contract of store/store.h, durable as long as the object lives. For
// tests, simulation and measuring what the engine itself costs. What it holds after a crash of its
// user is what was committed: drop the user, keep the store, acquire again.
//
//   MemoryStore store;
//   auto committer = Committer::Open(store);
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

struct MemoryStoreOptions {
  StoreId id{};  // zero: drawn at random; a simulation names it
  StoreLimits limits;
};

// THREADS: any.   COST: Scan copies the range it is asked for; all else is O(log n) or a hash.
class SKALD_EXPORT MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryStoreOptions options = {});
  ~MemoryStore() override;

  absl::StatusOr<Acquired> Acquire(std::string_view writer) override;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override;
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override;
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override;
  StoreLimits limits() const override;
  StoreId id() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
