#include "store_impl.h"

#include <fmt/core.h>

#include <cstdio>
#include <utility>

#include "rocks_status.h"
#include "row_value.h"
#include "skald/base/status.h"

namespace skald::inline v1 {
namespace rocks {
namespace {

constexpr size_t kLogReadahead = size_t{2} << 20;

class EmptyCursor final : public Cursor {
 public:
  bool Valid() const override { return false; }
  void Next() override {}
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  Version version() const override { return Version::kAbsent; }
  absl::Status status() const override { return absl::OkStatus(); }
};

absl::Status CheckOptions(const RocksDbOptions& options) {
  const bool times = options.mark_sync_interval > absl::ZeroDuration() &&
                     options.reopen_delay_min > absl::ZeroDuration() &&
                     options.reopen_delay_max >= options.reopen_delay_min;
  if (options.clock == nullptr || options.random == nullptr || !times ||
      options.open_files_max < 32 || options.background_threads < 1) {
    return absl::InvalidArgumentError(
        "opening a store: clock and random must be given, intervals and delays positive and "
        "ordered, open_files_max at least 32, background_threads at least 1");
  }
  return absl::OkStatus();
}

DatabaseConfig MakeConfig(const Directory& directory, const RocksDbOptions& options,
                          const RocksDbTestHooks& hooks,
                          std::shared_ptr<rocksdb::EventListener> listener,
                          std::shared_ptr<rocksdb::Logger> logger) {
  return {.fs = directory.fs(),
          .path = directory.database_path(),
          .memory_bytes = options.memory_bytes,
          .write_buffer_bytes = hooks.write_buffer_bytes,
          .row_cache_bytes = hooks.row_cache_bytes,
          .open_files_max = options.open_files_max,
          .background_threads = options.background_threads,
          .listener = std::move(listener),
          .logger = std::move(logger)};
}

absl::Status BeingReopened() {
  return absl::UnavailableError("reading the store: its database is being reopened. Try again");
}

absl::StatusOr<std::optional<Row>> GetFrom(Database& database, Space space, std::string_view key) {
  if (space == Space::kRows) {
    if (std::optional<Row> row = database.row_cache().Find(key)) return row;
  }
  rocksdb::PinnableSlice found;
  const rocksdb::Status status = database.db().Get({}, database.in(space), ToSlice(key), &found);
  if (status.IsNotFound()) return std::nullopt;
  SKALD_RETURN_IF_ERROR(FromRocks(status, "reading the store"));
  if (space == Space::kLog) return Row{Version::kAbsent, std::string(ToView(found))};
  const std::optional<RowValue> row = DecodeRowValue(ToView(found));
  if (!row) {
    return absl::DataLossError("reading the store: a row is too short to hold its version");
  }
  return Row{row->version, std::string(row->value)};
}

absl::StatusOr<std::unique_ptr<Cursor>> ScanIn(Database& database, Space space,
                                               const KeyRange& range,
                                               const std::shared_ptr<OpenCursors>& list) {
  if (!range.to.empty() && range.to <= range.from) {
    return std::unique_ptr<Cursor>(std::make_unique<EmptyCursor>());
  }
  return std::unique_ptr<Cursor>(
      std::make_unique<RocksCursor>(list, space, range, [&](const rocksdb::Slice* upper) {
        rocksdb::ReadOptions options;
        options.iterate_upper_bound = upper;
        options.fill_cache = space == Space::kRows;
        if (space == Space::kLog) options.readahead_size = kLogReadahead;
        return database.db().NewIterator(options, database.in(space));
      }));
}

}  // namespace

void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                         rocksdb::Status* status) {
  seen_.store(true, std::memory_order_release);
  notices_.Add(Severity::kError, "store-background-error",
               fmt::format("RocksDB reports {} (reason {}); the store closes the database, reopens "
                           "it and compares it with its mark",
                           status->ToString(), static_cast<int>(reason)));
}

void NoticingLogger::Logv(rocksdb::InfoLogLevel level, const char* format, va_list values) {
  if (level < GetInfoLogLevel() || level > rocksdb::InfoLogLevel::FATAL_LEVEL) return;
  char text[1024];
  if (std::vsnprintf(text, sizeof text, format, values) < 0) return;
  notices_.Add(level == rocksdb::InfoLogLevel::WARN_LEVEL ? Severity::kInfo : Severity::kWarning,
               "store-rocksdb-says", text);
}

absl::StatusOr<std::unique_ptr<Store>> RocksDbStore::Open(std::string path, RocksDbOptions options,
                                                          RocksDbTestHooks hooks) {
  SKALD_RETURN_IF_ERROR(CheckOptions(options));
  const FileSystemPtr fs =
      hooks.file_system != nullptr ? hooks.file_system : rocksdb::FileSystem::Default();
  SKALD_ASSIGN_OR_RETURN(
      std::unique_ptr<Directory> directory,
      Directory::Open(fs, path,
                      {.create_if_missing = options.create_if_missing,
                       .allow_network_file_system = options.allow_network_file_system,
                       .random = options.random}));
  // The mark is made before the database: one without the other was lost.
  SKALD_ASSIGN_OR_RETURN(const bool exists, DatabaseExists(fs, directory->database_path()));
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Mark> mark,
                         Mark::Open(fs, directory->path(), directory->store_id(), !exists));
  std::unique_ptr<RocksDbStore> store(new RocksDbStore(std::move(directory), std::move(mark),
                                                       std::move(options), std::move(hooks)));
  {
    MutexLock lock(store->mutex_);
    store->acknowledged_ = store->mark_->ordinal();
    absl::Status status = store->OpenDatabase();
    lock.Unlock();
    store->notices_.Deliver();
    if (!status.ok()) return status;
  }
  store->keeper_ = std::make_unique<MarkKeeper>(*store->mark_, store->notices_,
                                                store->options_.mark_sync_interval);
  return std::unique_ptr<Store>(std::move(store));
}

