#include "contest.h"

#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"

namespace skald::bench {
namespace {

void Progress(int round, int rounds, const Contender& contender, const RunOptions& options) {
  const double seconds = options.warmup_seconds + options.seconds;
  const std::string line =
      fmt::format("round {} of {}: {} ({:.1f} s)", round + 1, rounds, contender.name, seconds);
  if (isatty(STDERR_FILENO) != 0) {
    fmt::print(stderr, "\r{:<78}", line);
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

}  // namespace

void Compete(std::vector<Contender>& contenders, const RunOptions& options, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (size_t turn = 0; turn < contenders.size(); ++turn) {
      const size_t at = round % 2 == 0 ? turn : contenders.size() - 1 - turn;
      Progress(round, rounds, contenders[at], options);
      contenders[at].rounds.push_back(contenders[at].run(options));
    }
  }
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{:<78}\r", "");
}

double MedianOf(const Contender& contender, const std::function<double(const Measured&)>& figure) {
  std::vector<double> values;
  for (const Measured& round : contender.rounds) {
    if (round.problem.empty()) values.push_back(figure(round));
  }
  return Median(std::move(values));
}

}  // namespace skald::bench
