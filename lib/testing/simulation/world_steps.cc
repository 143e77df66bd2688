// Steps on their way to the participants and back, and what goes wrong there.
#include <fmt/core.h>

#include <stdexcept>
#include <utility>

#include "skald/base/hash.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"
#include "world.h"

namespace skald::inline v1::internal {
namespace {

std::string_view NameOf(BarrierVerb verb) {
  switch (verb) {
    case BarrierVerb::kAction:
      return "do";
    case BarrierVerb::kCompensation:
      return "undo";
    case BarrierVerb::kReconcile:
      return "ask";
  }
  return "?";
}

std::string_view NameOf(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kShared:
      return "shared";
    case ServiceKind::kOwn:
      return "own";
    case ServiceKind::kRemote:
      return "remote";
    case ServiceKind::kBare:
      return "bare";
  }
  return "?";
}

std::string What(const Asked& asked) {
  return fmt::format("{} {:08x} of {}", NameOf(asked.verb), asked.request.key.step,
                     ToString(asked.request.key.saga));
}

}  // namespace

// ---- what a step is told ------------------------------------------------------------------------

SentAttempt World::Sent(Process& process, const StepContext& context,
                        const SimulatedDefinition& saga, uint16_t step, bool reconcile) {
  SentAttempt sent;
  sent.key = context.idempotency_key();
  sent.step = step;
  sent.reconcile = reconcile;
  sent.floor = context.floor();
  sent.owner = process.number;
  sent.dispatched = process.executor != nullptr && process.executor->running()
                        ? process.executor->dispatched()
                        : oracle_.moment();
  sent.owner_is_stale = process.stale;
  sent.engine_now = EngineNow(process);
  if (!process.alive) return sent;
  trace_.Say(process.name, "{} {} of {}, attempt {}{}",
             context.direction() == Direction::kCompensation ? "undoes"
             : reconcile                                     ? "asks of"
                                                             : "does",
             saga.steps[step].name, context.key(), context.attempt(),
             process.stale ? " (stale)" : "");
  trace_.Count(context.direction() == Direction::kCompensation ? "sent compensation"
               : reconcile                                     ? "sent reconcile"
                                                               : "sent action");
  oracle_.OnSent(sent);
  const EffectKey expected{StoreId{1}, context.saga_id(), StepHash(saga.steps[step].name),
                           saga.steps[step].items_max > 0 ? sent.key.index : 0,
                           context.direction()};
  oracle_.Check(Promise::kIdentity, sent.key == expected, "an effect key is not the step's own");
  std::erase_if(waits_, [&](const Waits& waits) {
    if (waits.process != process.number || waits.key != sent.key) return false;
    if (reconcile) return true;  // another question
    // Engine time counts whole microseconds.
    oracle_.Check(
        Promise::kTime, scheduler_.clock().Boot() + absl::Microseconds(1) > waits.until,
        fmt::format("{} is sent again before the delay it asked for", ToString(sent.key)));
    return true;
  });
  return sent;
}

std::string_view World::SubjectOf(SagaId id) const {
  return KeyOfInput(oracle_.InputOf(id));
}

std::string World::InputOfStep(SagaId id, const SimulatedDefinition& saga, uint16_t step) const {
  if (!saga.steps[step].input_from) return std::string(oracle_.InputOf(id));
  return "part of " + SubjectOfStep(saga, step, SubjectOf(id));
}

std::string World::Given(const SimulatedDefinition& saga, uint16_t step,
                         std::string_view saga_subject, uint32_t item) const {
  const std::string subject = SubjectOfStep(saga, step, saga_subject);
  if (saga.steps[step].kind != StepKind::kSaga) return StepOutput(saga, step, subject, item, 0);
  // What the saga that it started has given.
  const SimulatedDefinition& started = *DefinitionNamed(saga.steps[step].starts);
  if (!started.result_step) return "";
  const std::string input = "input of " + subject;
  const std::string given =
      saga.steps[step].items_max > 0 ? ItemValue(saga, step, subject, item) : input;
  return Given(started, *started.result_step, KeyOfInput(given), 0);
}

