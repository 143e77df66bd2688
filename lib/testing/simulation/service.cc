#include "service.h"

#include <fmt/core.h>

#include <charconv>
#include <stdexcept>
#include <utility>

#include "skald/base/check.h"
#include "skald/base/status.h"

namespace skald::inline v1::internal {
namespace {

constexpr std::string_view kTotalRow = "books/total";
constexpr std::string_view kEffectRows = "books/effect/";
constexpr std::string_view kEffectRowsEnd = "books/effect0";

std::string EffectRow(const EffectKey& action) {
  const auto bytes = action.Encode();
  return std::string(kEffectRows) + std::string(bytes.data(), bytes.size());
}

int64_t ToNumber(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

absl::Status AddTo(Transaction& rows, std::string_view key, int64_t by) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> old, rows.Get(key));
  rows.Put(key, fmt::format("{}", (old ? ToNumber(*old) : 0) + by));
  return absl::OkStatus();
}

// The row of an effect holds a character each time it was applied ('+') and undone ('-').
absl::Status Write(Transaction& rows, const EffectKey& action, char sign) {
  const std::string key = EffectRow(action);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> old, rows.Get(key));
  rows.Put(key, old.value_or("") + sign);
  return AddTo(rows, kTotalRow, sign == '+' ? 1 : -1);
}

// What the business says instead of doing it; nullopt: it does it.
std::optional<NotDone> Refusal(const Asked& asked) {
  switch (asked.business) {
    case VerdictKind::kDone:
      return std::nullopt;
    case VerdictKind::kRejected:
    case VerdictKind::kRejectedForKey:
      return Rejected("the business says no");
    case VerdictKind::kRetryLater:
      return RetryLater("the business is busy", asked.busy_for);
    case VerdictKind::kUnknown:
      return Unknown("the business does not know");
  }
  return std::nullopt;
}

Verdict<std::string> WithoutOutput(Verdict<Nothing> verdict) {
  if (!verdict.done()) return verdict.not_done();
  return std::string();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BarrierService>> BarrierService::Open(
    Committer& committer, std::string name, absl::AnyInvocable<void()> touched) {
  BarrierOptions options;
  options.name = std::move(name);
  options.floor_step = 4;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Barrier> barrier, Barrier::Open(committer, options));
  return std::unique_ptr<BarrierService>(
      new BarrierService(std::move(barrier), std::move(touched)));
}

Verdict<std::string> BarrierService::Do(Transaction& rows, const Asked& asked) {
  if (auto refusal = Refusal(asked)) return *std::move(refusal);
  absl::Status written;
  if (asked.has_effect) written = Write(rows, asked.action_key(), '+');
  touched_();
  if (!written.ok()) return FromStatus(written);
  return asked.output;
}

Verdict<Nothing> BarrierService::Undo(Transaction& rows, const Asked& asked,
                                      const std::string& output) {
  if (output != asked.output) return Unknown("the barrier gave another output than was recorded");
  if (auto refusal = Refusal(asked)) return *std::move(refusal);
  const absl::Status written = Write(rows, asked.action_key(), '-');
  touched_();
  if (!written.ok()) return FromStatus(written);
  return Nothing{};
}

void BarrierService::Handle(const Asked& asked, Reply reply) {
  auto owed = std::make_shared<Reply>(std::move(reply));
  const auto answer = [owed](Verdict<std::string> verdict) { (*owed)(std::move(verdict)); };
  switch (asked.verb) {
    case BarrierVerb::kAction:
      return barrier_->ActionThen(
          asked.request, [&](Transaction& rows) { return Do(rows, asked); }, answer);
    case BarrierVerb::kReconcile:
      return barrier_->ReconcileThen<std::string>(asked.request, answer);
    case BarrierVerb::kCompensation:
      return barrier_->CompensationThen<std::string>(
          asked.request,
          [&](Transaction& rows, const std::string& output) { return Undo(rows, asked, output); },
          [answer](Verdict<Nothing> verdict) { answer(WithoutOutput(std::move(verdict))); });
  }
}

Verdict<std::string> BarrierService::HandleNow(const Asked& asked) {
  switch (asked.verb) {
    case BarrierVerb::kAction:
      return barrier_->Action(asked.request, [&](Transaction& rows) { return Do(rows, asked); });
    case BarrierVerb::kReconcile:
      return barrier_->Reconcile<std::string>(asked.request);
    case BarrierVerb::kCompensation:
      break;
  }
  return WithoutOutput(barrier_->Compensation<std::string>(
      asked.request,
      [&](Transaction& rows, const std::string& output) { return Undo(rows, asked, output); }));
}

StoredBooks ReadBooks(Store& store) {
  StoredBooks books;
  auto total = store.Get(Space::kRows, kTotalRow);
  SKALD_CHECK(total.ok(), "the books are read from a disk without faults");
  if (total->has_value()) books.total = ToNumber((*total)->value);
  auto cursor = store.Scan(Space::kRows, {std::string(kEffectRows), std::string(kEffectRowsEnd)});
  SKALD_CHECK(cursor.ok(), "the books are read from a disk without faults");
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    const auto key = EffectKey::Decode((*cursor)->key().substr(kEffectRows.size()));
    SKALD_CHECK(key.ok(), "a row of the books has no effect key");
    Effect& effect = books.effects.emplace_back(Effect{.action = *key});
    for (const char sign : (*cursor)->value()) ++(sign == '+' ? effect.applied : effect.undone);
  }
  return books;
}

Verdict<std::string> BareService::Answer(const Asked& asked) {
  const EffectKey key = asked.action_key();
  const auto found = entries_.find(key);
  if (asked.verb == BarrierVerb::kCompensation) {
    if (found != entries_.end() && found->second.effect.undone > 0) return std::string();
    const bool happened = found != entries_.end() && found->second.effect.applied > 0;
    if (happened) {
      if (auto refusal = Refusal(asked)) return *std::move(refusal);
    }
    Entry& entry = entries_[key];
    entry.effect.action = key;
    entry.blocked = true;
    if (happened) ++entry.effect.undone;
    return std::string();
  }
  if (found != entries_.end() && found->second.effect.applied > 0) return found->second.output;
  if (found != entries_.end() && found->second.blocked) return RejectedForKey("undone before");
  if (asked.verb == BarrierVerb::kReconcile) {
    entries_[key].effect.action = key;
    entries_[key].blocked = true;
    return RejectedForKey("it had not run, and never will");
  }
  if (auto refusal = Refusal(asked)) return *std::move(refusal);
  if (!asked.has_effect) return asked.output;
  Entry& entry = entries_[key];
  entry.effect = {.action = key, .applied = 1};
  entry.output = asked.output;
  return asked.output;
}

void BareService::Handle(const Asked& asked, Reply reply) {
  reply(Answer(asked));
}

std::vector<Effect> BareService::Books() const {
  std::vector<Effect> books;
  for (const auto& [key, entry] : entries_) {
    if (entry.effect.applied > 0) books.push_back(entry.effect);
  }
  return books;
}

}  // namespace skald::inline v1::internal
