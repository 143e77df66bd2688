// Who may write, and what a batch's number means.
#include <array>

#include "skald/testing/fault_store.h"
#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

constexpr auto kStale = absl::StatusCode::kAborted;
constexpr auto kOutOfTurn = absl::StatusCode::kFailedPrecondition;

absl::Status AcquireRaisesTheEpoch(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(const Acquired first, store.Acquire("w"));
  SKALD_EXPECT(first.last_number == 0, "{}", first.last_number);
  SKALD_EXPECT(first.last_ticket == 0, "{}", first.last_ticket);
  SKALD_EXPECT(first.fence.writer >= 1);
  SKALD_EXPECT(first.fence.store == store.id());
  SKALD_EXPECT(store.id() != StoreId{});
  SKALD_ASSIGN_OR_RETURN(const Acquired second, store.Acquire("w"));
  SKALD_EXPECT(second.fence.writer == first.fence.writer, "{} {}", second.fence.writer,
               first.fence.writer);
  SKALD_EXPECT(second.fence.epoch > first.fence.epoch, "{} {}", second.fence.epoch,
               first.fence.epoch);
  return absl::OkStatus();
}

absl::Status AcquireChecksTheName(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  for (const std::string& name : {std::string(), std::string(65, 'n'), std::string("tab\tbed"),
                                  std::string("caf\xc3\xa9"), std::string("nul\0l", 5)}) {
    const absl::Status status = store.Acquire(name).status();
    SKALD_EXPECT(status.code() == absl::StatusCode::kInvalidArgument, "name of {} bytes: {}",
                 name.size(), status.ToString());
  }
  SKALD_RETURN_IF_ERROR(store.Acquire(std::string(64, 'n')).status());
  return store.Acquire("a name with spaces ~!").status();
}

absl::Status NamesCountApart(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter a, BatchWriter::Acquire(store, "a"));
  SKALD_ASSIGN_OR_RETURN(BatchWriter b, BatchWriter::Acquire(store, "b"));
  SKALD_EXPECT(a.fence().writer != b.fence().writer);
  for (int i = 0; i < 3; ++i) SKALD_RETURN_IF_ERROR(a.Must({PutRow("k", "a")}));
  SKALD_RETURN_IF_ERROR(b.Must({PutRow("k", "b"), PutRow("l", "b")}));
  SKALD_RETURN_IF_ERROR(a.Must({PutRow("m", "a")}));
  SKALD_ASSIGN_OR_RETURN(const Acquired again_b, store.Acquire("b"));
  SKALD_EXPECT(again_b.last_number == 1, "{}", again_b.last_number);
  SKALD_EXPECT(again_b.last_ticket == 2, "{}", again_b.last_ticket);
  SKALD_RETURN_IF_ERROR(a.Must({PutRow("n", "a")}));  // its fence is not b's
  SKALD_ASSIGN_OR_RETURN(const Acquired again_a, store.Acquire("a"));
  SKALD_EXPECT(again_a.last_number == 5, "{}", again_a.last_number);
  SKALD_EXPECT(again_a.last_ticket == 5, "{}", again_a.last_ticket);
  return absl::OkStatus();
}

absl::Status AStaleFenceIsRefused(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter old, BatchWriter::Acquire(store, "w"));
  const Batch first = old.Next({PutRow("k", "1"), PutLog("l", "1")});
  SKALD_RETURN_IF_ERROR(old.Must(first));
  SKALD_ASSIGN_OR_RETURN(BatchWriter fresh, BatchWriter::Acquire(store, "w"));
  SKALD_EXPECT(fresh.acquired().last_number == 1);
  const absl::Status next = old.Commit(old.Next({PutRow("k", "2")})).status();
  SKALD_EXPECT(next.code() == kStale, "{}", next.ToString());
  const absl::Status repeated = old.Commit(first).status();
  SKALD_EXPECT(repeated.code() == kStale, "{}", repeated.ToString());
  const absl::Status dropped = store.DropRange(old.fence(), Space::kLog, {});
  SKALD_EXPECT(dropped.code() == kStale, "{}", dropped.ToString());
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "k=1", "{}", rows);
  SKALD_ASSIGN_OR_RETURN(const std::string log, ScanText(store, Space::kLog));
  SKALD_EXPECT(log == "l=1", "{}", log);
  return fresh.Must({PutRow("k", "3")});
}

