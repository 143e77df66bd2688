#include <memory>
#include <string>

#include "ceilings.h"
#include "group_loop.h"
#include "rocksdb/memtablerep.h"

namespace skald::bench {

Measured RunCeilingAppend(const RunOptions& options) {
  rocksdb::Options db_options = PlainOptions();
  db_options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  db_options.allow_concurrent_memtable_write = false;
  PlainDb db(options, "append", db_options);
  uint64_t sequence = 0;
  std::string key;
  std::string value;
  return DriveGroups(options, [&](std::span<const Fact> group) {
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

}  // namespace skald::bench
