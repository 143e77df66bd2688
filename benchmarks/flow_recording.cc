#include "flow_recording.h"

#include <algorithm>

namespace skald::bench {

void RecordedDatabase::Append(const Write& write) {
  const Header header{write.space, write.deletes, static_cast<uint32_t>(write.key.size()),
                      static_cast<uint32_t>(write.value.size())};
  const auto* bytes = reinterpret_cast<const char*>(&header);
  packed_.insert(packed_.end(), bytes, bytes + sizeof header);
  packed_.insert(packed_.end(), write.key.begin(), write.key.end());
  packed_.insert(packed_.end(), write.value.begin(), write.value.end());
  ++rows_;
  bytes_ += write.key.size() + write.value.size();
}

void RecordedDatabase::Add(const Batch& batch) {
  for (const Unit& unit : batch.units) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kRequire) return;
      Append({op.space, op.kind == Unit::OpKind::kDelete, op.key, op.value});
    });
  }
  ends_.push_back(packed_.size());
}

void RecordedDatabase::Sort() {
  RecordedDatabase sorted(name_);
  sorted.packed_.reserve(packed_.size());
  std::vector<Write> writes;
  for (size_t commit = 0; commit < commits(); ++commit) {
    writes.clear();
    ForEachOf(commit, [&](const Write& write) { writes.push_back(write); });
    std::ranges::sort(writes, [](const Write& a, const Write& b) {
      if (a.space != b.space) return a.space < b.space;
      const int order = a.key.compare(b.key);
      // Of one key, in the order in which they lie there.
      return order != 0 ? order < 0 : a.key.data() < b.key.data();
    });
    for (size_t i = 0; i < writes.size(); ++i) {
      const Write& write = writes[i];
      const bool last = i + 1 == writes.size() || writes[i + 1].key != write.key ||
                        writes[i + 1].space != write.space;
      if (last) sorted.Append(write);
    }
    sorted.ends_.push_back(sorted.packed_.size());
  }
  *this = std::move(sorted);
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

absl::StatusOr<CommitResult> RecordingStore::Commit(const Fence& fence, const Batch& batch) {
  absl::StatusOr<CommitResult> result = target().Commit(fence, batch);
  const bool durable = result.ok() && result->failed_units.empty();
  if (durable && on_.load(std::memory_order_relaxed)) record_.Add(batch);
  return result;
}

}  // namespace skald::bench
