// The attempts of a saga: how one is sent, and what its end means.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "core.h"
#include "shard.h"
#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr size_t kReasonBytesMax = 4096;
constexpr size_t kSpareAttemptsMax = 8192;
constexpr size_t kSpareTextBytesMax = 8192;
// A wait for the next attempt as long as this outlives the process, whatever leaves memory.
constexpr absl::Duration kLongWait = absl::Minutes(1);

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
    attempt_->result.text = "the executor dropped the attempt without running it";
    Return(attempt_);
  }

  void operator()() && {
    Attempt* attempt = std::exchange(attempt_, nullptr);
    if (Run(*attempt) == CallState::kComplete) Return(attempt);
  }

  static CallState Run(Attempt& attempt) {
    const StepNode& node = attempt.machine->registered->data().steps[attempt.step];
    if (attempt.direction == Direction::kCompensation) return node.compensation(attempt);
    if (attempt.prelude) return node.prelude(attempt);
    return attempt.reconcile ? node.reconcile(attempt) : node.action(attempt);
  }

  static void Return(Attempt* attempt) {
    // Taken out, or an attempt in the inbox of a stopped core would keep that core for ever.
    const std::shared_ptr<Core> core = std::move(attempt->core);
    Shard& shard = core->ShardOf(attempt->context.saga_id().hash);
    shard.Post({.kind = Message::Kind::kAttemptDone, .object = attempt, .call = {}});
  }

 private:
  Attempt* attempt_;
};

}  // namespace

void Attempt::Done() {
  AttemptRun::Return(this);
}

// Its entry; a fresh one when there is none.
Attempts& Shard::AttemptsFor(Machine& machine, const Next& next) {
  Attempts* attempts = FindAttempts(machine.attempts, next.step, next.index, next.direction);
  if (attempts != nullptr) return *attempts;
  attempts = &machine.attempts.emplace_back();
  attempts->step = next.step;
  attempts->index = next.index;
  attempts->direction = next.direction;
  if (const PlaceView* place = FindPlace(machine.view, next.step, next.index)) {
    attempts->count = place->tried;
    attempts->sent = place->sent;
    attempts->next = place->not_before;
  }
  return *attempts;
}

void Shard::Dispatch(Machine& machine, const Next& next) {
  if (core_.draining.load(std::memory_order_relaxed)) return;
  Attempts* const attempts = &AttemptsFor(machine, next);
  std::unique_ptr<Attempt> owned;
  if (spare_attempts_.empty()) {
    owned = std::make_unique<Attempt>();
    owned->reporter = core_.weak_from_this();
  } else {
    owned = std::move(spare_attempts_.back());
    spare_attempts_.pop_back();
  }
  Attempt& attempt = *owned;
  const StepNode& node = machine.registered->data().steps[next.step];
  attempt.Renew();
  attempt.machine = &machine;
  attempt.step = next.step;
  attempt.index = next.index;
  attempt.prelude = next.prelude;
  attempt.direction = next.direction;
  attempt.reconcile = next.reconcile;
  attempt.overdue = attempt.queued = false;
  attempt.is_inline = node.options.runs_inline || next.prelude;
  attempt.token = machine.next_token++;
  attempts->reconciling = next.reconcile;
  attempts->running = true;
  attempts->timed_out = false;
  ++attempts->count;
  attempts->resent = attempts->sent;
  attempts->token = attempt.token;
  attempt.deadline = AttemptDeadline(machine.view, machine.registered->data(), *attempts, now_);
  if (!PrepareCall(machine, attempt, *attempts)) {
    attempts->running = false;
    spare_attempts_.push_back(std::move(owned));
    return;
  }
  outstanding_.Add(1);
  machine.running.push_back(&attempt);
  stats_.attempts.Add(1);
  Send(owned.release(), *attempts);
}

