// One loop: the owner of every saga whose hash falls to it. Events come in by Post, are folded and
// planned one after another, and what they say of sagas goes out in groups: one block of the
// journal, one commit. What follows from an event runs only when its group is durable.
//
//   inbox -> fold -> pending group -> committer -> durable -> plan -> attempts -> inbox …
//
// While one group is being committed the next one fills.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "asleep.h"
#include "finished.h"
#include "live_floor.h"
#include "machine.h"
#include "skald/async/executor.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/mutex.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/journal.h"
#include "timer_heap.h"
#include "unfolded.h"

namespace skald::inline v1::internal {

struct Core;
class Shard;

// What one commit says: a block of events, some rows of finished sagas, or both.
struct Group {
  uint64_t serial = 0;
  bool has_block = false;
  uint64_t home = 0;  // index of its block
  BlockBuilder builder;
  std::vector<Machine*> machines;    // each once
  std::vector<uint64_t> old_homes;   // of sagas carried forward into this block
  std::vector<uint64_t> left_homes;  // of sagas that fell asleep
  std::vector<std::pair<std::string, std::string>> puts;  // rows of sagas asleep
  size_t put_bytes = 0;
  std::vector<std::string> deletes;
  bool ends_flush = false;  // the last rows of the generation that is being written
  absl::Status status;
};

struct Message {
  enum class Kind : uint8_t { kStart, kAttemptDone, kDurable, kCall } kind = Kind::kCall;
  void* object = nullptr;  // PendingStart, Attempt or Group
  absl::AnyInvocable<void(Shard&) &&> call;
};

// A number that the loop alone changes and any thread reads: no locked instruction.
class LoopCounter {
 public:
  void Add(uint64_t more) { value_.store(load() + more, std::memory_order_release); }
  void Subtract(uint64_t less) { value_.store(load() - less, std::memory_order_release); }
  uint64_t load(std::memory_order order = std::memory_order_relaxed) const {
    return value_.load(order);
  }

 private:
  std::atomic<uint64_t> value_{0};
};

struct ShardStats {
  LoopCounter started, completed, compensated, stuck, abandoned, resumed, attempts, late_verdicts,
      journal_bytes, commits, woken;
};

// A signal, encoded.
struct SignalRequest {
  std::string name;    // of the step that awaits it
  std::string key;     // for deduplication
  std::string output;  // what the await gives with it
  std::string schema_name;
  uint32_t schema_version = 0;
};
// With it, what an await gives is the payload; without, that there is none.
inline constexpr std::string_view kPayloadFollows("\1", 1);
inline constexpr std::string_view kNoPayload("\0", 1);

// What a signal to a saga in `row` of finished ones is told.
absl::Status AnswerOfFinished(std::string_view row, SagaId id, const SignalRequest& signal,
                              absl::Time now);

// A saga that a step has started is known at least so long after its end, so that its starter can
// ask: never lower this, records were written by it.
inline constexpr absl::Duration kStartedRetentionMin = absl::Hours(24 * 30);

// What the store cannot read now is tried again after this.
inline constexpr absl::Duration kReadAgain = absl::Seconds(1);

struct VerbRequest {
  Verb verb = Verb::kRetry;
  std::string step;    // empty: none
  uint32_t index = 0;  // of a fan-out's item
  std::optional<std::string> output;
  Operator by;
};

class Shard {
 public:
  Shard(Core& core, uint32_t index);
  ~Shard();

  // ---- from any thread ----
  void Post(Message message);
  std::unique_ptr<PendingStart> TakeStart();
  void GiveBack(std::unique_ptr<PendingStart> start);
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Lowest incarnation that may still be live, lowest block that is still needed; conservative.
  uint64_t floor() const { return live_.floor(); }
  uint64_t needed() const { return needed_.load(std::memory_order_seq_cst); }
  absl::Time next_timer() const;
  uint64_t outstanding() const { return outstanding_.load(std::memory_order_acquire); }
  ShardStats& stats() { return stats_; }
  size_t in_memory() const { return in_memory_.load(std::memory_order_relaxed); }
  size_t asleep() const { return asleep_.load(std::memory_order_relaxed); }

