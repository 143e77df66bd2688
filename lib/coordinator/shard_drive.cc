// Driving a saga: what its plan asks for, the attempts it makes, and what their ends mean.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kReasonBytesMax = 4096;

// One attempt on its way through the executor. When the executor drops it unrun, the attempt comes
// back as one that may have happened.
class AttemptRun {
 public:
  explicit AttemptRun(Attempt* attempt) : attempt_(attempt) {}
  AttemptRun(AttemptRun&& other) noexcept : attempt_(std::exchange(other.attempt_, nullptr)) {}
  AttemptRun& operator=(AttemptRun&&) = delete;
  ~AttemptRun() {
    if (attempt_ == nullptr) return;
    attempt_->result.kind = VerdictKind::kUnknown;
    attempt_->result.reason = "the executor dropped the attempt without running it";
    Return(attempt_);
  }

  void operator()() && {
    Attempt* attempt = std::exchange(attempt_, nullptr);
    if (Run(*attempt) == CallState::kComplete) Return(attempt);
  }

  static CallState Run(Attempt& attempt) {
    const StepNode& node = attempt.machine->registered->data().steps[attempt.step];
    if (attempt.direction == Direction::kCompensation) return node.compensation(attempt.call);
    return attempt.reconcile ? node.reconcile(attempt.call) : node.action(attempt.call);
  }

  static void Return(Attempt* attempt) {
    // Taken out, or an attempt in the inbox of a stopped core would keep that core for ever.
    const std::shared_ptr<void> keeps_alive = std::move(attempt->keeps_alive);
    attempt->shard->Post({.kind = Message::Kind::kAttemptDone, .object = attempt, .call = {}});
  }

 private:
  Attempt* attempt_;
};

void ForgetRunning(Machine& machine, Attempt* attempt) {
  auto& running = machine.running;
  running.erase(std::remove(running.begin(), running.end(), attempt), running.end());
}

void EraseAttempts(Machine& machine, const Attempts& attempts) {
  for (auto at = machine.attempts.begin(); at != machine.attempts.end(); ++at) {
    if (&*at != &attempts) continue;
    machine.attempts.erase(at);
    return;
  }
}

}  // namespace

std::string Shard::StepName(const Machine& machine, uint16_t step) const {
  if (machine.registered == nullptr || step >= machine.registered->data().steps.size()) return {};
  return machine.registered->data().steps[step].name;
}

void Shard::Append(Machine& machine, const Event& event) {
  absl::Status why_not;
  SKALD_CHECK(TryAppend(machine, event, &why_not), "saga {}: {}", ToString(machine.id),
              ToStd(why_not.message()));
}

bool Shard::TryAppend(Machine& machine, const Event& event, absl::Status* why_not) {
  const size_t at = machine.journal.size();
  *why_not = AppendAndFold(event, machine.view, machine.registered->data(), &machine.journal);
  if (!why_not->ok()) return false;
  AddToGroup(machine, at);
  return true;
}

void Shard::AppendWithoutDefinition(Machine& machine, Event event) {
  // Without its graph only an abandonment can be told.
  event.state_after = SagaState::kAbandoned;
  const size_t at = machine.journal.size();
  AppendEvent(event, &machine.journal);
  std::string_view tail = std::string_view(machine.journal).substr(at);
  const absl::StatusOr<Event> appended = ReadEvent(tail);
  const absl::Status folded =
      appended.ok() ? Fold(machine.view, nullptr, machine.journal, *appended) : appended.status();
  SKALD_CHECK(folded.ok(), "saga {}: {}", ToString(machine.id), ToStd(folded.message()));
  AddToGroup(machine, at);
}

void Shard::AddToGroup(Machine& machine, size_t journal_from) {
  live_bytes_ += machine.journal.size() - journal_from;
  Group& group = Pending();
  group.builder.Add(machine.id, false, std::string_view(machine.journal).substr(journal_from));
  if (machine.group == group.serial) return;
  machine.group = group.serial;
  ++machine.undurable;
  group.machines.push_back(&machine);
}

void Shard::Advance(Machine& machine) {
  if (machine.undurable > 0) return;
  if (IsTerminal(machine.view.state)) return Finish(machine);
  if (machine.AtRest()) return AnnounceStuck(machine);
  Follow(machine, Plan(machine.view, machine.registered->data(), machine.attempts, now_));
}

