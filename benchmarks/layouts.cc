// Compares ways to lay the journal out: the same facts, bytes and syncs each time, only keys,
// number of records and memtable differ. What came out stands in RESULTS.md, what followed from it
// in docs/adr/0002-journal-layout.md.
//
//   layouts --dir /some/disk --seconds 12
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "ceilings.h"
#include "contest.h"
#include "fmt/format.h"
#include "group_loop.h"
#include "machine.h"
#include "rocksdb/memtablerep.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"

namespace skald::bench {
namespace {

rocksdb::Options VectorOptions() {
  rocksdb::Options options = PlainOptions();
  options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  options.allow_concurrent_memtable_write = false;
  return options;
}

Measured RunHashedWithHint(const RunOptions& run) {
  rocksdb::Options options = PlainOptions();
  options.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(sizeof(uint64_t)));
  PlainDb db(run, "hint", options);
  std::string key;
  std::string value;
  return DriveGroups(run, [&](std::span<const Fact> group) {
    for (const Fact& fact : group) {
      key.clear();
      value.clear();
      AppendBigEndian64(key, fact.hash);
      AppendBigEndian32(key, fact.index);
      AppendHeader(value, fact, key.size());
      value.append(fact.payload);
      db.batch().Put(key, value);
    }
    db.Commit();
  });
}

Measured RunGrowingKeys(const RunOptions& run) {
  PlainDb db(run, "growing", PlainOptions());
  uint64_t sequence = 0;
  std::string key;
  std::string value;
  return DriveGroups(run, [&](std::span<const Fact> group) {
    for (const Fact& fact : group) {
      key.clear();
      value.clear();
      AppendBigEndian64(key, ++sequence);
      AppendHeader(value, fact, key.size());
      value.append(fact.payload);
      db.batch().Put(key, value);
    }
    db.Commit();
  });
}

// One record holds all that the group has to say of one saga.
Measured RunRecordPerSaga(const RunOptions& run) {
  PlainDb db(run, "per-saga", VectorOptions());
  uint64_t sequence = 0;
  std::string key;
  std::string value;
  return DriveGroups(run, [&](std::span<const Fact> group) {
    for (size_t at = 0; at < group.size();) {
      const uint64_t saga = group[at].saga;
      key.clear();
      value.clear();
      AppendBigEndian64(key, ++sequence);
      AppendHeader(value, group[at], key.size());
      value.append(group[at].payload);
      for (++at; at < group.size() && group[at].saga == saga; ++at) {
        AppendHeader(value, group[at], 0);
        value.append(group[at].payload);
      }
      db.batch().Put(key, value);
    }
    db.Commit();
  });
}

// One record holds all that the group has to say of all sagas.
Measured RunBlockPerGroup(const RunOptions& run, rocksdb::Options options) {
  PlainDb db(run, "block", std::move(options));
  uint64_t sequence = 0;
  std::string key;
  std::string value;
  return DriveGroups(run, [&](std::span<const Fact> group) {
    key.clear();
    value.clear();
    AppendBigEndian64(key, ++sequence);
    for (const Fact& fact : group) {
      AppendHeader(value, fact, 0);
      value.append(fact.payload);
    }
    db.batch().Put(key, value);
    db.Commit();
  });
}

rocksdb::Options Uncompressed(rocksdb::Options options) {
  options.compression = rocksdb::kNoCompression;
  return options;
}

std::vector<Contender> Layouts() {
  const auto block = [](rocksdb::Options options) {
    return [options](const RunOptions& run) { return RunBlockPerGroup(run, options); };
  };
  return {
      {"hashed saga id + step (obvious)", RunCeilingObvious, {}},
      {"the same, memtable insert hint", RunHashedWithHint, {}},
      {"append-only, skip list", RunGrowingKeys, {}},
      {"append-only, vector memtable (append)", RunCeilingAppend, {}},
      {"one record a saga and group, vector", RunRecordPerSaga, {}},
      {"one block a group, skip list", block(PlainOptions()), {}},
      {"one block a group, vector", block(VectorOptions()), {}},
      {"one block a group, vector, uncompressed", block(Uncompressed(VectorOptions())), {}},
      {"plain file, no RocksDB (file)", RunCeilingFile, {}},
  };
}

void Print(const std::vector<Contender>& layouts) {
  const auto speed = [](const Measured& round) { return round.per_second(); };
  const auto cpu = [](const Measured& round) { return round.cpu_us(); };
  const double base = MedianOf(layouts.front(), speed);
  fmt::print("| layout of the records | sagas/s | CPU us/saga | x obvious | min-max sagas/s |\n");
  fmt::print("|---|---|---|---|---|\n");
  for (const Contender& layout : layouts) {
    std::vector<double> speeds;
    for (const Measured& round : layout.rounds) speeds.push_back(round.per_second());
    fmt::print("| {} | {:.0f} | {:.2f} | {:.2f} | {:.0f}-{:.0f} |\n", layout.name,
               MedianOf(layout, speed), MedianOf(layout, cpu), MedianOf(layout, speed) / base,
               Quantile(speeds, 0), Quantile(speeds, 1));
  }
}

int Main(int argc, char** argv) {
  RunOptions run{.dir = ".", .warmup_seconds = 2, .seconds = 12};
  int rounds = 5;
  CLI::App app{"Compares layouts of the journal on RocksDB."};
  app.add_option("--dir", run.dir, "where the databases are made and removed")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--seconds", run.seconds, "measured, per run")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rounds", rounds, "")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--in-flight", run.in_flight, "sagas kept going")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  PrintMachine(DescribeMachine(run.dir));
  std::vector<Contender> layouts = Layouts();
  Compete(layouts, run, rounds);
  Print(layouts);
  return 0;
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
