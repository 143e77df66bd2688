#include "orders.h"

#include <fmt/format.h>

#include <utility>

#include "calls.h"

namespace order_flow {
namespace {

using skald::Moved;
using skald::MoveKind;
using skald::Nothing;
using skald::Outbox;
using skald::StepContext;
using skald::Task;
using skald::Transaction;
using skald::Verdict;

// Moves an order, and tells of it where that is news.
template <typename Table>
absl::StatusOr<Moved<typename Table::StateType>> MoveAndTell(Transaction& rows, Outbox& outbox,
                                                             const std::string& number,
                                                             const Table& table,
                                                             typename Table::EventType event) {
  SKALD_ASSIGN_OR_RETURN(const auto moved,
                         skald::Move(rows, KeyOf(kStatePrefix, number), table, event));
  if (moved.kind != MoveKind::kMoved) return moved;
  SKALD_ASSIGN_OR_RETURN(const std::optional<PlacedRow> placed,
                         GetRow<PlacedRow>(rows, KeyOf(kPlacedPrefix, number)));
  skald::Message message{.key = number, .topic = TopicOf(moved.to)};
  message.body = fmt::format(R"({{"order":{},"reference":"{}","total_mills":{}}})",
                             placed ? placed->id : 0, number, placed ? placed->total : 0);
  SKALD_RETURN_IF_ERROR(outbox.Add(rows, message));
  return moved;
}

// The same where nothing else than this may have happened.
template <typename Table>
absl::Status Must(Transaction& rows, Outbox& outbox, const std::string& number, const Table& table,
                  typename Table::EventType event) {
  SKALD_ASSIGN_OR_RETURN(const auto moved, MoveAndTell(rows, outbox, number, table, event));
  if (moved.kind != MoveKind::kIllegal) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("order {} is {}: '{}' may not happen to it",
                                                   number, ToString(moved.from), ToString(event)));
}

Verdict<Decision<Nothing>> OpenRows(Transaction& rows, skald::IdGenerator& numbers,
                                    const Order& order, bool refuse) {
  const std::string key = KeyOf(kPlacedPrefix, order.number);
  const absl::StatusOr<std::optional<std::string>> before = rows.Get(key);
  if (!before.ok()) return skald::FromStatus(before.status());
  if (*before) {
    return skald::FromStatus(absl::FailedPreconditionError(
        fmt::format("order {} was opened before, by another saga", order.number)));
  }
  if (refuse) return Refuse<Nothing>(rows, order.number, "refused on purpose");
  // Not Next, which may wait: the next span is on its way, and the step comes again.
  const absl::StatusOr<uint64_t> id = numbers.TryNext();
  if (!id.ok()) return skald::RetryLater(std::string(id.status().message()));
  rows.Put(key, EncodeRow(PlacedRow{static_cast<int64_t>(*id), order.kind, order.total}));
  return Decision<Nothing>{};
}

absl::Status CancelRows(Transaction& rows, Outbox& outbox, const Order& order) {
  if (order.kind == OrderKind::kReturn) {
    return Must(rows, outbox, order.number, kReturnTable, ReturnEvent::kRefuse);
  }
  SKALD_ASSIGN_OR_RETURN(const Moved<SaleState> cancelled,
                         MoveAndTell(rows, outbox, order.number, kSaleTable, SaleEvent::kCancel));
  if (cancelled.kind != MoveKind::kIllegal) return absl::OkStatus();
  // Its customer was faster, and has the money back or will have it.
  return Must(rows, outbox, order.number, kSaleTable, SaleEvent::kRefund);
}

Orders::Answer AnswerOf(MoveKind kind) {
  switch (kind) {
    case MoveKind::kMoved:
      return Orders::Answer::kNoted;
    case MoveKind::kAlreadyThere:
      return Orders::Answer::kAlready;
    case MoveKind::kIllegal:
      break;
  }
  return Orders::Answer::kMayNot;
}

absl::StatusOr<Orders::Answer> NoteRows(Transaction& rows, Outbox& outbox,
                                        const std::string& number, SaleEvent event) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> placed,
                         rows.Get(KeyOf(kPlacedPrefix, number)));
  if (!placed) {
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> refused,
                           rows.Get(KeyOf(kRefusedPrefix, number)));
    return refused ? Orders::Answer::kMayNot : Orders::Answer::kNoOrder;
  }
  SKALD_ASSIGN_OR_RETURN(const Moved<SaleState> moved,
                         MoveAndTell(rows, outbox, number, kSaleTable, event));
  return AnswerOf(moved.kind);
}

}  // namespace

absl::StatusOr<Orders::Pieces> Orders::OpenPieces(Participant& participant) {
  Pieces pieces;
  SKALD_ASSIGN_OR_RETURN(pieces.numbers, skald::IdGenerator::Open(participant.committer()));
  SKALD_ASSIGN_OR_RETURN(pieces.outbox,
                         Outbox::Open(participant.committer(), {.name = kOutboxName}));
  return pieces;
}

Task<Verdict<Nothing>> Orders::Open(const StepContext& step, const Order& order, bool refuse) {
  return Decide<Nothing>(
      &participant_, step, order,
      [numbers = pieces_.numbers.get(), refuse](Transaction& rows, const Order& opened) {
        return OpenRows(rows, *numbers, opened, refuse);
      });
}

Task<Verdict<Nothing>> Orders::Cancel(const StepContext& step, const Order& order) {
  using Opened = Decision<Nothing>;
  return Undo<Opened>(&participant_, step, order,
                      [outbox = pieces_.outbox.get()](Transaction& rows, const Order& undone,
                                                      const Opened& opened) {
                        return opened.refusal.empty() ? CancelRows(rows, *outbox, undone)
                                                      : absl::OkStatus();
                      });
}

Task<Verdict<Nothing>> Orders::Mark(const StepContext& step, const Order& order, SaleEvent event) {
  return Act<Nothing>(
      &participant_, step, order,
      [outbox = pieces_.outbox.get(), event](Transaction& rows, const Order& marked) {
        return Must(rows, *outbox, marked.number, kSaleTable, event);
      });
}
Task<Verdict<Nothing>> Orders::MarkPaid(const StepContext& step, const Order& order) {
  return Mark(step, order, SaleEvent::kPay);
}
Task<Verdict<Nothing>> Orders::MarkShipped(const StepContext& step, const Order& order) {
  return Mark(step, order, SaleEvent::kShip);
}

Task<Verdict<Nothing>> Orders::MarkReturned(const StepContext& step, const Order& order) {
  return Act<Nothing>(&participant_, step, order,
                      [outbox = pieces_.outbox.get()](Transaction& rows, const Order& returned) {
                        return Must(rows, *outbox, returned.number, kReturnTable,
                                    ReturnEvent::kTakeIn);
                      });
}

void Orders::Note(const std::string& number, SaleEvent event, Answered done) {
  Transaction rows = participant_.committer().Begin();
  absl::StatusOr<Answer> answer = NoteRows(rows, *pieces_.outbox, number, event);
  if (!answer.ok()) return std::move(done)(std::move(answer));
  // Also where nothing changed: what was read may not be durable yet.
  CommitRows(std::move(rows),
             [answer = *answer, done = std::move(done)](const absl::Status& status) mutable {
               std::move(done)(status.ok() ? absl::StatusOr<Answer>(answer) : status);
             });
}
void Orders::NotePayment(const std::string& number, Answered done) {
  Note(number, SaleEvent::kPay, std::move(done));
}
void Orders::NoteSignature(const std::string& number, Answered done) {
  Note(number, SaleEvent::kSign, std::move(done));
}

}  // namespace order_flow
