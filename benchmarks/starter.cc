#include "starter.h"

#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"

namespace skald::bench {
namespace {

constexpr double kStallSeconds = 60;
constexpr double kTellEverySeconds = 5;

void Tell(std::string_view what, uint64_t done, uint64_t count) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const std::string line = fmt::format("{}: {} of {}", what, done, count);
  fmt::print(stderr, "{}{:<78}{}", terminal ? "\r" : "", line, terminal ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace

std::string NumberedKey(uint64_t number) {
  return fmt::format("n-{}", number);
}

Starter::Starter(Coordinator& coordinator, Until until, uint64_t unsettled_max)
    : coordinator_(coordinator), until_(until), unsettled_max_(unsettled_max) {
  for (uint64_t at = 0; at < kOrders; ++at) orders_.push_back(NoiseAs<Order>(at));
}

Starter::~Starter() {
  WaitForAll();
}

void Starter::Start(uint64_t number) {
  if (started_ - settled_.load() >= unsettled_max_) WaitForSettled(started_ - unsettled_max_ / 2);
  ++started_;
  coordinator_.StartThen(
      kPlaceOrder, orders_[number % kOrders], {.key = NumberedKey(number)},
      [this](absl::StatusOr<SagaHandle<Nothing>> saga) { Answered(std::move(saga)); });
}

void Starter::WaitForAll() {
  WaitForSettled(started_);
}

void Starter::Answered(absl::StatusOr<SagaHandle<Nothing>> saga) {
  if (!saga.ok()) Die(saga.status().ToString());
  if (saga->existed()) existed_.fetch_add(1, std::memory_order_relaxed);
  if (until_ == Until::kStarted) return Settled();
  saga->AwaitThen([this](const absl::StatusOr<Outcome<Nothing>>& outcome) {
    if (!outcome.ok()) Die(outcome.status().ToString());
    if (!outcome->completed()) Die(fmt::format("a saga did not complete: {}", outcome->reason()));
    Settled();
  });
}

void Starter::Settled() {
  // Under the lock to its end: who has seen the last one settled may destroy this object.
  MutexLock lock(mutex_);
  if (settled_.fetch_add(1) + 1 == awaited_) room_.NotifyOne();
}

void Starter::WaitForSettled(uint64_t count) {
  MutexLock lock(mutex_);
  awaited_ = count;
  double give_up_at = NowSeconds() + kStallSeconds;
  for (uint64_t seen = settled_.load(); seen < count;) {
    room_.WaitFor(mutex_, absl::Seconds(1));
    const uint64_t now = settled_.load();
    if (now > seen) give_up_at = NowSeconds() + kStallSeconds;
    if (NowSeconds() > give_up_at) Die(fmt::format("{} sagas do not settle", count - now));
    seen = now;
  }
}

void StartNumbered(Starter& starter, uint64_t from, uint64_t count, std::string_view what) {
  constexpr uint64_t kLookEvery = 4096;
  double tell_at = NowSeconds();
  for (uint64_t at = 0; at < count; ++at) {
    starter.Start(from + at);
    if (at % kLookEvery != 0 || NowSeconds() < tell_at) continue;
    Tell(what, at, count);
    tell_at = NowSeconds() + kTellEverySeconds;
  }
  starter.WaitForAll();
  Tell(what, count, count);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:<78}\r", "");
}

}  // namespace skald::bench
