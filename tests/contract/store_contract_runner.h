// The store contract under Catch2.
#pragma once

#include <memory>
#include <string>

#include "catch.h"
#include "skald/testing/store_contract.h"

namespace skald::testing {

// Runs every case once and those that a seed decides for seeds 1 to `seeds`. One case that fails
// does not keep the others from running.
inline void RunStoreContract(StoreContractHost& host, uint64_t seeds) {
  int ran = 0;
  for (const StoreContractCase& which : StoreContractCases()) {
    for (uint64_t seed = 1; seed <= (which.seeded ? seeds : 1); ++seed) {
      const absl::Status status = RunStoreContractCase(which, host, seed);
      INFO(std::string(which.name) << ": " << status.ToString());
      CHECK(status.ok());
      ++ran;
    }
  }
  CHECK(ran >= 30);
}

}  // namespace skald::testing
