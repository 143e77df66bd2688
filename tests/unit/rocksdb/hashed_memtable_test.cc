// A database whose memtable finds rows by their hash reads like one with RocksDB's own.
#include "hashed_memtable.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rocksdb/db.h"
#include "skald/base/random.h"
#include "support.h"

namespace skald {
namespace {

// A database of its own, in memory but for the files of its flushes.
class Db {
 public:
  Db(const std::string& path, std::shared_ptr<rocksdb::MemTableRepFactory> memtable) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.allow_concurrent_memtable_write = false;
    options.memtable_factory = std::move(memtable);
    options.memtable_prefix_bloom_size_ratio = 0.01;
    options.memtable_whole_key_filtering = true;
    rocksdb::DB* db = nullptr;
    REQUIRE(rocksdb::DB::Open(options, path, &db).ok());
    db_.reset(db);
  }
  rocksdb::DB* operator->() { return db_.get(); }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

std::string ValueOf(rocksdb::Iterator& cursor) {
  return cursor.Valid() ? cursor.key().ToString() + "=" + cursor.value().ToString() : "end";
}

// Keys that are hard to sort: long and short beginnings in common, zeros at their ends, none at
// all.
std::string DrawKey(Random& random, uint64_t keys) {
  const uint64_t number = random.Below(keys);
  switch (number % 6) {
    case 0:
      return std::to_string(number);
    case 1:
      return "a/long/beginning/that/many/share/" + std::to_string(number);
    case 2:
      return std::string(number % 23, '\0');
    case 3:
      return std::string(number % 300, 'A') + std::to_string(number % 7);
    case 4:
      return "k" + std::string(number % 11, '\0') + std::string(number % 3, '\xff');
    default:
      return std::string(8, 'x') + std::string(1, static_cast<char>(number)) + "y";
  }
}

struct Pair {
  explicit Pair(const TemporaryDirectory& dir)
      : hashed(dir / "hashed", rocks::HashedMemtable()),
        plain(dir / "plain", std::make_shared<rocksdb::SkipListFactory>()) {}

  void Write(rocksdb::WriteBatch& batch) {
    REQUIRE(hashed->Write({}, &batch).ok());
    REQUIRE(plain->Write({}, &batch).ok());
  }