void Shard::Follow(Machine& machine, const NextList& nexts) {
  absl::Time wait_until = absl::InfiniteFuture();
  for (const Next& next : nexts) {
    switch (next.kind) {
      case NextKind::kRun:
        Dispatch(machine, next);
        break;
      case NextKind::kGiveUp:
        GiveUpUntried(machine, next);
        break;
      case NextKind::kWaitUntil:
        wait_until = std::min(wait_until, next.at);
        break;
      case NextKind::kDeadline: {
        Event event;
        event.kind = EventKind::kDeadlinePassed;
        event.time = now_;
        Append(machine, event);
        Turn(machine, next);
        break;
      }
      case NextKind::kTurn:
        Turn(machine, next);
        break;
    }
    if (!machine.halted.empty()) return AnnounceStuck(machine);
  }
  ArmTimer(machine, wait_until);
}

void Shard::Turn(Machine& machine, const Next& next) {
  Event event;
  event.kind = EventKind::kTurn;
  event.time = now_;
  event.step = next.step;
  // A step's own verdict has given the reason already.
  if (next.kind == NextKind::kDeadline) event.reason = "the saga's deadline passed";
  if (next.kind == NextKind::kTurn && next.step == Event::kNoStep) event.reason = "cancelled";
  Append(machine, event);
  // No further action starts, and that is what one that the executor has not taken would do.
  DropDeferred(machine, Direction::kAction, Event::kNoStep);
  // Actions that still run are asked to end; what they say in time still counts.
  for (Attempt* attempt : machine.running) attempt->stop.request_stop();
}

void Shard::GiveUpUntried(Machine& machine, const Next& next) {
  Event event;
  event.kind = EventKind::kGaveUp;
  event.time = now_;
  event.step = next.step;
  event.direction = next.direction;
  event.verdict = VerdictKind::kUnknown;
  event.reason = "marked Once, and an earlier attempt may have happened";
  if (Attempts* attempts = FindAttempts(machine.attempts, next.step, next.direction)) {
    EraseAttempts(machine, *attempts);
  }
  Append(machine, event);
}

void Shard::Dispatch(Machine& machine, const Next& next) {
  if (core_.draining.load(std::memory_order_relaxed)) return;
  Attempts* attempts = FindAttempts(machine.attempts, next.step, next.direction);
  if (attempts == nullptr) {
    attempts = &machine.attempts.emplace_back();
    attempts->step = next.step;
    attempts->direction = next.direction;
  }
  std::unique_ptr<Attempt> owned;
  if (spare_attempts_.empty()) {
    owned = std::make_unique<Attempt>();
  } else {
    owned = std::move(spare_attempts_.back());
    spare_attempts_.pop_back();
  }
  Attempt& attempt = *owned;
  const StepNode& node = machine.registered->data().steps[next.step];
  attempt.shard = this;
  attempt.machine = &machine;
  attempt.step = next.step;
  attempt.direction = next.direction;
  attempt.reconcile = next.reconcile;
  attempt.overdue = false;
  attempt.is_inline = node.options.runs_inline;
  attempt.token = machine.next_token++;
  attempts->reconciling = next.reconcile;
  attempts->running = true;
  attempts->timed_out = false;
  ++attempts->count;
  attempts->resent = attempts->sent;
  attempts->token = attempt.token;
  attempt.deadline = AttemptDeadline(machine.view, machine.registered->data(), *attempts, now_);
  if (!PrepareCall(machine, attempt)) {
    attempts->running = false;
    spare_attempts_.push_back(std::move(owned));
    return;
  }
  ++machine.outstanding;
  outstanding_.fetch_add(1, std::memory_order_acq_rel);
  machine.running.push_back(&attempt);
  stats_.attempts.fetch_add(1, std::memory_order_relaxed);
  Send(owned.release());
}

