// What a user of the store sees when nothing goes wrong. The whole contract is in the suite that
// every store passes; here is what is RocksDB's own.
#include <algorithm>
#include <system_error>

#include "skald/rocksdb/testing/fault_file_system.h"
#include "support.h"

namespace skald {

TEST_CASE("what is committed is read back after the store is opened again") {
  const TemporaryDirectory directory;
  StoreId id{};
  {
    const auto store = MustOpen(directory / "s");
    id = store->id();
    const Acquired acquired = MustAcquire(*store);
    MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "a", "one"));
    MustCommit(*store, acquired.fence, PutBoth(acquired, 2, "b", "two"));
  }
  const auto store = MustOpen(directory / "s");
  CHECK(store->id() == id);
  CHECK(ValueOf(*store, Space::kRows, "a") == "one");
  CHECK(ValueOf(*store, Space::kLog, "b") == "two");
  CHECK(ValueOf(*store, Space::kRows, "c") == std::nullopt);
  const Acquired acquired = MustAcquire(*store);
  CHECK(acquired.fence.epoch == 2);
  CHECK(acquired.last_number == 2);
  CHECK(acquired.last_ticket == 2);
}

TEST_CASE("keys of users and the store's own rows never meet") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s");
  const Acquired acquired = MustAcquire(*store);
  CHECK(KeysOf(*store, Space::kRows).empty());
  CHECK(KeysOf(*store, Space::kLog).empty());
  // The names that the store uses for itself.
  MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "o", "mine"));
  MustCommit(*store, acquired.fence, PutBoth(acquired, 2, "i", "mine"));
  CHECK(KeysOf(*store, Space::kRows) == std::vector<std::string>{"i", "o"});
  CHECK(MustAcquire(*store).last_number == 2);
}

TEST_CASE("a requirement sees what earlier units of its batch wrote") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s");
  const Acquired acquired = MustAcquire(*store);
  Batch batch{.number = 1, .ticket = 1, .units = {}};
  batch.units.emplace_back().Put(Space::kRows, "k", "v");
  batch.units.emplace_back().Require("k", VersionOf(acquired.fence.writer, 1, 0));
  batch.units.emplace_back().Require("k", Version::kAbsent);
  batch.units.emplace_back().Require("other", Version::kAbsent);
  auto result = store->Commit(acquired.fence, batch);
  REQUIRE(result.ok());
  CHECK(result->failed_units == std::vector<uint32_t>{2});
  CHECK(ValueOf(*store, Space::kRows, "k") == std::nullopt);
  batch.units.erase(batch.units.begin() + 2);
  MustCommit(*store, acquired.fence, batch);
  CHECK(ValueOf(*store, Space::kRows, "k") == "v");
}

TEST_CASE("a dropped range is gone at once and after opening again, its neighbours stay") {
  const TemporaryDirectory directory;
  {
    const auto store = MustOpen(directory / "s");
    const Acquired acquired = MustAcquire(*store);
    for (uint64_t i = 1; i <= 9; ++i) {
      MustCommit(*store, acquired.fence, PutBoth(acquired, i, std::to_string(i), "v"));
    }
    REQUIRE(store->DropRange(acquired.fence, Space::kLog, {"2", "5"}).ok());
    REQUIRE(store->DropRange(acquired.fence, Space::kLog, {"8", ""}).ok());
    CHECK(KeysOf(*store, Space::kLog) == std::vector<std::string>{"1", "5", "6", "7"});
    MustCommit(*store, acquired.fence, PutBoth(acquired, 10, "3", "again"));
  }
  const auto store = MustOpen(directory / "s");
  CHECK(KeysOf(*store, Space::kLog) == std::vector<std::string>{"1", "3", "5", "6", "7"});
  CHECK(KeysOf(*store, Space::kRows).size() == 9);
}

TEST_CASE("dropping ranges gives back the space of their files") {
  const TemporaryDirectory directory;
  // Spares the test four thousand real syncs.
  const auto store =
      MustOpen(directory / "s", {},
               {.file_system = FaultFileSystem::Make(), .write_buffer_bytes = 64 * 1024});
  const Acquired acquired = MustAcquire(*store);
  const std::string value(4096, 'x');
  uint64_t index = 0;
  // 16 MiB pass through; at the end of each MiB the one before it is dropped.
  for (int drop = 0; drop < 16; ++drop) {
    for (int i = 0; i < 256; ++i) {
      ++index;
      Batch batch{.number = index, .ticket = index, .units = {}};
      batch.units.emplace_back().Put(Space::kLog, fmt::format("{:08}", index), value);
      MustCommit(*store, acquired.fence, batch);
    }
    const KeyRange range{fmt::format("{:08}", (drop - 1) * 256 + 1),
                         fmt::format("{:08}", drop * 256 + 1)};
    if (drop > 0) REQUIRE(store->DropRange(acquired.fence, Space::kLog, range).ok());
  }
  CHECK(KeysOf(*store, Space::kLog).size() == 256);
  uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "s/rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    std::error_code gone;  // a compaction removes files meanwhile
    const uintmax_t size = entry.file_size(gone);
    if (!gone) bytes += size;
  }
  // What is live, what is not yet flushed or compacted; far from the 16 MiB that were written.
  CHECK(bytes < (size_t{8} << 20));
}

