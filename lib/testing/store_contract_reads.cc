// Get, Scan, DropRange, and keys and values of every shape.
#include <array>

#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

absl::Status OperationsOfAUnitApplyInOrder(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  for (const Space space : {Space::kRows, Space::kLog}) {
    const char* const prefix = space == Space::kRows ? "r" : "l";
    const auto key = [&](const char* name) { return fmt::format("{}/{}", prefix, name); };
    Unit unit;
    unit.Put(space, key("a"), "1");
    unit.Put(space, key("a"), "2");
    unit.Put(space, key("b"), "1");
    unit.Delete(space, key("b"));
    unit.Delete(space, key("c"));
    unit.Put(space, key("c"), "1");
    unit.Delete(space, key("never there"));
    SKALD_RETURN_IF_ERROR(w.Must({unit}));
    SKALD_ASSIGN_OR_RETURN(std::string text, ScanText(store, space));
    SKALD_EXPECT(text == fmt::format("{0}/a=2,{0}/c=1", prefix), "{}", text);
    Unit remove;
    remove.Delete(space, key("a"));
    SKALD_RETURN_IF_ERROR(w.Must({remove}));
    SKALD_ASSIGN_OR_RETURN(const auto gone, ValueOf(store, space, key("a")));
    SKALD_EXPECT(!gone.has_value());
  }
  return absl::OkStatus();
}

absl::Status GetGivesTheDurableRow(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_ASSIGN_OR_RETURN(const auto absent, store.Get(Space::kRows, "k"));
  SKALD_EXPECT(!absent.has_value());
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("k", "row"), PutLog("l", "log")}));
  SKALD_ASSIGN_OR_RETURN(const auto row, store.Get(Space::kRows, "k"));
  SKALD_EXPECT(row.has_value() && row->value == "row");
  SKALD_EXPECT(row->version == VersionOf(w.fence().writer, 1, 0));
  SKALD_ASSIGN_OR_RETURN(const auto entry, store.Get(Space::kLog, "l"));
  SKALD_EXPECT(entry.has_value() && entry->value == "log");
  SKALD_EXPECT(entry->version == Version::kAbsent, "a log entry has no version");
  SKALD_ASSIGN_OR_RETURN(const auto other_space, store.Get(Space::kLog, "k"));
  SKALD_EXPECT(!other_space.has_value());
  return absl::OkStatus();
}

absl::Status KeysAndValuesAreAnyBytes(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  const std::vector<std::string> sorted = {"",
                                           std::string("\0", 1),
                                           std::string("\0\0", 2),
                                           std::string("\0\1", 2),
                                           every_byte,
                                           "\1",
                                           "\x7f",
                                           "\x80",
                                           "\xff",
                                           "\xff\xff",
                                           std::string(kKeyBytesMax, '\xff')};
  Batch batch = w.Next();
  for (const Space space : {Space::kLog, Space::kRows}) {
    for (auto key = sorted.rbegin(); key != sorted.rend(); ++key) {
      batch.units.emplace_back().Put(space, *key, key->size() % 2 == 0 ? "" : *key);
    }
  }
  SKALD_RETURN_IF_ERROR(w.Must(batch));
  for (const Space space : {Space::kLog, Space::kRows}) {
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(space, {}));
    for (const std::string& key : sorted) {
      SKALD_EXPECT(cursor->Valid());
      SKALD_EXPECT(cursor->key() == key, "a key of {} bytes, not of {}", cursor->key().size(),
                   key.size());
      SKALD_EXPECT(cursor->value() == (key.size() % 2 == 0 ? "" : key));
      SKALD_ASSIGN_OR_RETURN(const auto value, ValueOf(store, space, key));
      SKALD_EXPECT(value.has_value() && *value == cursor->value());
      cursor->Next();
    }
    SKALD_EXPECT(!cursor->Valid());
    SKALD_RETURN_IF_ERROR(cursor->status());
  }
  return absl::OkStatus();
}

absl::Status LargeValuesComeBack(StoreContractHost& host, uint64_t seed) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  std::string value(store.limits().value_bytes, '\0');
  uint64_t state = seed;
  for (char& c : value) c = static_cast<char>((state = state * 6364136223846793005U + 1) >> 56);
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("large", value)}));
  SKALD_RETURN_IF_ERROR(w.Must({PutLog("large", value)}));
  for (const Space space : {Space::kRows, Space::kLog}) {
    SKALD_ASSIGN_OR_RETURN(const auto read, ValueOf(store, space, "large"));
    SKALD_EXPECT(read.has_value() && *read == value);
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(space, {}));
    SKALD_EXPECT(cursor->Valid() && cursor->value() == value);
  }
  return absl::OkStatus();
}