// The outputs of a fan-out's items, encoded as a vector of them; nullopt when some are not known.
std::optional<std::string> Shard::GatheredOutput(const Machine& machine, const StepView& step) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Varint(step.items.count);
  for (uint32_t i = 0; i < step.items.count; ++i) {
    const ItemView& item = machine.view.items()[step.items.first + i];
    if (!item.has_output) return std::nullopt;
    out.String(item.output.In(machine.journal));
  }
  return bytes;
}

// Decodes what the call is given. RETURNS: what does not decode, and why.
absl::Status Shard::FillCall(Machine& machine, Attempt& attempt) {
  const DefinitionData& data = machine.registered->data();
  const StepNode& node = data.steps[attempt.step];
  const SagaView& view = machine.view;
  Frame& frame = machine.frame;
  Call& call = attempt;
  absl::Status broken;
  const auto given = [&](const absl::StatusOr<const void*>& value, std::string_view what,
                         std::string_view of = {}) -> const void* {
    if (value.ok()) return *value;
    const std::string whose = of.empty() ? "" : fmt::format(" of '{}'", of);
    broken.Update(Annotate(value.status(), fmt::format("{}{} does not decode", what, whose)));
    return nullptr;
  };
  if (node.input_from && !SKALD_SABOTAGED(kIgnoresOwnInput)) {
    const Slice& input = view.steps[*node.input_from].output;
    call.input = given(frame.Value(size_t{1} + *node.input_from, input.In(machine.journal)),
                       "its part's input");
  } else {
    call.input = given(frame.Value(0, view.input.In(machine.journal)), "its input");
  }
  for (const uint16_t used : node.uses) {
    const StepView& step = view.steps[used];
    const size_t slot = size_t{1} + used;
    const std::string_view name = data.steps[used].name;
    if (step.expanded) {
      std::optional<std::string> gathered;
      if (!frame.Has(slot)) gathered = GatheredOutput(machine, step);
      const bool known = frame.Has(slot) || gathered.has_value();
      if (known)
        attempt.outputs.Make()[used] =
            given(frame.Decoded(slot, gathered.value_or("")), "the output", name);
    } else if (step.has_output) {
      attempt.outputs.Make()[used] =
          given(frame.Value(slot, step.output.In(machine.journal)), "the output", name);
    }
  }
  const StepView& own = view.steps[attempt.step];
  const PlaceView& place = PlaceAt(view, attempt.step, attempt.index);
  const std::string_view output = place.output.In(machine.journal);
  const bool undoes = attempt.direction == Direction::kCompensation && place.has_output;
  if (!own.expanded) {
    if (undoes)
      call.own_output = given(frame.Value(size_t{1} + attempt.step, output), "its output");
    return broken;
  }
  const size_t at = own.items.first + (SKALD_SABOTAGED(kForgetsItems) ? 0 : attempt.index);
  const std::string_view item = view.items()[at].item.In(machine.journal);
  call.item = given(frame.Extra(2 * at, node.fan_out->item, item), "its item");
  if (undoes) {
    call.own_output =
        given(frame.Extra(2 * at + 1, node.fan_out->output, output), "the item's output");
  }
  return broken;
}

bool Shard::PrepareCall(Machine& machine, Attempt& attempt, const Attempts& tried) {
  const DefinitionData& data = machine.registered->data();
  const StepNode& node = data.steps[attempt.step];
  const PlaceView& own = PlaceAt(machine.view, attempt.step, attempt.index);
  attempt.item = attempt.own_output = nullptr;
  if (!node.uses.empty()) attempt.outputs.Make().assign(data.steps.size(), nullptr);
  if (const absl::Status filled = FillCall(machine, attempt); !filled.ok()) {
    Halt(machine, std::string(filled.message()));
    return false;
  }

  if (!attempt.is_inline) attempt.stop = std::stop_source();
  StepContext::Fields fields{
      .idempotency_key = {core_.fence.store, machine.id, node.hash, attempt.index,
                          attempt.direction},
      .definition = data.name,
      .key = machine.key(),
      .step = node.name,
      .attempt = tried.count,
      .may_be_repeated = tried.lost || tried.unclean || own.unclean,
      .floor = core_.Floor(),
      .writer = core_.fence.writer,
      .epoch = core_.fence.epoch,
      .deadline = Deadline::AtBoot(core_.clock->BootOf(attempt.deadline)),
      .stop = attempt.is_inline ? std::stop_token() : attempt.stop.get_token(),
  };
  if (SKALD_SABOTAGED(kKeyOfTheEpoch)) {
    fields.idempotency_key.index = static_cast<uint32_t>(core_.fence.epoch);
  }
  // An inline coroutine may end elsewhere, too.
  attempt.core = core_.shared_from_this();
  attempt.context = StepContext(std::move(fields));
  return true;
}

