#include "faults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "skald/base/hash.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace order_flow {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 5> kKinds = {{
    {"rejected", FaultKind::kRejected},
    {"retry", FaultKind::kRetry},
    {"unknown", FaultKind::kUnknown},
    {"throw", FaultKind::kThrow},
    {"lost", FaultKind::kLost},
}};
constexpr absl::Duration kSlowMax = absl::Minutes(10);

std::optional<double> ParseProbability(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  if (!whole || !(value >= 0 && value <= 1)) return std::nullopt;
  return value;
}

std::optional<FaultKind> ParseKind(std::string_view text) {
  for (const auto& [name, kind] : kKinds) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

// An attempt's number matters where a later attempt may fare better.
bool DrawnAtEachAttempt(FaultKind kind) {
  return kind == FaultKind::kRetry || kind == FaultKind::kUnknown || kind == FaultKind::kThrow;
}

}  // namespace

absl::Status FaultPlan::CheckStep(std::string_view step) const {
  if (std::ranges::find(steps_, step) != steps_.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("there is no step '{}'; the steps are {}", step, fmt::join(steps_, ", ")));
}

absl::Status FaultPlan::AddFailure(std::string_view text) {
  const size_t colon = text.find(':');
  const size_t equals = text.find('=');
  if (colon == text.npos || equals == text.npos || equals < colon) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not STEP:KIND=P, as in charge:rejected=0.05", text));
  }
  const std::string_view step = text.substr(0, colon);
  SKALD_RETURN_IF_ERROR(CheckStep(step));
  const std::string_view kind_text = text.substr(colon + 1, equals - colon - 1);
  const std::optional<FaultKind> kind = ParseKind(kind_text);
  if (!kind) {
    return absl::InvalidArgumentError(
        fmt::format("a step cannot fail by '{}'; it can by rejected, retry, unknown, throw or lost",
                    kind_text));
  }
  const std::optional<double> probability = ParseProbability(text.substr(equals + 1));
  if (!probability) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a probability from 0 to 1", text.substr(equals + 1)));
  }
  failures_[std::string(step)].push_back({*kind, *probability});
  return absl::OkStatus();
}

absl::Status FaultPlan::AddDelay(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not STEP=DURATION, as in charge=5ms", text));
  }
  const std::string_view step = text.substr(0, equals);
  SKALD_RETURN_IF_ERROR(CheckStep(step));
  absl::Duration delay;
  const bool parsed = absl::ParseDuration(skald::ToAbsl(text.substr(equals + 1)), &delay);
  if (!parsed || delay < absl::ZeroDuration() || delay > kSlowMax) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is not a duration from 0 to 10m, as in 5ms or 1.5s", text.substr(equals + 1)));
  }
  delays_[std::string(step)] = delay;
  return absl::OkStatus();
}

void MendedOrders::Add(std::string_view order) {
  const skald::MutexLock lock(mutex_);
  orders_.emplace(order);
}
bool MendedOrders::Has(std::string_view order) const {
  const skald::MutexLock lock(mutex_);
  return orders_.contains(order);
}

bool FaultPlan::Happens(const Failure& failure, const FaultSite& site) const {
  const uint32_t attempt = DrawnAtEachAttempt(failure.kind) ? site.attempt : 0;
  const std::string which =
      fmt::format("{} {} {} {}", seed_, static_cast<int>(failure.kind), attempt, site.item);
  const uint64_t hash = skald::StableHash64(which, site.order, site.step);
  return static_cast<double>(hash >> 11) * 0x1p-53 < failure.probability;
}

Fault FaultPlan::Draw(const FaultSite& site) const {
  Fault fault;
  if (const auto found = delays_.find(site.step); found != delays_.end()) {
    fault.slow = found->second;
  }
  const auto found = failures_.find(site.step);
  if (found == failures_.end() || mended_->Has(site.order)) return fault;
  for (const Failure& failure : found->second) {
    if (!Happens(failure, site)) continue;
    switch (failure.kind) {
      case FaultKind::kRejected:
        fault.rejected = true;
        break;
      case FaultKind::kRetry:
        fault.retry = true;
        break;
      case FaultKind::kUnknown:
        fault.unknown = true;
        break;
      case FaultKind::kThrow:
        fault.thrown = true;
        break;
      case FaultKind::kLost:
        fault.lost = site.attempt == 1;
        break;
    }
  }
  return fault;
}

}  // namespace order_flow
