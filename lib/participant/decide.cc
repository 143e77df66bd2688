#include "skald/participant/decide.h"

#include <fmt/format.h>

#include <utility>

#include "skald/base/check.h"
#include "skald/base/internal/sabotage.h"

namespace skald::inline v1 {
namespace {

// Reasons are for people; a record outlives many of them.
constexpr size_t kReasonBytesMax = 1024;

Decision Answer(VerdictKind kind, std::string text) {
  return {.reply = {.kind = kind, .text = std::move(text)}};
}

// A call that is not let in may stand for one that happened: never Rejected.
Decision Refuse(std::string why) {
  return Answer(VerdictKind::kUnknown, std::move(why));
}

Decision RefuseOtherRequest(const BarrierRequest& request) {
  return Refuse(fmt::format(
      "key {} was used for another request; give each request a key of its own, and leave out of "
      "the fingerprint what differs between attempts",
      ToString(request.key)));
}

// What a request may not be whatever stands in the record; nullopt when it may.
std::optional<Decision> RefuseEarly(BarrierVerb verb, const BarrierRequest& request,
                                    Incarnation floor) {
  const Direction expected =
      verb == BarrierVerb::kCompensation ? Direction::kCompensation : Direction::kAction;
  if (request.key.direction != expected) {
    return Refuse(fmt::format(
        "key {} is that of {}; a compensation's own key goes to "
        "Compensation, its action's to Action and Reconcile",
        ToString(request.key), expected == Direction::kAction ? "a compensation" : "an action"));
  }
  const Incarnation incarnation = request.key.saga.incarnation;
  if (!IsPlausibleFloor(request)) {
    return Refuse(fmt::format("key {} is of incarnation {}, below the floor {} of its own request",
                              ToString(request.key), static_cast<uint64_t>(incarnation),
                              static_cast<uint64_t>(request.floor)));
  }
  if (incarnation < floor) {
    return Refuse(fmt::format(
        "key {} is of incarnation {}, below the floor {}: its saga ended and "
        "expired, and what was recorded of it may be gone",
        ToString(request.key), static_cast<uint64_t>(incarnation), static_cast<uint64_t>(floor)));
  }
  return std::nullopt;
}

Decision AnswerOfAction(const BarrierRequest& request, const BarrierRecord& record) {
  if (record.action == ActionRecord::kBlocked) {
    return Answer(VerdictKind::kRejectedForKey, "undone or given up before it ran");
  }
  if (record.action_fingerprint != request.fingerprint) return RefuseOtherRequest(request);
  return Answer(
      record.action == ActionRecord::kDone ? VerdictKind::kDone : VerdictKind::kRejectedForKey,
      record.text);
}

Decision DecideAction(const BarrierRequest& request, const std::optional<BarrierRecord>& record) {
  return record ? AnswerOfAction(request, *record) : Decision{.run = true};
}

Decision DecideReconcile(const BarrierRequest& request,
                         const std::optional<BarrierRecord>& record) {
  if (record) return AnswerOfAction(request, *record);
  Decision decision = Answer(VerdictKind::kRejectedForKey, "it had not run, and never will");
  if (SKALD_SABOTAGED(kLeakyReconcile)) return decision;
  decision.record = BarrierRecord{.action = ActionRecord::kBlocked};
  return decision;
}

Decision DecideCompensation(const BarrierRequest& request,
                            const std::optional<BarrierRecord>& record) {
  if (record && record->compensation != CompensationRecord::kNone) {
    if (record->compensation_fingerprint != request.fingerprint) return RefuseOtherRequest(request);
    return record->compensation == CompensationRecord::kDone
               ? Answer(VerdictKind::kDone, {})
               : Answer(VerdictKind::kRejectedForKey, record->compensation_reason);
  }
  if (record && record->action == ActionRecord::kDone) return {.run = true};
  if (!record && SKALD_SABOTAGED(kNoNullCompensation)) return Answer(VerdictKind::kDone, {});
  Decision decision = Answer(VerdictKind::kDone, {});
  decision.record = record.value_or(BarrierRecord{.action = ActionRecord::kBlocked});
  decision.record->compensation = CompensationRecord::kDone;
  decision.record->compensation_fingerprint = request.fingerprint;
  return decision;
}

// Done or Rejected; nothing else is recorded.
bool IsFinal(VerdictKind kind) {
  return kind == VerdictKind::kDone || kind == VerdictKind::kRejected ||
         kind == VerdictKind::kRejectedForKey;
}

}  // namespace

Decision Decide(BarrierVerb verb, const BarrierRequest& request,
                const std::optional<BarrierRecord>& record, Incarnation floor) {
  if (auto refused = RefuseEarly(verb, request, floor)) return *std::move(refused);
  switch (verb) {
    case BarrierVerb::kAction:
      return DecideAction(request, record);
    case BarrierVerb::kCompensation:
      return DecideCompensation(request, record);
    case BarrierVerb::kReconcile:
      return DecideReconcile(request, record);
  }
  return Refuse(fmt::format("{} is no verb of a barrier", static_cast<int>(verb)));
}

std::optional<BarrierRecord> Record(BarrierVerb verb, const BarrierRequest& request,
                                    const std::optional<BarrierRecord>& record,
                                    const BarrierReply& reply) {
  SKALD_CHECK(verb != BarrierVerb::kReconcile, "a Reconcile runs nothing");
  SKALD_CHECK(record.has_value() == (verb == BarrierVerb::kCompensation), "verb={}",
              static_cast<int>(verb));
  if (!IsFinal(reply.kind)) return std::nullopt;
  const bool done = reply.kind == VerdictKind::kDone;
  std::string reason = done ? std::string() : reply.text.substr(0, kReasonBytesMax);
  if (verb == BarrierVerb::kAction) {
    return BarrierRecord{.action = done ? ActionRecord::kDone : ActionRecord::kRejected,
                         .action_fingerprint = request.fingerprint,
                         .text = done ? reply.text : reason};
  }
  SKALD_CHECK(
      record->action == ActionRecord::kDone && record->compensation == CompensationRecord::kNone,
      "action={} compensation={}", static_cast<int>(record->action),
      static_cast<int>(record->compensation));
  BarrierRecord row = *record;
  row.compensation = done ? CompensationRecord::kDone : CompensationRecord::kRejected;
  row.compensation_fingerprint = request.fingerprint;
  row.compensation_reason = std::move(reason);
  return row;
}

bool IsPlausibleFloor(const BarrierRequest& request) {
  return request.floor <= request.key.saga.incarnation;
}

}  // namespace skald::inline v1
