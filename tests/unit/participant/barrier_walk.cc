#include "barrier_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "barrier_walk_stores.h"
#include "skald/base/check.h"
#include "skald/base/hash.h"
#include "skald/participant/internal/barrier_core.h"

namespace skald::testing {
namespace {

constexpr Incarnation kOurs{5};
constexpr Incarnation kAbove{6};

// The choices of a run: those of an earlier one, but for the last that had another way to go.
class Choices {
 public:
  size_t Choose(size_t count) {
    if (at_ == trail_.size()) trail_.push_back({0, count});
    SKALD_CHECK(trail_[at_].count == count, "a run is not repeatable: {} ways at {}, once {}",
                count, at_, trail_[at_].count);
    return trail_[at_++].taken;
  }
  // Whether the run is where no earlier one has been.
  bool on_new_ground() const { return at_ == trail_.size(); }
  // RETURNS: false when there is no other run.
  bool Next() {
    at_ = 0;
    while (!trail_.empty() && trail_.back().taken + 1 == trail_.back().count) trail_.pop_back();
    if (trail_.empty()) return false;
    ++trail_.back().taken;
    return true;
  }

 private:
  struct Choice {
    size_t taken, count;
  };
  std::vector<Choice> trail_;
  size_t at_ = 0;
};

struct HashOf {
  size_t operator()(const Hash128& hash) const { return hash.low; }
};
using Known = absl::flat_hash_set<Hash128, HashOf>;

enum class Stage : uint8_t { kIdle, kLetIn, kReady, kHandedOver, kWaits, kOver };

enum class Event : uint8_t { kStep, kStepAndDie, kPoll, kPollAndDie, kLearn, kSweep, kDie };

// One participant from its empty beginning to the end of all calls.
template <typename Harness>
class Run {
 public:
  using Core = internal::BarrierCore<typename Harness::Port>;

  Run(Harness& harness, const std::vector<BarrierVerb>& verbs, Choices& choices, BarrierWalk& walk)
      : harness_(harness), choices_(choices), walk_(walk), calls_(verbs.size()) {
    for (size_t i = 0; i < verbs.size(); ++i) calls_[i].verb = verbs[i];
    harness_.Begin();
    core_ = harness_.Open();
  }
  ~Run() { EndProcess(); }

  void Go(Known& known) {
    while (!walk_.violation) {
      Check();
      if (choices_.on_new_ground() && !known.insert(Fingerprint()).second) return;
      const std::vector<Move> moves = Moves();
      if (moves.empty()) return;
      Do(moves[choices_.Choose(moves.size())]);
    }
  }

 private:
  struct Move {
    Event event;
    size_t call = 0;
  };
  struct Call {
    BarrierVerb verb = BarrierVerb::kAction;
    Stage stage = Stage::kIdle;
    bool late = false;     // let in when the floor was known to be above it
    uint64_t read_at = 0;  // the row's version when it read it
    std::optional<typename Core::Ready> ready;
  };

  static BarrierRequest RequestOf(BarrierVerb verb) {
    BarrierRequest request;
    request.key = {.store = StoreId{7}, .saga = {.hash = 1, .incarnation = kOurs}, .step = 3};
    if (verb == BarrierVerb::kCompensation) request.key.direction = Direction::kCompensation;
    return request;
  }
  const EffectKey key_ = RequestOf(BarrierVerb::kAction).key;

  // ---- what may happen next