  // ---- on the loop ----
  // Everything that can be done now. RETURNS: whether there was anything.
  bool RunOnce();
  // RunOnce for ever, sleeping in between, until Stop.
  void Loop();
  void Stop();
  // Everybody who waits gets `why`; the sagas stay as they are.
  void TellEveryone(const absl::Status& why);
  // Asks every attempt that runs to end.
  void RequestStops();
  // After the loop has ended: takes what still comes in, then tells everyone.
  void Abort(const absl::Status& why);

  // ---- on the loop, through Message::call: verbs and questions ----
  void Cancel(SagaId id, const Operator& by, AnswerCallback done);
  void DoVerb(SagaId id, const VerbRequest& request, AnswerCallback done);
  void Signal(SagaId id, const SignalRequest& signal, AnswerCallback done);
  // The journal is told only as far as it is durable: `done` waits for that.
  void Show(SagaId id, absl::AnyInvocable<void(absl::StatusOr<SagaDetails>) &&> done);
  // RETURNS: why sagas that an open has found could not be read.
  absl::StatusOr<std::vector<SagaInfo>> List(const SagaFilter& filter);
  // The saga's watch, when it is in memory or finished and in memory.
  // `done` is called when what it tells is durable. NotFound: neither.
  void Find(uint64_t hash, std::string_view definition, std::string_view key, StartedCallback done);
  // Writes out the finished sagas although there are few.
  void FlushFinished();

  // ---- recovery, before the loop runs ----
  // Blocks in order of their sequence. RETURNS: the block's index, a saga's home.
  uint64_t AdoptBlock(uint64_t sequence, size_t bytes);
  void AdoptUnfolded(Unfolded sagas);
  void AdoptAsleep(const WakeTime& wake);

 private:
  // shard_start.cc
  void HandleStart(std::unique_ptr<PendingStart> start);
  bool AnswerFromMemory(PendingStart& start);
  bool AnswerFromRow(PendingStart& start);
  void AnswerLive(Machine& live, PendingStart& start);
  void AnswerFinished(const FinishedRecord& record, PendingStart& start);
  void MakeWatch(Machine& machine);
  static bool IsWatched(const Machine& machine);
  void Begin(PendingStart& start);
  Machine* TakeMachine();
  void GiveBack(Machine* machine);
  // Null: not live. Brings it back when it is asleep. RETURNS: why that failed.
  absl::StatusOr<Machine*> FindLive(uint64_t hash, std::string_view definition,
                                    std::string_view key);
  absl::StatusOr<Machine*> FindLive(SagaId id);
  Machine* InMemory(const SagaId& id) const;
  // A saga under this hash of which not even the key can be read.
  const Machine* FindUndecodable(uint64_t hash) const;
  // Every live saga, oldest first: in an order that does not depend on where things lie in memory.
  std::vector<Machine*> LiveByAge() const;
  void Insert(Machine* machine);
  void Erase(Machine* machine);

  // shard_drive.cc
  void Append(Machine& machine, const Event& event);
  bool TryAppend(Machine& machine, const Event& event, absl::Status* why_not);
  void AppendWithoutDefinition(Machine& machine, Event event);
  void AddToGroup(Machine& machine, size_t journal_from);
  void Advance(Machine& machine);
  void Follow(Machine& machine, const NextList& nexts);
  void EndWait(Machine& machine, uint16_t step);
  void Turn(Machine& machine, const Next& next);
  void GiveUpUntried(Machine& machine, const Next& next);
  void FireTimers();
  void FireTimer(Machine& machine);
  MicroTime ArmTimer(Machine& machine, MicroTime at);
  void Halt(Machine& machine, std::string why);
  void AnnounceStuck(Machine& machine);
  Settled StuckOf(const Machine& machine) const;
  void Finish(Machine& machine);
  std::string StepName(const Machine& machine, uint16_t step) const;

