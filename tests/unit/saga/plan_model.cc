#include "plan_model.h"

#include <fmt/core.h>

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "skald/saga/fold.h"
#include "skald/saga/internal/draft.h"
#include "skald/saga/journal.h"
#include "skald/saga/plan.h"

namespace skald::testing {
namespace {

using internal::AttemptResult;
using internal::DefinitionData;

// What really happened to a step.
struct Truth {
  bool sent = false;       // its action was
  bool may_run = false;    // and it was not cleanly rejected at every attempt
  bool undone = false;     // its compensation ended well
  bool undo_sent = false;  // one was sent
};

struct State {
  SagaView view;
  std::string journal;
  AttemptList attempts;
  std::vector<Truth> truth;
  bool cancelled = false;
  bool restarted = false;
  bool retried = false;
  int depth = 0;
  std::string way;
};

class Explorer {
 public:
  Explorer(const Definition& definition, int depth_max)
      : definition_(definition), data_(definition_.data()), depth_max_(depth_max) {
    const size_t count = data_.steps.size();
    behind_.assign(count, std::vector<bool>(count, false));
    for (size_t to = 0; to < count; ++to) {
      for (const uint16_t from : data_.steps[to].predecessors) {
        behind_[from][to] = true;
        for (size_t i = 0; i < from; ++i) behind_[i][to] = behind_[i][to] || behind_[i][from];
      }
    }
  }

  Explored Run() {
    State start;
    start.truth.resize(data_.steps.size());
    Event event;
    event.kind = EventKind::kStart;
    event.definition = data_.name;
    Append(start, event);
    Advance(start);
    while (!open_.empty() && result_.wrong.empty()) {
      State next = std::move(open_.back());
      open_.pop_back();
      Branch(next);
    }
    return result_;
  }

 private:
  void Wrong(const State& state, std::string what) {
    if (result_.wrong.empty()) result_.wrong = fmt::format("{}; after{}", what, state.way);
  }

  void Append(State& state, const Event& event) {
    const absl::Status done = AppendAndFold(event, state.view, data_, &state.journal);
    if (!done.ok()) Wrong(state, std::string(done.message()));
  }

  // What the coordinator does when all that was said is durable.
  void Advance(State& state) {
    for (int round = 0; round < 8 && result_.wrong.empty(); ++round) {
      const NextList nexts = Plan(state.view, data_, state.attempts, absl::UnixEpoch());
      bool again = false;
      for (const Next& next : nexts) again = Follow(state, next) || again;
      if (!again) break;
    }
    if (result_.wrong.empty()) Remember(std::move(state));
  }

  // RETURNS: whether there is more to plan.
  bool Follow(State& state, const Next& next) {
    if (next.kind == NextKind::kTurn) {
      Event turn;
      turn.kind = EventKind::kTurn;
      turn.step = next.step;
      if (next.step == Event::kNoStep) turn.reason = "cancelled";
      for (const uint16_t pivot : data_.pivots) {
        if (state.truth[pivot].may_run) Wrong(state, "it turns, and its pivot may have run");
      }
      Append(state, turn);
      return true;
    }
    if (next.kind != NextKind::kRun) {
      Wrong(state, "the plan waits for something");
      return false;
    }
    Send(state, next);
    return false;
  }

  void Send(State& state, const Next& next) {
    Truth& truth = state.truth[next.step];
    if (next.direction == Direction::kCompensation) {
      if (!truth.sent && !Lost(state, next.step)) {
        Wrong(state, fmt::format("step {} is undone and was never dispatchable", next.step));
      }
      for (size_t other = 0; other < state.truth.size(); ++other) {
        const bool undoes = data_.steps[other].step_class == StepClass::kCompensatable;
        const Truth& after = state.truth[other];
        if (!behind_[next.step][other] || !undoes) continue;
        if (after.may_run && !after.undone) {
          Wrong(state, fmt::format("step {} is undone before step {}", next.step, other));
        }
      }
      truth.undo_sent = true;
    } else {
      for (const uint16_t before : data_.steps[next.step].predecessors) {
        if (state.view.steps[before].status != StepStatus::kDone) {
          Wrong(state, fmt::format("step {} is sent before step {} is Done", next.step, before));
        }
      }
      if (state.view.direction != SagaState::kRunning) {
        Wrong(state, fmt::format("step {} is sent after the turn", next.step));
      }
      truth.sent = truth.may_run = true;
    }
    Attempts* attempts = FindAttempts(state.attempts, next.step, 0, next.direction);
    if (attempts == nullptr) {
      attempts = &state.attempts.emplace_back();
      attempts->step = next.step;
      attempts->direction = next.direction;
    }
    attempts->running = attempts->sent = true;
    ++attempts->count;
  }

