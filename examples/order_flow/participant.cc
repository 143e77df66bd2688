#include "participant.h"

#include <fmt/format.h>

#include <utility>

#include "skald/base/clock.h"
#include "skald/base/mutex.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace order_flow {
namespace {

// Eight of these and the sagas' own store share the machine.
constexpr size_t kMemoryBytes = size_t{64} << 20;
constexpr absl::Duration kCloseMax = absl::Seconds(30);
constexpr absl::Duration kLeaseMax = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::shared_ptr<skald::Store>> OpenRocksDb(const std::string& path,
                                                          size_t memory_bytes) {
  skald::RocksDbOptions options;
  options.memory_bytes = memory_bytes;
  return skald::OpenRocksDbStore(path, options);
}

absl::StatusOr<std::unique_ptr<Participant>> Participant::Open(const std::string& directory,
                                                               const std::string& name,
                                                               ParticipantOptions options,
                                                               const OpenStore& open) {
  SKALD_ASSIGN_OR_RETURN(std::shared_ptr<skald::Store> store,
                         open(fmt::format("{}/{}", directory, name), kMemoryBytes));
  return Over(std::move(store), name, std::move(options));
}

absl::StatusOr<std::unique_ptr<Participant>> Participant::Over(std::shared_ptr<skald::Store> store,
                                                               const std::string& name,
                                                               ParticipantOptions options) {
  std::unique_ptr<Participant> participant(new Participant());
  participant->name_ = name;
  participant->chaos_ = options.chaos;
  participant->store_ = std::move(store);
  skald::CommitterOptions writer;
  writer.writer = options.writer.empty() ? name : options.writer;
  writer.shared_rows = options.leased;
  SKALD_ASSIGN_OR_RETURN(participant->committer_,
                         skald::Committer::Open(*participant->store_, writer));
  if (options.leased) SKALD_RETURN_IF_ERROR(participant->TakeLease());
  // Behind the lease: the barrier reads what the last holder has left.
  SKALD_ASSIGN_OR_RETURN(participant->barrier_, skald::Barrier::Open(*participant->committer_));
  return participant;
}

// Reclaimed: the database's lock says that no other process has it open, so the holder before this
// one is an earlier life, and one need not wait behind a crash. Should it live all the same, the
// fence keeps its writes out.
absl::Status Participant::TakeLease() {
  struct Taken {
    skald::Mutex mutex;
    skald::CondVar changed;
    bool taken SKALD_GUARDED_BY(mutex) = false;
  };
  const auto state = std::make_shared<Taken>();
  skald::LeaseOptions options{.name = name_, .holder = "order_flow"};
  options.reclaim = true;
  options.on_taken = [state](uint64_t) {
    const skald::MutexLock lock(state->mutex);
    state->taken = true;
    state->changed.NotifyAll();
  };
  SKALD_ASSIGN_OR_RETURN(lease_, skald::Lease::Open(*committer_, std::move(options)));
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + kLeaseMax;
  const skald::MutexLock lock(state->mutex);
  while (!state->taken && clock.Boot() < end) {
    state->changed.WaitFor(state->mutex, end - clock.Boot());
  }
  if (state->taken) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("the lease of {} could not be taken in {}: is its disk slow or full?", name_,
                  absl::FormatDuration(kLeaseMax)));
}

Participant::~Participant() {
  if (lease_ && committer_->health().ok()) {
    skald::IgnoreError(lease_->Release(), "the next holder need not wait, or waits");
  }
  lease_.reset();
  if (committer_) skald::IgnoreError(committer_->Shutdown(kCloseMax), "who asked is told");
  // Before the barrier: where the disk is full, calls are in process that end with the committer.
  committer_.reset();
  barrier_.reset();
}

void CommitRows(skald::Transaction rows, RowsDone done) {
  // (Whichever of the two it is, it is called once.)
  auto shared = std::make_shared<RowsDone>(std::move(done));
  const absl::Status queued = std::move(rows).CommitThen(
      [shared](const absl::Status& status) { std::move (*shared)(status); });
  if (!queued.ok()) std::move (*shared)(queued);
}

}  // namespace order_flow
