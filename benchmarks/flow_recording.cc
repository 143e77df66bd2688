#include "flow_recording.h"

#include <algorithm>

namespace skald::bench {

void RecordedDatabase::Append(const Unit::Op& op) {
  const Header header{op.space, op.kind == Unit::OpKind::kDelete,
                      static_cast<uint32_t>(op.key.size()), static_cast<uint32_t>(op.value.size())};
  const auto* bytes = reinterpret_cast<const char*>(&header);
  packed_.insert(packed_.end(), bytes, bytes + sizeof header);
  packed_.insert(packed_.end(), op.key.begin(), op.key.end());
  packed_.insert(packed_.end(), op.value.begin(), op.value.end());
  ++rows_;
  bytes_ += op.key.size() + op.value.size();
}

void RecordedDatabase::Add(const Batch& batch) {
  std::vector<Unit::Op> rows;
  for (const Unit& unit : batch.units) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kRequire) return;
      if (op.space == Space::kLog) return Append(op);
      rows.push_back(op);
    });
  }
  std::ranges::stable_sort(rows, {}, &Unit::Op::key);
  for (const Unit::Op& op : rows) Append(op);
  ends_.push_back(packed_.size());
}

RecordedDatabase::Write RecordedDatabase::Next(size_t& at) const {
  Header header;
  std::memcpy(&header, &packed_[at], sizeof header);
  const char* const key = packed_.data() + at + sizeof header;
  at += sizeof header + header.key_bytes + header.value_bytes;
  return {header.space,
          header.deletes,
          {key, header.key_bytes},
          {key + header.key_bytes, header.value_bytes}};
}

absl::StatusOr<CommitResult> CountingStore::Commit(const Fence& fence, const Batch& batch) {
  absl::StatusOr<CommitResult> result = target().Commit(fence, batch);
  const bool durable = result.ok() && result->failed_units.empty();
  if (!durable || !counts_.on.load(std::memory_order_relaxed)) return result;
  uint64_t rows = 0;
  for (const Unit& unit : batch.units) rows += unit.op_count() - unit.require_count();
  counts_.commits.fetch_add(1, std::memory_order_relaxed);
  counts_.rows.fetch_add(rows, std::memory_order_relaxed);
  if (record_ != nullptr) record_->Add(batch);
  return result;
}

}  // namespace skald::bench
