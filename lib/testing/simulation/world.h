// The simulated world: disks, processes, participants, a network, clients and operators, and the
// scheduler that decides what happens next.
//
//   client ──StartThen──> coordinator ──executor──> step ──network──> service ──barrier──> disk
//                             │                                                            │
//                             └──committer──> FaultStore ──> RecordingStore ──> disk   oracle
//
// A process dies by its flag: from then on its disks fail, its steps do nothing and the outside
// hears nothing of it; the main loop takes it apart as soon as no code of it is on the stack.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "service.h"
#include "skald/async/task.h"
#include "skald/base/observer.h"
#include "skald/base/random.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/committer.h"
#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"
#include "skald/testing/oracle.h"
#include "skald/testing/scheduler.h"
#include "skald/testing/simulated_executor.h"
#include "skald/testing/simulation.h"
#include "trace.h"

namespace skald::inline v1::internal {

class World;

// A disk as the world sees it: knows what took effect, and who may write.
class RecordingStore final : public ForwardingStore {
 public:
  RecordingStore(Store& target, World& world, std::string_view name)
      : ForwardingStore(target), world_(world), name_(name) {}
  absl::StatusOr<Acquired> Acquire(std::string_view writer) override;
  absl::StatusOr<CommitResult> Commit(const Fence& fence, const Batch& batch) override;

 private:
  World& world_;
  std::string_view name_;
  absl::btree_map<uint16_t, uint64_t> epochs_;   // by writer
  absl::btree_map<uint16_t, uint64_t> numbers_;  // of the last batch that took effect
};

struct Disk {
  Disk(World& world, std::string_view name, uint64_t id)
      : memory({.id = StoreId{id}}), recording(memory, world, name) {}
  MemoryStore memory;
  RecordingStore recording;
};

// Counts what the library tells.
class CountingObserver final : public Observer {
 public:
  explicit CountingObserver(Trace& trace) : trace_(trace) {}
  void OnNotice(const Notice& notice) override;

 private:
  Trace& trace_;
};

// One life of the coordinator's process. Outlives its death: late calls still find it.
struct Process {
  explicit Process(uint64_t n, uint64_t seed)
      : number(n), name(fmt::format("p{}", n)), random(seed) {}

  const uint64_t number;
  const std::string name;
  SeededRandom random;
  bool alive = true;
  bool stale = false;  // another process has acquired the store since
  bool paused = false;
  bool apart = false;    // taken apart after its death
  bool complete = true;  // every definition is registered
  absl::Time engine_begin;
  absl::Duration boot_at_open;
  std::deque<Work> parked;  // came in while it was paused

  FaultStore* main_disk = nullptr;
  FaultStore* own_disk = nullptr;
  std::unique_ptr<BarrierService> shared;  // barriers go after the committers that answer them
  std::unique_ptr<BarrierService> own;
  std::unique_ptr<Committer> main_committer;
  std::unique_ptr<Committer> own_committer;
  std::unique_ptr<SimulatedExecutor> executor;
  std::unique_ptr<Coordinator> coordinator;
  std::vector<SeededScheduler::ActorId> actors;
};

// One of the participants behind the network. They share a database, each under a writer's name and
// behind a barrier of its own: rows that both change are judged by the store.
struct RemoteHost {
  explicit RemoteHost(std::string_view n) : name(n) {}
  const std::string_view name;
  bool up = false;
  FaultStore* disk = nullptr;
  std::unique_ptr<BarrierService> service;
  std::unique_ptr<Committer> committer;
  std::optional<SeededScheduler::ActorId> actor;
};

// One attempt of a step on its way.
struct StepCall {
  StepCall(Process* p, const SimulatedStep* s) : process(p), step(s) {}
  Process* process;
  const SimulatedStep* step;
  Asked asked;
  SentAttempt sent;
  uint64_t serial = 0;  // counts all calls
  Deadline deadline;
};

// What goes wrong with one call, drawn before it starts.
struct Fate {
  bool throws = false;
  bool lost_request = false;
  bool lost_answer = false;
  bool duplicate = false;
  bool hangs_before = false;
  bool hangs_after = false;
  absl::Duration there = absl::ZeroDuration();
  absl::Duration back = absl::ZeroDuration();
};

// What an operator has in hand when he asks a participant.
struct Told {
  EffectKey key;
  const EffectKey& idempotency_key() const { return key; }
  Incarnation floor() const { return {}; }
};

// A saga that somebody wants, under a key.
struct Intent {
  size_t definition = 0;
  std::string key;
  std::string input;
  absl::Duration deadline = absl::InfiniteDuration();
  std::optional<SagaId> id;  // acknowledged
  bool settled = false;
  bool asks_again = false;  // already planned
};

class World {
 public:
  World(const SimulationOptions& options, std::vector<SimulatedDefinition> definitions);
  ~World();

