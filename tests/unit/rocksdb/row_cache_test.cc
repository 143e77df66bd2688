// Rows that the store finds without asking RocksDB: they are always those that RocksDB has.
#include "row_cache.h"

#include <atomic>
#include <map>
#include <thread>

#include "skald/base/random.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "support.h"

namespace skald {
namespace {

using rocks::RowCache;

constexpr size_t kPlenty = size_t{1} << 20;
// Some ten rows of a short key and value in each half of each of its shards.
constexpr size_t kSmall = size_t{16} << 10;

std::optional<std::string> ValueIn(RowCache& cache, std::string_view key) {
  const std::optional<Row> row = cache.Find(key);
  // Both look-ups agree.
  CHECK(cache.FindVersion(key) == (row ? std::optional(row->version) : std::nullopt));
  if (!row) return std::nullopt;
  return row->value;
}

// Rows as a scan shows them, which goes by RocksDB alone.
std::map<std::string, Row> ScannedRows(Store& store) {
  std::map<std::string, Row> rows;
  auto cursor = store.Scan(Space::kRows, {});
  REQUIRE(cursor.ok());
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    rows[std::string((*cursor)->key())] = {(*cursor)->version(), std::string((*cursor)->value())};
  }
  REQUIRE((*cursor)->status().ok());
  return rows;
}

void CheckReadsAgree(Store& store, const std::vector<std::string>& keys) {
  const std::map<std::string, Row> scanned = ScannedRows(store);
  for (const std::string& key : keys) {
    INFO(key);
    const auto row = store.Get(Space::kRows, key);
    REQUIRE(row.ok());
    const auto found = scanned.find(key);
    REQUIRE(row->has_value() == (found != scanned.end()));
    if (!row->has_value()) continue;
    CHECK((*row)->version == found->second.version);
    CHECK((*row)->value == found->second.value);
  }
}

Batch PutRow(const Acquired& acquired, uint64_t index, std::string_view key,
             std::string_view value) {
  Batch batch{
      .number = acquired.last_number + index, .ticket = acquired.last_ticket + index, .units = {}};
  batch.units.emplace_back().Put(Space::kRows, key, value);
  return batch;
}

}  // namespace

TEST_CASE("a row is found once its batch is published, and not before") {
  RowCache cache(kPlenty);
  cache.Put("k", Version{7}, "v", 1);
  CHECK(ValueIn(cache, "k") == std::nullopt);
  cache.Publish(1);
  CHECK(ValueIn(cache, "k") == "v");
  CHECK(cache.FindVersion("k") == Version{7});
  CHECK(ValueIn(cache, "other") == std::nullopt);
}

TEST_CASE("a row that is put again is not found until that is published too") {
  RowCache cache(kPlenty);
  cache.Put("k", Version{1}, "first", 1);
  cache.Publish(1);
  // Shorter, longer, and much longer than what was there.
  uint64_t ordinal = 1;
  for (const std::string& value : {std::string("2"), std::string("third"), std::string(300, 'x')}) {
    ++ordinal;
    cache.Put("k", Version{ordinal}, value, ordinal);
    CHECK(ValueIn(cache, "k") == std::nullopt);
    cache.Publish(ordinal);
    CHECK(ValueIn(cache, "k") == value);
    CHECK(cache.FindVersion("k") == Version{ordinal});
  }
}

TEST_CASE("a forgotten row is not found, nor is what stood there before it") {
  RowCache cache(kSmall);
  cache.Put("k", Version{1}, "v", 1);
  cache.Publish(1);
  // Until the row lies among those that go next.
  for (int i = 0; i < 60; ++i) cache.Put(fmt::format("{}", i), Version{2}, "v", 2);
  cache.Publish(2);
  const bool there = ValueIn(cache, "k").has_value();
  cache.Put("k", Version{3}, "later", 3);
  cache.Publish(3);
  cache.Forget("k");
  CHECK(ValueIn(cache, "k") == std::nullopt);
  cache.Put("k", Version{4}, "again", 4);
  cache.Publish(4);
  CHECK(ValueIn(cache, "k") == "again");
  CHECK(there);
}

TEST_CASE("a row that is too large is forgotten, with what stood there before it") {
  RowCache cache(kSmall);
  cache.Put("k", Version{1}, "small", 1);
  cache.Publish(1);
  cache.Put("k", Version{2}, std::string(kSmall, 'x'), 2);
  cache.Publish(2);
  CHECK(ValueIn(cache, "k") == std::nullopt);
}

