// What an outbox and its relay share.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1 {

class Outbox::Impl {
 public:
  // An id: how often the outbox was opened, then a count. Ids of a later opening are all higher.
  static constexpr int kCountBits = 40;

  Impl(Committer& c, OutboxOptions o)
      : committer(c),
        options(std::move(o)),
        pending(fmt::format("~o/{}/m", options.name)),
        parked(fmt::format("~o/{}/p", options.name)) {}

  absl::Status TakeOver();

  Committer& committer;
  const OutboxOptions options;
  const std::string pending;  // prefixes of keys, before the id
  const std::string parked;
  uint64_t opened_at = 0;  // the first id of this opening
  std::atomic<uint64_t> next_id{0};
};

}  // namespace skald::inline v1