  SimulationReport Run();

  // ---- asked by steps (world_steps.cc)
  SentAttempt Sent(Process& process, const StepContext& context, const SimulatedDefinition& saga,
                   uint16_t step, bool reconcile);
  Task<Verdict<std::string>> RunStep(StepCall call);
  Verdict<std::string> RunInline(StepCall call);
  StepCall MakeCall(Process& process, const SimulatedDefinition& saga, uint16_t step,
                    BarrierVerb verb, const StepContext& context, const std::string& input);
  void CheckUsed(const StepContext& context, const SimulatedDefinition& saga, uint16_t used,
                 const std::string* output);
  void CheckUsed(const StepContext& context, const SimulatedDefinition& saga, uint16_t used,
                 const std::vector<std::string>* outputs);
  void CheckItem(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                 const std::string& item);
  void CheckSignal(const StepContext& context, const std::optional<std::string>* output);
  std::string InputOfStep(SagaId id, const SimulatedDefinition& saga, uint16_t step) const;
  void CheckInput(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                  const std::string& input);
  // The last word of the saga's input.
  std::string_view SubjectOf(SagaId id) const;
  // What a step, or an item of it, has given.
  std::string Given(const SimulatedDefinition& saga, uint16_t step, std::string_view saga_subject,
                    uint32_t item) const;
  absl::Time TimeOfSleep(const Process& process, absl::Duration delay) const;
  void CheckOwn(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                const std::string* output);

  // ---- asked by disks
  void OnAcquired(std::string_view disk, const Fence& fence);
  void OnCommitted(std::string_view disk, const Batch& batch);
  void OnCommitOfStale(std::string_view disk, bool refused);

 private:
  friend class RecordingStore;

  // ---- world.cc: the main loop, faults of disks and processes
  void TellDefinition(const Definition& definition);
  void Live();
  void Step();
  void Pass();
  void Heal();
  void HealedLoop();
  bool Settled() const;
  void ComeToRest();
  void Judge();
  void CheckBooks(Oracle::Moment moment);
  bool Chance(Knob knob);
  SeededRandom& Stream(Knob knob) { return streams_[static_cast<size_t>(knob)]; }
  absl::Duration Between(Knob knob, absl::Duration least, absl::Duration most);

  // ---- world_process.cc
  void Open();
  bool OpenStores(Process& process);
  bool OpenCoordinator(Process& process);
  void AddActors(Process& process);
  std::vector<Definition> Definitions(Process& process);
  CoordinatorOptions OptionsOf(Process& process);
  FaultStore* View(Disk& disk, Process* process);
  StoreFault FaultOf(Process& process, FaultStore& view, StoreCall call);
  StoreFault DiskFault(FaultStore& view, StoreCall call);
  bool Site(Process& process, std::string_view place);
  void Die(Process& process, std::string_view place);
  void Reap();
  void TakeApart(Process& process);
  void OpenRemote(RemoteHost& host);
  void StopRemote(RemoteHost& host);
  void ScheduleAccidents();
  void Crash();
  void ShutDown(Process& process);
  void TakeOver();
  Process* Active() const { return active_; }
  absl::Time EngineNow(const Process& process) const;

  // ---- world_steps.cc
  Fate DrawFate(const StepCall& call);
  void Send(const StepCall& call, const Fate& fate, Reply reply);
  void Deliver(Process* process, ServiceKind kind, const Asked& asked, Reply reply);
  void In(Process& process, absl::Duration delay, Work work);
  void Returned(const StepCall& call, const Verdict<std::string>& verdict);
  VerdictKind BusinessOf(const SimulatedDefinition& saga, uint16_t step, BarrierVerb verb,
                         const StepContext& context);
  void ReleaseHung();