void World::CheckUsed(const StepContext& context, const SimulatedDefinition& saga, uint16_t used,
                      const std::string* output) {
  const std::string_view subject = SubjectOf(context.saga_id());
  const bool skipped = IsSkipped(saga, used, subject);
  const bool right =
      output == nullptr ? skipped : !skipped && *output == Given(saga, used, subject, 0);
  oracle_.Check(Promise::kEnd, right,
                fmt::format("{} is given another output of {} than it gave", context.step(),
                            saga.steps[used].name));
}

void World::CheckUsed(const StepContext& context, const SimulatedDefinition& saga, uint16_t used,
                      const std::vector<std::string>* outputs) {
  const std::string_view subject = SubjectOf(context.saga_id());
  const bool skipped = IsSkipped(saga, used, subject);
  bool right = (outputs == nullptr) == skipped;
  if (outputs != nullptr) {
    const std::string own = SubjectOfStep(saga, used, subject);
    right = right && outputs->size() == ItemCount(saga, used, own);
    for (uint32_t i = 0; i < outputs->size(); ++i) {
      right = right && (*outputs)[i] == Given(saga, used, subject, i);
    }
  }
  oracle_.Check(Promise::kEnd, right,
                fmt::format("{} is given other outputs of {} than it gave", context.step(),
                            saga.steps[used].name));
}

void World::CheckInput(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                       const std::string& input) {
  if (saga.steps[step].input_from) trace_.Count("sent in a part");
  const std::string own = SubjectOfStep(saga, step, SubjectOf(context.saga_id()));
  oracle_.Check(Promise::kEnd, KeyOfInput(input) == own,
                fmt::format("{} is given the input '{}'", context.step(), input));
}

void World::CheckItem(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                      const std::string& item) {
  const uint32_t index = context.idempotency_key().index;
  const std::string own = SubjectOfStep(saga, step, SubjectOf(context.saga_id()));
  trace_.Count("sent for an item");
  oracle_.Check(Promise::kEnd, item == ItemValue(saga, step, own, index),
                fmt::format("{}[{}] is given another item", context.step(), index));
}

// What undoes an await is given the payload that was accepted, or told that there was none.
void World::CheckSignal(const StepContext& context, const std::optional<std::string>* output) {
  trace_.Count(output != nullptr && output->has_value() ? "undone with a signal"
                                                        : "undone without a signal");
  const bool right = output != nullptr && (!output->has_value() || (*output)->starts_with("paid "));
  oracle_.Check(Promise::kEnd, right,
                fmt::format("the await {} is undone with another payload", context.step()));
}

absl::Time World::TimeOfSleep(const Process& process, absl::Duration delay) const {
  return EngineNow(process) + delay;
}

void World::CheckOwn(const StepContext& context, const SimulatedDefinition& saga, uint16_t step,
                     const std::string* output) {
  trace_.Count(output == nullptr ? "undone without output" : "undone with output");
  if (output == nullptr) return;
  oracle_.Check(
      Promise::kEnd,
      *output == Given(saga, step, SubjectOf(context.saga_id()), context.idempotency_key().index),
      fmt::format("{} is undone with another output than it gave", context.step()));
}

// ---- the business -------------------------------------------------------------------------------

VerdictKind World::BusinessOf(const SimulatedDefinition& saga, uint16_t step, BarrierVerb verb,
                              const StepContext& context) {
  if (!faults_) return VerdictKind::kDone;
  const std::string what =
      fmt::format("{}[{}]", saga.steps[step].name, context.idempotency_key().index);
  // Decided by who asks: a saga that is started again is another one.
  const bool no = StableHash64(what, context.key()) % 1000 < profile_[Knob::kRejected];
  const StepClass step_class = saga.steps[step].step_class;
  const bool forward = verb == BarrierVerb::kAction && step_class != StepClass::kRetriable;
  // Elsewhere a no is an accident, and needs a person.
  const bool accident = Stream(Knob::kRejected).Below(1000) < 4 && profile_[Knob::kRejected] > 0;
  // Who is busy does not look yet.
  if (Chance(Knob::kRetryLater)) return VerdictKind::kRetryLater;
  if (forward ? no : accident) return VerdictKind::kRejected;
  return Chance(Knob::kUnknown) ? VerdictKind::kUnknown : VerdictKind::kDone;
}

