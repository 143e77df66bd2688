// The outbox' promise, whole: a process that adds messages and a broker that carries them are
// killed at random; none is lost, those of a key arrive in order, and repetitions are told.
#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker.h"
#include "catch.h"
#include "counted.h"
#include "counted_consumer.h"
#include "sender.h"
#include "skald/base/random.h"

namespace skald_test {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(3);  // without any message

struct Run {
  uint64_t keys = 1000;
  uint64_t per_key = 20;
  int kills = 2;  // of the process, and of the broker
  // The kills come while at most this part of the messages has arrived. Not at the very end.
  double kills_within = 0.9;
  bool confirmed = true;
};

struct Outcome {
  uint64_t accepted = 0, repeated = 0, disorder = 0;
  int worker_kills = 0, broker_kills = 0;
  int late = 0;       // when a kill's moment came, the process had sent everything and ended
  bool done = false;  // the process says that every message has left
  bool each_key_complete = false;
  absl::Duration took;
};

class Worker {
 public:
  Worker(std::string directory, uint16_t port, const Run& run, uint64_t seed)
      : directory_(std::move(directory)), port_(port), run_(run), seed_(seed) {
    Start();
  }
  ~Worker() { Kill(); }

  void Start() {
    const std::vector<std::string> arguments = {"outbox_worker",
                                                directory_,
                                                std::to_string(port_),
                                                std::to_string(run_.keys),
                                                std::to_string(run_.per_key),
                                                std::to_string(seed_++),
                                                run_.confirmed ? "confirmed" : "unconfirmed"};
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(OUTBOX_WORKER, argv.data());
    ::_exit(127);
  }
  // RETURNS: false: it had ended already.
  bool Kill() {
    if (pid_ < 0) return false;
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status);
  }
  // Whether it ended by itself, all being well.
  bool Done() {
    int status = 0;
    if (pid_ < 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      throw std::runtime_error(fmt::format("the worker failed, status {}", status));
    }
    return true;
  }

 private:
  const std::string directory_;
  const uint16_t port_;
  const Run run_;
  uint64_t seed_;
  pid_t pid_ = -1;
};

// After how many accepted messages to kill, in order.
std::vector<uint64_t> Moments(const Run& run, skald::Random& random) {
  const auto end =
      static_cast<uint64_t>(static_cast<double>(run.keys * run.per_key) * run.kills_within);
  std::vector<uint64_t> moments;
  for (int i = 0; i < run.kills; ++i) moments.push_back(1 + random.Below(end));
  std::sort(moments.rbegin(), moments.rend());
  return moments;
}

void Report(const CountedConsumer& consumer, const Outcome& outcome, uint64_t total) {
  fmt::print(stderr, "  {} of {} messages, {} repeated, kills: process {}, broker {}\n",
             consumer.accepted(), total, consumer.repeated(), outcome.worker_kills,
             outcome.broker_kills);
}

Outcome Judge(const Run& run, const std::string& root, uint64_t seed) {
  const uint64_t total = run.keys * run.per_key;
  const skald::Clock& clock = skald::Clock::Real();
  skald::SeededRandom random(seed);
  Broker& broker = SharedBroker();
  {
    Peer peer(broker.port());
    peer.DeclareQueue(kQueue);
    peer.Purge(kQueue);
  }
  const absl::Duration begun = clock.Boot();
  CountedConsumer consumer(root + "/consumer", broker.port());
  Worker worker(root + "/worker", broker.port(), run, seed);
  Outcome outcome;
  std::vector<uint64_t> worker_moments = Moments(run, random);
  std::vector<uint64_t> broker_moments = Moments(run, random);
  // Once both at the same time.
  if (run.kills > 0) worker_moments.back() = broker_moments.back();
  std::sort(worker_moments.rbegin(), worker_moments.rend());
  absl::Duration moved = begun;
  absl::Duration told = begun;
  while (clock.Boot() - moved < kPatience) {
    if (consumer.Consume()) moved = clock.Boot();
    outcome.done = outcome.done || worker.Done();
    const bool idle = consumer.connected() && clock.Boot() - moved > absl::Seconds(1);
    if (outcome.done && idle) break;
    if (!broker_moments.empty() && consumer.accepted() >= broker_moments.back()) {
      broker_moments.pop_back();
      ++outcome.broker_kills;
      broker.Kill();
      broker.Start();
      moved = clock.Boot();
    }
    if (!worker_moments.empty() && consumer.accepted() >= worker_moments.back()) {
      worker_moments.pop_back();
      ++(worker.Kill() ? outcome.worker_kills : outcome.late);
      if (!outcome.done) worker.Start();
    }
    if (clock.Boot() - told > absl::Seconds(5)) {
      told = clock.Boot();
      Report(consumer, outcome, total);
    }
  }
  outcome.took = clock.Boot() - begun;
  outcome.accepted = consumer.accepted();
  outcome.repeated = consumer.repeated();
  outcome.disorder = consumer.disorder();
  outcome.each_key_complete =
      consumer.last().size() == run.keys &&
      std::all_of(consumer.last().begin(), consumer.last().end(),
                  [&](const auto& key) { return key.second == run.per_key; });
  return outcome;
}