void Shard::Send(Attempt* attempt, Attempts& attempts) {
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
void Shard::DropDeferred(const Machine& machine, Direction direction, uint16_t step,
                         uint32_t index) {
  if (deferred_.empty() || SKALD_SABOTAGED(kSendsWhatWaited)) return;
  std::erase_if(deferred_, [&](const Deferred& deferred) {
    const Attempt& attempt = *deferred.attempt;
    return attempt.machine == &machine && attempt.direction == direction &&
           (step == Event::kNoStep || (step == attempt.step && index == attempt.index));
  });
}

void Shard::SendDeferred() {
  while (!deferred_.empty()) {
    auto& [attempt, work] = deferred_.front();
    // Its time begins when it is handed over.
    Machine& machine = *attempt->machine;
    Attempts* attempts = machine.AttemptsOf(*attempt);
    SKALD_DCHECK(!machine.gone, "an attempt of a saga that has ended waits for the executor");
    if (attempts != nullptr) {
      attempt->deadline =
          AttemptDeadline(machine.view, machine.registered->data(), *attempts, now_);
      attempt->context =
          attempt->context.WithDeadline(Deadline::AtBoot(core_.clock->BootOf(attempt->deadline)));
    }
    attempt->queued = false;
    Attempt* const handed_over = attempt;
    const MicroTime deadline = attempt->deadline;
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
  outstanding_.Subtract(1);
  if (core_.draining.load(std::memory_order_relaxed)) core_.drained.NotifyAll();
  machine.ComesBack(attempt);
  attempt->core.reset();
  if (!attempt->is_inline) attempt->stop = std::stop_source(std::nostopstate);
  AttemptResult& result = attempt->result;
  if (!result.has_output()) {
    if (result.text.size() > kReasonBytesMax) result.text.resize(kReasonBytesMax);
  } else if (result.text.size() > core_.options.payload_bytes_max) {
    result.output_failed = true;
    result.text = fmt::format("the output has {} bytes, the bound is {}", result.text.size(),
                              core_.options.payload_bytes_max);
  }
  if (machine.gone) {
    stats_.late_verdicts.Add(1);
    if (machine.running.empty()) GiveBack(&machine);
  } else {
    Attempts* attempts = machine.AttemptsOf(*attempt);
    if (attempts != nullptr && attempts->running && attempts->token == attempt->token) {
      attempts->running = false;
      Conclude(machine, *attempts, result);
    } else {
      if (attempts != nullptr && attempts->zombies > 0) --attempts->zombies;
      HandleLate(machine, *attempt);
    }
  }
  // A copy of its completion that is kept keeps the attempt, and no more.
  if (result.text.capacity() > kSpareTextBytesMax) result.text = std::string();
  if (!attempt->Release()) return;
  if (spare_attempts_.size() < kSpareAttemptsMax) {
    spare_attempts_.emplace_back(attempt);
  } else {
    delete attempt;
  }
}

void Shard::HandleLate(Machine& machine, Attempt& attempt) {
  stats_.late_verdicts.Add(1);
  if (attempt.direction != Direction::kAction || !machine.halted.empty()) return;
  if (!attempt.result.has_output()) return;
  const PlaceView* found = FindPlace(machine.view, attempt.step, attempt.index);
  if (found == nullptr) return;  // a prelude that was called twice
  const PlaceView& step = *found;
  const bool open = step.status == StepStatus::kWaiting ||
                    (step.status == StepStatus::kMayHaveRun && step.undecided);
  const bool undoing = FindAttempts(machine.attempts, attempt.step, attempt.index,
                                    Direction::kCompensation) != nullptr;
  if (!open || undoing || machine.view.state == SagaState::kStuck) return;
  Attempts once;
  once.step = attempt.step;
  once.index = attempt.index;
  once.unclean = true;
  Conclude(machine, once, attempt.result);
}

// Takes what this end costs or earns off the step's budget of retries.
bool Shard::BudgetIsSpent(const Machine& machine, const Attempts& attempts, VerdictKind kind) {
  const StepNode& node = machine.registered->data().steps[attempts.step];
  const RetryPolicy& policy = PolicyOf(node, attempts.direction);
  if (policy.budget <= 0) return false;
  double& left = budgets_.try_emplace({&node, attempts.direction}, kRetryReserve).first->second;
  if (kind == VerdictKind::kDone) left = std::min(left + policy.budget, kRetryReserve);
  const bool retry = kind == VerdictKind::kUnknown || kind == VerdictKind::kRetryLater;
  if (!retry) return false;
  if (left < 1) return true;
  left -= 1;
  return false;
}

void Shard::Conclude(Machine& machine, Attempts& attempts, AttemptResult& result) {
  // It has ended meanwhile, though that is not durable yet.
  if (IsTerminal(machine.view.state)) return machine.Forget(attempts);
  const double jitter = result.kind == VerdictKind::kDone ? 0 : core_.Jitter();
  const bool spent = BudgetIsSpent(machine, attempts, result.kind);
  Judgement judgement =
      Judge(machine.view, machine.registered->data(), attempts, result, now_, jitter, spent);
  if (judgement.kind == Judgement::Kind::kRetry) {
    // A participant that shares the committer sees first that it has stopped, and nothing more of
    // this saga is journaled that would tell.
    if (const absl::Status health = core_.committer->health(); !health.ok()) core_.Fail(health);
    const absl::Duration wait = judgement.retry_at - now_;
    if (wait >= std::min(core_.options.asleep_after, kLongWait) && !attempts.reconciling) {
      std::string output;
      Event put_off = PutOff(machine.view, attempts, now_, &output);
      put_off.reason = judgement.reason;
      return Append(machine, put_off);
    }
    ArmTimer(machine, std::max(judgement.retry_at, now_));
    return;
  }
  Event event;
  event.time = now_;
  event.step = attempts.step;
  event.index = attempts.index;
  event.direction = attempts.direction;
  event.verdict = judgement.verdict;
  event.clean = judgement.clean;
  event.reason = judgement.reason;
  // With its items, how many of them run side by side.
  std::string parallelism;
  const StepNode& node = machine.registered->data().steps[attempts.step];
  if (node.fan_out && attempts.index == Event::kWhole) {
    parallelism = fmt::format("{}", node.fan_out->parallelism);
    event.actor = parallelism;
  }
  machine.Forget(attempts);
  if (judgement.kind != Judgement::Kind::kIgnored) {
    DropDeferred(machine, event.direction, event.step, event.index);
  }
  switch (judgement.kind) {
    case Judgement::Kind::kVerdict:
      event.kind = EventKind::kVerdict;
      event.has_output =
          event.verdict == VerdictKind::kDone && event.direction == Direction::kAction;
      if (event.has_output) event.output = result.output();
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

void Shard::Overdue(Machine& machine, Attempt& attempt) {
  attempt.overdue = true;
  attempt.stop.request_stop();
  Attempts* attempts = machine.AttemptsOf(attempt);
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
  result.text = "no answer by its deadline";
  Conclude(machine, *attempts, result);
}

}  // namespace skald::inline v1::internal