TEST_CASE("a range is forgotten, and its neighbours are not") {
  RowCache cache(kPlenty);
  for (int i = 0; i < 10; ++i) cache.Put(fmt::format("{}", i), Version{1}, "v", 1);
  cache.Publish(1);
  cache.ForgetRange("2", "5");
  cache.ForgetRange("8", "");
  std::string left;
  for (int i = 0; i < 10; ++i) {
    if (ValueIn(cache, fmt::format("{}", i))) left += fmt::format("{}", i);
  }
  CHECK(left == "01567");
}

TEST_CASE("what is read stays, while thousands of others come and go") {
  RowCache cache(kSmall);
  cache.Put("lease", Version{1}, "held", 1);
  cache.Publish(1);
  size_t kept = 0;
  for (uint64_t i = 2; i < 5000; ++i) {
    cache.Put(fmt::format("{:08}", i), Version{i}, "v", i);
    cache.Publish(i);
    kept += ValueIn(cache, "lease") == "held" ? 1 : 0;
  }
  CHECK(kept == 4998);
  size_t rows = 0;
  for (uint64_t i = 2; i < 5000; ++i) rows += cache.FindVersion(fmt::format("{:08}", i)) ? 1 : 0;
  CHECK(rows > 0);
  // Each takes more than its key and value.
  CHECK(rows * 9 < kSmall);
}

TEST_CASE(
    "rows that nobody reads are passed over, with none from before, until they are tried again") {
  RowCache cache(kPlenty);
  cache.Put("k", Version{1}, "first", 1);
  cache.Publish(1);
  size_t times_kept = 0;
  bool kept = true;
  for (uint64_t i = 2; i < 1'000'000; ++i) {
    cache.Put("k", Version{i}, std::to_string(i), i);
    cache.Publish(i);
    if (i % 1000 != 0) continue;
    const std::optional<std::string> found = ValueIn(cache, "k");
    if (found) CHECK(found == std::to_string(i));
    times_kept += found && !kept ? 1 : 0;
    kept = found.has_value();
  }
  CHECK(times_kept >= 2);
}

TEST_CASE("a cache too small for any row finds none") {
  for (const size_t bytes : {size_t{0}, size_t{100}, size_t{1000}}) {
    RowCache cache(bytes);
    cache.Put("k", Version{1}, "v", 1);
    cache.Publish(1);
    CHECK(ValueIn(cache, "k") == std::nullopt);
  }
}

TEST_CASE("through a long history whatever is found is what was written last") {
  for (const size_t bytes : {kSmall, kPlenty}) {
    RowCache cache(bytes);
    SeededRandom random(1);
    std::map<std::string, Row> rows;
    size_t found = 0;
    for (uint64_t ordinal = 1; ordinal < 5000; ++ordinal) {
      for (uint64_t i = random.Below(4); i > 0; --i) {
        const std::string key = fmt::format("{:03}", random.Below(300));
        if (random.Below(8) == 0) {
          cache.Forget(key);
          rows.erase(key);
          continue;
        }
        const Version version{10 * ordinal + i};
        const std::string value(random.Below(random.Below(20) == 0 ? 2000 : 50), 'a');
        cache.Put(key, version, value, ordinal);
        rows[key] = {version, value};
      }
      if (random.Below(100) == 0) {
        const std::string from = fmt::format("{:03}", random.Below(300));
        const std::string to = fmt::format("{:03}", random.Below(300));
        cache.ForgetRange(from, to);
        if (from < to) rows.erase(rows.lower_bound(from), rows.lower_bound(to));
      }
      cache.Publish(ordinal);
      for (int look = 0; look < 5; ++look) {
        const std::string key = fmt::format("{:03}", random.Below(300));
        const std::optional<Row> row = cache.Find(key);
        if (!row) continue;
        ++found;
        REQUIRE(rows.contains(key));
        REQUIRE(row->version == rows[key].version);
        REQUIRE(row->value == rows[key].value);
      }
    }
    CHECK(found > 1000);
  }
}

TEST_CASE("a row that was deleted or dropped with a range is absent to reads and requirements") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s");
  const Acquired acquired = MustAcquire(*store);
  for (uint64_t i = 1; i <= 4; ++i) {
    MustCommit(*store, acquired.fence, PutRow(acquired, i, fmt::format("{}", i), "v"));
  }
  Batch deletes{.number = 5, .ticket = 5, .units = {}};
  deletes.units.emplace_back().Delete(Space::kRows, "1");
  MustCommit(*store, acquired.fence, deletes);
  REQUIRE(store->DropRange(acquired.fence, Space::kRows, {"2", "4"}).ok());
  CheckReadsAgree(*store, {"1", "2", "3", "4"});
  CHECK(ValueOf(*store, Space::kRows, "4") == "v");
  Batch requires_absence{.number = 6, .ticket = 6, .units = {}};
  for (const char* const key : {"1", "2", "3", "4"}) {
    requires_absence.units.emplace_back().Require(key, Version::kAbsent);
  }
  const auto result = store->Commit(acquired.fence, requires_absence);
  REQUIRE(result.ok());
  CHECK(result->failed_units == std::vector<uint32_t>{3});
}