uint64_t Seed() {
  const char* const given = ::getenv("SKALD_SEED");
  return given != nullptr ? std::stoull(given) : skald::Random::Real().Below(1'000'000'000);
}

Outcome KillAndJudge(const Run& run, uint64_t seed) {
  std::string root = (std::filesystem::temp_directory_path() / "skald_outbox_XXXXXX").string();
  if (::mkdtemp(root.data()) == nullptr) throw std::runtime_error("no temporary directory");
  const Outcome outcome = Judge(run, root, seed);
  std::filesystem::remove_all(root);
  const uint64_t total = run.keys * run.per_key;
  fmt::print(
      "outbox under kills, SKALD_SEED={}: {} messages of {} keys in {:.1f} s, {} lost, {} out of "
      "order, {} repetitions told; killed: process {}, broker {}\n",
      seed, total, run.keys, absl::ToDoubleSeconds(outcome.took), total - outcome.accepted,
      outcome.disorder, outcome.repeated, outcome.worker_kills, outcome.broker_kills);
  return outcome;
}

Outcome CheckNothingLost(const Run& run) {
  const uint64_t seed = Seed();
  INFO("SKALD_SEED=" << seed);
  const Outcome outcome = KillAndJudge(run, seed);
  CHECK(outcome.done);
  CHECK(outcome.accepted == run.keys * run.per_key);
  CHECK(outcome.disorder == 0);
  CHECK(outcome.each_key_complete);
  CHECK(outcome.worker_kills + outcome.late == run.kills);
  CHECK(outcome.broker_kills == run.kills);
  return outcome;
}

#if defined(SKALD_DEBUG_CHECKS)
constexpr uint64_t kPerKey = 6;  // sanitizers look for other things, and slowly
#else
constexpr uint64_t kPerKey = 20;
#endif

TEST_CASE("process and broker killed twice each: no message is lost, each key keeps its order") {
  CHECK(CheckNothingLost({.per_key = kPerKey}).worker_kills > 0);
}

TEST_CASE("a publisher that answers before the broker has confirmed loses messages, and is found") {
  // Lost is what the broker holds in memory alone when it is killed. It is killed early, while the
  // process still sends; but where the broker has just then written everything, nothing is lost,
  // which only another run can tell from a judge that sees nothing.
  const Run run{.per_key = kPerKey, .kills = 1, .kills_within = 0.1, .confirmed = false};
  uint64_t lost = 0;
  for (int i = 0; i < 5 && lost == 0; ++i) {
    const uint64_t seed = Seed();
    INFO("run " << i << ", SKALD_SEED=" << seed);
    const Outcome outcome = KillAndJudge(run, seed);
    CHECK(outcome.done);  // it believes that all have left
    lost = run.keys * run.per_key - outcome.accepted;
    CHECK(outcome.each_key_complete == (lost == 0));
  }
  CHECK(lost > 0);
}

TEST_CASE("a million messages, process and broker killed ten times each", "[.][million]") {
  const Outcome outcome = CheckNothingLost({.per_key = 1000, .kills = 10});
  CHECK(outcome.worker_kills == 10);
  CHECK(outcome.repeated > 0);
}

}  // namespace
}  // namespace skald_test
