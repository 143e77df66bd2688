#include "skald/participant/worker_lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "lease_rows.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(5);
constexpr absl::Duration kTold = absl::Milliseconds(250);

std::string NameOf(const WorkerLeaseOptions& options, uint16_t worker) {
  return fmt::format("{}.{:03}", options.name, worker);
}

absl::Status Check(const WorkerLeaseOptions& options) {
  if (options.workers == 0 || options.workers > kIdWorkers) {
    return absl::InvalidArgumentError(
        fmt::format("taking a worker of '{}': there can be 1 to {} workers, not {}",
                    options.name.substr(0, 64), kIdWorkers, options.workers));
  }
  if (options.wait_max < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        fmt::format("taking a worker of '{}': wait_max is negative", options.name.substr(0, 64)));
  }
  return absl::OkStatus();
}

// Tells a thread that waits for a lease that it was taken.
struct Taken {
  Mutex mutex;
  CondVar changed;
  bool taken SKALD_GUARDED_BY(mutex) = false;
};

class Search {
 public:
  Search(Committer& committer, const WorkerLeaseOptions& options)
      : committer_(committer), options_(options), end_(Now() + options.wait_max) {}

  // The lease of a number that is held now. Those that are free are tried first, one by one: where
  // several processes start at once, another may have been faster.
  absl::StatusOr<std::pair<uint16_t, std::unique_ptr<Lease>>> Run() {
    while (true) {
      SKALD_ASSIGN_OR_RETURN(const Candidate candidate, Choose());
      SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Lease> lease, TryToTake(candidate));
      if (lease != nullptr) return std::pair(candidate.worker, std::move(lease));
      if (Now() >= end_) {
        return absl::ResourceExhaustedError(
            fmt::format("all {} workers of '{}' are held by others, this one by '{}': raise "
                        "`workers`, or end a process",
                        options_.workers, options_.name, candidate.holder));
      }
    }
  }

 private:
  struct Candidate {
    uint16_t worker = 0;
    uint64_t fence = 0;       // of its row: who takes it writes a higher one
    absl::Duration patience;  // how long it may take until it is ours
    std::string holder;
  };
  struct Seen {
    uint64_t fence = 0, serial = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  absl::Duration Now() const { return options_.clock->Boot(); }

  // Of our own earlier life; else free; else not moved since it was last looked at; else any.
  absl::StatusOr<Candidate> Choose() {
    std::vector<Candidate> kinds[4];
    seen_.resize(options_.workers);
    for (uint16_t worker = 0; worker < options_.workers; ++worker) {
      SKALD_ASSIGN_OR_RETURN(LeaseRow row, Read(worker));
      const Seen seen{row.fence, row.serial};
      const bool still = seen_[worker] == seen;
      seen_[worker] = seen;
      const bool ours = !options_.holder.empty() && row.holder == options_.holder;
      const int kind = ours && tries_ == 0 ? 0 : !row.held ? 1 : still ? 2 : 3;
      const bool at_once = kind < 2;
      // Of one that nobody holds it is the store's time; of others it ends with ours.
      const absl::Duration patience =
          at_once ? options_.duration
                  : std::clamp(end_ - Now(), absl::ZeroDuration(), row.duration * 1.25);
      kinds[kind].push_back({worker, row.fence, patience, std::move(row.holder)});
    }
    ++tries_;
    const auto& best =
        *std::find_if(std::begin(kinds), std::end(kinds), [](const auto& k) { return !k.empty(); });
    return best[options_.random->Below(best.size())];
  }

  // RETURNS: null when it was not to be had.
  absl::StatusOr<std::unique_ptr<Lease>> TryToTake(const Candidate& candidate) {
    const auto taken = std::make_shared<Taken>();
    LeaseOptions lease{.name = NameOf(options_, candidate.worker),
                       .holder = options_.holder,
                       .duration = options_.duration,
                       .reclaim = !options_.holder.empty(),
                       .clock = options_.clock};
    lease.on_taken = [taken](uint64_t) {
      const MutexLock lock(taken->mutex);
      taken->taken = true;
      taken->changed.NotifyAll();
    };
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Lease> asked, Lease::Open(committer_, std::move(lease)));
    // Real time: somebody really waits.
    const absl::Duration now = Clock::Real().Boot();
    absl::Duration until = now + candidate.patience;
    bool overtaken = false;
    while (true) {
      {
        MutexLock lock(taken->mutex);
        if (!taken->taken) taken->changed.WaitFor(taken->mutex, kLook);
        if (taken->taken) return asked;
      }
      if (Clock::Real().Boot() >= until) return nullptr;
      if (overtaken) continue;
      // Somebody has taken it. If it was us, that is told right away.
      SKALD_ASSIGN_OR_RETURN(const LeaseRow row, Read(candidate.worker));
      overtaken = row.fence > candidate.fence;
      if (overtaken) until = std::min(until, Clock::Real().Boot() + kTold);
    }
  }

  absl::StatusOr<LeaseRow> Read(uint16_t worker) {
    const std::string name = NameOf(options_, worker);
    SKALD_ASSIGN_OR_RETURN(const std::optional<Row> bytes, committer_.Get(LeaseRowKey(name)));
    if (!bytes) return LeaseRow();
    return DecodeLeaseRow(bytes->value, name);
  }

  Committer& committer_;
  const WorkerLeaseOptions& options_;
  const absl::Duration end_;
  std::vector<Seen> seen_;
  int tries_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerLease>> WorkerLease::Take(Committer& committer,
                                                               WorkerLeaseOptions options) {
  SKALD_RETURN_IF_ERROR(Check(options));
  SKALD_ASSIGN_OR_RETURN(auto found, Search(committer, options).Run());
  return std::unique_ptr<WorkerLease>(new WorkerLease(found.first, std::move(found.second)));
}

WorkerLease::WorkerLease(uint16_t worker, std::unique_ptr<Lease> lease)
    : worker_(worker), lease_(std::move(lease)) {}
WorkerLease::~WorkerLease() {
  IgnoreError(lease_->Release(), "it runs out by itself");
}

uint16_t WorkerLease::worker() const {
  return worker_;
}
const Lease& WorkerLease::lease() const {
  return *lease_;
}

}  // namespace skald::inline v1