bool Shard::PrepareCall(Machine& machine, Attempt& attempt) {
  const DefinitionData& data = machine.registered->data();
  const StepNode& node = data.steps[attempt.step];
  const bool compensates = attempt.direction == Direction::kCompensation;
  const auto value = [&](size_t slot, Slice slice) -> const void* {
    absl::StatusOr<const void*> decoded = machine.frame.Value(slot, slice.In(machine.journal));
    if (decoded.ok()) return *decoded;
    const std::string what =
        slot == 0 ? "its input" : fmt::format("the output of '{}'", data.steps[slot - 1].name);
    Halt(machine, fmt::format("{} does not decode: {}", what, ToStd(decoded.status().message())));
    return nullptr;
  };
  attempt.call = Call();
  attempt.outputs.assign(data.steps.size(), nullptr);
  attempt.call.input = value(0, machine.view.input);
  for (const uint16_t used : node.uses) {
    const StepView& step = machine.view.steps[used];
    if (step.has_output) attempt.outputs[used] = value(1 + used, step.output);
  }
  const StepView& own = machine.view.steps[attempt.step];
  if (compensates && own.has_output) {
    attempt.call.own_output = value(size_t{1} + attempt.step, own.output);
  }
  if (!machine.halted.empty()) return false;

  const Attempts& tried = *FindAttempts(machine.attempts, attempt.step, attempt.direction);
  StepContext::Fields fields;
  fields.idempotency_key = {core_.fence.store, machine.id, node.hash, 0, attempt.direction};
  if (SKALD_SABOTAGED(kKeyOfTheEpoch)) {
    fields.idempotency_key.index = static_cast<uint32_t>(core_.fence.epoch);
  }
  fields.saga = machine.id;
  fields.definition = data.name;
  attempt.key = machine.key();
  fields.key = attempt.key;
  fields.step = node.name;
  fields.attempt = tried.count;
  fields.may_be_repeated = tried.lost || tried.unclean || own.unclean;
  fields.floor = core_.Floor();
  fields.fence = core_.fence;
  fields.deadline = Deadline::AtBoot(core_.clock->BootOf(attempt.deadline));
  if (!attempt.is_inline) {
    attempt.stop = std::stop_source();
    fields.stop = attempt.stop.get_token();
  }
  // An inline coroutine may end elsewhere, too.
  attempt.keeps_alive = core_.shared_from_this();
  attempt.context.emplace(std::move(fields));
  attempt.result.Reset();
  attempt.call.context = &*attempt.context;
  attempt.call.outputs = {attempt.outputs.data(), attempt.outputs.size()};
  attempt.call.result = &attempt.result;
  attempt.call.met = false;  // the object served another attempt before
  attempt.call.done = [a = &attempt] { AttemptRun::Return(a); };
  return true;
}

void Shard::Send(Attempt* attempt) {
  Attempts& attempts = *FindAttempts(attempt->machine->attempts, attempt->step, attempt->direction);
  if (attempt->is_inline) {
    attempts.sent = true;
    if (AttemptRun::Run(*attempt) == CallState::kComplete) HandleDone(attempt);
    return;
  }
  Work work = AttemptRun(attempt);
  // Neither a full executor nor one that is shut down is an attempt: the work waits here, in order.
  // Until it is taken nothing was sent: a pivot that waits does not hold a Cancel up.
  if (deferred_.empty() && core_.executor.Execute(std::move(work)).ok()) {
    attempts.sent = true;
    return;
  }
  attempt->queued = true;
  // NOLINTNEXTLINE(bugprone-use-after-move): an executor leaves alone what it refuses
  deferred_.push_back({attempt, std::move(work)});
}

// Takes back attempts that the executor has not taken: they come back as ones that never ran.
// `step`: kNoStep for all.
void Shard::DropDeferred(const Machine& machine, Direction direction, uint16_t step) {
  if (deferred_.empty() || SKALD_SABOTAGED(kSendsWhatWaited)) return;
  std::erase_if(deferred_, [&](const Deferred& deferred) {
    const Attempt& attempt = *deferred.attempt;
    return attempt.machine == &machine && attempt.direction == direction &&
           (step == Event::kNoStep || step == attempt.step);
  });
}

void Shard::SendDeferred() {
  while (!deferred_.empty()) {
    auto& [attempt, work] = deferred_.front();
    // Its time begins when it is handed over.
    Machine& machine = *attempt->machine;
    Attempts* attempts = FindAttempts(machine.attempts, attempt->step, attempt->direction);
    SKALD_DCHECK(!machine.gone, "an attempt of a saga that has ended waits for the executor");
    if (attempts != nullptr) {
      attempt->deadline =
          AttemptDeadline(machine.view, machine.registered->data(), *attempts, now_);
      attempt->context.emplace(
          attempt->context->WithDeadline(Deadline::AtBoot(core_.clock->BootOf(attempt->deadline))));
    }
    attempt->queued = false;
    Attempt* const handed_over = attempt;
    const absl::Time deadline = attempt->deadline;
    if (!core_.executor.Execute(std::move(work)).ok()) {
      handed_over->queued = true;
      return;
    }
    if (attempts != nullptr) attempts->sent = true;
    deferred_.pop_front();
    ArmTimer(machine, deadline);
  }
}