// The last of the logs that RocksDB has begun: it begins one when the buffers are to be flushed.
std::string LastLogOf(const std::string& path) {
  std::string last;
  for (const auto& entry : std::filesystem::directory_iterator(path + "/rocksdb")) {
    if (entry.path().extension() == ".log") last = std::max(last, entry.path().string());
  }
  return last;
}

TEST_CASE("rows and log share the bytes after which both are flushed, whichever writes them") {
  const TemporaryDirectory directory;
  constexpr size_t kBufferBytes = 256 * 1024;
  // How many bytes of values come to a flush, 1 KiB of them a commit in each of `spaces`.
  const auto bytes_until_flush = [&](const char* name, const std::vector<Space>& spaces) {
    const std::string path = directory / name;
    const auto store = MustOpen(
        path, {}, {.file_system = FaultFileSystem::Make(), .write_buffer_bytes = kBufferBytes});
    const Acquired acquired = MustAcquire(*store);
    const std::string value(1024, 'x');
    const std::string log = LastLogOf(path);
    size_t bytes = 0;
    for (uint64_t index = 1; bytes < 4 * kBufferBytes && LastLogOf(path) == log; ++index) {
      Batch batch{.number = index, .ticket = index, .units = {}};
      Unit& unit = batch.units.emplace_back();
      for (const Space space : spaces) unit.Put(space, fmt::format("{:08}", index), value);
      bytes += spaces.size() * value.size();
      MustCommit(*store, acquired.fence, batch);
    }
    return static_cast<double>(bytes) / kBufferBytes;
  };
  for (const auto& [name, spaces] : std::vector<std::pair<const char*, std::vector<Space>>>{
           {"log", {Space::kLog}},
           {"rows", {Space::kRows}},
           {"both", {Space::kLog, Space::kRows}}}) {
    INFO(name);
    const double buffers = bytes_until_flush(name, spaces);
    CHECK(buffers > 0.5);
    CHECK(buffers < 1.1);
  }
}

TEST_CASE("a cursor is a snapshot, and outlives its store with a status that says so") {
  const TemporaryDirectory directory;
  auto store = MustOpen(directory / "s");
  const Acquired acquired = MustAcquire(*store);
  MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "a", "1"));
  MustCommit(*store, acquired.fence, PutBoth(acquired, 2, "b", "2"));
  auto cursor = store->Scan(Space::kRows, {});
  REQUIRE(cursor.ok());
  MustCommit(*store, acquired.fence, PutBoth(acquired, 3, "c", "3"));
  REQUIRE((*cursor)->Valid());
  CHECK((*cursor)->key() == "a");
  CHECK((*cursor)->version() == VersionOf(acquired.fence.writer, 1, 0));
  const std::string_view value = (*cursor)->value();
  store.reset();
  CHECK(value == "1");
  (*cursor)->Next();
  CHECK_FALSE((*cursor)->Valid());
  CHECK((*cursor)->status().code() == absl::StatusCode::kUnavailable);
}

TEST_CASE("a stale fence, another store's fence and a number out of turn are refused") {
  const TemporaryDirectory directory;
  const auto store = MustOpen(directory / "s");
  const Acquired old = MustAcquire(*store);
  const Acquired acquired = MustAcquire(*store);
  CHECK(store->Commit(old.fence, PutBoth(old, 1, "a", "1")).status().code() ==
        absl::StatusCode::kAborted);
  CHECK(store->DropRange(old.fence, Space::kLog, {"a", "b"}).code() == absl::StatusCode::kAborted);
  Fence foreign = acquired.fence;
  foreign.store = static_cast<StoreId>(1);
  CHECK(store->Commit(foreign, PutBoth(old, 1, "a", "1")).status().code() ==
        absl::StatusCode::kInvalidArgument);
  CHECK(store->Commit(acquired.fence, PutBoth(acquired, 2, "a", "1")).status().code() ==
        absl::StatusCode::kFailedPrecondition);
  MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "a", "1"));
  MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "a", "1"));  // the very same again
  CHECK(store->Commit(acquired.fence, PutBoth(acquired, 1, "a", "other")).status().code() ==
        absl::StatusCode::kFailedPrecondition);
}

}  // namespace skald
