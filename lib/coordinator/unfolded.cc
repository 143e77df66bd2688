#include "unfolded.h"

#include <fmt/core.h>

#include <algorithm>

#include "skald/base/check.h"
#include "skald/base/status.h"
#include "skald/saga/state.h"

namespace skald::inline v1::internal {

void Unfolded::AddBlock(uint64_t sequence, size_t bytes) {
  blocks_.push_back({sequence, bytes, static_cast<uint32_t>(pieces_.size())});
}

uint32_t& Unfolded::SlotOf(const SagaId& id) {
  const auto incarnation = static_cast<uint64_t>(id.incarnation);
  const uint64_t number = incarnation / kPageSagas;
  if (number != newest_number_) {
    const auto [found, fresh] = page_of_.try_emplace(number, static_cast<uint32_t>(pages_.size()));
    if (fresh) pages_.push_back({});
    newest_number_ = number;
    newest_page_ = found->second;
  }
  return pages_[newest_page_][incarnation % kPageSagas];
}

absl::StatusOr<uint32_t> Unfolded::PlaceOf(const SagaId& id) {
  uint32_t& slot = SlotOf(id);
  if (slot == 0) {
    sagas_.push_back({.id = id});
    slot = static_cast<uint32_t>(sagas_.size());
  }
  const SagaId& there = sagas_[slot - 1].id;
  if (there == id) return slot - 1;
  return absl::DataLossError(
      fmt::format("sagas {} and {} have one incarnation", ToString(there), ToString(id)));
}

absl::Status Unfolded::Add(const BlockEntry& entry, std::string_view block) {
  SKALD_ASSIGN_OR_RETURN(const uint32_t place, PlaceOf(entry.saga));
  Saga& saga = sagas_[place];
  const auto piece = static_cast<uint32_t>(pieces_.size());
  SKALD_CHECK(piece < kTaken);
  if (entry.asleep) {
    // From here on its journal stands in a row.
    if (IsLeft(saga)) --left_;
    saga.first = kTaken;
    return absl::OkStatus();
  }
  if (!IsLeft(saga)) ++left_;
  if (!IsLeft(saga) || entry.carried) {
    saga.first = piece;
    saga.home = static_cast<uint32_t>(blocks_.size() - 1);
    saga.bytes = 0;
  }
  const auto offset = static_cast<uint32_t>(entry.events.data() - block.data());
  const auto size = static_cast<uint32_t>(entry.events.size());
  pieces_.push_back({place, offset, size, saga.newest});
  blocks_.back().end = piece + 1;
  saga.newest = piece;
  saga.bytes += size;
  if (const auto state = LastState(entry.events)) saga.is_finished = IsTerminal(*state);
  return absl::OkStatus();
}

void Unfolded::EndAdding() {
  pages_ = GrowingArray<Page>();
  absl::flat_hash_map<uint64_t, uint32_t>().swap(page_of_);
}

absl::StatusOr<std::string> Unfolded::ReadAgain(size_t block, Store& store) const {
  const SeenBlock& seen = blocks_[block];
  SKALD_ASSIGN_OR_RETURN(std::optional<Row> row, store.Get(Space::kLog, BlockKey(seen.sequence)));
  if (row && row->value.size() == seen.bytes) return std::move(row->value);
  return absl::DataLossError(
      fmt::format("journal block {} is not any more what it was at the open", seen.sequence));
}

Unfolded::Found Unfolded::Take(uint32_t place, std::string journal) {
  Saga& saga = sagas_[place];
  saga.first = kTaken;
  --left_;
  return {saga.id, saga.home, saga.is_finished != 0, std::move(journal)};
}

// Goes on to the next needed piece, with its block's bytes.
absl::Status Unfolded::ReadNextNeeded(Store& store) {
  for (;;) {
    const uint32_t end = next_block_ == 0 ? 0 : blocks_[next_block_ - 1].end;
    while (next_piece_ < end && !IsNeeded(next_piece_)) ++next_piece_;
    if (next_piece_ < end) return absl::OkStatus();
    uint32_t piece = end;
    while (piece < blocks_[next_block_].end && !IsNeeded(piece)) ++piece;
    if (piece < blocks_[next_block_].end) {
      SKALD_ASSIGN_OR_RETURN(bytes_, ReadAgain(next_block_, store));
    }
    next_piece_ = piece;
    ++next_block_;
  }
}

absl::StatusOr<Unfolded::Found> Unfolded::Next(Store& store) {
  SKALD_CHECK(!empty());
  for (;;) {
    SKALD_RETURN_IF_ERROR(ReadNextNeeded(store));
    const uint32_t number = next_piece_++;
    const Piece& piece = pieces_[number];
    const Saga& saga = sagas_[piece.saga];
    const std::string_view events = std::string_view(bytes_).substr(piece.offset, piece.size);
    if (number == saga.first && number == saga.newest) return Take(piece.saga, std::string(events));
    std::string& journal = partial_[piece.saga];
    journal.reserve(saga.bytes);
    journal += events;
    if (number != saga.newest) continue;
    Found found = Take(piece.saga, std::move(journal));
    partial_.erase(piece.saga);
    return found;
  }
}

// What was read of it already, and the rest from its blocks.
absl::StatusOr<std::string> Unfolded::ReadJournal(uint32_t place, Store& store) const {
  const Saga& saga = sagas_[place];
  std::string journal;
  journal.reserve(saga.bytes);
  if (const auto partial = partial_.find(place); partial != partial_.end()) {
    journal = partial->second;
  }
  std::vector<uint32_t> rest;
  for (uint32_t at = saga.newest; at >= std::max(saga.first, next_piece_); at = pieces_[at].older) {
    rest.push_back(at);
    if (at == saga.first) break;
  }
  std::reverse(rest.begin(), rest.end());
  std::string bytes;
  size_t read = blocks_.size();
  for (const uint32_t number : rest) {
    const auto block = std::upper_bound(blocks_.begin(), blocks_.end(), number,
                                        [](uint32_t n, const SeenBlock& b) { return n < b.end; });
    const auto index = static_cast<size_t>(block - blocks_.begin());
    if (index != read) {
      SKALD_ASSIGN_OR_RETURN(bytes, ReadAgain(index, store));
      read = index;
    }
    const Piece& piece = pieces_[number];
    journal += std::string_view(bytes).substr(piece.offset, piece.size);
  }
  return journal;
}

void Unfolded::Index() {
  indexed_ = true;
  place_of_.reserve(left_);
  for (uint32_t place = 0; place < sagas_.size(); ++place) {
    if (!IsLeft(sagas_[place])) continue;
    const auto [found, fresh] = place_of_.try_emplace(sagas_[place].id.hash, place);
    if (!fresh) same_hash_[place] = std::exchange(found->second, place);
  }
}

absl::StatusOr<std::vector<Unfolded::Found>> Unfolded::TakeHash(uint64_t hash, Store& store) {
  if (!indexed_) Index();
  std::vector<Found> found;
  const auto newest = place_of_.find(hash);
  if (newest == place_of_.end()) return found;
  std::vector<uint32_t> places{newest->second};
  for (auto older = same_hash_.find(places[0]); older != same_hash_.end();
       older = same_hash_.find(older->second)) {
    places.push_back(older->second);
  }
  std::erase_if(places, [this](uint32_t place) { return !IsLeft(sagas_[place]); });
  std::sort(places.begin(), places.end(), [this](uint32_t a, uint32_t b) {
    return sagas_[a].id.incarnation < sagas_[b].id.incarnation;
  });
  std::vector<std::string> journals;
  for (const uint32_t place : places) {
    SKALD_ASSIGN_OR_RETURN(journals.emplace_back(), ReadJournal(place, store));
  }
  for (size_t i = 0; i < places.size(); ++i) {
    found.push_back(Take(places[i], std::move(journals[i])));
    partial_.erase(places[i]);
  }
  place_of_.erase(newest);
  return found;
}

}  // namespace skald::inline v1::internal
