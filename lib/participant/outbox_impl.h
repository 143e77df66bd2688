// What an outbox and its relay share.
#pragma once

#include <memory>
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
        row_key(fmt::format("~o/{}", options.name)),
        pending(fmt::format("~o/{}/m", options.name)),
        parked(fmt::format("~o/{}/p", options.name)) {}

  absl::Status TakeOver();

  Committer& committer;
  const OutboxOptions options;
  const std::string row_key;
  std::string row;            // what it says as long as nobody else has opened the outbox
  const std::string pending;  // prefixes of keys, before the id
  const std::string parked;
  std::shared_ptr<Sequence> ids;  // of messages, in the order in which they become durable
};

}  // namespace skald::inline v1
