#include "participant.h"

#include <fmt/format.h>

#include <utility>

#include "skald/rocksdb/rocksdb_store.h"

namespace order_flow {
namespace {

// Eight of these and the sagas' own store share the machine.
constexpr size_t kMemoryBytes = size_t{64} << 20;
constexpr absl::Duration kCloseMax = absl::Seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<Participant>> Participant::Open(const std::string& directory,
                                                               const std::string& name) {
  std::unique_ptr<Participant> participant(new Participant());
  skald::RocksDbOptions options;
  options.memory_bytes = kMemoryBytes;
  SKALD_ASSIGN_OR_RETURN(participant->store_,
                         skald::OpenRocksDbStore(fmt::format("{}/{}", directory, name), options));
  skald::CommitterOptions writer;
  writer.writer = name;
  SKALD_ASSIGN_OR_RETURN(participant->committer_,
                         skald::Committer::Open(*participant->store_, writer));
  SKALD_ASSIGN_OR_RETURN(participant->barrier_, skald::Barrier::Open(*participant->committer_));
  return participant;
}

Participant::~Participant() {
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
