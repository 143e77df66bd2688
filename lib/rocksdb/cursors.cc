#include "cursors.h"

#include "database.h"
#include "rocks_status.h"
#include "row_value.h"

namespace skald::inline v1::rocks {

void OpenCursors::EndAll(const absl::Status& why) {
  MutexLock lock(mutex_);
  for (RocksCursor* cursor : cursors_) cursor->End(why);
  cursors_.clear();
}

void OpenCursors::Add(RocksCursor* cursor) {
  MutexLock lock(mutex_);
  cursors_.insert(cursor);
}

void OpenCursors::Remove(RocksCursor* cursor) {
  MutexLock lock(mutex_);
  cursors_.erase(cursor);
}

RocksCursor::~RocksCursor() {
  {
    // Before it leaves the list: a database that is being closed waits only for who is on it.
    MutexLock lock(mutex_);
    iterator_.reset();
  }
  list_->Remove(this);
}

void RocksCursor::Next() {
  if (!valid_) return;
  MutexLock lock(mutex_);
  if (iterator_ == nullptr) {
    valid_ = false;
    status_ = ended_;
    return;
  }
  iterator_->Next();
  Take();
}

void RocksCursor::Take() {
  valid_ = iterator_->Valid();
  if (!valid_) {
    status_ = FromRocks(iterator_->status(), "scanning the store");
    return;
  }
  key_.assign(iterator_->key().data(), iterator_->key().size());
  std::string_view value = ToView(iterator_->value());
  if (space_ == Space::kRows) {
    const std::optional<RowValue> row = DecodeRowValue(value);
    if (!row) {
      valid_ = false;
      status_ = absl::DataLossError("scanning the store: a row is too short to hold its version");
      return;
    }
    version_ = row->version;
    value = row->value;
  }
  value_.assign(value);
}

void RocksCursor::End(const absl::Status& why) {
  MutexLock lock(mutex_);
  iterator_.reset();
  ended_ = why;
}

}  // namespace skald::inline v1::rocks
