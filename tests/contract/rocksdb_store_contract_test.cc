// The RocksDB store under the contract that every store has to pass. A crash here is a power loss:
// what was not synced is dropped, kept or torn.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "skald/base/random.h"
#include "skald/rocksdb/testing/fault_file_system.h"
#include "skald/rocksdb/testing/hooks.h"
#include "store_contract_runner.h"

namespace skald {
namespace {

class RocksDbHost final : public StoreContractHost {
 public:
  explicit RocksDbHost(size_t row_cache_bytes = 0) : row_cache_bytes_(row_cache_bytes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "skald-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ~RocksDbHost() override {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  absl::Status Fresh() override {
    store_.reset();
    disk_ = FaultFileSystem::Make();
    path_ = root_ / std::to_string(++stores_);
    return Open();
  }
  Store& store() override { return *store_; }
  absl::Status Reopen(StoreEnding ending) override {
    if (ending == StoreEnding::kCrash) disk_->LosePower();
    store_.reset();
    if (ending == StoreEnding::kCrash) {
      constexpr Unsynced kFates[] = {Unsynced::kDropped, Unsynced::kTorn, Unsynced::kKept};
      disk_->Restart(kFates[random_.Below(3)], random_);
    }
    return Open();
  }
  int model_steps() const override { return 500; }

 private:
  absl::Status Open() {
    auto store = OpenRocksDbStoreForTest(
        path_.string(), {}, {.file_system = disk_, .row_cache_bytes = row_cache_bytes_});
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }

  const size_t row_cache_bytes_;
  std::filesystem::path root_;
  std::filesystem::path path_;
  int stores_ = 0;
  SeededRandom random_{1};
  std::shared_ptr<FaultFileSystem> disk_;
  std::unique_ptr<Store> store_;
};

TEST_CASE("The RocksDB store passes the store contract") {
  RocksDbHost host;
  testing::RunStoreContract(host, 3);
}

TEST_CASE("it passes the contract where rows come and go that are found without asking RocksDB") {
  // Some ten rows in each half of each shard.
  RocksDbHost host(size_t{16} << 10);
  testing::RunStoreContract(host, 3);
}

}  // namespace
}  // namespace skald