absl::Status ScanKeepsToItsRange(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  Batch batch = w.Next();
  for (const char* key : {"d", "b", "a", "c", "bb"}) {
    batch.units.emplace_back().Put(Space::kRows, key, "");
    batch.units.emplace_back().Put(Space::kLog, key, "");
  }
  SKALD_RETURN_IF_ERROR(w.Must(batch));
  const std::vector<std::pair<KeyRange, std::string>> expected = {{{"", ""}, "a=,b=,bb=,c=,d="},
                                                                  {{"b", ""}, "b=,bb=,c=,d="},
                                                                  {{"", "c"}, "a=,b=,bb="},
                                                                  {{"b", "c"}, "b=,bb="},
                                                                  {{"ba", "d"}, "bb=,c="},
                                                                  {{"b", "b"}, ""},
                                                                  {{"d", "a"}, ""},
                                                                  {{"e", ""}, ""},
                                                                  {{"", "a"}, ""},
                                                                  {{"", std::string("\0", 1)}, ""}};
  for (const Space space : {Space::kRows, Space::kLog}) {
    for (const auto& [range, text] : expected) {
      SKALD_ASSIGN_OR_RETURN(const std::string found, ScanText(store, space, range));
      SKALD_EXPECT(found == text, "[{}, {}): {}", range.from, range.to, found);
    }
  }
  return absl::OkStatus();
}

absl::Status ScanIsASnapshot(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("a", "1"), PutRow("b", "1"), PutRow("c", "1")}));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store.Scan(Space::kRows, {}));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("b", "2"), DeleteRow("c"), PutRow("d", "2")}));
  std::string text;
  for (; cursor->Valid(); cursor->Next()) {
    text += fmt::format("{}={}@{:x} ", cursor->key(), cursor->value(),
                        static_cast<uint64_t>(cursor->version()) & 0xff);
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  SKALD_EXPECT(text == "a=1@1 b=1@2 c=1@3 ", "{}", text);
  SKALD_ASSIGN_OR_RETURN(const std::string now, ScanText(store, Space::kRows));
  SKALD_EXPECT(now == "a=1,b=2,d=2", "{}", now);
  return absl::OkStatus();
}

absl::Status ScansGiveVersions(StoreContractHost& host, uint64_t) {
  Store& store = host.store();
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(store, "w"));
  SKALD_RETURN_IF_ERROR(w.Must({PutRow("a", "1"), PutRow("b", "1"), PutLog("l", "1")}));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> rows, store.Scan(Space::kRows, {}));
  for (; rows->Valid(); rows->Next()) {
    SKALD_ASSIGN_OR_RETURN(const Version version, VersionAt(store, rows->key()));
    SKALD_EXPECT(rows->version() == version && version != Version::kAbsent, "{}", rows->key());
  }
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> log, store.Scan(Space::kLog, {}));
  SKALD_EXPECT(log->Valid() && log->version() == Version::kAbsent);
  return absl::OkStatus();
}

// A range may go later and in parts, but from its lower end: what is left is a suffix.
absl::Status DropRangeLeavesASuffix(StoreContractHost& host, uint64_t) {
  SKALD_ASSIGN_OR_RETURN(BatchWriter w, BatchWriter::Acquire(host.store(), "w"));
  constexpr int kKeys = 500;
  for (const Space space : {Space::kLog, Space::kRows}) {
    Batch batch = w.Next();
    for (int i = 0; i < kKeys; ++i) {
      batch.units.emplace_back().Put(space, fmt::format("{:04}", i), "v");
    }
    SKALD_RETURN_IF_ERROR(w.Must(batch));
    SKALD_RETURN_IF_ERROR(host.store().DropRange(w.fence(), space, {"0100", "0400"}));
    SKALD_RETURN_IF_ERROR(host.store().DropRange(w.fence(), space, {"0100", "0100"}));
    SKALD_RETURN_IF_ERROR(host.store().DropRange(w.fence(), space, {"0200", "0100"}));
  }
  for (const bool again : {false, true}) {
    if (again) SKALD_RETURN_IF_ERROR(host.Reopen(StoreEnding::kClean));
    for (const Space space : {Space::kLog, Space::kRows}) {
      std::string outside;
      for (int i = 0; i < kKeys; ++i) {
        if (i < 100 || i >= 400) outside += fmt::format("{:04}", i);
      }
      SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, host.store().Scan(space, {}));
      std::string found;
      std::vector<std::string> inside;
      for (; cursor->Valid(); cursor->Next()) {
        const bool dropped = cursor->key() >= "0100" && cursor->key() < "0400";
        if (dropped) inside.emplace_back(cursor->key());
        if (!dropped) found += cursor->key();
      }
      SKALD_RETURN_IF_ERROR(cursor->status());
      SKALD_EXPECT(found == outside, "keys outside the range were touched");
      for (size_t i = 0; i < inside.size(); ++i) {
        SKALD_EXPECT(inside[i] == fmt::format("{:04}", 400 - inside.size() + i), "{}", inside[i]);
      }
    }
  }
  return absl::OkStatus();
}

constexpr std::array kCases = {
    StoreContractCase{"The operations of a unit apply in their order",
                      OperationsOfAUnitApplyInOrder},
    StoreContractCase{"Get gives the durable row with its version", GetGivesTheDurableRow},
    StoreContractCase{"Keys and values are any bytes, ordered as unsigned ones",
                      KeysAndValuesAreAnyBytes},
    StoreContractCase{"The largest values come back as they were", LargeValuesComeBack},
    StoreContractCase{"Scan keeps to its range", ScanKeepsToItsRange},
    StoreContractCase{"Scan is a snapshot", ScanIsASnapshot},
    StoreContractCase{"Scan gives the versions of rows", ScansGiveVersions},
    StoreContractCase{"DropRange leaves at most a suffix and touches nothing else",
                      DropRangeLeavesASuffix},
};

}  // namespace

std::span<const StoreContractCase> ReadCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
