#include "growth_axes.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "ceilings.h"
#include "contest.h"
#include "fmt/format.h"
#include "process.h"
#include "shaped_order.h"
#include "traffic.h"

namespace skald::bench {
namespace {

// Under what one point is measured.
struct Setup {
  RunOptions run;
  uint32_t shards = 1;
  uint64_t kept = 0;  // sagas that ended before
};

// Between two looks, which then cost nothing beside what they measure.
constexpr absl::Duration kMoment = absl::Milliseconds(5);

Measured Measure(Coordinator& coordinator, const RunOptions& run, uint64_t first_key) {
  Traffic traffic(coordinator, {.in_flight = run.in_flight,
                                .shape = run.shape,
                                .time_every = run.in_flight < 64 ? 1u : 16u,
                                .first_key = first_key});
  traffic.Start();
  // All begin together; only when the first ones have ended are they spread over their phases.
  while (traffic.finished() < run.in_flight && !Interrupted()) traffic.Rest(kMoment);
  Window window(run);
  bool warm = false;
  while (window.Tick(traffic.finished()) && !Interrupted()) {
    if (window.warm() && !std::exchange(warm, true)) (void)traffic.TakeLatencies();
    traffic.Rest(kMoment);
  }
  const Histogram latencies = traffic.TakeLatencies();
  traffic.Stop();
  Measured measured = window.Result();
  measured.latency_p50 = latencies.Quantile(0.5);
  measured.latency_p99 = latencies.Quantile(0.99);
  return measured;
}

void Keep(Coordinator& coordinator, uint64_t count, const Shape& shape) {
  if (count == 0) return;
  constexpr uint32_t kInFlight = 4096;
  Traffic traffic(coordinator, {.in_flight = kInFlight, .shape = shape});
  traffic.Start();
  while (traffic.finished() + kInFlight < count && !Interrupted()) {
    TellProgress(fmt::format("{} of {} sagas kept", traffic.finished(), count));
    traffic.Rest(absl::Milliseconds(count > 1'000'000 ? 500 : 1));
  }
  traffic.Stop();
}

// Runs the order saga under `setup`. One that keeps so many sagas that a run adds little to them
// goes on with its store in the next round.
class Skald {
 public:
  explicit Skald(const Setup& setup) : setup_(setup) {}

  Measured operator()(const RunOptions& run) {
    if (rig_ == nullptr) {
      rig_ = std::make_shared<Rig>(
          Rig::Options{.dir = run.dir, .shape = run.shape, .shards = setup_.shards});
      Keep(rig_->coordinator(), setup_.kept, run.shape);
    }
    first_key_ += uint64_t{1} << 40;
    const Measured measured = Measure(rig_->coordinator(), run, first_key_);
    if (setup_.kept < kManyKept) rig_.reset();
    return measured;
  }

 private:
  static constexpr uint64_t kManyKept = 1'000'000;

