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
  std::atomic<uint64_t> next_id{0};
};

}  // namespace skald::inline v1
