// One saga in memory. Belongs to its shard's loop; only attempts that are out read its frame and
// its journal from elsewhere, and it is not reused before they are back.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "asleep.h"
#include "frame.h"
#include "skald/base/ids.h"
#include "skald/base/internal/rare.h"
#include "skald/base/micro_time.h"
#include "skald/coordinator/internal/watch.h"
#include "skald/saga/definition.h"
#include "skald/saga/fold.h"
#include "skald/saga/plan.h"
#include "timer_heap.h"

namespace skald::inline v1::internal {

struct Core;
struct Machine;

// A definition as the coordinator runs it.
struct Registered {
  explicit Registered(Definition d) : definition(std::move(d)), layout(definition.data()) {}
  const DefinitionData& data() const { return definition.data(); }

  Definition definition;
  FrameLayout layout;
};

// One call of user code, from its dispatch until it has come back.
struct Attempt final : Call {
  std::shared_ptr<Core> core;  // while it is out: what it comes back to
  Machine* machine = nullptr;
  MicroTime deadline;
  std::stop_source stop{std::nostopstate};
  uint32_t index = 0;
  uint32_t token = 0;
  uint16_t step = 0;
  Direction direction = Direction::kAction;
  // No bits: a thread reads what it is while the loop says that it is overdue.
  bool prelude = false;
  bool reconcile = false;
  bool overdue = false;
  bool is_inline = false;
  bool queued = false;  // the executor has not taken it yet: it has not begun

 private:
  void Done() override;
};

using AnswerCallback = absl::AnyInvocable<void(const absl::Status&) &&>;

// Who is to be answered as soon as all that the saga has said is durable.
struct Owed {
  StartedCallback on_started;  // who called Start, until that is durable
  std::vector<AnswerCallback> on_durable;
};

// A text that few sagas have.
class RareText {
 public:
  bool empty() const { return text_->empty(); }
  const std::string& get() const { return *text_; }
  RareText& operator=(std::string text) {
    text_.Make() = std::move(text);
    return *this;
  }
  void clear() { text_.reset(); }

 private:
  Rare<std::string> text_;
};

// What the thread that called Start wants and found. There is no machine before its shard knows
// that it is a saga of its own.
struct PendingStart {
  uint64_t hash = 0;
  const Registered* registered = nullptr;
  StartedCallback done;
  std::string key;
  std::string input;
  Hash128 input_fingerprint;
  absl::Duration deadline = absl::InfiniteDuration();
  absl::Status row_status;
  std::optional<std::string> row;  // the finished sagas under this hash, as stored
  uint64_t row_generation = 0;     // of the shard, before the row was read
  bool row_existed = false;        // another key's record shares the hash

  std::string_view definition() const { return registered->data().name; }
  // As new, but for memory worth keeping.
  void Reset();
};

struct Machine {
  SagaId id;
  const Registered* registered = nullptr;  // null: no such definition here
  std::string journal;                     // grown by Event through MakeRoom alone
  // Where the journal stood before: attempts that are out read their key and values there.
  Rare<std::vector<std::string>> outgrown;
  SagaView view;
  AttemptList attempts;
  absl::InlinedVector<Attempt*, 1> running;  // those whose call has not come back
  Frame frame;
  WatchPtr watch;
  std::unique_ptr<Owed> owed;  // null: nobody is; the shard's, which has spare ones
  RareText halted;  // not journaled: why it cannot go on here (no definition, does not decode)

  Machine* next_same_hash = nullptr;
  uint64_t home = 0;        // index of the block that its journal begins in
  uint64_t floor_slot = 0;  // place among the shard's live incarnations
  uint64_t group = 0;       // newest group that has events of it
  MicroTime wake;           // when it is due, while it is asleep
  MicroTime timer_at;
  uint32_t timer_place = kNoPlace;
  uint32_t undurable = 0;  // groups with events of it that are not durable yet
  uint32_t next_token = 1;
  bool asleep : 1 = false;       // its journal stands in a row of its own, not in the log
  bool gone : 1 = false;         // finished; kept only for attempts that are out
  bool row_existed : 1 = false;  // as of the request
  bool announced_stuck : 1 = false;
  bool undecodable : 1 = false;  // its journal can be neither read nor continued

  std::string_view key() const { return view.key.In(journal); }
  std::string_view definition_name() const { return view.definition.In(journal); }
  bool AtRest() const {
    return IsTerminal(view.state) || view.state == SagaState::kStuck || !halted.empty();
  }

  WakeTime wake_time() const { return {wake, id}; }

  // The entry of an attempt, or null.
  Attempts* AttemptsOf(const Attempt& attempt) {
    return FindAttempts(attempts, attempt.step, attempt.index, attempt.direction);
  }
  void Forget(const Attempts& entry);
  // The attempt's call has.
  void ComesBack(Attempt* attempt);
  // So much more is about to be appended to the journal: what attempts that are out read stays.
  void MakeRoom(size_t bytes) {
    if (!running.empty() && journal.capacity() - journal.size() < bytes) MoveJournal(bytes);
  }

  // As new, but for memory worth keeping.
  void Reset();

 private:
  void MoveJournal(size_t room);
};

}  // namespace skald::inline v1::internal