  // ---- world_client.cc
  void ScheduleClients();
  void StartIntent(size_t index, bool other_input);
  void OnStartAnswer(Process& process, size_t index, bool other_input,
                     absl::StatusOr<SagaHandle<std::string>> answer);
  void OnOutcome(Process& process, size_t index, SagaId id,
                 const absl::StatusOr<Outcome<std::string>>& outcome);
  bool MayBeForgotten(const Intent& intent) const;
  void BadStart(size_t index);
  void CancelIntent(size_t index);
  void RetryIntent(size_t index);
  void RestartIntents();
  void AskAgain(size_t index, absl::Duration delay);
  void Help(SagaId id, uint32_t times);
  void HelpPivot(SagaId id, uint16_t step);
  void HelpStuck();
  bool IsPoisoned(SagaId id) const;
  void GiveUp(SagaId id);
  void SendSignals(size_t index);
  void SendSignal(size_t index, uint16_t step, const std::string& dedup, int times);
  VerbCallback VerbDone(Process& process, SagaId id, EventKind kind, Verb verb);
  void AskEverything();
  void AskServices();
  void AskStores();
  const SimulatedDefinition* DefinitionNamed(std::string_view name) const;

  const SimulationProfile profile_;
  const std::vector<SimulatedDefinition> definitions_;
  SeededScheduler scheduler_;
  Trace trace_;
  CountingObserver observer_;
  Oracle oracle_;
  std::vector<SeededRandom> streams_;
  SeededRandom dice_;  // for what no knob decides
  Disk main_;
  Disk own_;
  Disk remote_disk_;
  // Every process' view of a disk, also of the dead ones: what they left may take effect later.
  std::vector<std::unique_ptr<FaultStore>> views_;
  std::vector<std::unique_ptr<Process>> processes_;
  Process* active_ = nullptr;
  std::array<RemoteHost, 2> remotes_ = {RemoteHost("remote"), RemoteHost("remote2")};
  BareService bare_;
  std::vector<Intent> intents_;
  std::deque<Work> hung_;
  struct Waits {
    uint64_t process;
    EffectKey key;
    absl::Duration until;
  };
  absl::btree_map<std::pair<uint64_t, EffectKey>, uint64_t> newest_call_;  // by process and key
  uint64_t calls_ = 0;
  std::vector<Waits> waits_;  // RetryLater with a delay: nothing of it before
  absl::Time last_block_ = absl::InfinitePast();
  bool faults_ = true;
  bool accept_leap_ = false;
  std::optional<uint64_t> fuse_;  // sites until the active process dies
  absl::Duration full_until_ = -absl::InfiniteDuration();
  absl::btree_map<SagaId, uint32_t> helped_;
  bool restart_due_ = false;
};

// The definition as a process registers it: its functions run in that process.
// Without a world it can be looked at, and not run.
Definition BuildDefinition(World* world, Process* process, const SimulatedDefinition& saga);
// Random definitions.
std::vector<SimulatedDefinition> DrawDefinitions(const SimulationProfile& profile);

// An input that encodes and does not decode: its saga stands still, and nothing else notices.
inline bool IsPoison(std::string_view input) {
  return input.starts_with("poison");
}

// ---- what is fixed by a step's subject, so that everybody can work it out: the last word of its
// input, which is the saga's own, or that of its part

std::string SubjectOfStep(const SimulatedDefinition& saga, uint16_t step,
                          std::string_view saga_subject);

// What a step, or an item of it, gives when it happens.
std::string StepOutput(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                       uint32_t item, uint32_t big_permille);
bool Decides(const SimulatedDefinition& saga, uint16_t step, std::string_view key);
// Whether a step is skipped by what decisions say; of the whole saga's subject.
bool IsSkipped(const SimulatedDefinition& saga, uint16_t step, std::string_view saga_subject);
uint32_t ItemCount(const SimulatedDefinition& saga, uint16_t step, std::string_view key);
std::string ItemValue(const SimulatedDefinition& saga, uint16_t step, std::string_view key,
                      uint32_t item);
// An input's last word.
std::string_view KeyOfInput(std::string_view input);

}  // namespace skald::inline v1::internal
