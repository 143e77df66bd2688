// Events: written, read and folded, each kind alone and whole journals; and what is planned then.
#include <memory>
#include <utility>

#include "core_paths.h"
#include "graph_saga.h"
#include "order_saga.h"
#include "skald/base/check.h"
#include "skald/base/strings.h"
#include "skald/saga/fold.h"
#include "skald/saga/journal.h"
#include "skald/saga/plan.h"

namespace skald::bench {
namespace {

constexpr uint64_t kRounds = 2048;

// A saga's journal as it grows.
class Tale {
 public:
  explicit Tale(Definition definition) : definition_(std::move(definition)) {
    Event start = At(EventKind::kStart);
    const internal::DefinitionData& data = definition_.data();
    start.definition = data.name;
    start.version = data.version;
    start.fingerprint = data.fingerprint;
    start.key = "order-00001234";
    start.input_fingerprint = {1, 2};
    start.input = Noise(kInputBytes, 1);
    start.deadline = kPathsBegin + absl::Hours(1);
    start.result_step = data.result_step.value_or(Event::kNoStep);
    Add(start);
  }

  Tale& Then(EventKind kind, uint16_t step = Event::kNoStep) {
    Event event = At(kind);
    event.step = step;
    return Add(event);
  }
  Tale& Done(uint16_t step, Direction direction = Direction::kAction) {
    Event event = At(EventKind::kVerdict);
    event.step = step;
    event.direction = direction;
    event.verdict = VerdictKind::kDone;
    event.has_output = direction == Direction::kAction;
    if (event.has_output) event.output = Noise(kOutputBytes, step);
    return Add(event);
  }
  Tale& Rejected(uint16_t step) {
    Event event = At(EventKind::kVerdict);
    event.step = step;
    event.verdict = VerdictKind::kRejected;
    event.clean = true;
    event.reason = "sold out: 3 of item 85123A are left, 8 were ordered";
    return Add(event);
  }
  Tale& GaveUp(uint16_t step) {
    Event event = At(EventKind::kGaveUp);
    event.step = step;
    event.reason = "20 attempts, the last one: no answer within 10 s";
    return Add(event);
  }
  Tale& Signal(uint16_t step, std::string_view name) {
    Event event = At(EventKind::kSignal);
    event.step = step;
    event.reason = name;
    event.actor = "payment-5512";
    event.has_output = true;
    event.output = Noise(kOutputBytes, 9);
    return Add(event);
  }
  Tale& Retry() {
    Event event = At(EventKind::kOperatorVerb);
    event.verb = Verb::kRetry;
    event.actor = "operator";
    event.reason = "the carrier is back";
    return Add(event);
  }
  Tale& TimeUp(uint16_t step) {
    now_ = now_ + absl::Hours(1);
    return Then(EventKind::kTimerFired, step);
  }

  const internal::DefinitionData& data() const { return definition_.data(); }
  const std::string& journal() const { return journal_; }
  const SagaView& view() const { return view_; }
  const SagaView& before() const { return before_; }  // the last event
  MicroTime now() const { return now_; }
  // The last event, read back.
  Event last() const {
    std::string_view tail = std::string_view(journal_).substr(last_at_);
    return ReadEvent(tail).value();
  }
  std::string_view last_bytes() const { return std::string_view(journal_).substr(last_at_); }

 private:
  Event At(EventKind kind) {
    Event event;
    event.kind = kind;
    event.time = now_ = now_ + absl::Microseconds(731);
    return event;
  }
  Tale& Add(const Event& event) {
    before_ = view_;
    last_at_ = journal_.size();
    const absl::Status added = AppendAndFold(event, view_, definition_.data(), &journal_);
    SKALD_CHECK(added.ok(), "{}", ToStd(added.message()));
    return *this;
  }