RocksDbStore::RocksDbStore(std::unique_ptr<Directory> directory, std::unique_ptr<Mark> mark,
                           RocksDbOptions options, RocksDbTestHooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      directory_(std::move(directory)),
      mark_(std::move(mark)),
      notices_(options_.observer, options_.clock, directory_->path()),
      errors_(std::make_shared<BackgroundErrors>(notices_)),
      logger_(std::make_shared<NoticingLogger>(notices_)),
      cursors_(std::make_shared<OpenCursors>()),
      config_(MakeConfig(*directory_, options_, hooks_, errors_, logger_)),
      reopen_delay_(options_.reopen_delay_min) {}

RocksDbStore::~RocksDbStore() {
  std::unique_ptr<Database> database = gate_.Close();
  cursors_->EndAll(absl::UnavailableError("scanning the store: it was closed"));
  database.reset();
  keeper_.reset();
  notices_.Deliver();
}

absl::StatusOr<std::optional<Row>> RocksDbStore::Get(Space space, std::string_view key) {
  {
    Gate::Pass pass(gate_);
    if (pass) return GetFrom(*pass, space, key);
  }
  SKALD_RETURN_IF_ERROR(Reopen());
  Gate::Pass pass(gate_);
  if (!pass) return BeingReopened();
  return GetFrom(*pass, space, key);
}

absl::StatusOr<std::unique_ptr<Cursor>> RocksDbStore::Scan(Space space, const KeyRange& range) {
  {
    Gate::Pass pass(gate_);
    if (pass) return ScanIn(*pass, space, range, cursors_);
  }
  SKALD_RETURN_IF_ERROR(Reopen());
  Gate::Pass pass(gate_);
  if (!pass) return BeingReopened();
  return ScanIn(*pass, space, range, cursors_);
}

}  // namespace rocks

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStore(std::string path, RocksDbOptions options) {
  return rocks::RocksDbStore::Open(std::move(path), std::move(options), {});
}

absl::StatusOr<std::unique_ptr<Store>> OpenRocksDbStoreForTest(std::string path,
                                                               RocksDbOptions options,
                                                               RocksDbTestHooks hooks) {
  return rocks::RocksDbStore::Open(std::move(path), std::move(options), std::move(hooks));
}

}  // namespace skald::inline v1