  Db hashed;
  Db plain;
};

void DrawBatch(Random& random, uint64_t keys, rocksdb::WriteBatch& batch) {
  for (uint64_t i = 0; i <= random.Below(40); ++i) {
    const std::string key = DrawKey(random, keys);
    switch (random.Below(12)) {
      case 0:
      case 1:
        batch.Delete(key);
        break;
      case 2:
        if (random.Below(20) == 0) batch.DeleteRange(key, key + "5");
        break;
      default:
        batch.Put(key, std::to_string(random.Below(1'000'000)));
    }
  }
}

void CheckGets(Random& random, uint64_t keys, Pair& dbs, const rocksdb::ReadOptions& of_hashed,
               const rocksdb::ReadOptions& of_plain) {
  for (int i = 0; i < 20; ++i) {
    const std::string key = DrawKey(random, keys);
    std::string found, expected;
    const rocksdb::Status status = dbs.hashed->Get(of_hashed, key, &found);
    CHECK(status.code() == dbs.plain->Get(of_plain, key, &expected).code());
    CHECK(found == expected);
  }
}

// Two cursors make the same moves and stand at the same rows.
void CheckMoves(Random& random, uint64_t keys, rocksdb::Iterator& hashed,
                rocksdb::Iterator& plain) {
  const auto both = [&](auto move) {
    move(hashed);
    move(plain);
    CHECK(ValueOf(hashed) == ValueOf(plain));
  };
  for (int i = 0; i < 60; ++i) {
    const std::string key = DrawKey(random, keys);
    switch (plain.Valid() ? random.Below(10) : 6 + random.Below(4)) {
      case 0:
      case 1:
      case 2:
        both([](rocksdb::Iterator& cursor) { cursor.Next(); });
        break;
      case 3:
      case 4:
      case 5:
        both([](rocksdb::Iterator& cursor) { cursor.Prev(); });
        break;
      case 6:
        both([&](rocksdb::Iterator& cursor) { cursor.Seek(key); });
        break;
      case 7:
        both([&](rocksdb::Iterator& cursor) { cursor.SeekForPrev(key); });
        break;
      case 8:
        both([](rocksdb::Iterator& cursor) { cursor.SeekToFirst(); });
        break;
      default:
        both([](rocksdb::Iterator& cursor) { cursor.SeekToLast(); });
    }
  }
}

std::vector<std::string> AllOf(rocksdb::Iterator& cursor) {
  std::vector<std::string> all;
  for (cursor.SeekToFirst(); cursor.Valid(); cursor.Next()) all.push_back(ValueOf(cursor));
  REQUIRE(cursor.status().ok());
  return all;
}

}  // namespace

TEST_CASE("a memtable with hashes reads as one with a skip list, at any snapshot and any cursor") {
  const uint64_t seed = Random::Real().Below(1'000'000'000);
  INFO("seed " << seed);
  SeededRandom random(seed);
  for (const uint64_t keys : {3, 60, 4000}) {
    INFO(keys << " keys");
    TemporaryDirectory dir;
    Pair dbs(dir);
    const auto write = [&](int batches) {
      for (int i = 0; i < batches; ++i) {
        rocksdb::WriteBatch batch;
        DrawBatch(random, keys, batch);
        dbs.Write(batch);
      }
    };
    for (int round = 0; round < 30; ++round) {
      write(10);
      rocksdb::ReadOptions hashed_then, plain_then;
      hashed_then.snapshot = dbs.hashed->GetSnapshot();
      plain_then.snapshot = dbs.plain->GetSnapshot();
      const std::unique_ptr<rocksdb::Iterator> hashed(dbs.hashed->NewIterator({}));
      const std::unique_ptr<rocksdb::Iterator> plain(dbs.plain->NewIterator({}));
      // What is written behind them is not seen by either, by cursors of now and of then.
      for (int i = 0; i < 4; ++i) {
        write(5);
        CheckMoves(random, keys, *hashed, *plain);
        const std::unique_ptr<rocksdb::Iterator> hashed_old(dbs.hashed->NewIterator(hashed_then));
        const std::unique_ptr<rocksdb::Iterator> plain_old(dbs.plain->NewIterator(plain_then));
        CheckMoves(random, keys, *hashed_old, *plain_old);
      }
      CheckGets(random, keys, dbs, hashed_then, plain_then);
      CheckGets(random, keys, dbs, {}, {});
      // Cursors outlive the memtable that they began in.
      if (round == 20) {
        REQUIRE(dbs.hashed->Flush({}).ok());
        REQUIRE(dbs.plain->Flush({}).ok());
        write(5);
        CheckMoves(random, keys, *hashed, *plain);
      }
      CHECK(AllOf(*hashed) == AllOf(*plain));
      dbs.hashed->ReleaseSnapshot(hashed_then.snapshot);
      dbs.plain->ReleaseSnapshot(plain_then.snapshot);
    }
  }
}

TEST_CASE("more rows than a run and than the first buckets hold are found, in order and by key") {
  constexpr uint64_t kRows = 40'000;
  TemporaryDirectory dir;
  Pair dbs(dir);
  SeededRandom random(7);
  for (uint64_t row = 0; row < kRows;) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < 500; ++i, ++row) {
      const std::string key = "row/" + std::to_string(row * 0x9e3779b97f4a7c15U);
      batch.Put(key, std::to_string(row));
    }
    // One that is written over and over.
    batch.Put("hot", std::to_string(row));
    dbs.Write(batch);
  }
  for (const bool flushed : {false, true}) {
    INFO("flushed: " << flushed);
    if (flushed) REQUIRE(dbs.hashed->Flush({}).ok());
    for (uint64_t row = 0; row < kRows; row += 7) {
      std::string value;
      REQUIRE(dbs.hashed->Get({}, "row/" + std::to_string(row * 0x9e3779b97f4a7c15U), &value).ok());
      REQUIRE(value == std::to_string(row));
    }
    const std::unique_ptr<rocksdb::Iterator> hashed(dbs.hashed->NewIterator({}));
    const std::unique_ptr<rocksdb::Iterator> plain(dbs.plain->NewIterator({}));
    const std::vector<std::string> all = AllOf(*hashed);
    CHECK(all.size() == kRows + 1);
    CHECK(all == AllOf(*plain));
  }
}

