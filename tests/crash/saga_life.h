// One life of a small shop on one store: a coordinator and a barrier that share its committer,
// orders in flight until somebody kills the process or takes the power, and the audit of the books.
//
//   hold (stock of an item, row by row) -> pay (pivot) -> ship (retriable)
//
// By hash of the key some orders are declined at the pivot, some effects are applied and their
// verdict is lost. Every acknowledged start is told to the outside at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "skald/async/thread_pool.h"
#include "skald/base/observer.h"
#include "skald/coordinator/coordinator.h"
#include "skald/participant/barrier.h"
#include "skald/saga/define.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"
#include "skald/testing/oracle.h"

namespace skald_test {

inline constexpr skald::SagaKey<"crash-order", 1, std::string> kCrashOrder;

// Says nothing: the outside judges.
struct Silent final : skald::Observer {
  void OnNotice(const skald::Notice&) override {}
};

class SagaLife {
 public:
  // Called on the coordinator's loop for each acknowledged start and each finished saga.
  struct Outside {
    std::function<void(const std::string& key)> acknowledged = [](const std::string&) {};
    std::function<void(const std::string& key)> finished = [](const std::string&) {};
  };

  explicit SagaLife(Outside outside) : outside_(std::move(outside)) {}
  ~SagaLife();

  // Opens everything over `store`, which must outlive this; goes on with what it finds.
  absl::Status Open(skald::Store& store, absl::Duration unsettled_max);
  // Keeps `in_flight` orders of `prefix` going; returns at once. Ends by itself after `orders`.
  void Work(const std::string& prefix, uint64_t in_flight, uint64_t orders);
  // Waits until nothing is in flight or the coordinator has failed. RETURNS: whether all ended.
  bool Drain(absl::Duration timeout);
  bool failed() const { return !coordinator_->health().ok(); }
  uint64_t in_flight() const { return coordinator_->stats().in_flight; }
  uint64_t resumed() const { return coordinator_->stats().resumed; }

  // Asks the oracle of the simulator: every key must be known and at its end, and the books must
  // agree with what the sagas say. RETURNS: what is wrong; empty: nothing.
  std::string Audit(const std::vector<std::string>& acknowledged);

 private:
  std::string AuditSaga(const std::string& key, skald::Oracle& oracle);
  std::string AuditBooks(skald::Oracle& oracle);
  void StartNext();
  skald::Definition Order();

  Outside outside_;
  Silent silent_;
  // A barrier call blocks its thread for a sync; many together share one.
  skald::ThreadPool pool_{{.threads = 64}};
  std::unique_ptr<skald::Committer> committer_;
  std::unique_ptr<skald::Barrier> barrier_;
  std::unique_ptr<skald::Coordinator> coordinator_;
  std::string prefix_;
  std::atomic<uint64_t> next_{0};
  uint64_t orders_ = 0;
  std::atomic<bool> closing_{false};
};

}  // namespace skald_test