  // What could have been sent before a restart counts as sent.
  static bool Lost(const State& state, uint16_t step) {
    return state.restarted && state.truth[step].may_run;
  }

  void Branch(const State& state) {
    if (state.depth >= depth_max_) {
      result_.cut_short = true;
      return;
    }
    bool any = false;
    for (size_t i = 0; i < state.attempts.size(); ++i) {
      if (!state.attempts[i].running) continue;
      any = true;
      for (const VerdictKind verdict :
           {VerdictKind::kDone, VerdictKind::kRejected, VerdictKind::kUnknown}) {
        State next = Copy(state);
        End(next, i, verdict);
      }
    }
    if (!IsTerminal(state.view.state)) {
      if (!state.cancelled) Cancel(Copy(state));
      if (!state.restarted) Restart(Copy(state));
      if (!state.retried && state.view.state == SagaState::kStuck) Retry(Copy(state));
    }
    if (any) return;
    ++result_.ends;
    CheckRest(state);
  }

  static State Copy(const State& state) {
    State next = state;
    ++next.depth;
    return next;
  }

  void End(State next, size_t index, VerdictKind verdict) {
    Attempts attempts = next.attempts[index];
    next.attempts.erase(next.attempts.begin() + static_cast<std::ptrdiff_t>(index));
    attempts.running = false;
    Truth& truth = next.truth[attempts.step];
    next.way += fmt::format(" {}{}:{}", attempts.direction == Direction::kAction ? "" : "undo ",
                            attempts.step, ToString(verdict));
    AttemptResult result;
    result.kind = verdict;
    const bool alone = !attempts.lost && !next.view.steps[attempts.step].unclean;
    const bool action = attempts.direction == Direction::kAction;
    if (action && verdict == VerdictKind::kRejected && alone) truth.may_run = false;
    if (!action && verdict == VerdictKind::kDone) {
      truth.undone = true;
      ++result_.undone;
    }
    const Judgement judged =
        Judge(next.view, data_, attempts, result, absl::UnixEpoch(), /*jitter=*/0);
    Event event;
    event.step = attempts.step;
    event.direction = attempts.direction;
    event.verdict = judged.verdict;
    event.clean = judged.clean;
    switch (judged.kind) {
      case Judgement::Kind::kVerdict:
        event.kind = EventKind::kVerdict;
        event.has_output = action && judged.verdict == VerdictKind::kDone;
        Append(next, event);
        break;
      case Judgement::Kind::kGaveUp:
        event.kind = EventKind::kGaveUp;
        Append(next, event);
        break;
      case Judgement::Kind::kRetry:
        attempts.next = absl::InfinitePast();
        next.attempts.push_back(attempts);
        break;
      case Judgement::Kind::kIgnored:
        break;
    }
    Advance(next);
  }

  void Cancel(State next) {
    next.cancelled = true;
    next.way += " Cancel";
    Event event;
    event.kind = EventKind::kCancelAsked;
    if (ReactionOf(next.view.state, event.kind) == Reaction::kAccept) Append(next, event);
    Advance(next);
  }

  void Restart(State next) {
    next.restarted = true;
    next.way += " restart";
    next.attempts.clear();
    if (next.view.state == SagaState::kCompensating) {
      for (const Next& each : Plan(next.view, data_, next.attempts, absl::UnixEpoch())) {
        Attempts& lost = next.attempts.emplace_back();
        lost.step = each.step;
        lost.direction = each.direction;
        lost.lost = true;
      }
    } else if (next.view.state == SagaState::kRunning) {
      ForEachDispatchable(next.view, data_, [&](uint16_t step, uint32_t) {
        Attempts& lost = next.attempts.emplace_back();
        lost.step = step;
        lost.lost = lost.unclean = true;
        next.truth[step].sent = next.truth[step].may_run = true;
      });
    }
    Advance(next);
  }

  void Retry(State next) {
    next.retried = true;
    next.way += " Retry";
    Event event;
    event.kind = EventKind::kOperatorVerb;
    event.verb = Verb::kRetry;
    event.actor = "operator";
    for (Attempts& attempts : next.attempts) attempts.count = 0;
    Append(next, event);
    Advance(next);
  }