absl::Status OnlyTheNextNumberApplies(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  for (const uint64_t number : {uint64_t{0}, uint64_t{2}, ~uint64_t{0}}) {
    Batch batch = w.Next({PutRow("k", "wrong")});
    batch.number = number;
    const absl::Status status = w.Commit(batch).status();
    SKALD_EXPECT(status.code() == kOutOfTurn, "number {}: {}", number, status.ToString());
  }
  for (int i = 0; i < 3; ++i) SKALD_RETURN_IF_ERROR(w.Must({PutRow("k", "right")}));
  for (const uint64_t number : {0, 1, 2, 5, 6}) {
    Batch batch = w.Next({PutRow("k", "wrong")});
    batch.number = number;
    const absl::Status status = w.Commit(batch).status();
    SKALD_EXPECT(status.code() == kOutOfTurn, "number {}: {}", number, status.ToString());
  }
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "k=right", "{}", rows);
  return w.Must({PutRow("k", "on")});
}

absl::Status ARepeatedBatchAppliesOnce(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_ASSIGN_OR_RETURN(BatchWriter other, BatchWriter::Acquire(store, "other"));
  const Batch batch = w.Next({RequireThenPut("k", Version::kAbsent, "k", "1")});
  SKALD_RETURN_IF_ERROR(w.Must(batch));
  SKALD_RETURN_IF_ERROR(other.Must({PutRow("k", "2")}));
  for (int i = 0; i < 2; ++i) SKALD_RETURN_IF_ERROR(w.Must(batch));
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "k=2", "{}", rows);
  SKALD_ASSIGN_OR_RETURN(BatchWriter again, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(again.Must(batch));  // the new holder of the name may settle it
  SKALD_RETURN_IF_ERROR(again.Must({PutRow("k", "3")}));
  const absl::Status late = again.Commit(batch).status();
  SKALD_EXPECT(late.code() == kOutOfTurn, "{}", late.ToString());
  return absl::OkStatus();
}

absl::Status ARepeatedNumberWithOtherContentsIsRefused(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  const Batch batch = w.Next({PutRow("k", "1"), PutRow("l", "1")});
  SKALD_RETURN_IF_ERROR(w.Must(batch));
  Batch value = batch, ticket = batch, fewer = batch, more = batch;
  value.units[1] = PutRow("l", "2");
  ++ticket.ticket;
  fewer.units.pop_back();
  more.units.emplace_back();
  for (const Batch& other : {value, ticket, fewer, more}) {
    const absl::Status status = w.Commit(other).status();
    SKALD_EXPECT(status.code() == kOutOfTurn, "{}", status.ToString());
  }
  SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
  SKALD_EXPECT(rows == "k=1,l=1", "{}", rows);
  return absl::OkStatus();
}

absl::Status EmptyBatchesAndUnitsCount(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must(w.Next()));
  SKALD_RETURN_IF_ERROR(w.Must({Unit(), PutRow("k", "v"), Unit()}));
  SKALD_ASSIGN_OR_RETURN(const Acquired acquired, store.Acquire("w"));
  SKALD_EXPECT(acquired.last_number == 2, "{}", acquired.last_number);
  SKALD_EXPECT(acquired.last_ticket == 4, "{}", acquired.last_ticket);
  SKALD_ASSIGN_OR_RETURN(const Version version, VersionAt(store, "k"));
  SKALD_EXPECT(version == VersionOf(w.fence().writer, 2, 1));
  return absl::OkStatus();
}