TEST_CASE("a write is seen whole and at once, by key and in order, also while it is flushed") {
  // The writer raises all rows together; no reader sees two of them apart, or one that is older
  // than what was written before it looked.
  constexpr int kKeys = 1500;
  const auto key_of = [](int i) { return "some/" + std::to_string(i * 7919) + "/row"; };
  TemporaryDirectory dir;
  Db db(dir / "db", rocks::HashedMemtable());
  std::atomic<uint64_t> written = 0;
  const auto write = [&](uint64_t number) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < kKeys; ++i) batch.Put(key_of(i), std::to_string(number));
    // Rows that nobody has seen, so that buckets grow.
    for (int i = 0; i < 20; ++i) batch.Put("new/" + std::to_string(number * 100 + i), "x");
    REQUIRE(db->Write({}, &batch).ok());
    written = number;
  };
  write(1);
  std::atomic<bool> over = false;
  std::atomic<uint64_t> apart = 0, stale = 0, looks = 0;
  const auto look = [&](bool in_order) {
    const uint64_t least = written;
    const rocksdb::Snapshot* const snapshot = db->GetSnapshot();
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    std::string first;
    if (!db->Get(options, key_of(0), &first).ok() || std::stoull(first) < least) ++stale;
    if (in_order) {
      const std::unique_ptr<rocksdb::Iterator> cursor(db->NewIterator(options));
      int seen = 0;
      for (cursor->Seek("some/"); cursor->Valid(); cursor->Next(), ++seen) {
        if (cursor->value() != first) ++apart;
      }
      if (seen != kKeys) ++apart;
    } else {
      for (int i = 1; i < kKeys; ++i) {
        std::string value;
        if (!db->Get(options, key_of(i), &value).ok() || value != first) ++apart;
      }
    }
    db->ReleaseSnapshot(snapshot);
    ++looks;
  };
  std::vector<std::thread> readers;
  for (const bool in_order : {false, true}) {
    readers.emplace_back([&, in_order] {
      while (!over) look(in_order);
    });
  }
  for (uint64_t number = 2; number < 200 || looks < 100; ++number) {
    write(number);
    if (number % 50 == 0) REQUIRE(db->Flush({}).ok());
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(apart == 0);
  CHECK(stale == 0);
}

TEST_CASE("rows of a log that was not flushed are found again after an open") {
  TemporaryDirectory dir;
  SeededRandom random(3);
  std::vector<std::string> before;
  {
    Pair dbs(dir);
    for (int i = 0; i < 200; ++i) {
      rocksdb::WriteBatch batch;
      DrawBatch(random, 4000, batch);
      dbs.Write(batch);
    }
    const std::unique_ptr<rocksdb::Iterator> plain(dbs.plain->NewIterator({}));
    before = AllOf(*plain);
  }
  Pair dbs(dir);
  const std::unique_ptr<rocksdb::Iterator> hashed(dbs.hashed->NewIterator({}));
  CHECK(AllOf(*hashed) == before);
  CheckGets(random, 4000, dbs, {}, {});
}

}  // namespace skald
