// What the contract says of one saga, worked out from its events a second time: slower, simpler and
// by other means than saga/fold.h, so that a mistake in one of them shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  struct Step {
    Action action = Action::kOpen;
    uint64_t decided_at = 0;
    std::string output;
    bool undone = false;
    uint64_t undone_at = 0;
    bool undo_blocked = false;
    bool dispatchable_at_turn = false;
    uint64_t dispatchable_in_epoch = 0;
    // What was seen of its attempts, forward ones only.
    uint32_t sent = 0;
    uint32_t returned = 0;
    bool unknown = false;           // one said Unknown, or its output failed
    bool rejected_for_key = false;  // the participant's record says that none happened or will
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
  std::optional<Broken> MaySendAction(uint16_t step, uint64_t moment) const;
  std::optional<Broken> MaySendCompensation(uint16_t step, uint64_t moment) const;
  // At an end: whether the books may say so of this step.
  std::optional<Broken> EffectAtEnd(uint16_t step, const Effect& effect) const;

  SagaId id() const { return id_; }
  bool started() const { return events_ > 0; }
  bool turned() const { return turned_at_ != 0; }
  bool ended() const { return IsTerminal(state_); }
  SagaState state() const { return state_; }
  const std::string& definition_name() const { return definition_name_; }
  const std::string& key() const { return key_; }
  Hash128 input_fingerprint() const { return input_fingerprint_; }
  absl::Time updated() const { return updated_; }
  const DefinitionData* definition() const { return definition_; }
  std::vector<Step>& steps() { return steps_; }
  const std::vector<Step>& steps() const { return steps_; }
  std::optional<std::string> Result() const;
  bool Saw(EventKind kind, Verb verb) const;

  std::string& bytes() { return bytes_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::optional<Broken> OnStart(const Event& event, const DefinitionData* definition);
  std::optional<Broken> OnAction(const Event& event);
  std::optional<Broken> OnGaveUp(const Event& event);
  std::optional<Broken> OnCompensation(const Event& event);
  std::optional<Broken> OnTurn(uint64_t epoch);
  std::optional<Broken> OnVerb(const Event& event);
  std::optional<Broken> CheckClean(const Event& event) const;
  std::optional<Broken> CheckState(const Event& event) const;
  bool Ready(uint16_t step) const;
  bool NeedsUndo(uint16_t step) const;
  bool SuccessorsSettled(uint16_t step, uint64_t moment) const;
  void NoteDispatchable(uint64_t epoch);

  SagaId id_;
  std::string definition_name_;
  std::string key_;
  Hash128 input_fingerprint_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time updated_ = absl::InfinitePast();
  const DefinitionData* definition_ = nullptr;
  std::vector<Step> steps_;
  SagaState state_ = SagaState::kRunning;
  uint32_t events_ = 0;
  uint64_t turned_at_ = 0;
  bool cancel_asked_ = false;
  bool deadline_passed_ = false;
  uint64_t moment_ = 0;  // of the event being applied
  std::vector<std::pair<EventKind, Verb>> seen_;
  std::string bytes_;
};

}  // namespace skald::inline v1::internal
