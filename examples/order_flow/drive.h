// All of a run but its command line, its input and its report: the shop and the sagas over it, and
// how the orders of an input are driven through them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "customers.h"
#include "options.h"
#include "order_source.h"
#include "participant.h"
#include "replay.h"
#include "shop.h"
#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/store/store.h"

namespace order_flow {

// Everything that a run opens, in the order in which it is opened; closed the other way round.
struct Engine {
  std::unique_ptr<Shop> shop;
  std::shared_ptr<skald::Store> sagas;
  std::unique_ptr<skald::ThreadPool> pool;
  std::unique_ptr<skald::Coordinator> coordinator;
  std::shared_ptr<Customers> customers;
};

// Opens or makes the databases in the directory `data`, each by `open`.
absl::StatusOr<Engine> OpenEngine(const RunOptions& options, const std::string& data,
                                  const OrderSource& orders, const OpenStore& open = OpenRocksDb);

struct Watch {
  std::function<bool()> stop = [] { return false; };     // asked now and then
  std::function<void(size_t)> progress = [](size_t) {};  // told how many orders are at rest
};

// Places all orders and waits until they are at rest and every event of theirs has been taken.
// `engine` takes no more orders then.
// RETURNS: Cancelled  `watch` said stop: what was placed is durable
//          other      why it cannot go on, naming the order
// `tally` holds what is known so far, also after an error.
absl::Status Drive(Engine& engine, const OrderSource& orders, const RunOptions& options,
                   const Watch& watch, Tally& tally);

}  // namespace order_flow
