#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "skald/base/random.h"
#include "skald/testing/simulation.h"

namespace skald::inline v1 {
namespace {

constexpr std::array<std::string_view, kKnobs> kNames = {
    "sagas",         "definitions",   "steps",        "shards",       "crashes",   "recovery-crash",
    "takeovers",     "outages",       "clock-steps",  "missing",      "rejected",  "retry-later",
    "unknown",       "throw",         "lost-request", "lost-answer",  "duplicate", "slow",
    "hang",          "commit-before", "commit-after", "commit-later", "disk-full", "read-error",
    "executor-full", "big-output",    "cancel",       "deadline",     "verbs",     "again",
    "other-input",   "bad-start",     "expiry",       "slow-disk",    "burst",     "poison",
    "parallel",      "decisions",     "fan-outs",     "sleeps",       "awaits",    "signals",
    "parts",         "saga-steps"};

// A fault that is always there hides others, and so does one that never is.
uint32_t Sometimes(Random& random, uint32_t most) {
  if (random.Chance(0.25)) return 0;
  return static_cast<uint32_t>(1 + random.Below(random.Chance(0.4) ? most : most / 3 + 1));
}

bool ToNumber(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string_view ToString(Knob knob) {
  return kNames[static_cast<size_t>(knob)];
}

SimulationProfile ProfileOf(uint64_t seed) {
  SimulationProfile p;
  p.seed = seed;
  uint64_t state = seed;
  SeededRandom random(SplitMix64(state));
  const auto upto = [&](uint32_t least, uint32_t most) {
    return static_cast<uint32_t>(least + random.Below(most - least + 1));
  };
  p[Knob::kSagas] = upto(20, 40);
  p[Knob::kDefinitions] = upto(1, 3);
  p[Knob::kSteps] = upto(1, 7);
  p[Knob::kShards] = upto(1, 3);
  p[Knob::kCrashes] = upto(1, 6);
  p[Knob::kRecoveryCrash] = Sometimes(random, 600);
  p[Knob::kTakeovers] = random.Chance(0.5) ? upto(1, 3) : 0;
  p[Knob::kOutages] = random.Chance(0.4) ? upto(1, 2) : 0;
  p[Knob::kClockSteps] = random.Chance(0.4) ? upto(1, 3) : 0;
  p[Knob::kMissing] = random.Chance(0.2) ? upto(50, 300) : 0;
  const std::pair<Knob, uint32_t> chances[] = {
      {Knob::kRejected, 200},    {Knob::kRetryLater, 400},  {Knob::kUnknown, 200},
      {Knob::kThrow, 60},        {Knob::kLostRequest, 150}, {Knob::kLostAnswer, 200},
      {Knob::kDuplicate, 300},   {Knob::kSlow, 300},        {Knob::kHang, 60},
      {Knob::kCommitBefore, 80}, {Knob::kCommitAfter, 80},  {Knob::kCommitLater, 60},
      {Knob::kDiskFull, 10},     {Knob::kReadError, 30},    {Knob::kExecutorFull, 200},
      {Knob::kBigOutput, 30},    {Knob::kCancel, 300},      {Knob::kDeadline, 250},
      {Knob::kVerbs, 200},       {Knob::kAgain, 700},       {Knob::kOtherInput, 200},
      {Knob::kBadStart, 150},    {Knob::kExpiry, 400},      {Knob::kSlowDisk, 800},
      {Knob::kBurst, 1000},      {Knob::kPoison, 120},      {Knob::kParallel, 700},
      {Knob::kDecisions, 350},   {Knob::kFanOuts, 300},     {Knob::kSleeps, 150},
      {Knob::kAwaits, 250},      {Knob::kSignals, 1000},    {Knob::kParts, 250},
      {Knob::kSagaSteps, 900}};
  for (const auto& [knob, most] : chances) p[knob] = Sometimes(random, most);
  return p;
}

std::string ToText(const SimulationProfile& profile) {
  std::string text = fmt::format("seed {}\n", profile.seed);
  for (size_t i = 0; i < kKnobs; ++i) {
    if (profile.knobs[i] != 0) text += fmt::format("{} {}\n", kNames[i], profile.knobs[i]);
  }
  return text;
}

absl::StatusOr<SimulationProfile> ParseProfile(std::string_view text) {
  SimulationProfile profile;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const size_t blank = line.find(' ');
    uint64_t value = 0;
    const bool number = blank != line.npos && ToNumber(line.substr(blank + 1), value);
    const std::string_view name = line.substr(0, blank);
    const auto at = std::find(kNames.begin(), kNames.end(), name);
    if (!number || (name != "seed" && (at == kNames.end() || value > UINT32_MAX))) {
      return absl::InvalidArgumentError(
          fmt::format("reading a profile: '{}' is not a knob and its number", line));
    }
    if (name == "seed") {
      profile.seed = value;
    } else {
      profile.knobs[static_cast<size_t>(at - kNames.begin())] = static_cast<uint32_t>(value);
    }
  }
  return profile;
}

}  // namespace skald::inline v1
