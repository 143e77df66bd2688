// What the contract says of one saga, worked out from its events a second time: slower, simpler and
// by other means than saga/fold.h, so that a mistake in one of them shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "skald/base/hash.h"
#include "skald/base/ids.h"
#include "skald/saga/definition.h"
#include "skald/saga/journal.h"
#include "skald/testing/oracle.h"

namespace skald::inline v1::internal {

class SagaModel {
 public:
  enum class Action : uint8_t {
    kOpen,
    kDone,
    kNotRun,      // rejected or given up, cleanly
    kMayHaveRun,  // the same, uncleanly
    kBlocked,     // gave up where only a person helps
  };
  // A step, or one item of a fan-out.
  struct Place {
    Action action = Action::kOpen;
    uint64_t decided_at = 0;
    std::string output;
    bool undone = false;
    uint64_t undone_at = 0;
    bool undo_blocked = false;
    bool may_have_run_at_turn = false;
    uint64_t ready_in_epoch = 0;
    // What was seen of its attempts, forward ones only.
    uint32_t sent = 0;
    uint32_t returned = 0;
    bool unknown = false;           // one said Unknown, or its output failed
    bool rejected_for_key = false;  // the participant's record says that none happened or will
    uint32_t retries = 0;           // by an operator, of what had blocked
    absl::Time not_before = absl::InfinitePast();  // of the next attempt
    uint64_t put_off_at = 0;                       // when it was; 0: never, since it could run
  };
  struct Step {
    Place own;
    bool expanded = false;
    std::vector<Place> items;
    std::optional<absl::Time> ready_since;
    std::optional<absl::Time> wakes_at;  // a sleep that has begun
    std::optional<std::string> signal;   // the deduplication key of the one that an await has
  };
  // What an event breaks.
  struct Broken {
    Promise promise;
    std::string what;
  };

  explicit SagaModel(SagaId id) : id_(id) {}

  // `epoch`: of the fence under which it was written; `moment`: the oracle's.
  std::optional<Broken> Apply(const Event& event, const DefinitionData* definition, uint64_t epoch,
                              uint64_t moment);

  // Takes over what is known of a saga that has ended and whose journal is gone.
  void Adopt(const Oracle::Ended& ended, const DefinitionData* definition);

  // What an owner may send, as of `moment`. RETURNS: why not.
  std::optional<Broken> MaySendAction(uint16_t step, uint32_t index, uint64_t moment) const;
  std::optional<Broken> MaySendCompensation(uint16_t step, uint32_t index, uint64_t moment) const;
  // At an end: whether the books may say so of this step or item.
  std::optional<Broken> EffectAtEnd(uint16_t step, const Effect& effect) const;
  // Whether the end says that it had an effect.
  bool HadEffect(uint16_t step) const;

  SagaId id() const { return id_; }
  bool started() const { return events_ > 0; }
  bool turned() const { return turned_at_ != 0; }
  bool ended() const { return IsTerminal(state_); }
  SagaState state() const { return state_; }
  const std::string& definition_name() const { return definition_name_; }
  const std::string& key() const { return key_; }
  const std::string& input() const { return input_; }
  Hash128 input_fingerprint() const { return input_fingerprint_; }
  absl::Time updated() const { return updated_; }
  const DefinitionData* definition() const { return definition_; }
  const std::vector<Step>& steps() const { return steps_; }
  // Null: there is no such place, or its items are not known.
  Place* PlaceOf(uint16_t step, uint32_t index);
  const Place* PlaceOf(uint16_t step, uint32_t index) const;
  // A step that starts a saga: what stands before it, its range, is behind it.
  bool StartsSaga(uint16_t step) const;
  std::optional<std::string> Result() const;
  bool Saw(EventKind kind, Verb verb) const;
  bool TookSignal(uint16_t step, std::string_view key) const;
  // It had ended, and its journal was gone, before it was seen.
  bool adopted() const { return adopted_; }

  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::optional<Broken> OnEvent(const Event& event, uint64_t epoch);
  std::optional<Broken> OnStart(const Event& event, const DefinitionData* definition);
  std::optional<Broken> OnAttempt(const Event& event);
  std::optional<Broken> OnAction(const Event& event, Place& place);
  std::optional<Broken> OnPrelude(const Event& event);
  std::optional<Broken> OnPutOff(const Event& event, Place& place);
  std::optional<Broken> OnGaveUp(const Event& event, Place& place);
  std::optional<Broken> OnCompensation(const Event& event, Place& place);
  std::optional<Broken> OnTimer(const Event& event);
  std::optional<Broken> OnSignal(const Event& event);
  std::optional<Broken> OnTurn(uint64_t epoch);
  std::optional<Broken> OnVerb(const Event& event);
  static std::optional<Broken> CheckClean(const Event& event, const Place& place);
  std::optional<Broken> CheckState(const Event& event) const;

  template <typename F>
  void ForEachPlaceOf(uint16_t step, F f) const;
  bool PreludeIsDue(uint16_t step) const;
  // Its own and what it follows: Done, or out by its decisions.
  bool Passed(uint16_t step) const;
  bool WholeDone(uint16_t step) const;
  bool Ready(uint16_t step) const;
  bool IsOut(uint16_t step) const;
  bool MayBegin(uint16_t step, uint32_t index) const;
  bool BeyondPivot(uint16_t step) const;
  bool NeedsUndo(uint16_t step, uint32_t index) const;
  bool SuccessorsSettled(uint16_t step, uint64_t moment) const;
  void NoteReady(uint64_t epoch, absl::Time time);

  SagaId id_;
  std::string definition_name_;
  std::string key_;
  std::string input_;
  Hash128 input_fingerprint_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time updated_ = absl::InfinitePast();
  const DefinitionData* definition_ = nullptr;
  std::vector<Step> steps_;
  SagaState state_ = SagaState::kRunning;
  uint32_t events_ = 0;
  uint64_t turned_at_ = 0;
  bool adopted_ = false;
  bool cancel_asked_ = false;
  bool deadline_passed_ = false;
  uint64_t moment_ = 0;  // of the event being applied
  std::vector<std::pair<EventKind, Verb>> seen_;
  std::vector<std::pair<uint16_t, std::string>> signals_;
  std::string bytes_;
};

// f(index, place) for the step, or for each of its items once they are known.
template <typename F>
void SagaModel::ForEachPlaceOf(uint16_t step, F f) const {
  const Step& own = steps_[step];
  if (!own.expanded) return f(definition_->steps[step].fan_out ? Event::kWhole : 0, own.own);
  for (uint32_t i = 0; i < own.items.size(); ++i) f(i, own.items[i]);
}

}  // namespace skald::inline v1::internal
