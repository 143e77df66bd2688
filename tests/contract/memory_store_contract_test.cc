// The memory store under the contract that every store has to pass.
#include "store_contract_runner.h"

#include "skald/store/forwarding_store.h"
#include "skald/store/memory_store.h"

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

}  // namespace
}  // namespace skald