StepCall World::MakeCall(Process& process, const SimulatedDefinition& saga, uint16_t step,
                         BarrierVerb verb, const StepContext& context, const std::string& input) {
  StepCall call(&process, &saga.steps[step]);
  call.sent = Sent(process, context, saga, step, verb == BarrierVerb::kReconcile);
  call.serial = ++calls_;
  call.deadline = context.deadline();
  newest_call_[{process.number, call.sent.key}] = call.serial;
  call.asked.verb = verb;
  call.asked.request = BarrierRequest::Of(context, input);
  call.asked.input = input;
  call.asked.has_effect = saga.steps[step].step_class != StepClass::kNoEffect;
  CheckInput(context, saga, step, input);
  call.asked.output = StepOutput(saga, step, KeyOfInput(input), context.idempotency_key().index,
                                 profile_[Knob::kBigOutput]);
  call.asked.business = BusinessOf(saga, step, verb, context);
  if (call.asked.business == VerdictKind::kRetryLater && Stream(Knob::kRetryLater).Chance(0.3)) {
    call.asked.busy_for = Between(Knob::kRetryLater, absl::Seconds(1), absl::Seconds(90));
  }
  return call;
}

// ---- a call and its answer ----------------------------------------------------------------------

Fate World::DrawFate(const StepCall& call) {
  Fate fate;
  const auto draws = [this](Knob knob, std::string_view what) {
    const bool drawn = Chance(knob);
    if (drawn) trace_.Count(what);
    return drawn;
  };
  fate.throws = draws(Knob::kThrow, "fault step throws");
  fate.lost_request = draws(Knob::kLostRequest, "fault request lost");
  fate.lost_answer = draws(Knob::kLostAnswer, "fault answer lost");
  if (call.step->options.runs_inline) return fate;
  fate.there = Between(Knob::kSlow, absl::ZeroDuration(), absl::Milliseconds(5));
  fate.back = Between(Knob::kSlow, absl::ZeroDuration(), absl::Milliseconds(5));
  const bool slow = draws(Knob::kSlow, "fault slow");
  const bool there = Stream(Knob::kSlow).Chance(0.5);
  if (slow) {
    (there ? fate.there : fate.back) =
        Between(Knob::kSlow, absl::Milliseconds(20), absl::Milliseconds(800));
  }
  fate.duplicate =
      call.step->service == ServiceKind::kRemote && draws(Knob::kDuplicate, "fault duplicate");
  const bool hangs = draws(Knob::kHang, "fault hang");
  fate.hangs_before = hangs && Stream(Knob::kHang).Chance(0.5);
  fate.hangs_after = hangs && !fate.hangs_before;
  return fate;
}

void World::Returned(const StepCall& call, const Verdict<std::string>& verdict) {
  if (!call.process->alive) return;
  trace_.Say(call.process->name, "{}: {}", What(call.asked), ToString(verdict.kind()));
  trace_.Count(fmt::format("verdict {}", ToString(verdict.kind())));
  const bool too_big = verdict.done() && verdict.output().size() > 4096;
  if (too_big) trace_.Count("fault output too big");
  if (call.process->stale) trace_.Count("verdict in a stale process");
  oracle_.OnReturned(call.sent, verdict.kind(), too_big);
  // (What an attempt says that was passed by does not bind the next one.)
  const bool newest = newest_call_[{call.process->number, call.sent.key}] == call.serial &&
                      !call.deadline.Passed(scheduler_.clock());
  if (verdict.kind() == VerdictKind::kRetryLater && verdict.delay() && newest) {
    waits_.push_back(
        {call.process->number, call.sent.key, scheduler_.clock().Boot() + *verdict.delay()});
  }
}

Task<Verdict<std::string>> World::RunStep(StepCall call) {
  Verdict<std::string> verdict = Unknown("the process is dead");
  if (Site(*call.process, "before a step")) co_return verdict;
  const Fate fate = DrawFate(call);
  if (fate.throws) {
    Returned(call, verdict);
    throw std::runtime_error("thrown by a step");
  }
  absl::StatusOr<Verdict<std::string>> answer = co_await AwaitCompletion<Verdict<std::string>>(
      [&](Reply reply) { Send(call, fate, std::move(reply)); });
  if (answer.ok()) {
    verdict = *std::move(answer);
  } else {
    verdict = Unknown(std::string(ToStd(answer.status().message())));
  }
  if (fate.lost_answer) verdict = Unknown("the answer is lost");
  Site(*call.process, "after a step");
  Returned(call, verdict);
  co_return verdict;
}

