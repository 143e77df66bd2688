#include "overlay.h"

#include <algorithm>
#include <utility>

#include "skald/base/check.h"

namespace skald::inline v1 {
namespace {
constexpr size_t kUnitsForgottenAtOnce = 256;  // some ten microseconds under the lock
}  // namespace

void Overlay::Add(const Unit& unit, uint16_t writer, uint64_t ticket) {
  if (unit.row_write_count() == 0) return;
  unit.ForEach([&](const Unit::Op& op) {
    if (op.space != Space::kRows || op.kind == Unit::OpKind::kRequire) return;
    const bool put = op.kind == Unit::OpKind::kPut;
    const Row row{op.key, op.value, put ? VersionOf(writer, ticket, 0) : Version::kAbsent, ticket};
    const auto [found, added] = rows_.insert(row);
    if (added) return;
    SKALD_DCHECK(found->ticket <= ticket, "was={} is={}", found->ticket, ticket);
    found->key = row.key;
    found->value = row.value;
    found->version = row.version;
    found->ticket = row.ticket;
  });
}

void Overlay::Forget(const Unit& unit, uint64_t ticket) {
  if (unit.row_write_count() == 0) return;
  unit.ForEach([&](const Unit::Op& op) {
    if (op.space != Space::kRows || op.kind == Unit::OpKind::kRequire) return;
    const auto found = rows_.find(op.key);
    if (found != rows_.end() && found->ticket == ticket) rows_.erase(found);
  });
}

const Overlay::Row* Overlay::Find(std::string_view key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &*found;
}

uint64_t Overlay::BeginReading() {
  ++readers_.back();
  return base_ + readers_.size() - 1;
}

void Overlay::EndReading(uint64_t began) {
  if (!Covers(began)) return;  // let go with its place
  uint32_t& readers = readers_[began - base_];
  SKALD_CHECK(readers > 0, "began={} base={}", began, base_);
  --readers;
}

void Overlay::Settle(std::unique_ptr<CommitGroup> group, size_t bytes_max) {
  kept_bytes_ += group->bytes;
  bytes_max_ = bytes_max;
  kept_.push_back(std::move(group));
  readers_.push_back(0);
}

bool Overlay::ForgetSome(std::unique_ptr<CommitGroup>& finished) {
  if (forgetting_ == nullptr) {
    if (kept_.empty() || (readers_.front() > 0 && kept_bytes_ <= bytes_max_)) return false;
    forgetting_ = std::move(kept_.front());
    forgotten_units_ = 0;
    kept_.pop_front();
    readers_.pop_front();
    ++base_;
    kept_bytes_ -= forgetting_->bytes;
    SKALD_CHECK(readers_.size() == kept_.size() + 1, "{} {}", readers_.size(), kept_.size());
  }
  const Batch& batch = forgetting_->batch;
  const size_t end = std::min(batch.units.size(), forgotten_units_ + kUnitsForgottenAtOnce);
  for (; forgotten_units_ < end; ++forgotten_units_) {
    Forget(batch.units[forgotten_units_], batch.ticket + forgotten_units_);
  }
  if (end == batch.units.size()) finished = std::move(forgetting_);
  return true;
}

void Overlay::Clear() {
  rows_.clear();
  kept_.clear();
  forgetting_.reset();
  base_ += readers_.size();
  readers_.assign(1, 0);
  kept_bytes_ = 0;
}

}  // namespace skald::inline v1