TEST_CASE("of several writes of a row in one batch the last is read, before and after opening") {
  const TemporaryDirectory directory;
  auto store = MustOpen(directory / "s");
  const Acquired acquired = MustAcquire(*store);
  Batch batch{.number = 1, .ticket = 1, .units = {}};
  batch.units.emplace_back().Put(Space::kRows, "kept", "first");
  batch.units.emplace_back().Delete(Space::kRows, "kept");
  batch.units.emplace_back().Put(Space::kRows, "kept", "last");
  batch.units.back().Put(Space::kRows, "gone", "v");
  batch.units.emplace_back().Delete(Space::kRows, "gone");
  MustCommit(*store, acquired.fence, batch);
  for (int round = 0; round < 2; ++round) {
    CheckReadsAgree(*store, {"kept", "gone"});
    const auto row = store->Get(Space::kRows, "kept");
    REQUIRE(row.ok());
    REQUIRE(row->has_value());
    CHECK((*row)->value == "last");
    CHECK((*row)->version == VersionOf(acquired.fence.writer, 1, 2));
    store.reset();
    store = MustOpen(directory / "s");
  }
}

TEST_CASE("after a failed commit a row is read as the database that was opened again has it") {
  const TemporaryDirectory directory;
  const auto disk = FaultFileSystem::Make();
  ManualClock clock;
  const auto store =
      MustOpen(directory / "s", {.clock = &clock, .reopen_delay_min = absl::Seconds(1)},
               {.file_system = disk});
  const Acquired acquired = MustAcquire(*store);
  MustCommit(*store, acquired.fence, PutRow(acquired, 1, "k", "before"));
  MustCommit(*store, acquired.fence, PutRow(acquired, 2, "other", "v"));
  uint64_t index = 2;
  for (const char* const file : {".log", "MARK"}) {
    for (const bool sync : {false, true}) {
      INFO(file << (sync ? " sync" : " write"));
      ++index;
      if (sync) {
        disk->FailSync({.only = file});
      } else {
        disk->FailWrite({.only = file});
      }
      const Batch batch = PutRow(acquired, index, "k", fmt::format("{}", index));
      const bool failed = !store->Commit(acquired.fence, batch).ok();
      disk->Heal();
      clock.Advance(absl::Seconds(5));
      CheckReadsAgree(*store, {"k", "other"});
      if (failed) MustCommit(*store, acquired.fence, batch);
      CHECK(ValueOf(*store, Space::kRows, "k") == fmt::format("{}", index));
      CheckReadsAgree(*store, {"k", "other"});
    }
  }
}

TEST_CASE("a reader sees no row go back, and two rows of a batch together") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s", {},
                              {.file_system = FaultFileSystem::Make(), .row_cache_bytes = kSmall});
  const Acquired acquired = MustAcquire(*store);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  const auto read = [&](std::string_view key) {
    const auto row = store->Get(Space::kRows, key);
    return row.ok() && *row ? std::stoull((*row)->value) : 0;
  };
  const auto reader = [&](std::string_view first, std::string_view second) {
    uint64_t seen = 0;
    while (!stop) {
      // Both rows hold the number of their batch: what is read later is not from before.
      for (const std::string_view key : {first, second}) {
        const uint64_t now = read(key);
        if (now < seen) ++wrong;
        seen = now;
      }
      // (No assertion on this thread: they are the test's own thread's.)
      const auto cursor = store->Scan(Space::kRows, {});
      for (; cursor.ok() && (*cursor)->Valid(); (*cursor)->Next()) {
        if ((*cursor)->key() != first && (*cursor)->key() != second) continue;
        const uint64_t now = std::stoull(std::string((*cursor)->value()));
        if (now < seen) ++wrong;
        seen = std::max(seen, now);
      }
      if (!cursor.ok() || !(*cursor)->status().ok()) ++wrong;
    }
  };
  std::thread one(reader, "a", "b");
  std::thread two(reader, "b", "a");
  for (uint64_t i = 1; i <= 3000; ++i) {
    Batch batch{.number = i, .ticket = i, .units = {}};
    Unit& unit = batch.units.emplace_back();
    unit.Put(Space::kRows, "a", fmt::format("{}", i));
    unit.Put(Space::kRows, "b", fmt::format("{}", i));
    // Others drive them out of the cache.
    unit.Put(Space::kRows, fmt::format("c{}", i % 100), std::string(i % 50, 'x'));
    MustCommit(*store, acquired.fence, batch);
  }
  stop = true;
  one.join();
  two.join();
  CHECK(wrong == 0);
}

}  // namespace skald