  // shard_attempts.cc
  void Dispatch(Machine& machine, const Next& next);
  bool PrepareCall(Machine& machine, Attempt& attempt, const Attempts& tried);
  absl::Status FillCall(Machine& machine, Attempt& attempt);
  static std::optional<std::string> GatheredOutput(const Machine& machine, const StepView& step);
  void Send(Attempt* attempt, Attempts& attempts);
  void SendDeferred();
  void DropDeferred(const Machine& machine, Direction direction, uint16_t step, uint32_t index);
  void HandleDone(Attempt* attempt);
  void HandleLate(Machine& machine, Attempt& attempt);
  void Conclude(Machine& machine, Attempts& attempts, AttemptResult& result);
  bool BudgetIsSpent(const Machine& machine, const Attempts& attempts, VerdictKind kind);
  void Overdue(Machine& machine, Attempt& attempt);

  static Attempts& AttemptsFor(Machine& machine, const Next& next);

  // shard_sagas.cc
  void AskSaga(Machine& machine, const Next& next);
  void TakeAnswer(const SagaId& id, uint16_t step, uint32_t index, uint32_t token,
                  const absl::StatusOr<Started>& answer);
  static bool IsStartedByStep(std::string_view key);
  void TellStarter(const Machine& ended);
  void HearOfEnd(const EffectKey& starter);
  static bool WaitsForItsEnd(const Machine& machine, const Attempts& attempts);
  std::string StartedKey(const Machine& machine, uint16_t step, uint32_t index) const;

  // shard_asleep.cc
  bool MayFallAsleep(const Machine& machine, MicroTime wake) const;
  void FallAsleep(Machine& machine, MicroTime wake);
  void LeaveMemory(Machine& machine);
  void CarryBack(Machine& machine, Group& group);
  absl::StatusOr<std::unique_ptr<Machine>> ReadAsleep(const SagaId& id) const;
  absl::StatusOr<Machine*> ComeBack(const SagaId& id);
  bool WakeDue();
  bool WakeLater(const absl::Status& why);
  absl::Time NextWake() const;
  void ListAsleep(const SagaFilter& filter, std::vector<SagaInfo>& out) const;

  // shard_recovery.cc
  void Adopt(Unfolded::Found found);
  absl::Status ResumeNext(size_t most);
  bool ResumeSome();
  // Everything of this hash is in memory, asleep or finished from here on. RETURNS: why it could
  // not be read.
  absl::Status Recall(uint64_t hash) {
    if (unfolded_.empty() || SKALD_SABOTAGED(kLooksPastUnfolded)) return absl::OkStatus();
    return RecallAll(hash);
  }
  absl::Status RecallAll(uint64_t hash);
  absl::Status RecallEverything();
  void EndRecovery();
  static void NoteLost(Machine& machine);

  // shard_keep.cc
  void KeepFinished(Machine& machine);
  void AddFinishedRows(Unit& unit, Group& group);
  void ReleaseHome(uint64_t home);
  void PublishNeeded(bool drop);
  void CarryForward();
  std::optional<std::string> FinishedRow(uint64_t hash) const;
  std::string Unexpired(std::string_view row) const;

  // shard.cc
  absl::Time NextDue() const;
  Group& Pending();
  bool MaySeal() const;
  void Seal();
  void HandleDurable(Group* group);
  void PrefetchMachines(const Group& group, size_t at) const;
  void PrefetchStart(const Message& far, const Message& near) const;
  static void Refuse(PendingStart* start);
  void AnswerDurable(Machine& machine);
  Owed& OwedOf(Machine& machine);
  void GiveBack(std::unique_ptr<Owed> owed);
  // Answers when all that the machine has said is durable, or cannot become so.
  void WhenDurable(Machine& machine, AnswerCallback done);
  bool Flushing() const { return flush_next_ < flush_order_.size(); }
  double GenerationFilled() const;
  size_t JournalBytesMax() const;
  size_t RowsDue() const;

