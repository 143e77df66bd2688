#include "flow_recording.h"

#include <algorithm>

namespace skald::bench {

void RecordedDatabase::Clear() {
  for (const auto& chunk : chunks_) chunk->used = 0;
  chunks_used_ = 0;
  commit_writes_.clear();
  sorted_.clear();
  ends_.clear();
  rows_ = bytes_ = 0;
}

void RecordedDatabase::Reserve(size_t bytes) {
  while (chunks_.size() * kChunkBytes < bytes) {
    chunks_.push_back(std::make_unique<Chunk>(kChunkBytes));
  }
}

size_t RecordedDatabase::SizeOf(const Write& write) {
  return sizeof(Header) + write.key.size() + write.value.size();
}

char* RecordedDatabase::Pack(const Write& write, char* to) {
  const Header header{write.space, write.deletes, static_cast<uint32_t>(write.key.size()),
                      static_cast<uint32_t>(write.value.size())};
  std::memcpy(to, &header, sizeof header);
  to = std::copy(write.key.begin(), write.key.end(), to + sizeof header);
  return std::copy(write.value.begin(), write.value.end(), to);
}

char* RecordedDatabase::RoomFor(size_t size) {
  while (chunks_used_ == 0 ||
         chunks_[chunks_used_ - 1]->bytes.size() - chunks_[chunks_used_ - 1]->used < size) {
    if (chunks_used_ == chunks_.size()) {
      chunks_.push_back(std::make_unique<Chunk>(std::max(size, kChunkBytes)));
    }
    ++chunks_used_;
  }
  Chunk& chunk = *chunks_[chunks_used_ - 1];
  return chunk.bytes.data() + std::exchange(chunk.used, chunk.used + size);
}

void RecordedDatabase::Add(const Batch& batch) {
  uint32_t writes = 0;
  for (const Unit& unit : batch.units) {
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kRequire) return;
      const Write write{op.space, op.kind == Unit::OpKind::kDelete, op.key, op.value};
      Pack(write, RoomFor(SizeOf(write)));
      ++writes;
      bytes_ += op.key.size() + op.value.size();
    });
  }
  rows_ += writes;
  commit_writes_.push_back(writes);
}

void RecordedDatabase::Sort() {
  sorted_.clear();
  sorted_.reserve(bytes_ + rows_ * sizeof(Header));
  ends_.clear();
  rows_ = bytes_ = 0;
  size_t chunk = 0;
  const char* at = chunks_.empty() ? nullptr : chunks_[0]->bytes.data();
  std::vector<Write> writes;
  for (const uint32_t count : commit_writes_) {
    writes.clear();
    while (writes.size() < count) {
      if (at == chunks_[chunk]->bytes.data() + chunks_[chunk]->used) {
        at = chunks_[++chunk]->bytes.data();
      } else {
        writes.push_back(Next(at));
      }
    }
    // Of one key, in the order in which they came.
    std::ranges::stable_sort(writes, [](const Write& a, const Write& b) {
      return a.space != b.space ? a.space < b.space : a.key < b.key;
    });
    for (size_t i = 0; i < writes.size(); ++i) {
      const Write& write = writes[i];
      const bool last = i + 1 == writes.size() || writes[i + 1].key != write.key ||
                        writes[i + 1].space != write.space;
      if (!last) continue;
      const size_t begin = sorted_.size();
      sorted_.resize(begin + SizeOf(write));
      Pack(write, &sorted_[begin]);
      ++rows_;
      bytes_ += write.key.size() + write.value.size();
    }
    ends_.push_back(sorted_.size());
  }
}

RecordedDatabase::Write RecordedDatabase::Next(const char*& at) {
  Header header;
  std::memcpy(&header, at, sizeof header);
  const char* const key = at + sizeof header;
  const char* const value = key + header.key_bytes;
  at = value + header.value_bytes;
  return {header.space, header.deletes, {key, header.key_bytes}, {value, header.value_bytes}};
}

absl::StatusOr<CommitResult> RecordingStore::Commit(const Fence& fence, const Batch& batch) {
  absl::StatusOr<CommitResult> result = target().Commit(fence, batch);
  const bool durable = result.ok() && result->failed_units.empty();
  if (durable && on_.load(std::memory_order_relaxed)) record_.Add(batch);
  return result;
}

}  // namespace skald::bench