void Shard::HandleDone(Attempt* attempt) {
  Machine& machine = *attempt->machine;
  --machine.outstanding;
  outstanding_.fetch_sub(1, std::memory_order_acq_rel);
  if (core_.draining.load(std::memory_order_relaxed)) core_.drained.NotifyAll();
  ForgetRunning(machine, attempt);
  attempt->keeps_alive.reset();
  attempt->stop = std::stop_source(std::nostopstate);
  AttemptResult& result = attempt->result;
  if (result.reason.size() > kReasonBytesMax) result.reason.resize(kReasonBytesMax);
  if (result.output.size() > core_.options.payload_bytes_max) {
    result.output_failed = true;
    result.reason = fmt::format("the output has {} bytes, the bound is {}", result.output.size(),
                                core_.options.payload_bytes_max);
  }
  if (machine.gone) {
    stats_.late_verdicts.fetch_add(1, std::memory_order_relaxed);
    if (machine.outstanding == 0) GiveBack(&machine);
  } else {
    Attempts* attempts = FindAttempts(machine.attempts, attempt->step, attempt->direction);
    if (attempts != nullptr && attempts->running && attempts->token == attempt->token) {
      attempts->running = false;
      Conclude(machine, *attempts, result);
    } else {
      HandleLate(machine, *attempt);
    }
  }
  spare_attempts_.emplace_back(attempt);
}

void Shard::HandleLate(Machine& machine, Attempt& attempt) {
  stats_.late_verdicts.fetch_add(1, std::memory_order_relaxed);
  if (attempt.direction != Direction::kAction || !machine.halted.empty()) return;
  if (attempt.result.kind != VerdictKind::kDone || attempt.result.output_failed) return;
  const StepView& step = machine.view.steps[attempt.step];
  const bool open = step.status == StepStatus::kWaiting ||
                    (step.status == StepStatus::kMayHaveRun && step.undecided);
  const bool undoing =
      FindAttempts(machine.attempts, attempt.step, Direction::kCompensation) != nullptr;
  if (!open || undoing || machine.view.state == SagaState::kStuck) return;
  Attempts once;
  once.step = attempt.step;
  once.unclean = true;
  Conclude(machine, once, attempt.result);
}

void Shard::Conclude(Machine& machine, Attempts& attempts, AttemptResult& result) {
  const double jitter = result.kind == VerdictKind::kDone ? 0 : core_.Jitter();
  Judgement judgement =
      Judge(machine.view, machine.registered->data(), attempts, result, now_, jitter);
  if (judgement.kind == Judgement::Kind::kRetry) {
    // A participant that shares the committer sees first that it has stopped, and nothing more of
    // this saga is journaled that would tell.
    if (const absl::Status health = core_.committer->health(); !health.ok()) core_.Fail(health);
    ArmTimer(machine, std::max(judgement.retry_at, now_));
    return;
  }
  Event event;
  event.time = now_;
  event.step = attempts.step;
  event.direction = attempts.direction;
  event.verdict = judgement.verdict;
  event.clean = judgement.clean;
  event.reason = judgement.reason;
  EraseAttempts(machine, attempts);
  if (judgement.kind != Judgement::Kind::kIgnored) {
    DropDeferred(machine, event.direction, event.step);
  }
  switch (judgement.kind) {
    case Judgement::Kind::kVerdict:
      event.kind = EventKind::kVerdict;
      event.has_output =
          event.verdict == VerdictKind::kDone && event.direction == Direction::kAction;
      if (event.has_output) event.output = result.output;
      Append(machine, event);
      return;
    case Judgement::Kind::kGaveUp:
      event.kind = EventKind::kGaveUp;
      Append(machine, event);
      core_.Notify(
          Severity::kWarning, "step-gave-up", ToString(machine.id),
          fmt::format("{} of step '{}' of '{}' (key '{}') gave up: {}",
                      event.direction == Direction::kAction ? "the action" : "the compensation",
                      StepName(machine, event.step), machine.definition_name(), machine.key(),
                      judgement.reason));
      return;
    case Judgement::Kind::kIgnored:
      Advance(machine);
      return;
    case Judgement::Kind::kRetry:
      return;
  }
}

