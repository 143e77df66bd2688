// A long random history, compared with a model that is too simple to be wrong.
#include <array>
#include <map>

#include "skald/base/random.h"
#include "store_contract_cases.h"

namespace skald::inline v1::store_contract {
namespace {

struct Model {
  struct Writer {
    Fence fence;
    uint64_t number = 0;
    uint64_t ticket = 0;
    Batch last;
  };
  using Rows = std::map<std::string, Row, std::less<>>;

  Rows rows;
  Rows log;
  std::array<Writer, 3> writers;

  static Version VersionIn(const Rows& rows, std::string_view key) {
    const auto found = rows.find(key);
    return found == rows.end() ? Version::kAbsent : found->second.version;
  }

  // Applies `batch` if all its requirements hold. RETURNS: the units that fail.
  std::vector<uint32_t> Commit(Writer& writer, const Batch& batch) {
    Rows next_rows = rows;
    Rows next_log = log;
    std::vector<uint32_t> failed;
    for (size_t i = 0; i < batch.units.size(); ++i) {
      const Version version = VersionOf(writer.fence.writer, batch.ticket, i);
      if (Holds(batch.units[i], next_rows)) {
        Apply(batch.units[i], version, next_rows, next_log);
      } else {
        failed.push_back(static_cast<uint32_t>(i));
      }
    }
    if (!failed.empty()) return failed;
    rows = std::move(next_rows);
    log = std::move(next_log);
    writer.number = batch.number;
    writer.ticket = batch.last_ticket();
    writer.last = batch;
    return failed;
  }

  static bool Holds(const Unit& unit, const Rows& rows) {
    bool holds = true;
    unit.ForEach([&](const Unit::Op& op) {
      if (op.kind == Unit::OpKind::kRequire) holds = holds && VersionIn(rows, op.key) == op.version;
    });
    return holds;
  }

  static void Apply(const Unit& unit, Version version, Rows& rows, Rows& log) {
    unit.ForEach([&](const Unit::Op& op) {
      Rows& space = op.space == Space::kRows ? rows : log;
      if (op.kind == Unit::OpKind::kDelete) space.erase(std::string(op.key));
      if (op.kind != Unit::OpKind::kPut) return;
      space[std::string(op.key)] = {op.space == Space::kRows ? version : Version::kAbsent,
                                    std::string(op.value)};
    });
  }
};

// Draws steps, does them to the store and the model, compares.
class History {
 public:
  History(StoreContractHost& host, uint64_t seed) : host_(host), random_(seed) {}

  absl::Status Run() {
    for (Model::Writer& writer : model_.writers) SKALD_RETURN_IF_ERROR(Acquire(writer));
    for (int i = 0; i < host_.model_steps(); ++i) {
      SKALD_RETURN_IF_ERROR(Annotate(Step(), fmt::format("step {}", i)));
    }
    return CompareAll();
  }

 private:
  Store& store() { return host_.store(); }
  Model::Writer& AnyWriter() { return model_.writers[random_.Below(model_.writers.size())]; }
  std::string AnyRowKey() { return fmt::format("row/{}", random_.Below(12)); }
  std::string AnyValue() {
    return std::string(random_.Below(40), static_cast<char>('a' + random_.Below(26)));
  }

  absl::Status Step() {
    const uint64_t dice = random_.Below(100);
    if (dice < 55) return Commit(AnyWriter());
    if (dice < 65) return Repeat(AnyWriter());
    if (dice < 72) return Misnumber(AnyWriter());
    if (dice < 77) return Acquire(AnyWriter());
    if (dice < 85) return CompareRow();
    if (dice < 93) return CompareRange();
    if (dice < 97) return DropRange(AnyWriter());
    if (dice < 98) return Reopen();
    return CompareAll();
  }

  absl::Status Acquire(Model::Writer& writer) {
    const auto name = fmt::format("writer {}", &writer - model_.writers.data());
    SKALD_ASSIGN_OR_RETURN(const Acquired acquired, store().Acquire(name));
    SKALD_EXPECT(acquired.last_number == writer.number, "{} {}", acquired.last_number,
                 writer.number);
    SKALD_EXPECT(acquired.last_ticket == writer.ticket, "{} {}", acquired.last_ticket,
                 writer.ticket);
    const Fence stale = writer.fence;
    SKALD_EXPECT(acquired.fence.epoch > stale.epoch);
    writer.fence = acquired.fence;
    if (stale.writer == 0) return absl::OkStatus();
    SKALD_EXPECT(stale.writer == writer.fence.writer);
    const Batch batch = Draw(writer);
    const absl::Status status = store().Commit(stale, batch).status();
    SKALD_EXPECT(status.code() == absl::StatusCode::kAborted, "{}", status.ToString());
    return absl::OkStatus();
  }

  Batch Draw(const Model::Writer& writer) {
    Batch batch{.number = writer.number + 1,
                .ticket = writer.ticket + 1 + random_.Below(3),
                .units = std::vector<Unit>(random_.Below(6))};
    for (size_t i = 0; i < batch.units.size(); ++i) {
      for (uint64_t ops = random_.Below(5); ops > 0; --ops) DrawOp(writer, batch, i);
    }
    return batch;
  }

