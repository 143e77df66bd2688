// Where a barrier over a Committer keeps its rows.
#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "skald/base/ids.h"
#include "skald/base/status.h"
#include "skald/store/committer.h"

namespace skald::inline v1::internal {

class CommitterPort {
 public:
  using Rows = Transaction;
  using UserRows = Transaction;

  explicit CommitterPort(Committer& committer) : committer_(&committer) {}

  Transaction Begin(const EffectKey&) { return committer_->Begin(); }
  static Transaction& ForUser(Transaction& rows) { return rows; }

  absl::Status Scan(const KeyRange& range,
                    absl::FunctionRef<absl::Status(std::string_view, std::string_view)> visit) {
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor,
                           committer_->store().Scan(Space::kRows, range));
    for (; cursor->Valid(); cursor->Next()) {
      SKALD_RETURN_IF_ERROR(visit(cursor->key(), cursor->value()));
    }
    return cursor->status();
  }
  absl::Status DropRange(const KeyRange& range) {
    return committer_->store().DropRange(committer_->fence(), Space::kRows, range);
  }

 private:
  Committer* committer_;
};

}  // namespace skald::inline v1::internal