  // shard_verbs.cc
  SagaInfo InfoOf(const Machine& machine) const;
  std::string WaitingFor(const Machine& machine) const;
  std::string WaitingAt(const Machine& machine, uint16_t step, uint32_t index) const;
  absl::Status CheckVerb(const Machine* machine, SagaId id, const Operator& by) const;
  void AfterVerb(Machine& machine, AnswerCallback done);
  void Wake(Machine& machine);
  absl::Status CheckSignal(const Machine& machine, uint16_t step,
                           const SignalRequest& signal) const;
  static uint16_t StepNamed(const Machine& machine, std::string_view name);

  Core& core_;
  const uint32_t index_;
  MicroTime now_;
  ShardStats stats_;

  Mutex inbox_mutex_;
  CondVar inbox_changed_;
  std::vector<Message> inbox_ SKALD_GUARDED_BY(inbox_mutex_);
  bool sleeping_ SKALD_GUARDED_BY(inbox_mutex_) = false;
  bool stopping_ SKALD_GUARDED_BY(inbox_mutex_) = false;
  bool closed_ SKALD_GUARDED_BY(inbox_mutex_) = false;  // nobody reads the inbox any more
  std::vector<Message> taken_;

  Mutex spare_mutex_;
  std::vector<std::unique_ptr<PendingStart>> spare_starts_ SKALD_GUARDED_BY(spare_mutex_);
  std::vector<std::unique_ptr<Machine>> spare_machines_;
  std::vector<std::unique_ptr<Attempt>> spare_attempts_;
  std::vector<std::unique_ptr<Owed>> spare_owed_;
  std::vector<std::unique_ptr<Group>> spare_groups_;

  LargeHashMap<uint64_t, Machine*> machines_;
  LoopCounter in_memory_;
  LoopCounter outstanding_;
  TimerHeap<Machine> timers_;
  Sleepers sleepers_;
  Unfolded unfolded_;
  absl::Time resume_not_before_ = absl::InfinitePast();
  std::atomic<size_t> asleep_{0};
  absl::Time wake_not_before_ = absl::InfinitePast();
  std::atomic<int64_t> next_timer_micros_;
  struct Deferred {
    Attempt* attempt;
    Work work;
  };
  std::deque<Deferred> deferred_;  // the executor would not take them yet
  // Retries that each step may still make at once, where it has a budget.
  absl::flat_hash_map<std::pair<const StepNode*, Direction>, double> budgets_;
  bool refused_ = false;  // the committer stopped: nothing more goes out

  std::unique_ptr<Group> pending_;
  bool aborted_ = false;  // nothing more is committed
  uint64_t next_group_ = 1;
  uint32_t groups_in_flight_ = 0;

  struct BlockInfo {
    uint64_t sequence = 0;
    uint64_t live = 0;  // sagas whose journal begins here and is still needed
    size_t bytes = 0;
    bool durable = false;
  };
  std::deque<BlockInfo> blocks_;
  uint64_t first_block_ = 0;  // index of blocks_.front()
  size_t block_bytes_ = 0;
  size_t unneeded_bytes_ = 0;  // of blocks that nothing needs and that may not be dropped yet
  uint32_t carries_ = 0;       // groups under way that write sagas again
  size_t live_bytes_ = 0;      // journals of the sagas in memory
  std::atomic<uint64_t> needed_{~uint64_t{0}};
  LiveFloor live_;

  FinishedSet current_;
  FinishedSet flushing_;
  FinishedSet flushed_;
  std::vector<FinishedSet::Place> flush_order_;
  size_t flush_next_ = 0;
  std::atomic<uint64_t> generation_{0};
};

}  // namespace skald::inline v1::internal
