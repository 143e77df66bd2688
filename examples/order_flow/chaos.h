// A network between the sagas and their participants that does to calls what networks do. Drawn by
// a stable hash of the seed and of what makes a call's effect key: the same calls in every run and
// after every crash.
//
//   duplicates  the call is made twice: at the same time, or again right behind its answer
//   reorder     a first attempt is held back, and its saga told that the answer is missing; it
//               arrives behind the order's next other call to that participant: its own
//               compensation, or a later step
//   late        a copy arrives again: some milliseconds later, or behind the end of its saga
//
// The barriers absorb all of it: the books are what they would have been.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errands.h"
#include "report.h"
#include "skald/base/mutex.h"

namespace order_flow {

struct ChaosOptions {
  double duplicates = 0;  // shares of calls
  double reorder = 0;
  double late = 0;
  uint64_t seed = 1;

  bool any() const { return duplicates > 0 || reorder > 0 || late > 0; }
};

enum class CallVerb : uint8_t { kAct = 1, kUndo = 2, kAsk = 3, kGiveBack = 4 };

struct CallSite {
  std::string_view participant;
  std::string_view order;  // its number
  uint32_t item = 0;       // of a step that runs for several parcels: which
  std::string_view step;
  CallVerb verb = CallVerb::kAct;
  uint32_t attempt = 1;
};

// What a call is to suffer.
struct Havoc {
  bool duplicated = false;
  bool at_once = false;  // …at the same time
  bool held_back = false;
  bool late = false;
  std::optional<absl::Duration> soon;  // …by so much

  bool any() const { return duplicated || held_back || late; }
};

// What the deliveries of one call are told: those that are Done must all say the same.
class CallAnswers {
 public:
  // RETURNS: false when it is another one than before. Nothing: not Done.
  bool Add(std::optional<std::string> output) SKALD_EXCLUDES(mutex_);

 private:
  skald::Mutex mutex_;
  std::optional<std::string> output_ SKALD_GUARDED_BY(mutex_);
};

// THREADS: any. Must outlive the participants, and be stopped before they go.
class Chaos {
 public:
  using Told = std::function<void(std::optional<std::string>)>;
  // Makes the call once more. It owns what it needs.
  using Copy = std::function<void(Told)>;

  explicit Chaos(ChaosOptions options);
  ~Chaos();

  const ChaosOptions& options() const { return options_; }
  Havoc Draw(const CallSite& site) const;

  void MakeTwice(Copy copy, std::shared_ptr<CallAnswers> answers);
  // `soon`: after so long. Else behind many others, or at the end.
  void MakeLater(Copy copy, std::shared_ptr<CallAnswers> answers,
                 std::optional<absl::Duration> soon);
  void HoldBack(const CallSite& site, Copy copy);
  // The call was answered: what the order's other calls to that participant left behind arrives.
  void Answered(const CallSite& site);

  // Delivers everything that is held, and waits until all is answered.
  // RETURNS: DeadlineExceeded: something is not, in a minute.
  absl::Status Finish();
  // Nothing is delivered any more.
  void Stop();

  ChaosCounts counts() const SKALD_EXCLUDES(mutex_);
  // Copies that were told something else than their call.
  int64_t contradictions() const SKALD_EXCLUDES(mutex_);

 private:
  enum class Kind : uint8_t { kDuplicate, kReorder, kLate };
  struct Waiting {
    Copy copy;
    std::shared_ptr<CallAnswers> answers;
    std::string place{};   // participant and order
    std::string effect{};  // which call it is, of those
  };
  using Held = std::map<uint64_t, Waiting>;

  // From 0 to 1, evenly.
  double Fraction(std::string_view what, const CallSite& site) const;
  Waiting TakeHeld(Held::iterator held) SKALD_REQUIRES(mutex_);
  void Deliver(Waiting waiting, Kind kind, absl::Duration delay = absl::ZeroDuration());
  void Arrived(Kind kind, bool alike) SKALD_EXCLUDES(mutex_);

  const ChaosOptions options_;
  mutable skald::Mutex mutex_;
  skald::CondVar rest_;
  bool stopped_ SKALD_GUARDED_BY(mutex_) = false;
  int64_t under_way_ SKALD_GUARDED_BY(mutex_) = 0;
  std::array<int64_t, 3> counts_ SKALD_GUARDED_BY(mutex_) = {};
  int64_t contradictions_ SKALD_GUARDED_BY(mutex_) = 0;
  std::deque<Waiting> late_ SKALD_GUARDED_BY(mutex_);
  // Those held back, oldest first, and which of them are at a place.
  uint64_t next_ SKALD_GUARDED_BY(mutex_) = 0;
  Held held_ SKALD_GUARDED_BY(mutex_);
  std::map<std::string, std::set<uint64_t>, std::less<>> held_at_ SKALD_GUARDED_BY(mutex_);
  std::unique_ptr<Errands> errands_;
};

}  // namespace order_flow
