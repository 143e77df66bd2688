#include "database.h"

#include <fmt/core.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "database_options.h"
#include "patient_file_system.h"
#include "rocks_status.h"
#include "rocksdb/env.h"
#include "rocksdb/system_clock.h"
#include "skald/base/bytes.h"
#include "skald/base/status.h"

namespace skald::inline v1::rocks {
namespace {

// After an error in the background RocksDB sleeps for a second, and closing waits for the sleeper.
class BriefClock final : public rocksdb::SystemClockWrapper {
 public:
  BriefClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "skald.brief"; }
  void SleepForMicroseconds(int micros) override {
    constexpr int kMicrosMax = 100'000;
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, kMicrosMax));
  }
};

// The default environment over another file system and that clock.
class StoreEnv final : public rocksdb::EnvWrapper {
 public:
  explicit StoreEnv(const FileSystemPtr& fs)
      : EnvWrapper(rocksdb::NewCompositeEnv(MakePatientFileSystem(fs))) {
    system_clock_ = std::make_shared<BriefClock>();
  }
  const char* Name() const override { return "skald.env"; }
};

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(fmt::format("{} is damaged. Run skald_fsck on the store", what));
}

}  // namespace

absl::StatusOr<bool> DatabaseExists(const FileSystemPtr& fs, const std::string& path) {
  const rocksdb::IOStatus status = fs->FileExists(path + "/CURRENT", {}, nullptr);
  if (status.IsNotFound()) return false;
  SKALD_RETURN_IF_ERROR(FromRocks(status, fmt::format("looking for a database in '{}'", path)));
  return true;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseConfig& config, Mode mode,
                                                         rocksdb::WalFilter* filter) {
  std::unique_ptr<Database> database(new Database(RowCacheBytes(config)));
  database->env_ = std::make_unique<StoreEnv>(config.fs);
  const rocksdb::DBOptions options =
      MakeDbOptions(config, mode, database->env_.get(), filter, database->background_pace_);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = MakeFamilies(config);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      mode == Mode::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(options, config.path, families, &database->families_, &db)
          : rocksdb::DB::Open(options, config.path, families, &database->families_, &db);
  database->db_.reset(db);
  SKALD_RETURN_IF_ERROR(
      FromRocks(status, fmt::format("opening the database in '{}'", config.path)));
  database->background_pace_->CountLevel0By([&it = *database] { return it.FilesAtLevel0(); });
  return database;
}

Database::~Database() {
  if (db_ == nullptr) return;
  background_pace_->CountLevel0By(nullptr);
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
}

int Database::FilesAtLevel0() {
  const std::string property = rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0";
  int most = 0;
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    std::string count;
    int files = 0;
    const bool known = db_->GetProperty(family, property, &count);
    most = std::max(most, known && absl::SimpleAtoi(count, &files) ? files : kLevel0Most);
  }
  return most;
}

absl::Status Database::FlushAll() {
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  return FromRocks(db_->Flush(options, families_), "flushing the database");
}

absl::StatusOr<std::optional<std::string>> Database::GetMeta(std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get({}, meta(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  SKALD_RETURN_IF_ERROR(FromRocks(status, "reading the store's own rows"));
  return value;
}

absl::StatusOr<uint64_t> Database::ReadOrdinal() {
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, GetMeta(kOrdinalKey));
  if (!bytes) return uint64_t{0};
  const std::optional<uint64_t> ordinal = DecodeOrdinal(*bytes);
  if (!ordinal) return Damaged("the store's ordinal");
  return *ordinal;
}

absl::StatusOr<std::vector<Database::Writer>> Database::ReadWriters() {
  std::vector<Writer> writers;
  for (uint32_t number = 1; number <= UINT16_MAX; ++number) {
    const auto writer = static_cast<uint16_t>(number);
    SKALD_ASSIGN_OR_RETURN(std::optional<std::string> name, GetMeta(WriterNameKey(writer)));
    if (!name) break;
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, GetMeta(WriterStateKey(writer)));
    const std::optional<WriterState> state = DecodeWriterState(bytes ? *bytes : "");
    if (!state) return Damaged(fmt::format("the state of writer {} ('{}')", number, *name));
    writers.push_back({writer, *std::move(name), *state});
  }
  return writers;
}

}  // namespace skald::inline v1::rocks