  std::vector<Move> Moves() const {
    std::vector<Move> moves;
    const auto add = [&](Event event, size_t call = 0) { moves.push_back({event, call}); };
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].stage == Stage::kReady && !Harness::kHandsOver && !died_) {
        add(Event::kStepAndDie, i);
      }
      if (CanStep(i)) add(Event::kStep, i);
    }
    if (!handed_over_.empty()) {
      add(Event::kPoll);
      if (!died_) add(Event::kPollAndDie);
    }
    const bool over = std::all_of(calls_.begin(), calls_.end(),
                                  [](const Call& call) { return call.stage == Stage::kOver; });
    if (over) return moves;
    if (!learned_) add(Event::kLearn);
    if (learned_ && !swept_) add(Event::kSweep);
    if (!died_) add(Event::kDie);
    return moves;
  }
  bool CanStep(size_t i) const {
    const Stage stage = calls_[i].stage;
    // Equal calls differ by number only, so the lower one may always be the first.
    const bool waits_for_equal =
        i > 0 && calls_[i - 1].verb == calls_[i].verb && calls_[i - 1].stage == Stage::kIdle;
    return (stage == Stage::kIdle && !waits_for_equal) || stage == Stage::kLetIn ||
           stage == Stage::kReady;
  }

  void Do(const Move& move) {
    story_ += fmt::format(" {}:{}", static_cast<int>(move.event), move.call);
    switch (move.event) {
      case Event::kStep:
        return Step(move.call);
      case Event::kStepAndDie:
        return DyingAfter([&] { Step(move.call); });
      case Event::kPoll:
        return Poll();
      case Event::kPollAndDie:
        return DyingAfter([&] { Poll(); });
      case Event::kLearn:
        return Learn();
      case Event::kSweep:
        swept_ = true;
        handed_over_.clear();  // the sweep's own commit carries them along
        return Must(core_->Sweep());
      case Event::kDie:
        return Die();
    }
  }
  static void Must(const absl::Status& status) {
    SKALD_CHECK(status.ok(), "{}", status.ToString());
  }

  // ---- the steps of a call

  void Step(size_t i) {
    switch (calls_[i].stage) {
      case Stage::kIdle:
        return LetIn(i);
      case Stage::kLetIn:
        return Prepare(i);
      default:
        return HandOver(i);
    }
  }

  void LetIn(size_t i) {
    Call& call = calls_[i];
    call.late = learned_;
    internal::BarrierDone done = [this, i](BarrierReply reply) { Answer(i, std::move(reply)); };
    bool waits = false;
    if (auto refused = core_->Begin(call.verb, RequestOf(call.verb), done, waits)) {
      return Answer(i, *std::move(refused));
    }
    walk_.joined += waits;
    if (waits) call.late = false;  // it gets the answer of a call that was let in in time
    call.stage = waits ? Stage::kWaits : Stage::kLetIn;
  }

  void Prepare(size_t i) {
    Call& call = calls_[i];
    call.read_at = harness_.RowVersion(key_);
    const auto body = [&](typename Harness::Port::UserRows& rows, std::string_view) {
      constexpr VerdictKind kSays[] = {VerdictKind::kDone, VerdictKind::kRejected,
                                       VerdictKind::kRetryLater};
      const VerdictKind says = kSays[choices_.Choose(3)];
      harness_.WriteEffect(rows, call.verb == BarrierVerb::kAction, i);
      return BarrierReply{.kind = says, .text = "said"};
    };
    call.ready = core_->Prepare(call.verb, RequestOf(call.verb), body);
    call.stage = Stage::kReady;
  }

  void HandOver(size_t i) {
    Call& call = calls_[i];
    if (!call.ready->rows) return Committed(i, call.ready->status());
    call.stage = Stage::kHandedOver;
    if constexpr (Harness::kHandsOver) {
      handed_over_.push_back(i);
      const absl::Status refused =
          std::move(*call.ready->rows).CommitThen([this, i](const absl::Status& status) {
            Committed(i, status);
          });
      if (refused.ok()) return;
      handed_over_.pop_back();
      core_->Forget(*call.ready);
      Committed(i, refused);
    } else {
      Committed(i, harness_.Commit(*std::move(call.ready->rows)));
    }
  }

  void Poll() {
    handed_over_.clear();
    harness_.Poll();
  }

  void Committed(size_t i, const absl::Status& status) {
    Call& call = calls_[i];
    BarrierReply reply = core_->Settle(*call.ready, status);
    call.ready.reset();
    if (status.code() == absl::StatusCode::kAborted) {
      ++walk_.conflicts;
      call.stage = Stage::kLetIn;  // it begins again
      return;
    }
    core_->Leave(call.verb, RequestOf(call.verb).key, std::move(reply),
                 [this, i](BarrierReply said) { Answer(i, std::move(said)); });
  }

  void Answer(size_t i, BarrierReply reply) {
    Call& call = calls_[i];
    call.stage = Stage::kOver;
    if (dying_) {
      ++walk_.lost;
      return;
    }
    Count(reply.kind);
    if (call.late && reply.kind != VerdictKind::kUnknown) Violation("let in below the floor");
    if (call.verb == BarrierVerb::kCompensation) {
      said_undone_ = said_undone_ || reply.kind == VerdictKind::kDone;
    } else if (reply.kind == VerdictKind::kDone) {
      said_done_ = true;
    } else {
      said_never_ = said_never_ || reply.kind == VerdictKind::kRejected ||
                    reply.kind == VerdictKind::kRejectedForKey;
    }
  }
  void Count(VerdictKind kind) {
    walk_.done += kind == VerdictKind::kDone;
    walk_.rejected += kind == VerdictKind::kRejected;
    walk_.rejected_for_key += kind == VerdictKind::kRejectedForKey;
    walk_.retry_later += kind == VerdictKind::kRetryLater;
    walk_.unknown += kind == VerdictKind::kUnknown;
  }

  // ---- what happens around them

  // Another saga's call tells of a floor above our key.
  void Learn() {
    learned_ = true;
    BarrierRequest request{.key = key_, .floor = kAbove};
    request.key.saga.incarnation = kAbove;
    const auto later = [](typename Harness::Port::UserRows&, std::string_view) {
      return BarrierReply{.kind = VerdictKind::kRetryLater};
    };
    core_->Run(BarrierVerb::kAction, request, later);
  }

  template <typename Function>
  void DyingAfter(Function&& function) {
    dying_ = true;
    function();
    Die();
    dying_ = false;
  }
  void Die() {
    EndProcess();
    died_ = true;
    learned_ = learned_ && swept_;
    core_ = harness_.Open();
  }
  // What was not handed over is dropped; what was is answered when the committer goes, and the
  // answer is lost, as are those of calls that wait.
  void EndProcess() {
    const bool was_dying = std::exchange(dying_, true);
    for (Call& call : calls_) {
      if (call.stage != Stage::kLetIn && call.stage != Stage::kReady) continue;
      if (call.ready) core_->Forget(*call.ready);
      call.ready.reset();
      call.stage = Stage::kOver;
      core_->Leave(call.verb, RequestOf(call.verb).key, {}, nullptr);
    }
    handed_over_.clear();
    harness_.Close(core_);
    dying_ = was_dying;
  }

  // ---- what must be true

  void Violation(std::string_view what) {
    if (!walk_.violation) walk_.violation = fmt::format("{}, after{}", what, story_);
  }
  void Check() {
    const size_t applied = harness_.Effects(true, calls_.size());
    const size_t undone = harness_.Effects(false, calls_.size());
    if (applied > 1) Violation("the effect was applied twice");
    if (undone > applied) Violation("undone more often than it happened");
    if (said_never_ && applied > 0) Violation("it happened after 'never' was said");
    if (said_undone_ && applied != undone) Violation("it stands after 'undone' was said");
    if (said_done_ && applied != 1) Violation("Done was said, and it did not happen");
    effects_ = {applied, undone};
  }

  Hash128 Fingerprint() {
    std::string text = fmt::format("{}{}{}{}{}{} {} {} ", died_, learned_, swept_, said_never_,
                                   said_undone_, said_done_, effects_.first, effects_.second);
    if (const std::optional<BarrierRecord> record = harness_.RecordOf(key_)) {
      text += fmt::format("{}{}{}", static_cast<int>(record->action),
                          static_cast<int>(record->compensation), record->text);
    }
    // Equal calls are alike: it does not matter which of them is where.
    std::vector<std::string> calls;
    for (size_t i = 0; i < calls_.size(); ++i) calls.push_back(FingerprintOf(i));
    std::sort(calls.begin(), calls.end());
    for (const std::string& call : calls) text += call;
    return StableHash128(text);
  }

  std::string FingerprintOf(size_t i) {
    const Call& call = calls_[i];
    std::string text = fmt::format("|{}{}{}", static_cast<int>(call.verb),
                                   static_cast<int>(call.stage), call.late);
    const auto place = std::find(handed_over_.begin(), handed_over_.end(), i);
    text += std::to_string(place - handed_over_.begin());
    if (!call.ready) return text;
    const typename Core::Ready& ready = *call.ready;
    // One that has read what is not there any more begins again, whatever it would have said.
    const bool doomed =
        call.stage == Stage::kReady && ready.rows && call.read_at != harness_.RowVersion(key_);
    if (doomed) return text + "d";
    return text + fmt::format("{}{}{}", static_cast<int>(ready.reply.kind), ready.rows.has_value(),
                              ready.floor.has_value());
  }

  Harness& harness_;
  Choices& choices_;
  BarrierWalk& walk_;
  std::vector<Call> calls_;
  std::unique_ptr<Core> core_;
  std::vector<size_t> handed_over_;
  bool died_ = false, dying_ = false, learned_ = false, swept_ = false;
  bool said_done_ = false, said_never_ = false, said_undone_ = false;
  std::pair<size_t, size_t> effects_{};
  std::string story_;
};

template <typename Harness>
BarrierWalk WalkAll(const std::vector<BarrierVerb>& verbs) {
  Harness harness;
  Choices choices;
  Known known;
  BarrierWalk walk;
  do {
    ++walk.runs;
    Run<Harness>(harness, verbs, choices, walk).Go(known);
  } while (!walk.violation && choices.Next());
  walk.states = known.size();
  return walk;
}

}  // namespace

BarrierWalk WalkBarrier(WalkedStore store, const std::vector<BarrierVerb>& calls) {
  switch (store) {
    case WalkedStore::kMemory:
      return WalkAll<MemoryHarness>(calls);
    case WalkedStore::kMemoryWithoutRequire:
      return WalkAll<WithoutRequireHarness>(calls);
#if defined(SKALD_WALK_ROCKSDB)
    case WalkedStore::kRocksDb:
      return WalkAll<RocksDbHarness>(calls);
    case WalkedStore::kHost:
      return WalkAll<HostHarness>(calls);
    case WalkedStore::kHostWithoutGate:
      return WalkAll<WithoutGateHarness>(calls);
#else
    default:
      break;
#endif
  }
  return {.violation = "this build has no such store"};
}

}  // namespace skald::testing