  Definition definition_;
  std::string journal_;
  SagaView view_;
  SagaView before_;
  size_t last_at_ = 0;
  MicroTime now_{kPathsBegin};
};

Tale PlacedOrder() {
  return Tale(PlaceOrderInline()).Done(0).Done(1).Done(2);
}
Tale ShippedOrder() {
  return Tale(ShipOrderInline()).Done(1).Done(0).Done(2).Done(3).Done(5).Done(4).Done(6);
}
Tale TurnedOrder() {
  return Tale(PlaceOrderInline()).Done(0).Rejected(1).Then(EventKind::kTurn);
}

struct Named {
  std::string name;
  bool coded;  // its bytes are of a shape of their own: encoding and decoding are paths, too
  Tale tale;
};

// One tale for each kind of event that is journaled, and it is the last one.
std::vector<Named> Tales() {
  const Tale order(PlaceOrderInline());
  const Tale graph(ShipOrderInline());
  const Tale waits(AwaitPaymentInline());
  const auto after = [](Tale tale) { return tale; };
  return {{"start", true, order},
          {"verdict", true, after(order).Done(0)},
          {"last-verdict", false, PlacedOrder()},
          {"verdict-beside", false, after(graph).Done(1)},
          {"rejected", true, after(order).Done(0).Rejected(1)},
          {"turn", false, TurnedOrder()},
          {"undone", false, TurnedOrder().Done(0, Direction::kCompensation)},
          {"gave-up", false, after(order).GaveUp(0)},
          {"signal", true, after(waits).Done(0).Signal(1, "paid")},
          {"timer", false, after(waits).Done(0).Signal(1, "paid").TimeUp(2)},
          {"cancel", false, after(order).Then(EventKind::kCancelAsked)},
          {"deadline", false, after(order).Then(EventKind::kDeadlinePassed)},
          {"retry", true, after(graph).Done(1).Done(0).Done(2).Done(3).GaveUp(4).Retry()}};
}

void RunEncode(const Tale& tale, uint64_t times) {
  const Event event = tale.last();
  std::string out;
  for (; times > 0; --times) {
    out.clear();
    AppendEvent(event, &out);
    Keep(out);
  }
  SKALD_CHECK(out == tale.last_bytes(), "the event is not written as it was read");
}

void RunDecode(const Tale& tale, uint64_t times) {
  for (; times > 0; --times) {
    std::string_view bytes = tale.last_bytes();
    Keep(bytes);
    const absl::StatusOr<Event> event = ReadEvent(bytes);
    SKALD_CHECK(event.ok() && bytes.empty(), "the event does not read");
    Keep(event);
  }
}

void RunFold(const Tale& tale, uint64_t times) {
  const Event event = tale.last();
  SagaView view;
  for (; times > 0; --times) {
    view = tale.before();
    const absl::Status folded = Fold(view, &tale.data(), tale.journal(), event);
    SKALD_CHECK(folded.ok(), "{}", ToStd(folded.message()));
    Keep(view);
  }
  SKALD_CHECK(view.state == tale.view().state, "another state");
}

std::vector<Event> EventsOf(const Tale& tale) {
  std::vector<Event> events;
  for (std::string_view rest = tale.journal(); !rest.empty();) {
    events.push_back(ReadEvent(rest).value());
  }
  return events;
}

void RunAppend(const Tale& tale, uint64_t times) {
  const std::vector<Event> events = EventsOf(tale);
  std::string journal;
  for (; times > 0; --times) {
    journal.clear();
    SagaView view;
    for (const Event& event : events) {
      const absl::Status added = AppendAndFold(event, view, tale.data(), &journal);
      SKALD_CHECK(added.ok(), "{}", ToStd(added.message()));
    }
    Keep(view);
  }
  SKALD_CHECK(journal == tale.journal(), "another journal");
}

void RunRecover(const Tale& tale, uint64_t times) {
  for (; times > 0; --times) {
    const absl::StatusOr<SagaView> view = FoldAll(&tale.data(), tale.journal());
    SKALD_CHECK(view.ok(), "the journal does not fold");
    Keep(view);
  }
}

void RunPlan(const Tale& tale, const AttemptList& attempts, size_t expected, uint64_t times) {
  for (; times > 0; --times) {
    const NextList nexts = Plan(tale.view(), tale.data(), attempts, tale.now());
    SKALD_CHECK(nexts.size() == expected, "{} things to do", nexts.size());
    Keep(nexts);
  }
}

// What the end of an attempt means. The round copies what is known of the attempt.
void RunJudge(VerdictKind kind, Judgement::Kind expected, uint64_t times) {
  const Tale tale(PlaceOrderInline());
  Attempts running;
  running.running = running.sent = true;
  running.count = 1;
  internal::AttemptResult result;
  result.kind = kind;
  for (; times > 0; --times) {
    Attempts attempts = running;
    const Judgement said = Judge(tale.view(), tale.data(), attempts, result, tale.now(), 0.5);
    SKALD_CHECK(said.kind == expected, "judged otherwise");
    Keep(said);
  }
}

AttemptList Running(uint16_t step) {
  AttemptList attempts(1);
  attempts[0].step = step;
  attempts[0].running = true;
  attempts[0].count = 1;
  return attempts;
}

void AddPlans(std::vector<Path>& paths) {
  const auto add = [&](std::string name, std::string what, Tale tale, AttemptList attempts,
                       size_t expected) {
    paths.push_back({std::move(name), std::move(what), kRounds,
                     [tale = std::move(tale), attempts, expected](uint64_t times) {
                       RunPlan(tale, attempts, expected, times);
                     }});
  };
  const Tale graph(ShipOrderInline());
  add("plan-step", "the next of three steps", Tale(PlaceOrderInline()).Done(0), {}, 1);
  add("plan-beside", "three steps side by side", graph, {}, 3);
  add("plan-running", "one of three runs, two are done", Tale(graph).Done(0).Done(1), Running(2),
      0);
  add("plan-undo", "what to undo after the turn", TurnedOrder(), {}, 1);
  add("plan-wait", "when an await is up", Tale(AwaitPaymentInline()).Done(0), {}, 1);
  paths.push_back({"judge-done", "an attempt ends Done", kRounds, [](uint64_t times) {
                     RunJudge(VerdictKind::kDone, Judgement::Kind::kVerdict, times);
                   }});
  paths.push_back({"judge-retry", "an attempt is to be tried later", kRounds, [](uint64_t times) {
                     RunJudge(VerdictKind::kRetryLater, Judgement::Kind::kRetry, times);
                   }});
}

using RunTale = void (*)(const Tale& tale, uint64_t times);

void Add(std::vector<Path>& paths, std::string name, std::string what, const Tale& tale,
         RunTale run) {
  paths.push_back({std::move(name), std::move(what), kRounds,
                   [tale, run](uint64_t times) { run(tale, times); }});
}

}  // namespace

void AddEventPaths(std::vector<Path>& paths) {
  for (const auto& [name, coded, tale] : Tales()) {
    Add(paths, "fold-" + name, "one event, into a copy of the view", tale, RunFold);
    if (!coded) continue;
    Add(paths, "encode-" + name, "one event, appended", tale, RunEncode);
    Add(paths, "decode-" + name, "one event, read", tale, RunDecode);
  }
  Add(paths, "append-order", "four events, appended and folded", PlacedOrder(), RunAppend);
  Add(paths, "append-graph", "eight events, appended and folded", ShippedOrder(), RunAppend);
  Add(paths, "recover-order", "a journal of four events, folded", PlacedOrder(), RunRecover);
  Add(paths, "recover-graph", "a journal of eight events, folded", ShippedOrder(), RunRecover);
  AddPlans(paths);
}

}  // namespace skald::bench
