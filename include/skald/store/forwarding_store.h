// A store that hands every call to another one. Derive from it to add to some calls: faults,
// counts, traces.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/export.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// THREADS: as the target.
class SKALD_EXPORT ForwardingStore : public Store {
 public:
  // `target` outlives this object.
  explicit ForwardingStore(Store& target) : target_(target) {}

  absl::StatusOr<Acquired> Acquire(std::string_view writer) override;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;
  absl::StatusOr<std::optional<Row>> Get(Space space, std::string_view key) override;
  absl::StatusOr<std::unique_ptr<Cursor>> Scan(Space space, const KeyRange& range) override;
  absl::Status DropRange(const Fence& fence, Space space, const KeyRange& range) override;
  StoreLimits limits() const override;
  StoreId id() const override;

 protected:
  Store& target() const { return target_; }

 private:
  Store& target_;
};

}  // namespace skald::inline v1
