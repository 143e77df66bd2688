// Damage that RocksDB alone opens without a word. The store refuses it with the files untouched.
#include <algorithm>
#include <fstream>
#include <map>

#include "skald/rocksdb/fsck.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "support.h"

namespace skald {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kCommits = 200;

std::map<std::string, std::string> FilesUnder(const std::string& path) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

// The write-ahead logs with something in them, oldest first.
std::vector<fs::path> LogsOf(const std::string& store) {
  std::vector<fs::path> logs;
  for (const auto& entry : fs::directory_iterator(store + "/rocksdb")) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

void Overwrite(const fs::path& file, uint64_t offset, std::string_view bytes) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(offset));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

void FlipByte(const fs::path& file, uint64_t offset) {
  std::fstream in(file, std::ios::binary | std::ios::in);
  in.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(in.get() ^ 0x40);
  Overwrite(file, offset, {&byte, 1});
}

// A store of kCommits commits whose log holds them all.
void FillStore(const std::string& path) {
  const auto store = MustOpen(path, {}, {.file_system = FaultFileSystem::Make()});
  const Acquired acquired = MustAcquire(*store);
  const std::string value(500, 'v');
  for (uint64_t i = 1; i <= kCommits; ++i) {
    MustCommit(*store, acquired.fence, PutBoth(acquired, i, fmt::format("{:06}", i), value));
  }
}

absl::Status OpenStatus(const std::string& path) {
  return OpenRocksDbStore(path, {.memory_bytes = size_t{16} << 20}).status();
}

// Refused, in these words, and without a changed byte.
void CheckRefused(const std::string& path, std::string_view words) {
  const auto before = FilesUnder(path);
  const absl::Status status = OpenStatus(path);
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(MessageOf(status).find(words) != std::string::npos);
  CHECK(MessageOf(status).find("skald_fsck") != std::string::npos);
  CHECK(FilesUnder(path) == before);
}

}  // namespace

TEST_CASE("a byte flipped in the middle of the log is refused and nothing is touched") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  const std::vector<fs::path> logs = LogsOf(path);
  REQUIRE(logs.size() == 1);
  FlipByte(logs[0], fs::file_size(logs[0]) / 2);
  CheckRefused(path, "acknowledged write batches are missing");
  CheckRefused(path, "acknowledged write batches are missing");  // and again
}

TEST_CASE("a byte flipped in the first record of the log is refused and nothing is touched") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  FlipByte(LogsOf(path).at(0), 20);
  CheckRefused(path, "acknowledged write batches are missing");
}

TEST_CASE("a block of zeros in the middle of the log is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  const std::vector<fs::path> logs = LogsOf(path);
  constexpr uint64_t kBlock = 32 * 1024;  // of RocksDB's log format
  REQUIRE(fs::file_size(logs[0]) > 4 * kBlock);
  // RocksDB takes zeros for space that was reserved, and goes on behind them.
  for (uint64_t at = kBlock; at < 2 * kBlock; at += 4096) {
    Overwrite(logs[0], at, std::string(4096, '\0'));
  }
  const absl::Status status = OpenStatus(path);
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("a log that is gone is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  fs::remove(LogsOf(path).at(0));
  CheckRefused(path, "acknowledged write batches are missing");
}

TEST_CASE("a torn tail of what was never acknowledged opens") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  std::ofstream(LogsOf(path).at(0), std::ios::binary | std::ios::app) << "half a record";
  const auto store = MustOpen(path);
  CHECK(KeysOf(*store, Space::kRows).size() == kCommits);
  CHECK(MustAcquire(*store).last_number == kCommits);
}

TEST_CASE("an older copy of the database beside a newer mark is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  fs::copy(path + "/rocksdb", directory / "copy", fs::copy_options::recursive);
  {
    const auto store = MustOpen(path);
    const Acquired acquired = MustAcquire(*store);
    MustCommit(*store, acquired.fence, PutBoth(acquired, 1, "k", "v"));
  }
  fs::remove_all(path + "/rocksdb");
  fs::copy(directory / "copy", path + "/rocksdb", fs::copy_options::recursive);
  CheckRefused(path, "2 acknowledged write batches are missing");
}