  void DrawOp(const Model::Writer& writer, Batch& batch, size_t index) {
    Unit& unit = batch.units[index];
    const uint64_t dice = random_.Below(10);
    const std::string key = AnyRowKey();
    if (dice < 3) return unit.Put(Space::kRows, key, AnyValue());
    if (dice < 4) return unit.Delete(Space::kRows, key);
    if (dice < 7) return unit.Put(Space::kLog, fmt::format("log/{:06}", ++log_keys_), AnyValue());
    if (dice < 8) return unit.Delete(Space::kLog, fmt::format("log/{:06}", log_keys_));
    if (dice < 9 || index == 0) return unit.Require(key, Model::VersionIn(model_.rows, key));
    unit.Require(key, VersionOf(writer.fence.writer, batch.ticket, random_.Below(index)));
  }

  absl::Status Commit(Model::Writer& writer) {
    const Batch batch = Draw(writer);
    SKALD_ASSIGN_OR_RETURN(const CommitResult result, store().Commit(writer.fence, batch));
    const std::vector<uint32_t> expected = model_.Commit(writer, batch);
    SKALD_EXPECT(result.failed_units == expected, "{} instead of {}", Join(result.failed_units),
                 Join(expected));
    return absl::OkStatus();
  }

  absl::Status Repeat(Model::Writer& writer) {
    if (writer.number == 0) return absl::OkStatus();
    SKALD_ASSIGN_OR_RETURN(const CommitResult result, store().Commit(writer.fence, writer.last));
    SKALD_EXPECT(result.failed_units.empty());
    Batch other = writer.last;
    other.units.push_back(PutRow("other", "contents"));
    const absl::Status status = store().Commit(writer.fence, other).status();
    SKALD_EXPECT(status.code() == absl::StatusCode::kFailedPrecondition, "{}", status.ToString());
    return absl::OkStatus();
  }

  absl::Status Misnumber(Model::Writer& writer) {
    Batch batch = Draw(writer);
    batch.number = writer.number + 2 + random_.Below(5);
    const absl::Status status = store().Commit(writer.fence, batch).status();
    SKALD_EXPECT(status.code() == absl::StatusCode::kFailedPrecondition, "{}", status.ToString());
    return absl::OkStatus();
  }

  absl::Status CompareRow() {
    const std::string key = AnyRowKey();
    SKALD_ASSIGN_OR_RETURN(const std::optional<Row> row, store().Get(Space::kRows, key));
    const auto expected = model_.rows.find(key);
    SKALD_EXPECT(row.has_value() == (expected != model_.rows.end()), "{}", key);
    if (!row.has_value()) return absl::OkStatus();
    SKALD_EXPECT(row->value == expected->second.value, "{}", key);
    SKALD_EXPECT(row->version == expected->second.version, "{}", key);
    return absl::OkStatus();
  }

  absl::Status CompareRange() {
    KeyRange range{AnyRowKey(), AnyRowKey()};
    if (random_.Chance(0.2)) range.to.clear();
    return Compare(Space::kRows, model_.rows, range);
  }

  absl::Status CompareAll() {
    SKALD_RETURN_IF_ERROR(Compare(Space::kRows, model_.rows, {}));
    return Compare(Space::kLog, model_.log, {});
  }

  absl::Status Compare(Space space, const Model::Rows& expected, const KeyRange& range) {
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store().Scan(space, range));
    for (const auto& [key, row] : expected) {
      if (key < range.from || (!range.to.empty() && key >= range.to)) continue;
      SKALD_EXPECT(cursor->Valid(), "{} is missing", key);
      SKALD_EXPECT(cursor->key() == key, "{} instead of {}", cursor->key(), key);
      SKALD_EXPECT(cursor->value() == row.value, "{}", key);
      SKALD_EXPECT(cursor->version() == row.version, "{}", key);
      cursor->Next();
    }
    SKALD_EXPECT(!cursor->Valid(), "{} is too much", cursor->key());
    return cursor->status();
  }

  // What a drop leaves of its range is known afterwards only: a suffix, which the model takes over.
  absl::Status DropRange(Model::Writer& writer) {
    if (model_.log.empty()) return absl::OkStatus();
    auto last = model_.log.begin();
    std::advance(last, static_cast<ptrdiff_t>(random_.Below(model_.log.size())));
    const KeyRange range{"log/", last->first};
    SKALD_RETURN_IF_ERROR(store().DropRange(writer.fence, Space::kLog, range));
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor, store().Scan(Space::kLog, range));
    const auto end = model_.log.find(range.to);
    const auto first = cursor->Valid() ? model_.log.find(cursor->key()) : end;
    SKALD_EXPECT(first != model_.log.end(), "a key came up that was not there");
    model_.log.erase(model_.log.begin(), first);
    SKALD_RETURN_IF_ERROR(cursor->status());
    return CompareAll();
  }

  absl::Status Reopen() {
    const bool crash = host_.can_crash() && random_.Chance(0.5);
    SKALD_RETURN_IF_ERROR(host_.Reopen(crash ? StoreEnding::kCrash : StoreEnding::kClean));
    for (Model::Writer& writer : model_.writers) SKALD_RETURN_IF_ERROR(Acquire(writer));
    return CompareAll();
  }

  StoreContractHost& host_;
  SeededRandom random_;
  Model model_;
  uint64_t log_keys_ = 0;
};

absl::Status RandomHistoriesAgreeWithTheModel(StoreContractHost& host, uint64_t seed) {
  return History(host, seed).Run();
}

constexpr std::array kCases = {
    StoreContractCase{"A random history agrees with a simple model",
                      RandomHistoriesAgreeWithTheModel, false, true},
};

}  // namespace

std::span<const StoreContractCase> ModelCases() {
  return kCases;
}

}  // namespace skald::inline v1::store_contract
