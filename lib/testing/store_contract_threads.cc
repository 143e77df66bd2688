// Many threads, many writers, one store.
#include <array>
#include <atomic>
#include <thread>

#include "skald/base/mutex.h"
#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

// The first error of many threads.
class FirstError {
 public:
  void Add(const absl::Status& status) {
    MutexLock lock(mutex_);
    status_.Update(status);
  }
  absl::Status Get() {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  Mutex mutex_;
  absl::Status status_ SKALD_GUARDED_BY(mutex_);
};

// RETURNS: whether it counted; false: somebody was faster.
absl::StatusOr<bool> CountUp(Store& store, BatchWriter& w, std::string_view log_key) {
  SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row, store.Get(Space::kRows, "count"));
  const int count = row.has_value() ? std::stoi(row->value) : 0;
  Batch batch = w.Next({RequireThenPut("count", row.has_value() ? row->version : Version::kAbsent,
                                       "count", std::to_string(count + 1))});
  batch.units[0].Put(Space::kLog, log_key, std::to_string(count + 1));
  SKALD_ASSIGN_OR_RETURN(const CommitResult result, w.Commit(batch));
  return result.failed_units.empty();
}

absl::Status CountUpMany(Store& store, int writer, int times) {
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, fmt::format("w{}", writer)));
  int lost = 0;
  for (int counted = 0; counted < times;) {
    SKALD_ASSIGN_OR_RETURN(const bool good,
                           CountUp(store, w, fmt::format("{}/{:04}", writer, counted)));
    ++(good ? counted : lost);
    SKALD_EXPECT(lost < 10'000, "no progress: requirements on what was read fail again and again");
  }
  return absl::OkStatus();
}

absl::Status RequirementsSerialiseWriters(StoreContractHost& host, uint64_t) {
  constexpr int kWriters = 4;
  constexpr int kEach = 50;
  Store& store = host.store();
  FirstError error;
  {
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] { error.Add(CountUpMany(store, writer, kEach)); });
    }
  }
  SKALD_RETURN_IF_ERROR(error.Get());
  SKALD_ASSIGN_OR_RETURN(const auto count, ValueOf(store, Space::kRows, "count"));
  SKALD_EXPECT(count == std::to_string(kWriters * kEach), "{}", count.value_or("none"));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(Space::kLog, {}));
  std::vector<int> seen(kWriters * kEach + 1);
  int entries = 0;
  for (; cursor->Valid(); cursor->Next(), ++entries) {
    ++seen.at(static_cast<size_t>(std::stoi(std::string(cursor->value()))));
  }
  SKALD_EXPECT(entries == kWriters * kEach, "{}", entries);
  for (size_t number = 1; number < seen.size(); ++number) {
    SKALD_EXPECT(seen[number] == 1, "{} was counted {} times", number, seen[number]);
  }
  return absl::OkStatus();
}

// Commits until it is refused, or long after it should have been.
struct Committing {
  std::atomic<uint64_t> acknowledged = 0;
  std::atomic<bool> cut_off = false;  // set once another has acquired the name
  std::atomic<bool> ended = false;
  absl::Status status;

  void Run(BatchWriter& w) {
    for (int late = 0; late < 100 && status.ok(); late += cut_off ? 1 : 0) {
      const Batch batch = w.Next({PutRow("k", fmt::format("{}", w.Next().number))});
      status = w.Must(batch);
      if (status.ok()) acknowledged = batch.number;
    }
    ended = true;
  }
};

// One thread commits under a fence; another takes the name over in the midst of it.
absl::Status AcquireCutsOffTheOldWriter(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  for (int round = 0; round < 10; ++round) {
    SKALD_ASSIGN_OR_RETURN(BatchWriter old, BatchWriter::Acquire(store, "w"));
    const uint64_t start = old.acquired().last_number;
    Committing committing;
    committing.acknowledged = start;
    absl::StatusOr<Acquired> taken = absl::UnknownError("not tried");
    {
      std::jthread thread([&] { committing.Run(old); });
      while (committing.acknowledged < start + 5 && !committing.ended) std::this_thread::yield();
      taken = store.Acquire("w");
      committing.cut_off = true;
    }
    SKALD_RETURN_IF_ERROR(taken.status());
    SKALD_EXPECT(committing.status.code() == absl::StatusCode::kAborted, "{}",
                 committing.status.ToString());
    const uint64_t acknowledged = committing.acknowledged;
    SKALD_EXPECT(taken->last_number == acknowledged, "{} {}", taken->last_number, acknowledged);
    SKALD_ASSIGN_OR_RETURN(const auto value, ValueOf(store, Space::kRows, "k"));
    SKALD_EXPECT(value == fmt::format("{}", acknowledged), "{}", value.value_or("none"));
  }
  return absl::OkStatus();
}

// Two rows always change together; whoever scans sees them equal.
absl::Status ReadersSeeWholeBatches(StoreContractHost& host, uint64_t) {
  constexpr int kBatches = 200;
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("a", "0"), PutRow("b", "0")}));
  std::atomic<bool> done = false;
  FirstError error;
  {
    std::jthread reading([&] {
      while (!done) {
        const absl::StatusOr<std::string> text = ScanText(store, Space::kRows);
        if (!text.ok()) return error.Add(text.status());
        const std::string half = text->substr(2, text->find(',') - 2);
        if (*text != fmt::format("a={0},b={0}", half)) {
          return error.Add(absl::InternalError(fmt::format("a torn batch: {}", *text)));
        }
      }
    });
    for (int i = 1; i <= kBatches; ++i) {
      error.Add(w.Must({PutRow("a", std::to_string(i)), PutRow("b", std::to_string(i))}));
    }
    done = true;
  }
  return error.Get();
}

constexpr std::array kCases = {
    StoreContractCase{"Writers that require what they read count together without a loss",
                      RequirementsSerialiseWriters},
    StoreContractCase{"Acquire cuts off the old writer between two batches",
                      AcquireCutsOffTheOldWriter},
    StoreContractCase{"A reader sees whole batches while others commit", ReadersSeeWholeBatches},
};

}  // namespace

std::span<const StoreContractCase> ConcurrencyCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
