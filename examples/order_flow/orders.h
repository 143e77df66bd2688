// The orders themselves: a number and a business state for each, and the events by which others
// hear of it. A state is moved along its table, and the message that tells of it leaves through the
// outbox, in one batch.
//
// An order's row stands under the input's number, which is what the client asked under: that
// request gets its order number once, in the step that opens the order, however often it is
// repeated.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "order_states.h"
#include "participant.h"
#include "skald/async/task.h"
#include "skald/participant/id_generator.h"
#include "skald/participant/outbox.h"
#include "skald/saga/step_context.h"

namespace order_flow {

inline constexpr char kOutboxName[] = "orders";

// THREADS: any.
class Orders {
 public:
  // What `participant` needs beside its barrier.
  struct Pieces {
    std::unique_ptr<skald::IdGenerator> numbers;
    std::unique_ptr<skald::Outbox> outbox;
  };
  static absl::StatusOr<Pieces> OpenPieces(Participant& participant);

  // Both must outlive it.
  Orders(Participant& participant, const Pieces& pieces)
      : participant_(participant), pieces_(pieces) {}

  // Gives it its number. A sale then waits for its payment, a return is announced.
  skald::Task<skald::Verdict<skald::Nothing>> Open(const skald::StepContext& step,
                                                   const Order& order, bool refuse);
  // Undoes it: cancelled, or refunded where it was paid for; a return is refused.
  skald::Task<skald::Verdict<skald::Nothing>> Cancel(const skald::StepContext& step,
                                                     const Order& order);
  // "Already paid" is fine, "may not be paid" is not.
  skald::Task<skald::Verdict<skald::Nothing>> MarkPaid(const skald::StepContext& step,
                                                       const Order& order);
  skald::Task<skald::Verdict<skald::Nothing>> MarkShipped(const skald::StepContext& step,
                                                          const Order& order);
  skald::Task<skald::Verdict<skald::Nothing>> MarkReturned(const skald::StepContext& step,
                                                           const Order& order);

  // The customer's side, outside of the sagas. What became of it, or why that is not known: ask
  // again.
  enum class Answer : uint8_t {
    kNoted,    // it is now, durably
    kAlready,  // it was before
    kMayNot,   // the order has gone another way
    kNoOrder,  // it is not open (yet)
  };
  using Answered = absl::AnyInvocable<void(absl::StatusOr<Answer>) &&>;
  void NotePayment(const std::string& number, Answered done);
  void NoteSignature(const std::string& number, Answered done);

 private:
  skald::Task<skald::Verdict<skald::Nothing>> Mark(const skald::StepContext& step,
                                                   const Order& order, SaleEvent event);
  void Note(const std::string& number, SaleEvent event, Answered done);

  Participant& participant_;
  const Pieces& pieces_;
};

}  // namespace order_flow
