// The look at a database before it is opened: what is there, in order, without a gap.
#include "evidence.h"

#include "rocksdb/write_batch.h"
#include "support.h"

namespace skald {
namespace {

using rocks::Database;
using rocks::DatabaseConfig;

DatabaseConfig ConfigOf(const std::string& path) {
  return {.fs = rocksdb::FileSystem::Default(), .path = path, .memory_bytes = size_t{16} << 20};
}

std::unique_ptr<Database> MustMake(const std::string& path) {
  auto database = Database::Open(ConfigOf(path), Database::Mode::kCreate);
  INFO(database.status().ToString());
  REQUIRE(database.ok());
  return *std::move(database);
}

// What the store writes, but with an ordinal of the test's choice.
void Write(Database& database, uint64_t ordinal) {
  const auto bytes = rocks::EncodeOrdinal(ordinal);
  rocksdb::WriteBatch batch;
  REQUIRE(
      batch.Put(database.meta(), rocks::ToSlice(rocks::kOrdinalKey), {bytes.data(), bytes.size()})
          .ok());
  REQUIRE(batch.Put(database.in(Space::kRows), "some key", "some value").ok());
  REQUIRE(database.db().Write({}, &batch).ok());
}

rocks::Evidence MustLook(const std::string& path) {
  const auto evidence = rocks::Look(ConfigOf(path));
  INFO(evidence.status().ToString());
  REQUIRE(evidence.ok());
  return *evidence;
}

}  // namespace

TEST_CASE("a look tells what is in files and what in the log") {
  const TemporaryDirectory directory;
  const std::string path = directory / "db";
  CHECK_FALSE(MustLook(path).exists);
  {
    const auto database = MustMake(path);
    for (uint64_t ordinal = 1; ordinal <= 3; ++ordinal) Write(*database, ordinal);
    REQUIRE(database->FlushAll().ok());
    for (uint64_t ordinal = 4; ordinal <= 9; ++ordinal) Write(*database, ordinal);
  }
  const rocks::Evidence evidence = MustLook(path);
  CHECK(evidence.flushed_ordinal == 3);
  CHECK(evidence.log_first_ordinal == 4);
  CHECK(evidence.log_last_ordinal == 9);
  CHECK(evidence.log_records == 6);
  CHECK(evidence.recovered_ordinal() == 9);
  CHECK_FALSE(evidence.gap.has_value());
  CHECK(rocks::Judge(evidence, 9, path).ok());
  const absl::Status short_of_one = rocks::Judge(evidence, 10, path);
  CHECK(short_of_one.code() == absl::StatusCode::kDataLoss);
  CHECK(MessageOf(short_of_one).find("1 acknowledged write batches are missing") !=
        std::string::npos);
}

TEST_CASE("a gap within the log is seen, though its end is what was acknowledged") {
  const TemporaryDirectory directory;
  const std::string path = directory / "db";
  {
    const auto database = MustMake(path);
    for (const uint64_t ordinal : {1U, 2U, 5U, 6U}) Write(*database, ordinal);
  }
  const rocks::Evidence evidence = MustLook(path);
  REQUIRE(evidence.gap.has_value());
  CHECK(evidence.gap->after == 2);
  CHECK(evidence.gap->next == 5);
  const absl::Status status = rocks::Judge(evidence, 6, path);
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(MessageOf(status).find("3 to 4 are missing from the middle") != std::string::npos);
}

TEST_CASE("a gap between the files and the log is seen") {
  const TemporaryDirectory directory;
  const std::string path = directory / "db";
  {
    const auto database = MustMake(path);
    Write(*database, 1);
    REQUIRE(database->FlushAll().ok());
    Write(*database, 3);
  }
  const rocks::Evidence evidence = MustLook(path);
  REQUIRE(evidence.gap.has_value());
  CHECK(evidence.gap->after == 1);
  CHECK(evidence.gap->next == 3);
}

TEST_CASE("a record that no store wrote is seen") {
  const TemporaryDirectory directory;
  const std::string path = directory / "db";
  {
    const auto database = MustMake(path);
    Write(*database, 1);
    REQUIRE(database->db().Put({}, database->in(Space::kRows), "by", "hand").ok());
  }
  const rocks::Evidence evidence = MustLook(path);
  REQUIRE(evidence.unreadable.has_value());
  CHECK(rocks::Judge(evidence, 1, path).code() == absl::StatusCode::kDataLoss);
}

}  // namespace skald
