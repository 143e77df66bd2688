// Lets readers in while the database is open, and waits for them before it is closed.
#pragma once

#include <memory>
#include <utility>

#include "database.h"
#include "skald/base/check.h"
#include "skald/base/mutex.h"

namespace skald::inline v1::rocks {

// THREADS: any.   COST: two uncontended locks a pass.
class Gate {
 public:
  // The right to use the database; null when it is closed.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate), database_(gate.Enter()) {}
    ~Pass() {
      if (database_ != nullptr) gate_.Leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return database_ != nullptr; }
    Database& operator*() const { return *database_; }

   private:
    Gate& gate_;
    Database* const database_;
  };

  // REQUIRES: closed.
  void Open(std::unique_ptr<Database> database) SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    SKALD_CHECK(database_ == nullptr && inside_ == 0, "inside={}", inside_);
    database_ = std::move(database);
  }

  // Lets nobody in any more, waits until all are out. RETURNS: null when it was closed already.
  std::unique_ptr<Database> Close() SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::unique_ptr<Database> database = std::move(database_);
    while (inside_ > 0) empty_.Wait(mutex_);
    return database;
  }

  bool is_open() SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return database_ != nullptr;
  }

 private:
  Database* Enter() SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (database_ != nullptr) ++inside_;
    return database_.get();
  }
  void Leave() SKALD_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (--inside_ == 0) empty_.NotifyAll();
  }

  Mutex mutex_;
  CondVar empty_;
  std::unique_ptr<Database> database_ SKALD_GUARDED_BY(mutex_);
  int inside_ SKALD_GUARDED_BY(mutex_) = 0;
};

}  // namespace skald::inline v1::rocks
