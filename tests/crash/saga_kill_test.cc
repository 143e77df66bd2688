// kill -9 of a real process on a real disk under load, a hundred times, judged from outside: every
// start that it had acknowledged must be there, and every effect exactly once.
#include <fmt/core.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "saga_life.h"
#include "skald/base/random.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace skald_test {
namespace {

struct Life {
  std::vector<std::string> acknowledged;
  size_t in_flight = 0;  // acknowledged and not finished when it died
  uint64_t resumed = 0;
  bool opened = false;
};

void Take(const std::string& line, Life& life, std::set<std::string>& running) {
  if (line.rfind("open ", 0) == 0) {
    life.opened = true;
    life.resumed = std::stoull(line.substr(5));
  } else if (line.rfind("ack ", 0) == 0) {
    life.acknowledged.push_back(line.substr(4));
    running.insert(line.substr(4));
  } else if (line.rfind("fin ", 0) == 0) {
    running.erase(line.substr(4));
  }
}

// Lets a worker live until it has acknowledged `enough` starts, then a random moment longer.
Life Live(const std::string& directory, const std::string& prefix, size_t enough,
          skald::Random& random) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::execl(SAGA_WORKER, "saga_worker", directory.c_str(), prefix.c_str(), "400", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  Life life;
  std::set<std::string> running;
  std::string rest;
  bool killed = false;
  const uint64_t kill_at = enough + random.Below(1500);
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(ends[0], buffer, sizeof(buffer));
    if (n <= 0) break;
    rest.append(buffer, static_cast<size_t>(n));
    size_t from = 0;
    for (size_t end; (end = rest.find('\n', from)) != std::string::npos; from = end + 1) {
      Take(rest.substr(from, end - from), life, running);
      if (!killed && life.acknowledged.size() >= kill_at) {
        killed = true;
        ::kill(child, SIGKILL);
      }
    }
    rest.erase(0, from);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  INFO("the worker ended by itself, status " << status);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  life.in_flight = running.size();
  return life;
}

#if defined(SKALD_DEBUG_CHECKS)
constexpr int kKills = 10;  // sanitizers look for other things, and slowly
#else
constexpr int kKills = 100;
#endif

TEST_CASE("after 100 kills under load every acknowledged start is there and every effect once") {
  std::string root = (std::filesystem::temp_directory_path() / "skald_kill_XXXXXX").string();
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const uint64_t seed = 20'110'331;
  skald::SeededRandom random(seed);
  INFO("seed " << seed);
  std::vector<std::string> acknowledged;
  std::vector<size_t> in_flight;
  uint64_t resumed = 0;
  for (int i = 0; i < kKills; ++i) {
    const Life life = Live(root + "/store", fmt::format("life{}", i), 200, random);
    REQUIRE(life.opened);
    CHECK(life.in_flight > 0);
    in_flight.push_back(life.in_flight);
    resumed += life.resumed;
    acknowledged.insert(acknowledged.end(), life.acknowledged.begin(), life.acknowledged.end());
  }
  std::sort(in_flight.begin(), in_flight.end());
  const size_t median = in_flight[in_flight.size() / 2];
  auto store = skald::OpenRocksDbStore(root + "/store");
  INFO(store.status().ToString());
  REQUIRE(store.ok());
  {
    SagaLife judge({});
    REQUIRE(judge.Open(**store, absl::Seconds(30)).ok());
    CHECK(judge.Drain(absl::Seconds(120)));
    CHECK(judge.Audit(acknowledged) == "");
  }
  store->reset();
  std::filesystem::remove_all(root);
  fmt::print(
      "kills {}: {} acknowledged starts, {} sagas resumed, in flight at a kill: min {} median {}\n",
      in_flight.size(), acknowledged.size(), resumed, in_flight.front(), median);
  CHECK(median >= 100);
  CHECK(resumed > 0);
}

}  // namespace
}  // namespace skald_test
