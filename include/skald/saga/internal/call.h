// One call of user code by the coordinator: what it is given, what it says, and who still holds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/base/export.h"
#include "skald/base/internal/rare.h"
#include "skald/base/verdict.h"
#include "skald/saga/step_context.h"

namespace skald::inline v1::internal {

// What an attempt said, with its output already encoded. A Done whose output did not encode carries
// the reason and output_failed: the step may have run.
struct AttemptResult {
  VerdictKind kind = VerdictKind::kUnknown;
  bool output_failed = false;
  absl::StatusCode code = absl::StatusCode::kOk;  // where a status said so
  std::string text;                               // the output of a Done, or why it is none
  absl::Duration delay;                           // kRetryLater: at least so long

  bool has_output() const { return kind == VerdictKind::kDone && !output_failed; }
  std::string_view output() const { return has_output() ? text : std::string_view(); }
  std::string_view reason() const { return has_output() ? std::string_view() : text; }

  void Reset() {
    kind = VerdictKind::kUnknown;
    output_failed = false;
    text.clear();
    delay = absl::ZeroDuration();
    code = absl::StatusCode::kOk;
  }
};

// Where user code's mistakes are told that are harmless, and still mistakes. THREADS: any.
class MisuseReporter {
 public:
  virtual ~MisuseReporter() = default;
  virtual void Report(std::string_view kind, std::string what) = 0;
};

// Whoever makes calls derives from it. It is one attempt at a time, and may be the next one when
// nobody else holds it: copies of its completion may outlive the attempt, for a verdict that is
// said twice is told from the first by what they share, which is this.
class SKALD_EXPORT Call {
 public:
  Call() = default;
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // What the function is given; lives until the attempt has completed.
  StepContext context{StepContext::Fields{}};
  const void* input = nullptr;
  const void* item = nullptr;  // of a fan-out's instance
  // Compensations: the action's output, or null when it is not known.
  const void* own_output = nullptr;
  // Decoded outputs by step of the saga; null where unknown or not used by this step. Empty when it
  // uses none.
  Rare<std::vector<const void*>> outputs;

  AttemptResult result;
  std::weak_ptr<MisuseReporter> reporter;  // it keeps the context's names

  // By the step's number in the function's own definition. Null: not known.
  const void* Output(size_t step) const { return (*outputs)[first_step_ + step]; }
  // The function is one of a part, whose steps begin so far into those of what it is a part of.
  void EnterPart(size_t first) { first_step_ = static_cast<uint16_t>(first_step_ + first); }

  // ---- the end of an attempt ----
  // For a function that may end on another thread while it still returns: the end and the return
  // both come here, and the second of them, told so, finishes the call.
  bool MeetSecond() { return met_.exchange(true, std::memory_order_acq_rel); }
  // The end of a function that was not over when it returned; nothing of the call may be touched
  // afterwards. THREADS: any.
  void End() {
    if (MeetSecond()) Done();
  }

  // ---- who holds it ----
  // Another attempt begins. REQUIRES: nobody but its maker holds it.
  void Renew();
  // Its maker is through with it. RETURNS: it is the maker's to use again or to delete. False:
  // copies of the completion are left, and the last of them deletes it.
  bool Release() {
    return owners_.load(std::memory_order_acquire) == 1 ||
           owners_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  // ---- for the copies of its completion ----
  void HoldFirst();
  void Hold() { copies_.fetch_add(1, std::memory_order_relaxed); }
  // The last one says Unknown where nothing was said.
  void LetGo();
  // RETURNS: the result may be written, and then End() is called. False: a verdict was said before,
  // and whoever says another is reported.
  bool BeginVerdict();
  // Within a catch block: the function was given a completion and threw. Its verdict, unless it has
  // said one: then what it threw is reported.
  void EndWithException();

 private:
  // Called once, from any thread, when the call did not complete before it returned.
  virtual void Done() = 0;
  void Report(std::string_view kind, std::string_view what) const;

  std::atomic<uint32_t> copies_{0};  // of its completion
  std::atomic<uint8_t> owners_{1};   // its maker, and all copies of its completion as one
  std::atomic<bool> met_{false};
  std::atomic<bool> said_{false};
  uint16_t first_step_ = 0;
};

enum class CallState : uint8_t { kComplete, kPending };

// kComplete: call.result is written. kPending: it will be, and then call.End() is called. Never
// throws: an exception of user code becomes Unknown, with its text as reason.
using StepFunction = absl::AnyInvocable<CallState(Call& call) const>;

}  // namespace skald::inline v1::internal
