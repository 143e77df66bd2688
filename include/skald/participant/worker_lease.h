// A worker number that no other process has, for IdGenerator, where processes come and go and
// nobody deals out numbers: one of `workers` leases.
//
//   auto worker = skald::WorkerLease::Take(*committer, {.holder = pod_name});
//   auto ids = skald::IdGenerator::Open(*committer, {.worker = (*worker)->worker(),
//                                                    .lease = &(*worker)->lease()});
//
// The number is that of an earlier life of the same holder if there was one, else one that nobody
// holds, else one whose holder has not been heard of for the duration of its lease. The generator
// reserves ids under the lease's fence alone: of a process that was paused until another took its
// number no id is given out that the other may give out too, and soon none at all. When that
// happens (IdGenerator::Next says Aborted), take a number again and open another generator.
//
// The committer has CommitterOptions::shared_rows, and each process a writer's name of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/base/random.h"
#include "skald/participant/id_generator.h"
#include "skald/participant/lease.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

struct WorkerLeaseOptions {
  std::string name = "ids";  // of the numbers: letters, digits, '-', '_', '.'; at most 56
  uint16_t workers = kIdWorkers;
  // Names one process at a time, the same after a restart: a machine, a pod. Empty: this process
  // finds no earlier life of its own, and what it leaves behind is free when the lease runs out.
  std::string holder;
  absl::Duration duration = absl::Seconds(15);
  // How long Take looks for a number. Where all are held and some of their holders are gone, twice
  // the duration finds one.
  absl::Duration wait_max = absl::Minutes(1);
  const Clock* clock = &Clock::Real();
  Random* random = &Random::Real();
};

// THREADS: any.
class SKALD_EXPORT WorkerLease {
 public:
  // Blocks until a number is held. `committer` must outlive the lease, and must be served by a
  // thread of its own.
  // RETURNS: InvalidArgument    an option makes no sense
  //          ResourceExhausted  all numbers are held by others, for wait_max
  //          DataLoss, naming the lease, for a row that does not read; what the store says
  // COST:    a read for each number, a commit.
  static absl::StatusOr<std::unique_ptr<WorkerLease>> Take(Committer& committer,
                                                           WorkerLeaseOptions options = {});
  // Gives the number up, so that the next one may take it at once.
  ~WorkerLease();

  uint16_t worker() const;
  const Lease& lease() const;

 private:
  WorkerLease(uint16_t worker, std::unique_ptr<Lease> lease);

  const uint16_t worker_;
  const std::unique_ptr<Lease> lease_;
};

}  // namespace skald::inline v1
