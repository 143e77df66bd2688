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
}

void RecordedDatabase::Add(const Batch& batch) {
  for (const Unit& unit : batch.units) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kRequire) return;
      Append({op.space, op.kind == Unit::OpKind::kDelete, op.key, op.value});
      ++rows_;
      bytes_ += op.key.size() + op.value.size();
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
    for (const Write& write : writes) sorted.Append(write);
  }
  packed_ = std::move(sorted.packed_);
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
