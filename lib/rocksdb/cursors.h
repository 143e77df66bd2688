// Cursors, and the list of those that are open: before a database is closed each gives its iterator
// back, and says so when it is used again.
#pragma once

#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "rocksdb/iterator.h"
#include "skald/base/mutex.h"
#include "skald/store/store.h"

namespace skald::inline v1::rocks {

class RocksCursor;

// THREADS: any.
class OpenCursors {
 public:
  // Ends all cursors that are open; each has `why` as its status from its next step on.
  void EndAll(const absl::Status& why) SKALD_EXCLUDES(mutex_);

 private:
  friend class RocksCursor;
  void Add(RocksCursor* cursor) SKALD_EXCLUDES(mutex_);
  void Remove(RocksCursor* cursor) SKALD_EXCLUDES(mutex_);

  Mutex mutex_;
  absl::flat_hash_set<RocksCursor*> cursors_ SKALD_GUARDED_BY(mutex_);
};

// May outlive its store. Key and value are copies, so that ending the cursor from another thread
// never takes away what its user looks at.
class RocksCursor final : public Cursor {
 public:
  // `make` gets the upper bound to put into its read options; it lives as long as the cursor.
  template <typename Make>
  RocksCursor(std::shared_ptr<OpenCursors> list, Space space, const KeyRange& range, Make&& make)
      : list_(std::move(list)), space_(space), upper_(range.to), upper_slice_(upper_) {
    iterator_.reset(make(upper_.empty() ? nullptr : &upper_slice_));
    iterator_->Seek(range.from);
    Take();
    list_->Add(this);
  }
  ~RocksCursor() override;

  bool Valid() const override { return valid_; }
  void Next() override SKALD_EXCLUDES(mutex_);
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }
  Version version() const override { return version_; }
  absl::Status status() const override { return status_; }

 private:
  friend class OpenCursors;
  // Copies the row that the iterator is at.
  void Take() SKALD_NO_THREAD_SAFETY_ANALYSIS;
  void End(const absl::Status& why) SKALD_EXCLUDES(mutex_);

  const std::shared_ptr<OpenCursors> list_;
  const Space space_;
  const std::string upper_;
  const rocksdb::Slice upper_slice_;
  // Of the thread that uses the cursor.
  bool valid_ = false;
  std::string key_;
  std::string value_;
  Version version_ = Version::kAbsent;
  absl::Status status_;

  Mutex mutex_;
  std::unique_ptr<rocksdb::Iterator> iterator_ SKALD_GUARDED_BY(mutex_);
  absl::Status ended_ SKALD_GUARDED_BY(mutex_);
};

}  // namespace skald::inline v1::rocks
