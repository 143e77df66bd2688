// The rows of a memtable by themselves, without RocksDB around them: a thread sanitizer has to pass
// over whatever it meets beneath RocksDB's own functions.
#include "memtable_rows.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/base/random.h"

namespace skald {
namespace {

using rocks::memtable::HashedRows;
using rocks::memtable::Key;
using rocks::memtable::Node;
using rocks::memtable::Run;
using rocks::memtable::RunsCursor;
using rocks::memtable::Versions;

// Nodes and their entries, as a memtable lays them out.
class Entries {
 public:
  Node* Make(std::string_view user, uint64_t number, std::string_view value) {
    std::string entry;
    const size_t key_bytes = user.size() + 8;
    REQUIRE(key_bytes < 128);
    entry += static_cast<char>(key_bytes);
    entry += user;
    const uint64_t tag = number << 8 | 1;
    entry.append(reinterpret_cast<const char*>(&tag), sizeof(tag));
    entry += value;
    auto& memory = memory_.emplace_back(
        std::make_unique<std::max_align_t[]>((sizeof(Node) + entry.size()) / 16 + 1));
    Node* const node = new (memory.get()) Node{};
    std::memcpy(node->entry(), entry.data(), entry.size());
    return node;
  }

 private:
  std::deque<std::unique_ptr<std::max_align_t[]>> memory_;
};

Key At(std::string_view user, uint64_t number) {
  return {user, number << 8 | 0xff};
}

uint64_t NumberOf(const Node* node) {
  return node->key().tag >> 8;
}

std::string KeyName(uint64_t key) {
  return "row/" + std::to_string(key * 0x9e3779b97f4a7c15U);
}

}  // namespace

TEST_CASE("of a key's versions the newest that is not too new is found, then the older ones") {
  Entries entries;
  HashedRows rows;
  // More than the first buckets hold, so that versions of one key lie in several.
  for (uint64_t number = 1; number <= 5000; ++number) {
    rows.Insert(entries.Make(KeyName(number % 10), number, "v"));
    rows.Insert(entries.Make("only/" + std::to_string(number), number, "v"));
  }
  const std::string key = KeyName(3);
  for (const uint64_t asked : {5000, 4999, 777, 15, 3}) {
    INFO(asked);
    Versions versions = rows.AllVersions();
    versions.Seek(At(key, asked));
    uint64_t expected = asked - (asked + 7) % 10;
    for (; versions.row() != nullptr; versions.Next(), expected -= 10) {
      REQUIRE(NumberOf(versions.row()) == expected);
    }
    CHECK(expected + 10 == 3);  // none was left out
  }
  Versions none = rows.AllVersions();
  none.Seek(At(key, 2));
  CHECK(none.row() == nullptr);
  none = rows.AllVersions();
  none.Seek(At("absent", 5000));
  CHECK(none.row() == nullptr);
}

TEST_CASE("runs stay few and in order, however many rows there are") {
  Entries entries;
  HashedRows rows;
  SeededRandom random(5);
  constexpr uint64_t kRows = 70'000;
  for (uint64_t number = 1; number <= kRows; ++number) {
    rows.Insert(entries.Make(KeyName(random.Below(kRows)), number, ""));
    if (number % 9999 != 0) continue;
    const auto runs = rows.TakeRuns();
    CHECK(runs.size() <= number / 8192 + 6);
    size_t count = 0;
    for (const auto& run : runs) {
      count += run->size();
      for (size_t i = 1; i < run->size(); ++i) {
        if (!Before((*run)[i - 1]->key(), (*run)[i]->key())) FAIL("out of order");
      }
    }
    REQUIRE(count == number);
  }
  rows.Seal();
  RunsCursor cursor(rows.TakeRuns());
  uint64_t forth = 0, back = 0;
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) ++forth;
  for (cursor.SeekToLast(); cursor.Valid(); cursor.Prev()) ++back;
  CHECK(forth == kRows);
  CHECK(back == kRows);
}

TEST_CASE("keys that share more and more are sorted without comparing all of what they share") {
  // Each is the beginning of the next: once a sort went over all of it for each of them.
  Entries entries;
  std::vector<const Node*> nodes;
  for (uint64_t i = 0; i < 110; ++i) {
    nodes.push_back(entries.Make(std::string(i, 'A'), 1, ""));
    nodes.push_back(entries.Make(std::string(i, 'A') + "B", 1, ""));
    nodes.push_back(entries.Make(std::string(i, '\0'), i + 2, ""));
  }
  SeededRandom random(1);
  for (size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[random.Below(i)]);
  const Run run(nodes);
  for (size_t i = 1; i < run.size(); ++i) {
    CHECK(Before(run[i - 1]->key(), run[i]->key()));
    CHECK(run.CountBefore(run[i]->key()) == i);
    CHECK(run.CountUpTo(run[i]->key()) == i + 1);
  }
}

TEST_CASE("readers beside the writer see what was inserted before they looked") {
  constexpr uint64_t kKeys = 1000;
#if defined(SKALD_DEBUG_CHECKS)
  constexpr uint64_t kRounds = 20;
#else
  constexpr uint64_t kRounds = 200;
#endif
  Entries entries;
  std::vector<Node*> nodes;
  for (uint64_t round = 1; round <= kRounds; ++round) {
    for (uint64_t key = 0; key < kKeys; ++key) {
      nodes.push_back(entries.Make(KeyName(key), round, std::to_string(round)));
    }
  }
  HashedRows rows;
  std::atomic<uint64_t> whole = 0;  // rounds of which all is there
  std::atomic<uint64_t> missed = 0, found = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> readers;
  readers.emplace_back([&] {
    SeededRandom random(8);
    while (!over) {
      const uint64_t least = whole;
      const std::string key = KeyName(random.Below(kKeys));
      Versions versions = rows.AllVersions();
      versions.Seek(At(key, least));
      const Node* const node = versions.row();
      const bool right = least == 0 ? node == nullptr : node != nullptr && NumberOf(node) == least;
      missed += right ? 0 : 1;
      ++found;
    }
  });
  readers.emplace_back([&] {
    while (!over) {
      const uint64_t least = whole;
      RunsCursor cursor(rows.TakeRuns());
      uint64_t seen = 0;
      for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) {
        if (NumberOf(cursor.row()) <= least) ++seen;
      }
      missed += seen == least * kKeys ? 0 : 1;
      ++found;
    }
  });
  for (size_t i = 0; i < nodes.size(); ++i) {
    rows.Insert(nodes[i]);
    if ((i + 1) % kKeys == 0) whole = (i + 1) / kKeys;
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(missed == 0);
  CHECK(found > 0);
}

}  // namespace skald
