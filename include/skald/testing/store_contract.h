// What every implementation of Store (store/store.h) has to pass. Free of any test framework: a
// case is a function that returns OK or says what is wrong, so that a third party's store can run
// the suite under whatever it uses for tests.
//
//   class MyHost : public StoreContractHost { ... };
//   MyHost host;
//   for (const StoreContractCase& c : StoreContractCases()) {
//     absl::Status status = RunStoreContractCase(c, host, seed);
//     if (!status.ok()) Fail(c.name, status.ToString());     // the message names place, values,
//     seed
//   }
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "skald/base/export.h"
#include "skald/store/store.h"

namespace skald::inline v1 {

// How the store at hand ends before it is opened again.
enum class StoreEnding : uint8_t {
  kClean = 1,  // its destructor runs
  kCrash = 2,  // the process dies: nothing runs; what was not synced may be lost
};

// Makes, ends and opens again the store under test. One store at a time.
class StoreContractHost {
 public:
  virtual ~StoreContractHost() = default;

  // Ends whatever is open and opens an empty store in a place of its own.
  virtual absl::Status Fresh() = 0;
  // The open store. REQUIRES: Fresh() or Reopen() gave OK.
  virtual Store& store() = 0;
  // Ends the store in this way and opens what it left.
  virtual absl::Status Reopen(StoreEnding ending) = 0;

  // False: the host cannot let the store crash; cases with StoreEnding::kCrash are left out.
  virtual bool can_crash() const { return true; }
  // Operations of the randomised case; fewer where a commit is slow.
  virtual int model_steps() const { return 2000; }
};

struct StoreContractCase {
  std::string_view name;  // a sentence
  absl::Status (*run)(StoreContractHost& host, uint64_t seed);
  bool needs_crash = false;
  bool seeded = false;  // worth running under many seeds
};

// THREADS: any.
SKALD_EXPORT std::span<const StoreContractCase> StoreContractCases();

// Runs one case on a fresh store. `seed` decides what the randomised cases do and nothing else.
// RETURNS: Internal: the contract is broken, the message says where and how; Unimplemented: the
//          host cannot do what the case needs; else: the host's own error.
SKALD_EXPORT absl::Status RunStoreContractCase(const StoreContractCase& which,
                                               StoreContractHost& host, uint64_t seed);

}  // namespace skald::inline v1
