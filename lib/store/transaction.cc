#include <fmt/core.h>

#include <string>
#include <utility>

#include "committer_impl.h"
#include "skald/base/internal/sabotage.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace {

// A row's key is bytes; only the printable ones go into a message as they are.
std::string Printable(std::string_view key) {
  constexpr size_t kShown = 64;
  std::string text;
  for (const char c : key.substr(0, kShown)) {
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return key.size() > kShown ? text + "..." : text;
}

absl::Status Changed(std::string_view key) {
  return absl::AbortedError(fmt::format(
      "row '{}' has been changed since this transaction read it: begin again", Printable(key)));
}

Version VersionIn(const std::optional<Row>& row) {
  return row ? row->version : Version::kAbsent;
}

// Where a blocking Commit waits for its answer.
struct Waiter {
  Mutex mutex;
  CondVar answered;
  std::optional<absl::Status> answer SKALD_GUARDED_BY(mutex);

  void Set(const absl::Status& status) {
    MutexLock lock(mutex);
    answer = status;
    answered.NotifyAll();  // under the lock: the waiter may not be gone before this returns
  }
  absl::Status Wait() {
    MutexLock lock(mutex);
    while (!answer) answered.Wait(mutex);
    return *answer;
  }
};

}  // namespace

absl::StatusOr<std::optional<Row>> Committer::Impl::GetFor(Transaction::State& tx,
                                                           std::string_view key) {
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kStopped) return Closed();
    if (!tx.began) BeginReading(tx);
    if (const Overlay::Row* row = overlay_.Find(key)) return row->Copy();
  }
  return store_.Get(Space::kRows, key);
}

// A unit's memory comes from the thread that fills it and ends with the writer: were each given
// back to malloc there, the two would often wait for each other in it.
void Committer::Impl::BeginReading(Transaction::State& tx) {
  tx.began = overlay_.BeginReading();
  if (!tx.unit.empty() || spare_units_.empty()) return;
  tx.unit = std::move(spare_units_.back());
  spare_units_.pop_back();
}

void Committer::Impl::EndReading(Transaction::State& tx) {
  MutexLock lock(mutex_);
  EndReadingLocked(tx);
}

void Committer::Impl::EndReadingLocked(Transaction::State& tx) {
  if (tx.began) overlay_.EndReading(*tx.began);
  tx.began.reset();
}

// RETURNS: the key of a row that the overlay knows under another version, if there is one.
std::optional<std::string_view> Committer::Impl::ChangedRow(const Transaction::State& tx) const {
  for (const TouchedRow& touched : tx.rows) {
    if (!touched.read) continue;
    const std::string_view key = tx.rows.KeyOf(touched);
    const Overlay::Row* row = overlay_.Find(key);
    if (row != nullptr && row->version != touched.version) return key;
  }
  return std::nullopt;
}

// For a transaction that the overlay no longer covers: from a new place on, sees whether every row
// is still what it read.
absl::Status Committer::Impl::ReadAgain(Transaction::State& tx) {
  EndReading(tx);
  for (const TouchedRow& touched : tx.rows) {
    if (!touched.read) continue;
    const std::string_view key = tx.rows.KeyOf(touched);
    SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row, GetFor(tx, key));
    if (VersionIn(row) != touched.version) return Changed(key);
  }
  MutexLock lock(mutex_);
  ++stats_.rereads;
  return absl::OkStatus();
}

void Committer::Impl::DrawNumbers(Transaction::State& tx) {
  for (const NumberedWrite& write : tx.numbered) {
    tx.unit.NumberKey(write.at, write.sequence->next_++);
  }
}

absl::Status Committer::Impl::EnqueueTransaction(Transaction::State& tx, CommitCallback done) {
  if (options_.shared_rows) {
    for (const TouchedRow& touched : tx.rows) {
      if (touched.read) tx.unit.Require(tx.rows.KeyOf(touched), touched.version);
    }
  }
  SKALD_RETURN_IF_ERROR(CheckLimits(tx.unit, limits_));
  bool wake = false;
  for (;;) {
    {
      MutexLock lock(mutex_);
      SKALD_RETURN_IF_ERROR(CheckOpen());
      SKALD_RETURN_IF_ERROR(CheckRoom(tx.unit));
      if (const auto key = ChangedRow(tx)) {
        ++stats_.conflicts;
        return Changed(*key);
      }
      if (options_.shared_rows || !tx.began || overlay_.Covers(*tx.began)) {
        EndReadingLocked(tx);
        DrawNumbers(tx);
        Append(std::move(tx.unit), std::move(done));
        wake = TakeSleeper();
        break;
      }
    }
    SKALD_RETURN_IF_ERROR(ReadAgain(tx));
  }
  if (wake) work_.NotifyOne();
  return absl::OkStatus();
}