Verdict<std::string> World::RunInline(StepCall call) {
  Verdict<std::string> verdict = Unknown("the process is dead");
  if (Site(*call.process, "before a step")) return verdict;
  const Fate fate = DrawFate(call);
  if (fate.throws) {
    Returned(call, verdict);
    throw std::runtime_error("thrown by a step");
  }
  if (!fate.lost_request) {
    bare_.Handle(call.asked, Reply([&](absl::StatusOr<Verdict<std::string>> answer) {
                   if (answer.ok()) verdict = *std::move(answer);
                 }));
  }
  if (fate.lost_answer || fate.lost_request) verdict = Unknown("the answer is lost");
  Site(*call.process, "after a step");
  Returned(call, verdict);
  return verdict;
}

// Something that happens in a process later: not while it is paused, and never when it is dead.
void World::In(Process& process, absl::Duration delay, Work work) {
  scheduler_.After(delay, [&process, work = std::move(work)]() mutable {
    if (!process.alive) return;
    if (process.paused) {
      process.parked.push_back(std::move(work));
      return;
    }
    std::move(work)();
  });
}

void World::Send(const StepCall& call, const Fate& fate, Reply reply) {
  Process* const process = call.process;
  if (fate.lost_request) {
    return In(*process, fate.there, [reply = std::move(reply)]() mutable {
      reply(Verdict<std::string>(Unknown("the request is lost")));
    });
  }
  // The way back.
  Reply answer([this, process, fate,
                reply = std::move(reply)](absl::StatusOr<Verdict<std::string>> verdict) mutable {
    Work told = [reply = std::move(reply), verdict = std::move(verdict)]() mutable {
      reply(std::move(verdict));
    };
    // (What would hang once the faults have healed would hang for ever.)
    if (fate.hangs_after && faults_) {
      hung_.push_back(std::move(told));
      return;
    }
    In(*process, fate.back, std::move(told));
  });
  // The way there: a call over the network goes on although its sender is dead.
  Work there = [this, process, kind = call.step->service, asked = call.asked,
                answer = std::move(answer)]() mutable {
    Deliver(process, kind, asked, std::move(answer));
  };
  if (fate.hangs_before) {
    hung_.push_back(std::move(there));
    return;
  }
  if (call.step->service != ServiceKind::kRemote) return In(*process, fate.there, std::move(there));
  scheduler_.After(fate.there, std::move(there));
  if (!fate.duplicate) return;
  scheduler_.After(fate.there * 2 + absl::Milliseconds(3), [this, asked = call.asked] {
    Deliver(nullptr, ServiceKind::kRemote, asked,
            Reply([](const absl::StatusOr<Verdict<std::string>>&) {}));
  });
}

// The request is there. `process`: whose services are asked, but for the remote one.
void World::Deliver(Process* process, ServiceKind kind, const Asked& asked, Reply reply) {
  trace_.Say(NameOf(kind), "is asked to {}", What(asked));
  Reply told([this, kind, what = What(asked),
              reply = std::move(reply)](absl::StatusOr<Verdict<std::string>> verdict) mutable {
    trace_.Say(NameOf(kind), "says of {}: {}", what,
               verdict.ok() ? ToString(verdict->kind()) : "nothing");
    reply(std::move(verdict));
  });
  const Verdict<std::string> nobody = Unknown("nobody is there");
  RemoteHost& host = remotes_[asked.request.key.step % remotes_.size()];
  switch (kind) {
    case ServiceKind::kShared:
      return process->alive ? process->shared->Handle(asked, std::move(told)) : told(nobody);
    case ServiceKind::kOwn:
      return process->alive ? process->own->Handle(asked, std::move(told)) : told(nobody);
    case ServiceKind::kRemote:
      // A key belongs to one of them.
      return host.up ? host.service->Handle(asked, std::move(told)) : told(nobody);
    case ServiceKind::kBare:
      return bare_.Handle(asked, std::move(told));
  }
}

void World::ReleaseHung() {
  std::deque<Work> hung = std::move(hung_);
  hung_.clear();
  for (Work& work : hung) {
    scheduler_.After(Between(Knob::kHang, absl::ZeroDuration(), absl::Seconds(1)), std::move(work));
  }
}

}  // namespace skald::inline v1::internal
