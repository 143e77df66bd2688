#include <string>

#include "ceilings.h"
#include "group_loop.h"

namespace skald::bench {

rocksdb::Options PlainOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  return options;
}

Measured RunCeilingObvious(const RunOptions& options) {
  PlainDb db(options, "obvious", PlainOptions());
  std::string key;
  std::string value;
  return DriveGroups(options, [&](std::span<const Fact> group) {
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

}  // namespace skald::bench