void Shard::ArmTimer(Machine& machine, absl::Time at) {
  const SagaView& view = machine.view;
  for (const Attempt* attempt : machine.running) {
    if (!attempt->overdue && !attempt->queued) at = std::min(at, attempt->deadline);
  }
  if (view.state == SagaState::kRunning && !view.deadline_passed && view.deadline > now_) {
    at = std::min(at, view.deadline);
  }
  // An earlier timer is left alone: when it fires, this is worked out again.
  if (machine.timer_place != kNoPlace && machine.timer_at <= at) return;
  timers_.Set(&machine, at);
}

void Shard::FireTimers() {
  for (size_t left = timers_.size(); left > 0 && timers_.next() <= now_; --left) {
    Machine* machine = timers_.top();
    timers_.Remove(machine);
    FireTimer(*machine);
    if (MaySeal()) Seal();
  }
}

void Shard::FireTimer(Machine& machine) {
  const auto running = machine.running;
  for (Attempt* attempt : running) {
    const bool late = attempt->deadline <= now_ && !attempt->queued && !attempt->overdue;
    if (late) Overdue(machine, *attempt);
  }
  if (machine.undurable > 0) return;
  if (machine.AtRest()) return;
  Advance(machine);
}

void Shard::Overdue(Machine& machine, Attempt& attempt) {
  attempt.overdue = true;
  attempt.stop.request_stop();
  Attempts* attempts = FindAttempts(machine.attempts, attempt.step, attempt.direction);
  if (attempts == nullptr || attempts->token != attempt.token) return;
  attempts->timed_out = true;
  attempts->unclean = true;
  const StepNode& node = machine.registered->data().steps[attempt.step];
  core_.Notify(
      Severity::kWarning, "attempt-overdue", ToString(machine.id),
      fmt::format("step '{}' of '{}' (key '{}') has not returned by its deadline{}", node.name,
                  machine.definition_name(), machine.key(),
                  node.options.guarded ? "; its barrier lets another attempt go ahead"
                                       : "; the saga waits for it, or for an operator's Retry"));
  if (!node.options.guarded && !SKALD_SABOTAGED(kOvertakesAttempts)) return;
  attempts->running = false;
  ++attempts->zombies;
  AttemptResult result;
  result.kind = VerdictKind::kUnknown;
  result.reason = "no answer by its deadline";
  Conclude(machine, *attempts, result);
}

void Shard::Halt(Machine& machine, std::string why) {
  if (!machine.halted.empty()) return;
  machine.halted = std::move(why);
}

void Shard::AnnounceStuck(Machine& machine) {
  if (machine.announced_stuck) return;
  machine.announced_stuck = true;
  Settled settled = StuckOf(machine);
  stats_.stuck.fetch_add(1, std::memory_order_relaxed);
  core_.Notify(Severity::kError, "saga-stuck", ToString(machine.id),
               fmt::format("'{}' (key '{}') is stuck at step '{}': {}", machine.definition_name(),
                           machine.key(), settled.step, settled.reason));
  if (machine.watch) machine.watch->Settle(std::move(settled));
}

Settled Shard::StuckOf(const Machine& machine) const {
  Settled settled;
  settled.state = SagaState::kStuck;
  settled.reason = machine.halted.empty() ? std::string(machine.view.reason.In(machine.journal))
                                          : machine.halted;
  settled.step = StepName(machine, machine.view.reason_step);
  return settled;
}

void Shard::Finish(Machine& machine) {
  switch (machine.view.state) {
    case SagaState::kCompleted:
      stats_.completed.fetch_add(1, std::memory_order_relaxed);
      break;
    case SagaState::kCompensated:
      stats_.compensated.fetch_add(1, std::memory_order_relaxed);
      break;
    default:
      stats_.abandoned.fetch_add(1, std::memory_order_relaxed);
      break;
  }
  KeepFinished(machine);
  timers_.Remove(&machine);
  DropDeferred(machine, Direction::kAction, Event::kNoStep);
  DropDeferred(machine, Direction::kCompensation, Event::kNoStep);
  for (Attempt* attempt : machine.running) attempt->stop.request_stop();
  live_.Remove(machine.floor_slot);
  Erase(&machine);
  machine.gone = true;
  if (machine.outstanding == 0) GiveBack(&machine);
}

}  // namespace skald::inline v1::internal
