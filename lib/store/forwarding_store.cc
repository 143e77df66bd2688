#include "skald/store/forwarding_store.h"

namespace skald::inline v1 {

absl::StatusOr<Acquired> ForwardingStore::Acquire(std::string_view writer) {
  return target_.Acquire(writer);
}
absl::StatusOr<CommitResult> ForwardingStore::Commit(const Fence& fence, const Batch& batch) {
  return target_.Commit(fence, batch);
}
absl::StatusOr<std::optional<Row>> ForwardingStore::Get(Space space, std::string_view key) {
  return target_.Get(space, key);
}
absl::StatusOr<std::unique_ptr<Cursor>> ForwardingStore::Scan(Space space, const KeyRange& range) {
  return target_.Scan(space, range);
}
absl::Status ForwardingStore::DropRange(const Fence& fence, Space space, const KeyRange& range) {
  return target_.DropRange(fence, space, range);
}
StoreLimits ForwardingStore::limits() const {
  return target_.limits();
}
StoreId ForwardingStore::id() const {
  return target_.id();
}

}  // namespace skald::inline v1