absl::Status AnUnknownOutcomeIsSettledByRepetition(StoreContractHost& host, uint64_t) {
  for (const auto when : {FaultStore::When::kBefore, FaultStore::When::kAfter}) {
    SKALD_RETURN_IF_ERROR(host.Fresh());
    FaultStore store(host.store());
    SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
    for (int n = 1; n <= 8; ++n) {
      const Batch batch = w.Next(
          {PutLog(fmt::format("{}", n), "v"),
           RequireThenPut(
               "k", n == 1 ? Version::kAbsent : VersionOf(w.fence().writer, 2 * (n - 1) - 1, 1),
               "k", fmt::format("{}", n))});
      store.FailNext(n % 3, when);
      for (int tries = n % 3; tries > 0; --tries) {
        SKALD_EXPECT(!w.Commit(batch).ok(), "the fault did not strike");
      }
      SKALD_RETURN_IF_ERROR(w.Must(batch));
    }
    SKALD_ASSIGN_OR_RETURN(const std::string log, ScanText(store, Space::kLog));
    SKALD_EXPECT(log == "1=v,2=v,3=v,4=v,5=v,6=v,7=v,8=v", "{}", log);
    SKALD_ASSIGN_OR_RETURN(const std::string rows, ScanText(store, Space::kRows));
    SKALD_EXPECT(rows == "k=8", "{}", rows);
  }
  return absl::OkStatus();
}

absl::Status LimitsHoldExactly(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  const StoreLimits limits = store.limits();
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  const auto code = [&](std::vector<Unit> units) {
    return w.Commit(w.Next(std::move(units))).status().code();
  };
  const std::string largest(limits.value_bytes, 'x');
  SKALD_EXPECT(code({PutRow("k", largest + "x")}) == kInvalid);
  SKALD_EXPECT(code({PutLog(std::string(kKeyBytesMax + 1, 'k'), "v")}) == kInvalid);
  SKALD_EXPECT(code(std::vector<Unit>(limits.batch_units + 1)) == kInvalid);
  std::vector<Unit> full;
  size_t bytes = 0;
  for (int i = 0; bytes + limits.value_bytes / 2 < limits.batch_bytes; ++i) {
    full.push_back(PutRow(fmt::format("full/{}", i), largest.substr(0, limits.value_bytes / 4)));
    bytes += full.back().size_bytes();
  }
  std::vector<Unit> over = full;
  while (Batch{.units = over}.size_bytes() <= limits.batch_bytes) over.push_back(full[0]);
  SKALD_EXPECT(code(std::move(over)) == kInvalid);
  SKALD_ASSIGN_OR_RETURN(const std::string nothing, ScanText(store, Space::kRows));
  SKALD_EXPECT(nothing.empty());
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("k", largest)}));
  SKALD_RETURN_IF_ERROR(w.Must({PutLog(std::string(kKeyBytesMax, 'k'), "v")}));
  SKALD_RETURN_IF_ERROR(w.Must(std::vector<Unit>(limits.batch_units)));
  SKALD_RETURN_IF_ERROR(w.Must(std::move(full)));
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> value, ValueOf(store, Space::kRows, "k"));
  SKALD_EXPECT(value == largest);
  return absl::OkStatus();
}

constexpr std::array kCases = {
    StoreContractCase{"Acquire raises the writer's epoch and gives its last number and ticket",
                      AcquireRaisesTheEpoch},
    StoreContractCase{"A writer's name is 1 to 64 printable ASCII characters",
                      AcquireChecksTheName},
    StoreContractCase{"Epochs, numbers and tickets count per writer name", NamesCountApart},
    StoreContractCase{"A stale fence is refused, on a repetition too, and changes nothing",
                      AStaleFenceIsRefused},
    StoreContractCase{"Only the number after the last one applies", OnlyTheNextNumberApplies},
    StoreContractCase{"The last batch sent again is durable and is not applied again",
                      ARepeatedBatchAppliesOnce},
    StoreContractCase{"The last number with other contents is refused",
                      ARepeatedNumberWithOtherContentsIsRefused},
    StoreContractCase{"Empty batches and units take their numbers and tickets",
                      EmptyBatchesAndUnitsCount},
    StoreContractCase{"An unknown outcome is settled by sending the identical batch",
                      AnUnknownOutcomeIsSettledByRepetition},
    StoreContractCase{"Limits hold to the byte and nothing over them applies", LimitsHoldExactly},
};

}  // namespace

std::span<const StoreContractCase> FenceCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
