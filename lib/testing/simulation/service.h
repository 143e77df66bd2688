// The simulated participants, and the books that they keep of what they did.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "skald/async/completion.h"
#include "skald/base/verdict.h"
#include "skald/participant/barrier.h"
#include "skald/store/committer.h"
#include "skald/store/store.h"
#include "skald/testing/oracle.h"

namespace skald::inline v1::internal {

// A call as it travels.
struct Asked {
  BarrierVerb verb = BarrierVerb::kAction;
  BarrierRequest request;
  std::string input;
  std::string output;      // of the action, if it happens
  bool has_effect = true;  // otherwise it only reads, and is in no book
  // What the business says when it is asked to do it.
  VerdictKind business = VerdictKind::kDone;
  absl::Duration busy_for = absl::Milliseconds(20);  // what it says with a RetryLater

  EffectKey action_key() const {
    EffectKey key = request.key;
    key.direction = Direction::kAction;
    return key;
  }
};

using Reply = Completion<Verdict<std::string>>;

class Service {
 public:
  virtual ~Service() = default;
  // Answers once, now or later.
  virtual void Handle(const Asked& asked, Reply reply) = 0;
};

// Behind a barrier. Its books are rows, changed in the barrier's batch: one an effect, and one that
// every effect of the service counts in, so that calls conflict.
class BarrierService final : public Service {
 public:
  // `touched` is called in the middle of the business' transaction.
  static absl::StatusOr<std::unique_ptr<BarrierService>> Open(Committer& committer,
                                                              std::string name,
                                                              absl::AnyInvocable<void()> touched);
  void Handle(const Asked& asked, Reply reply) override;
  // The same by blocking. REQUIRES: the committer works and nothing is in process.
  Verdict<std::string> HandleNow(const Asked& asked);
  // REQUIRES: as HandleNow.
  absl::Status Sweep() { return barrier_->Sweep(); }

 private:
  BarrierService(std::unique_ptr<Barrier> barrier, absl::AnyInvocable<void()> touched)
      : barrier_(std::move(barrier)), touched_(std::move(touched)) {}

  Verdict<std::string> Do(Transaction& rows, const Asked& asked);
  Verdict<Nothing> Undo(Transaction& rows, const Asked& asked, const std::string& output);

  std::unique_ptr<Barrier> barrier_;
  absl::AnyInvocable<void()> touched_;
};

// The books of a BarrierService, from its store alone. `total`: what the row says in which all
// effects count.
struct StoredBooks {
  std::vector<Effect> effects;
  int64_t total = 0;
};
StoredBooks ReadBooks(Store& store);

// Idempotent by its own means; keeps everything, loses nothing, remembers no rejection.
class BareService final : public Service {
 public:
  void Handle(const Asked& asked, Reply reply) override;
  std::vector<Effect> Books() const;

 private:
  struct Entry {
    Effect effect;
    bool blocked = false;
    std::string output;
  };
  Verdict<std::string> Answer(const Asked& asked);

  absl::btree_map<EffectKey, Entry> entries_;
};

}  // namespace skald::inline v1::internal