  Setup setup_;
  std::shared_ptr<Rig> rig_;
  uint64_t first_key_ = 0;
};

void Add(GrowthAxis& axis, double x, const Contender& contender) {
  auto series = std::find_if(axis.series.begin(), axis.series.end(),
                             [&](const GrowthSeries& one) { return one.name == contender.name; });
  if (series == axis.series.end()) {
    series = axis.series.insert(series, GrowthSeries{contender.name, {}});
  }
  GrowthPoint point{.x = x, .rounds = {}};
  for (const Measured& run : contender.rounds) point.rounds.push_back(ReadingOf(run));
  series->points.push_back(std::move(point));
}

std::function<Measured(const RunOptions&)> UnlessInterrupted(
    std::function<Measured(const RunOptions&)> run) {
  return [run = std::move(run)](const RunOptions& options) {
    return Interrupted() ? Measured{} : run(options);
  };
}

// At each point the order saga, and turn by turn with it the ceilings in the same configuration.
GrowthAxis RunPoints(const AxisSpec& spec, const GrowthFlags& flags,
                     const std::vector<Contender>& ceilings, void (*set)(Setup&, double)) {
  GrowthAxis axis{.name = std::string(spec.name), .series = {}};
  for (const double x : spec.PointsOf(flags)) {
    if (Interrupted()) break;
    Setup setup{.run = {.dir = flags.dir,
                        .warmup_seconds = flags.warmup_seconds,
                        .seconds = flags.seconds}};
    set(setup, x);
    TellProgress({});
    fmt::print(stderr, "{} at {:.0f}\n", spec.name, x);
    std::vector<Contender> contenders = {{"skald", Skald(setup), {}}};
    contenders.insert(contenders.end(), ceilings.begin(), ceilings.end());
    for (Contender& contender : contenders) contender.run = UnlessInterrupted(contender.run);
    Compete(contenders, setup.run, flags.rounds);
    for (const Contender& contender : contenders) Add(axis, x, contender);
  }
  return axis;
}

const std::vector<Contender>& Append() {
  static const std::vector<Contender> append = {{"append", RunCeilingAppend, {}}};
  return append;
}

GrowthAxis RunInFlight(const AxisSpec& spec, const GrowthFlags& flags) {
  const std::vector<Contender> ceilings = {{"append", RunCeilingAppend, {}},
                                           {"obvious", RunCeilingObvious, {}},
                                           {"file", RunCeilingFile, {}}};
  return RunPoints(spec, flags, ceilings,
                   [](Setup& setup, double x) { setup.run.in_flight = static_cast<uint32_t>(x); });
}

GrowthAxis RunSteps(const AxisSpec& spec, const GrowthFlags& flags) {
  return RunPoints(spec, flags, Append(), [](Setup& setup, double x) {
    setup.run.shape.steps = static_cast<uint32_t>(x);
  });
}

GrowthAxis RunPayload(const AxisSpec& spec, const GrowthFlags& flags) {
  return RunPoints(spec, flags, Append(), [](Setup& setup, double x) {
    setup.run.shape.input_bytes = static_cast<size_t>(x);
    setup.run.shape.output_bytes = static_cast<size_t>(x);
    setup.run.in_flight = 256;  // with the largest payloads more would fill the memory
  });
}

GrowthAxis RunThreads(const AxisSpec& spec, const GrowthFlags& flags) {
  return RunPoints(spec, flags, Append(),
                   [](Setup& setup, double x) { setup.shards = static_cast<uint32_t>(x); });
}

GrowthAxis RunKept(const AxisSpec& spec, const GrowthFlags& flags) {
  return RunPoints(spec, flags, Append(),
                   [](Setup& setup, double x) { setup.kept = static_cast<uint64_t>(x); });
}

std::vector<double> AllStepCounts() {
  return {StepCounts().begin(), StepCounts().end()};
}

}  // namespace

const std::vector<AxisSpec>& AxisSpecs() {
  static const std::vector<double> in_flight = {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536};
  static const std::vector<double> payload = {64, 256, 1024, 4096, 16384, 65536};
  static const std::vector<AxisSpec> specs = {
      {"in-flight", "sagas in flight", in_flight, in_flight, RunInFlight},
      {"steps", "steps a saga", AllStepCounts(), AllStepCounts(), RunSteps},
      {"payload", "bytes of the input and of each output", payload, payload, RunPayload},
      {"threads", "loop threads", {1, 2, 4}, {1, 2, 4}, RunThreads},
      {"kept", "finished sagas kept", {0, 1e4, 1e5, 1e6, 1e7}, {0, 1e4, 1e5}, RunKept},
      {"memory-in-flight",
       "memory of sagas in flight",
       {0, 25e3, 50e3, 100e3, 150e3, 200e3},
       {0, 50e3, 100e3},
       WeighInFlight},
      {"memory-asleep",
       "memory of sagas asleep",
       {0, 250e3, 500e3, 1e6, 2.5e6, 5e6, 10e6},
       {0, 100e3, 250e3},
       WeighAsleep},
  };
  return specs;
}

const AxisSpec* FindAxis(std::string_view name) {
  const auto found = std::find_if(AxisSpecs().begin(), AxisSpecs().end(),
                                  [&](const AxisSpec& spec) { return spec.name == name; });
  return found == AxisSpecs().end() ? nullptr : &*found;
}

void TellProgress(std::string_view text) {
  if (isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r{:<78}{}", text, text.empty() ? "\r" : "");
  std::fflush(stderr);
}

}  // namespace skald::bench
