// Power losses at random points: between commits, within one, during recovery and again during the
// recovery from that. And the proof that the audit would notice: two planted bugs that it must
// find.
#include <fmt/core.h>

#include <string>
#include <utility>

#include "catch.h"
#include "store_audit.h"
#include "temporary_directory.h"

namespace skald {
namespace {

constexpr int kLives = 200;
constexpr size_t kBufferBytes = 32 * 1024;  // flushes and compactions take part

struct Outcome {
  std::string fault;
  StoreAudit::Counts counts;
};

Outcome Audit(uint64_t seed, int lives, RocksDbTestHooks hooks) {
  const TemporaryDirectory directory;
  hooks.write_buffer_bytes = kBufferBytes;
  StoreAudit audit(directory / "s", seed, hooks);
  std::string fault = audit.Run(lives);
  return {.fault = std::move(fault), .counts = audit.counts()};
}

}  // namespace

TEST_CASE("everything acknowledged survives 200 power losses, and what was under way settles") {
  const uint64_t seed = 20'101'201;
  const Outcome outcome = Audit(seed, kLives, {});
  INFO("seed " << seed << ": " << outcome.fault);
  CHECK(outcome.fault.empty());
  const StoreAudit::Counts& counts = outcome.counts;
  CAPTURE(counts.lives, counts.died_opening, counts.commits, counts.drops, counts.settled_there,
          counts.settled_not_there);
  CHECK(counts.lives == kLives);
  CHECK(counts.commits > 5 * kLives);
  CHECK(counts.drops > kLives / 10);
  CHECK(counts.died_opening > kLives / 20);
  CHECK(counts.settled_there > kLives / 20);
  CHECK(counts.settled_not_there > kLives / 20);
}

TEST_CASE("the audit finds a store that does not sync") {
  const Outcome outcome = Audit(1, kLives, {.sync_off = true});
  CHECK_FALSE(outcome.fault.empty());
}

TEST_CASE("the audit finds a store that answers before it commits") {
  const Outcome outcome = Audit(1, kLives, {.ack_before_commit = true});
  CHECK_FALSE(outcome.fault.empty());
}

}  // namespace skald
