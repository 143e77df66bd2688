#include "store_audit.h"

#include <fmt/core.h>

#include <utility>

#include "skald/base/bytes.h"
#include "skald/base/strings.h"

namespace skald {
namespace {

constexpr uint64_t kRowKeys = 40;         // few, so that rows are overwritten and deleted
constexpr uint64_t kOperationsMax = 150;  // until the power goes; opening takes some thirty
constexpr int kCommitsMax = 60;

std::string LogKey(uint64_t number, uint64_t unit) {
  std::string key;
  ByteWriter(&key).Big(number).Big(static_cast<uint16_t>(unit));
  return key;
}

}  // namespace

StoreAudit::StoreAudit(std::string path, uint64_t seed, RocksDbTestHooks hooks)
    : path_(std::move(path)),
      random_(seed),
      hooks_([&] {
        hooks.file_system = FaultFileSystem::Make();
        return hooks;
      }()),
      disk_(std::static_pointer_cast<FaultFileSystem>(hooks_.file_system)) {}

std::string StoreAudit::Run(int lives) {
  while (counts_.lives < lives) {
    disk_->LosePowerAt(1 + random_.Below(kOperationsMax), random_.Chance(0.5));
    std::string fault = Live();
    disk_->LosePower();
    constexpr Unsynced kFates[] = {Unsynced::kDropped, Unsynced::kTorn, Unsynced::kKept};
    disk_->Restart(kFates[random_.Below(3)], random_);
    if (!fault.empty()) return fmt::format("life {}: {}", counts_.lives, fault);
  }
  return "";
}

std::string StoreAudit::Unless(const char* what, const absl::Status& status) {
  if (disk_->power_lost()) return "";
  return fmt::format("{} failed though the power was there: {}", what, status.ToString());
}

std::string StoreAudit::Live() {
  const RocksDbOptions options{.memory_bytes = size_t{16} << 20,
                               .mark_sync_interval = absl::Milliseconds(1)};
  auto store = OpenRocksDbStoreForTest(path_, options, hooks_);
  if (!store.ok()) {
    ++counts_.died_opening;
    return Unless("opening", store.status());
  }
  const auto acquired = (*store)->Acquire("audit");
  if (!acquired.ok()) return Unless("Acquire", acquired.status());
  ++counts_.lives;
  writer_ = acquired->fence.writer;
  if (std::string fault = Settle(**store, *acquired); !fault.empty()) return fault;
  if (unknown_ || unknown_drop_) return "";
  if (std::string fault = Compare(**store); !fault.empty()) return fault;
  return Work(**store, acquired->fence);
}

std::string StoreAudit::Settle(Store& store, const Acquired& acquired) {
  const bool there = unknown_ && acquired.last_number == unknown_->number;
  if (!there && acquired.last_number != model_.last_number) {
    return fmt::format("the store knows of {} commits, {} were acknowledged{}",
                       acquired.last_number, model_.last_number,
                       unknown_ ? " and one is unknown" : "");
  }
  if (unknown_) {
    const Batch batch = *unknown_;
    const auto result = store.Commit(acquired.fence, batch);
    if (!result.ok()) return Unless("repeating a commit", result.status());
    if (!result->failed_units.empty()) return "a repeated commit says that requirements fail";
    Apply(batch);
    unknown_.reset();
    ++(there ? counts_.settled_there : counts_.settled_not_there);
  }
  if (unknown_drop_) {
    if (std::string fault = CheckDropLeftSuffix(store); !fault.empty()) return fault;
    const absl::Status status = store.DropRange(acquired.fence, Space::kLog, unknown_drop_->range);
    if (!status.ok()) return Unless("repeating a drop", status);
    ApplyDrop(unknown_drop_->range);
    unknown_drop_.reset();
  }
  return "";
}

std::string StoreAudit::Work(Store& store, const Fence& fence) {
  for (int i = 0; i < kCommitsMax; ++i) {
    unknown_ = MakeBatch();
    const auto result = store.Commit(fence, *unknown_);
    if (!result.ok()) return Unless("a commit", result.status());
    if (!result->failed_units.empty()) return "a requirement that holds is said to fail";
    Apply(*unknown_);
    unknown_.reset();
    ++counts_.commits;
    if (!random_.Chance(0.05)) continue;
    const uint64_t to = model_.last_number - random_.Below(model_.last_number + 1) / 4;
    unknown_drop_ = PendingDrop{{LogKey(to / 2, 0), LogKey(to, 0)}};
    const absl::Status status = store.DropRange(fence, Space::kLog, unknown_drop_->range);
    if (!status.ok()) return Unless("a drop", status);
    ApplyDrop(unknown_drop_->range);
    unknown_drop_.reset();
    ++counts_.drops;
  }
  return "";
}

Batch StoreAudit::MakeBatch() {
  Batch batch{.number = model_.last_number + 1, .ticket = model_.last_ticket + 1, .units = {}};
  const uint64_t units = 1 + random_.Below(4);
  for (uint64_t i = 0; i < units; ++i) {
    Unit& unit = batch.units.emplace_back();
    const std::string value(1 + random_.Below(2000), static_cast<char>('a' + random_.Below(26)));
    unit.Put(Space::kLog, LogKey(batch.number, i), value);
    // Each unit has keys of its own: what it requires is what stood there before the batch.
    const std::string key = fmt::format("{:03}", random_.Below(kRowKeys) * 4 + i);
    const auto row = model_.rows.find(key);
    unit.Require(key, row == model_.rows.end() ? Version::kAbsent : row->second.version);
    if (random_.Chance(0.2)) {
      unit.Delete(Space::kRows, key);
    } else {
      unit.Put(Space::kRows, key, value);
    }
  }
  return batch;
}

void StoreAudit::Apply(const Batch& batch) {
  for (size_t i = 0; i < batch.units.size(); ++i) {
    batch.units[i].ForEach([&](const Unit::Op& op) {
      Rows& rows = op.space == Space::kRows ? model_.rows : model_.log;
      const Version version =
          op.space == Space::kRows ? VersionOf(writer_, batch.ticket, i) : Version::kAbsent;
      if (op.kind == Unit::OpKind::kPut) {
        rows[std::string(op.key)] = {version, std::string(op.value)};
      } else if (op.kind == Unit::OpKind::kDelete) {
        rows.erase(std::string(op.key));
      }
    });
  }
  model_.last_number = batch.number;
  model_.last_ticket = batch.last_ticket();
}

void StoreAudit::ApplyDrop(const KeyRange& range) {
  model_.log.erase(model_.log.lower_bound(range.from), model_.log.lower_bound(range.to));
}

std::string StoreAudit::CheckDropLeftSuffix(Store& store) {
  const KeyRange& range = unknown_drop_->range;
  auto cursor = store.Scan(Space::kLog, range);
  if (!cursor.ok()) return Unless("a scan", cursor.status());
  // From the first key that is left on, all must be.
  auto expected = (*cursor)->Valid() ? model_.log.find(std::string((*cursor)->key()))
                                     : model_.log.lower_bound(range.to);
  for (; (*cursor)->Valid(); (*cursor)->Next(), ++expected) {
    if (expected == model_.log.end() || (*cursor)->key() != expected->first) {
      return "an interrupted drop left something else than a suffix";
    }
  }
  if (!(*cursor)->status().ok()) return Unless("a scan", (*cursor)->status());
  return expected == model_.log.lower_bound(range.to)
             ? ""
             : "an interrupted drop left something else than a suffix";
}

std::string StoreAudit::Compare(Store& store) {
  if (std::string fault = CompareSpace(store, Space::kRows, model_.rows); !fault.empty()) {
    return "rows: " + fault;
  }
  std::string fault = CompareSpace(store, Space::kLog, model_.log);
  return fault.empty() ? "" : "log: " + fault;
}

std::string StoreAudit::CompareSpace(Store& store, Space space, const Rows& expected) {
  auto cursor = store.Scan(space, {});
  if (!cursor.ok()) return Unless("a scan", cursor.status());
  Rows found;
  for (; (*cursor)->Valid(); (*cursor)->Next()) {
    found[std::string((*cursor)->key())] = {(*cursor)->version(), std::string((*cursor)->value())};
  }
  if (!(*cursor)->status().ok()) return Unless("a scan", (*cursor)->status());
  if (found == expected) return "";
  return fmt::format("{} found, {} expected, or with other contents", found.size(),
                     expected.size());
}

}  // namespace skald
