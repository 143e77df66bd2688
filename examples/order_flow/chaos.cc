#include "chaos.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "skald/base/clock.h"
#include "skald/base/hash.h"

namespace order_flow {
namespace {

constexpr absl::Duration kSoonMax = absl::Milliseconds(50);
constexpr absl::Duration kFinishMax = absl::Minutes(1);
// Of each kind; beyond it the oldest arrives.
constexpr size_t kWaitingMax = 4096;

std::string PlaceOf(const CallSite& site) {
  return fmt::format("{}/{}", site.participant, site.order);
}
std::string EffectOf(const CallSite& site) {
  return fmt::format("{} {} {}", site.step, site.item, static_cast<int>(site.verb));
}

}  // namespace

bool CallAnswers::Add(std::optional<std::string> output) {
  if (!output) return true;
  const skald::MutexLock lock(mutex_);
  if (output_) return *output_ == *output;
  output_ = std::move(output);
  return true;
}

Chaos::Chaos(ChaosOptions options) : options_(options), errands_(std::make_unique<Errands>()) {}
Chaos::~Chaos() = default;

double Chaos::Fraction(std::string_view what, const CallSite& site) const {
  const std::string which =
      fmt::format("{} {} {} {}", options_.seed, what, site.item, static_cast<int>(site.verb));
  const uint64_t hash = skald::StableHash64(which, site.order, site.step);
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

Havoc Chaos::Draw(const CallSite& site) const {
  Havoc havoc;
  havoc.duplicated = Fraction("duplicates", site) < options_.duplicates;
  havoc.at_once = havoc.duplicated && Fraction("at once", site) < 0.5;
  // Only a first attempt: the next one goes through. What became of a pivot is asked but once.
  const bool may_wait = site.attempt == 1 && site.verb != CallVerb::kAsk;
  havoc.held_back = may_wait && Fraction("reorder", site) < options_.reorder;
  havoc.late = Fraction("late", site) < options_.late;
  const bool soon = havoc.late && Fraction("soon", site) < 0.5;
  if (soon) havoc.soon = kSoonMax * Fraction("delay", site);
  return havoc;
}

void Chaos::MakeTwice(Copy copy, std::shared_ptr<CallAnswers> answers) {
  Deliver({std::move(copy), std::move(answers)}, Kind::kDuplicate);
}

void Chaos::MakeLater(Copy copy, std::shared_ptr<CallAnswers> answers,
                      std::optional<absl::Duration> soon) {
  Waiting waiting{std::move(copy), std::move(answers)};
  if (soon) return Deliver(std::move(waiting), Kind::kLate, *soon);
  std::optional<Waiting> oldest;
  {
    const skald::MutexLock lock(mutex_);
    late_.push_back(std::move(waiting));
    if (late_.size() > kWaitingMax) {
      oldest = std::move(late_.front());
      late_.pop_front();
    }
  }
  if (oldest) Deliver(*std::move(oldest), Kind::kLate);
}

Chaos::Waiting Chaos::TakeHeld(Held::iterator held) {
  Waiting waiting = std::move(held->second);
  const auto at = held_at_.find(waiting.place);
  at->second.erase(held->first);
  if (at->second.empty()) held_at_.erase(at);
  held_.erase(held);
  return waiting;
}

void Chaos::HoldBack(const CallSite& site, Copy copy) {
  std::optional<Waiting> oldest;
  {
    const skald::MutexLock lock(mutex_);
    Waiting waiting{std::move(copy), std::make_shared<CallAnswers>(), PlaceOf(site),
                    EffectOf(site)};
    held_at_[waiting.place].insert(next_);
    held_.emplace(next_++, std::move(waiting));
    if (held_.size() > kWaitingMax) oldest = TakeHeld(held_.begin());
  }
  if (oldest) Deliver(*std::move(oldest), Kind::kReorder);
}

void Chaos::Answered(const CallSite& site) {
  std::vector<Waiting> overtaken;
  {
    const skald::MutexLock lock(mutex_);
    const auto at = held_at_.find(PlaceOf(site));
    if (at == held_at_.end()) return;
    const std::string effect = EffectOf(site);
    for (const uint64_t number : std::set<uint64_t>(at->second)) {
      const auto held = held_.find(number);
      if (held->second.effect != effect) overtaken.push_back(TakeHeld(held));
    }
  }
  for (Waiting& waiting : overtaken) Deliver(std::move(waiting), Kind::kReorder);
}

void Chaos::Deliver(Waiting waiting, Kind kind, absl::Duration delay) {
  const skald::MutexLock lock(mutex_);
  if (stopped_) return;
  ++under_way_;
  errands_->After(delay, [this, waiting = std::move(waiting), kind] {
    waiting.copy([this, answers = waiting.answers, kind](std::optional<std::string> output) {
      Arrived(kind, answers->Add(std::move(output)));
    });
  });
}

void Chaos::Arrived(Kind kind, bool alike) {
  const skald::MutexLock lock(mutex_);
  ++counts_[static_cast<size_t>(kind)];
  contradictions_ += !alike;
  if (--under_way_ == 0) rest_.NotifyAll();
}

absl::Status Chaos::Finish() {
  Held held;
  std::deque<Waiting> late;
  {
    const skald::MutexLock lock(mutex_);
    held.swap(held_);
    late.swap(late_);
    held_at_.clear();
  }
  for (auto& [number, waiting] : held) Deliver(std::move(waiting), Kind::kReorder);
  for (Waiting& waiting : late) Deliver(std::move(waiting), Kind::kLate);
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + kFinishMax;
  const skald::MutexLock lock(mutex_);
  while (under_way_ > 0 && clock.Boot() < end) rest_.WaitFor(mutex_, end - clock.Boot());
  if (under_way_ == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(fmt::format("{} copies of calls have no answer in {}",
                                                 under_way_, absl::FormatDuration(kFinishMax)));
}

void Chaos::Stop() {
  {
    const skald::MutexLock lock(mutex_);
    stopped_ = true;
  }
  errands_.reset();
}

ChaosCounts Chaos::counts() const {
  const skald::MutexLock lock(mutex_);
  return {counts_[0], counts_[1], counts_[2]};
}
int64_t Chaos::contradictions() const {
  const skald::MutexLock lock(mutex_);
  return contradictions_;
}

}  // namespace order_flow