TEST_CASE("a mark that is missing, damaged or another store's is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  const std::string mark = path + "/MARK";
  SECTION("missing") {
    fs::remove(mark);
    CheckRefused(path, "is missing");
  }
  SECTION("damaged") {
    FlipByte(mark, 30);
    FlipByte(mark, 4096 + 30);
    CheckRefused(path, "is damaged");
  }
  SECTION("another store's") {
    FillStore(directory / "other");
    fs::copy(directory / "other/MARK", mark, fs::copy_options::overwrite_existing);
    CheckRefused(path, "belongs to another store");
  }
  SECTION("one damaged slot is not enough to refuse") {
    FlipByte(mark, 30);
    CHECK(OpenStatus(path).ok());
  }
}

TEST_CASE("another store's database is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  FillStore(directory / "other");
  fs::remove_all(path + "/rocksdb");
  fs::copy(directory / "other/rocksdb", path + "/rocksdb", fs::copy_options::recursive);
  const absl::Status status = OpenStatus(path);
  INFO(status.ToString());
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(MessageOf(status).find("another store's") != std::string::npos);
}

TEST_CASE("a database that is gone is refused, not made anew") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  fs::remove_all(path + "/rocksdb");
  CheckRefused(path, "acknowledged write batches are missing");
  CHECK_FALSE(fs::exists(path + "/rocksdb"));
}

TEST_CASE("fsck tells what is there, and adopting a loss opens the store and shuts others out") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  FillStore(path);
  const auto fine = FsckRocksDbStore(path, {.count = true});
  REQUIRE(fine.ok());
  CHECK(fine->problems.empty());
  // The store's identity, Acquire, then the commits.
  CHECK(fine->marked_ordinal == kCommits + 2);
  CHECK(fine->recovered_ordinal == kCommits + 2);
  CHECK(fine->rows == kCommits);
  CHECK(fine->log_entries == kCommits);
  REQUIRE(fine->writers.size() == 1);
  CHECK(fine->writers[0].name == "w");
  CHECK(fine->writers[0].epoch == 1);

  FlipByte(LogsOf(path).at(0), fs::file_size(LogsOf(path).at(0)) / 2);
  const auto before = FilesUnder(path);
  const auto damaged = FsckRocksDbStore(path);
  REQUIRE(damaged.ok());
  CHECK(damaged->problems.size() == 1);
  CHECK(damaged->recovered_ordinal < kCommits);
  CHECK(ToText(*damaged).find("PROBLEM") != std::string::npos);
  CHECK(FilesUnder(path) == before);

  const auto adopted = FsckRocksDbStore(path, {.adopt = true});
  INFO(adopted.status().ToString());
  REQUIRE(adopted.ok());
  CHECK(adopted->adopted);
  const auto store = MustOpen(path);
  const Acquired acquired = MustAcquire(*store);
  CHECK(acquired.fence.epoch == (uint64_t{1} << 32) + 2);
  CHECK(acquired.last_number == damaged->recovered_ordinal - 2);
  CHECK(KeysOf(*store, Space::kRows).size() == acquired.last_number);
}

TEST_CASE("fsck has nothing to adopt where there is no database, and no store to check elsewhere") {
  const TemporaryDirectory directory;
  const std::string path = directory / "s";
  CHECK(FsckRocksDbStore(path).status().code() == absl::StatusCode::kFailedPrecondition);
  FillStore(path);
  fs::remove_all(path + "/rocksdb");
  const auto report = FsckRocksDbStore(path);
  REQUIRE(report.ok());
  CHECK(report->problems.size() == 2);
  CHECK(FsckRocksDbStore(path, {.adopt = true}).status().code() ==
        absl::StatusCode::kFailedPrecondition);
}

}  // namespace skald
