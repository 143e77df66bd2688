// The office: what clerks and the consumer do, and what must be true of it.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "office.h"
#include "skald/base/check.h"
#include "skald/base/strings.h"

namespace skald::inline v1::internal {
namespace {

constexpr std::string_view kGuardedRow = "guarded";

int64_t NumberIn(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string EntityRow(size_t entity) {
  return fmt::format("entity/{}", entity);
}

}  // namespace

// ---- clerks -------------------------------------------------------------------------------------

// Counts an entity up and tells of it. Between reading and committing any time may pass.
void Office::Change(size_t desk) {
  const std::shared_ptr<Clerk> clerk = desks_[desk];
  if (clerk == nullptr || !Running(*clerk)) return;
  const size_t entity = dice_.Below(kEntities);
  const auto rows = std::make_shared<Transaction>(clerk->committer->Begin());
  const auto row = rows->Get(EntityRow(entity));
  if (!row.ok()) return;
  const int64_t count = (row->has_value() ? NumberIn(**row) : 0) + 1;
  const Message message{
      .key = EntityRow(entity), .topic = "changed", .body = std::to_string(count)};
  if (!clerk->outbox->Add(*rows, message).ok()) return;
  rows->Put(EntityRow(entity), std::to_string(count));
  const absl::Duration slow = dice_.Chance(0.5) ? absl::ZeroDuration() : Upto(absl::Seconds(1));
  scheduler_.After(slow, [this, clerk, rows, entity, count] {
    if (!Running(*clerk)) return;
    const absl::Status asked =
        std::move(*rows).CommitThen([this, entity, count](const absl::Status& status) {
          if (!status.ok()) return;
          told_[entity] = std::max(told_[entity], count);
          trace_.Count("office change");
        });
    if (!asked.ok()) trace_.Count("office change overtaken");
  });
}

// Writes a row that others write too, and reads none but the fence: only that can refuse it.
void Office::WriteGuarded(size_t desk) {
  const std::shared_ptr<Clerk> clerk = desks_[desk];
  if (clerk == nullptr || !Running(*clerk)) return;
  const auto rows = std::make_shared<Transaction>(clerk->committer->Begin());
  if (!clerk->lease->Guard(*rows).ok()) {
    trace_.Count("office guard refused");
    return;
  }
  rows->Put(kGuardedRow, fmt::format("{} {}", clerk->lease->fence(), clerk->life));
  scheduler_.After(Upto(absl::Seconds(4)), [this, clerk, rows] {
    if (!clerk->alive) return;
    const absl::Status asked = std::move(*rows).CommitThen([this](const absl::Status& status) {
      trace_.Count(status.ok() ? "office guarded write" : "office guarded write refused");
    });
    if (!asked.ok()) trace_.Count("office guarded write refused");
  });
}

void Office::ReopenIds(Clerk& clerk) {
  clerk.ids.reset();
  clerk.last_id = 0;
  const uint64_t kind = KindOfIds();
  auto ids = IdGenerator::Open(*clerk.committer,
                               {.worker = static_cast<uint16_t>(kind == 0 ? clerk.desk : 7),
                                .lease = kind == 2 ? clerk.lease.get() : nullptr,
                                .reserve_ahead = absl::Milliseconds(300),
                                .clock = &scheduler_.clock()});
  trace_.Count(ids.ok() ? "office ids open" : "office ids not opened");
  if (ids.ok()) clerk.ids = *std::move(ids);
}

void Office::DrawIds(size_t desk) {
  const std::shared_ptr<Clerk> clerk = desks_[desk];
  if (clerk == nullptr || !Running(*clerk)) return;
  if (clerk->ids == nullptr) return ReopenIds(*clerk);
  for (uint64_t i = dice_.Below(20); i-- > 0;) {
    const absl::StatusOr<uint64_t> id = clerk->ids->TryNext();
    if (absl::IsAborted(id.status())) return ReopenIds(*clerk);
    if (!id.ok()) {
      trace_.Count("office ids refused");
      return;
    }
    OnId(*clerk, *id);
  }
}

void Office::OnId(Clerk& clerk, uint64_t id) {
  trace_.Count("office id");
  oracle_.Check(Promise::kIdentity, given_.insert(id).second,
                fmt::format("the id {} was given out twice, now by {}", id, clerk.name));
  // Where each has a worker of its own, also over its lives.
  const bool own_worker = KindOfIds() == 0;
  const uint64_t last = own_worker ? last_ids_[clerk.desk] : clerk.last_id;
  oracle_.Check(Promise::kIdentity, id > last,
                fmt::format("{} got the id {} after {}", clerk.name, id, last));
  clerk.last_id = last_ids_[clerk.desk] = id;
}

void Office::RetryParked(size_t desk) {
  const std::shared_ptr<Clerk> clerk = desks_[desk];
  if (clerk == nullptr || !Running(*clerk)) return;
  const auto parked = clerk->outbox->ParkedMessages();
  if (!parked.ok()) return;
  for (const Outbox::Parked& message : *parked) {
    trace_.Count(clerk->outbox->Retry(message.id).ok() ? "office retried" : "office not retried");
  }
}

// ---- the network, the broker and the consumer ---------------------------------------------------

// What becomes of a message is drawn when it is sent: it gets lost; it arrives, also twice, also
// late; its confirmation comes, or does not.
void Office::Publish(const OutgoingMessage& message, Publisher::Done done) {
  const auto owed = std::make_shared<Publisher::Done>(std::move(done));
  const auto answer = [this, owed](absl::Duration when, absl::Status status) {
    scheduler_.After(when, [owed, status = std::move(status)] { std::move (*owed)(status); });
  };
  const absl::Duration there = Upto(absl::Milliseconds(20));
  const std::string name = fmt::format("{}/{}", message.outbox, message.id);
  // What a broker will never take it has not taken before.
  if (sent_.insert(name).second && Chance(Knob::kRejected)) {
    ++refused_;
    trace_.Count("office refused for good");
    return answer(there, absl::FailedPreconditionError("the broker will never take it"));
  }
  const Delivery delivery{std::string(message.outbox), message.id, message.message};
  if (Chance(Knob::kLostRequest)) {
    trace_.Count("office message lost");
    return answer(absl::Milliseconds(200), absl::UnavailableError("no confirmation"));
  }
  const absl::Duration late = Chance(Knob::kSlow) ? Upto(absl::Seconds(1)) : there;
  scheduler_.After(late, [this, delivery] { Arrive(delivery); });
  if (Chance(Knob::kDuplicate)) {
    scheduler_.After(late + Upto(absl::Seconds(1)), [this, delivery] { Arrive(delivery); });
  }
  if (Chance(Knob::kLostAnswer) || late > absl::Milliseconds(200)) {
    trace_.Count("office confirmation lost");
    return answer(absl::Milliseconds(200), absl::UnavailableError("no confirmation"));
  }
  answer(late + Upto(absl::Milliseconds(20)), absl::OkStatus());
}

void Office::Arrive(Delivery delivery) {
  trace_.Say("broker", "takes {}/{}: {} {}", delivery.outbox, delivery.id, delivery.message.key,
             delivery.message.body);
  queue_.push_back(std::move(delivery));
}

// One at a time, the first until its change is durable.
void Office::Consume() {
  if (consuming_ || queue_.empty()) return;
  const Delivery& first = queue_.front();
  Transaction rows = consumer_->Begin();
  const auto fresh = Inbox("in").Accept(rows, first.outbox, first.message.key, first.id);
  const std::string key = fmt::format("got/{}", first.message.key);
  const auto row = rows.Get(key);
  if (!fresh.ok() || !row.ok()) return;
  if (*fresh) {
    rows.Put(key, fmt::format("{}{}:{} ", row->value_or(""), first.outbox, first.message.body));
  }
  const bool is_new = *fresh;
  consuming_ = true;
  const absl::Status asked = std::move(rows).CommitThen([this, is_new](const absl::Status& status) {
    consuming_ = false;
    if (!status.ok()) return;
    trace_.Count(is_new ? "office message taken" : "office message known");
    // What was done may be delivered again.
    if (!Chance(Knob::kLostAnswer)) queue_.pop_front();
  });
  if (!asked.ok()) consuming_ = false;
}

// ---- what must be true --------------------------------------------------------------------------

void Office::OnDurable(const Batch& batch) {
  for (const Unit& unit : batch.units) {
    unit.ForEach([this](const Unit::Op& op) {
      if (op.kind != Unit::OpKind::kPut || op.key != kGuardedRow) return;
      const size_t blank = op.value.find(' ');
      const std::pair<uint64_t, uint64_t> now(NumberIn(op.value),
                                              NumberIn(op.value.substr(blank + 1)));
      trace_.Say("disk", "guarded write by fence {}, life {}", now.first, now.second);
      oracle_.Check(Promise::kOneOwner, now.first >= guarded_.first,
                    fmt::format("a guarded write by fence {} landed after one by fence {}",
                                now.first, guarded_.first));
      oracle_.Check(Promise::kOneOwner,
                    now.first != guarded_.first || now.second == guarded_.second,
                    fmt::format("two processes write under fence {}", now.first));
      guarded_ = now;
    });
  }
}

void Office::CheckHolders() {
  int holders = 0;
  for (const auto& clerk : desks_) holders += clerk != nullptr && clerk->lease->Held();
  oracle_.Check(Promise::kOneOwner, holders <= 1, "two believe that they hold the lease");
}

void Office::Judge() {
  for (size_t entity = 0; entity < kEntities; ++entity) {
    const auto row = memory_.Get(Space::kRows, EntityRow(entity));
    SKALD_CHECK(row.ok(), "read from a disk without faults");
    const int64_t count = row->has_value() ? NumberIn((*row)->value) : 0;
    oracle_.Check(Promise::kAcknowledged, count >= told_[entity],
                  fmt::format("{} stands at {}, and {} was acknowledged", EntityRow(entity), count,
                              told_[entity]));
    const auto got = consumer_memory_.Get(Space::kRows, fmt::format("got/{}", EntityRow(entity)));
    SKALD_CHECK(got.ok(), "read from a disk without faults");
    JudgeMessages(EntityRow(entity), count, got->has_value() ? (*got)->value : "");
  }
}

// `got`: "outbox:count " of each message that was taken, in the order in which it was.
void Office::JudgeMessages(const std::string& entity, int64_t count, std::string_view got) {
  absl::btree_set<int64_t> taken;
  absl::btree_map<std::string, int64_t> last;
  while (!got.empty()) {
    const size_t colon = got.find(':');
    const size_t blank = got.find(' ');
    const std::string outbox(got.substr(0, colon));
    const int64_t number = NumberIn(got.substr(colon + 1));
    got.remove_prefix(blank + 1);
    oracle_.Check(Promise::kEffect, taken.insert(number).second,
                  fmt::format("the change {} of {} was told twice", number, entity));
    oracle_.Check(Promise::kEffect, number <= count,
                  fmt::format("the change {} of {} was told, and never made", number, entity));
    // One that was refused for good comes when somebody sends it again.
    oracle_.Check(
        Promise::kDirection, number > last[outbox] || refused_ > 0,
        fmt::format("the change {} of {} was told after {}", number, entity, last[outbox]));
    last[outbox] = number;
  }
  oracle_.Check(Promise::kEffect, static_cast<int64_t>(taken.size()) >= count,
                fmt::format("{} changes of {} were told, of {}", taken.size(), entity, count));
}

}  // namespace skald::inline v1::internal