  void CheckRest(const State& state) {
    const SagaState at = state.view.state;
    if (!IsTerminal(at) && at != SagaState::kStuck) {
      Wrong(state, fmt::format("it is {} and nothing of it runs", ToString(at)));
    }
    for (size_t step = 0; step < state.truth.size(); ++step) {
      const Truth& truth = state.truth[step];
      const bool undoes = data_.steps[step].step_class == StepClass::kCompensatable;
      if (at == SagaState::kCompensated && undoes && truth.may_run && !truth.undone) {
        Wrong(state, fmt::format("it is Compensated, and step {} may have run", step));
      }
      if (at == SagaState::kCompleted &&
          (truth.undo_sent || state.view.steps[step].status != StepStatus::kDone)) {
        Wrong(state, fmt::format("it is Completed without step {}", step));
      }
      if (truth.undo_sent && !truth.may_run && !state.restarted) {
        Wrong(state, fmt::format("step {} is undone, and never ran", step));
      }
    }
  }

  void Remember(State state) {
    std::string key;
    for (const StepView& step : state.view.steps) {
      key += static_cast<char>(static_cast<int>(step.status) * 4 + (step.undecided ? 2 : 0) +
                               (step.unclean ? 1 : 0));
    }
    uint64_t attempts = 0;  // order does not matter
    for (const Attempts& each : state.attempts) {
      const int place = each.step * 2 + (each.direction == Direction::kAction ? 0 : 1);
      const int what = (each.running ? 1 : 0) + (each.lost ? 2 : 0) + (each.unclean ? 4 : 0) +
                       (each.count > 1 ? 8 : 0);
      attempts |= static_cast<uint64_t>(16 + what) << (5 * place);
    }
    key += std::string(reinterpret_cast<const char*>(&attempts), sizeof(attempts));
    for (const Truth& truth : state.truth) {
      key += static_cast<char>((truth.sent ? 1 : 0) + (truth.may_run ? 2 : 0) +
                               (truth.undone ? 4 : 0) + (truth.undo_sent ? 8 : 0));
    }
    key += static_cast<char>((state.cancelled ? 1 : 0) + (state.restarted ? 2 : 0) +
                             (state.retried ? 4 : 0) + (state.view.cancel_asked ? 8 : 0));
    key += static_cast<char>(state.view.state);
    if (!seen_.insert(std::move(key)).second) return;
    ++result_.states;
    open_.push_back(std::move(state));
  }

  const Definition definition_;
  const DefinitionData& data_;
  const int depth_max_;
  std::vector<std::vector<bool>> behind_;  // [from][to]: to follows from, by way of others too
  absl::flat_hash_set<std::string> seen_;
  std::vector<State> open_;
  Explored result_;
};

internal::CallState Nothing(internal::Call& /*call*/) {
  return internal::CallState::kComplete;
}

}  // namespace

std::optional<Definition> Build(const Graph& graph) {
  DefinitionData data;
  data.name = "graph";
  data.input = internal::OpsOf<std::string>::Get();
  for (uint16_t to = 0; to < graph.steps; ++to) {
    internal::StepNode& node = data.steps.emplace_back();
    node.name = fmt::format("s{}", to);
    node.output = internal::OpsOf<std::string>::Get();
    node.options.retry.attempts_max = node.options.compensation_retry.attempts_max = 1;
    node.action = &Nothing;
    for (uint16_t from = 0; from < to; ++from) {
      const uint32_t bit = to * (to - 1) / 2 + from;
      if ((graph.edges >> bit & 1) != 0) node.predecessors.push_back(from);
    }
    const bool beyond = graph.pivot && to > *graph.pivot;
    node.step_class = beyond                  ? StepClass::kRetriable
                      : to == graph.no_effect ? StepClass::kNoEffect
                                              : StepClass::kCompensatable;
    if (graph.pivot == to) node.step_class = StepClass::kPivot;
    if (node.step_class == StepClass::kCompensatable) node.compensation = &Nothing;
  }
  const Definition definition = internal::Finish(std::move(data));
  if (!Validate(definition).ok()) return std::nullopt;
  return definition;
}

Explored Explore(const Graph& graph, int depth_max) {
  return Explorer(*Build(graph), depth_max).Run();
}

}  // namespace skald::testing
