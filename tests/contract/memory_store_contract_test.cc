// The memory store under the contract that every store has to pass.
#include "store_contract_runner.h"

#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"
#include "skald/testing/fault_store.h"

namespace skald {
namespace {

// What the memory store holds is durable as long as it lives: what ends and is opened again is a
// handle to it.
class MemoryHost final : public StoreContractHost {
 public:
  absl::Status Fresh() override {
    memory_ = std::make_unique<MemoryStore>();
    return Reopen(StoreEnding::kClean);
  }
  Store& store() override { return *handle_; }
  absl::Status Reopen(StoreEnding) override {
    handle_ = std::make_unique<ForwardingStore>(*memory_);
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<ForwardingStore> handle_;
};

TEST_CASE("The memory store passes the store contract") {
  MemoryHost host;
  testing::RunStoreContract(host, 30);
}

// A disk that crashes: each handle is one process' view of it, and loses its power.
class FaultHost final : public StoreContractHost {
 public:
  absl::Status Fresh() override {
    memory_ = std::make_unique<MemoryStore>();
    return Reopen(StoreEnding::kClean);
  }
  Store& store() override { return *handle_; }
  absl::Status Reopen(StoreEnding ending) override {
    if (handle_ != nullptr && ending == StoreEnding::kCrash) {
      handle_->LosePower(UnsyncedFate::kTorn, random_);
    }
    handle_ = std::make_unique<FaultStore>(*memory_);
    return absl::OkStatus();
  }

 private:
  SeededRandom random_{1};
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<FaultStore> handle_;
};

TEST_CASE("A fault store without faults passes the store contract, crashes included") {
  FaultHost host;
  testing::RunStoreContract(host, 30);
}

}  // namespace
}  // namespace skald