Transaction::State::~State() {
  if (began) impl->EndReading(*this);
}

Transaction::Transaction(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

absl::StatusOr<std::optional<std::string>> Transaction::Get(std::string_view key) {
  State& tx = *state_;
  const TouchedRow* const known = tx.rows.Find(key);
  if (known != nullptr && known->written()) {
    const Unit::Op own = tx.unit.At(known->written_at);
    if (own.kind == Unit::OpKind::kDelete) return std::nullopt;
    return std::string(own.value);
  }
  absl::StatusOr<std::optional<Row>> row = tx.impl->GetFor(tx, key);
  const bool again = known != nullptr && known->read;
  if (row.ok() && again && known->version != VersionIn(*row)) row = Changed(key);
  if (!row.ok()) {
    tx.failed = row.status();
    return row.status();
  }
  if (!again) {
    TouchedRow& touched = tx.rows.Touch(key);
    touched.read = true;
    touched.version = VersionIn(*row);
  }
  if (!row->has_value()) return std::nullopt;
  return std::move((*row)->value);
}

void Transaction::Put(std::string_view key, std::string_view value) {
  if (state_->unit.empty()) state_->unit.Reserve(kUnitBytesAtFirst);
  state_->rows.Touch(key).written_at = state_->unit.size_bytes();
  state_->unit.Put(Space::kRows, key, value);
}

void Transaction::Delete(std::string_view key) {
  state_->rows.Touch(key).written_at = state_->unit.size_bytes();
  state_->unit.Delete(Space::kRows, key);
}

void Transaction::PutNext(std::string_view prefix, std::shared_ptr<Sequence> sequence,
                          std::string_view value) {
  state_->numbered.push_back({state_->unit.size_bytes(), std::move(sequence)});
  std::string key(prefix);
  key.append(sizeof(uint64_t), '\0');
  state_->unit.Put(Space::kRows, key, value);
  if (SKALD_SABOTAGED(kNumbersEarly)) {
    Committer::Impl::DrawNumbers(*state_);
    state_->numbered.clear();
  }
}

bool Transaction::BelongsTo(const Committer& committer) const {
  return state_->impl == committer.impl_;
}

void Transaction::DiscardWrites() {
  // (What was large is not kept: a small unit's memory is used again, see
  // Committer::Impl::Recycle.)
  if (state_->unit.size_bytes() > kUnitBytesAtFirst) state_->unit = Unit();
  state_->unit.Clear();
  state_->numbered.clear();
  for (TouchedRow& touched : state_->rows) touched.written_at = TouchedRow::kNotWritten;
}

const absl::Status& Transaction::status() const {
  return state_->failed;
}

absl::Status Transaction::CommitThen(CommitCallback done) && {
  const std::unique_ptr<State> tx = std::move(state_);
  SKALD_RETURN_IF_ERROR(tx->failed);
  return tx->impl->EnqueueTransaction(*tx, std::move(done));
}

absl::Status Transaction::Commit() && {
  const std::shared_ptr<Committer::Impl> impl = state_->impl;
  if (impl->on_writer()) {
    return absl::FailedPreconditionError("Commit in a callback would wait for itself: CommitThen");
  }
  const auto waiter = std::make_shared<Waiter>();
  SKALD_RETURN_IF_ERROR(
      std::move(*this).CommitThen([waiter](const absl::Status& status) { waiter->Set(status); }));
  if (impl->own_thread()) return waiter->Wait();
  while (impl->PollOnce()) {
  }
  MutexLock lock(waiter->mutex);
  if (waiter->answer) return *waiter->answer;
  return absl::UnavailableError("the outcome is not settled yet: poll, then ask by the same key");
}

}  // namespace skald::inline v1
