// A process to be killed: works on a store until it dies, and tells the outside what it
// acknowledged.
//
//   saga_worker DIR PREFIX IN_FLIGHT      lines on stdout: "open N", "ack KEY", "fin KEY"
#include <fmt/core.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "saga_life.h"
#include "skald/rocksdb/rocksdb_store.h"

namespace {

// One write a line: a kill never tears one, and nothing waits in a buffer of this process.
void Tell(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    ::_exit(3);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  auto store = skald::OpenRocksDbStore(argv[1], {.memory_bytes = size_t{32} << 20});
  if (!store.ok()) {
    fmt::print(stderr, "{}\n", store.status().ToString());
    return 1;
  }
  skald_test::SagaLife life({.acknowledged = [](const std::string& key) { Tell("ack " + key); },
                             .finished = [](const std::string& key) { Tell("fin " + key); }});
  const absl::Status opened = life.Open(**store, absl::Seconds(30));
  if (!opened.ok()) {
    fmt::print(stderr, "{}\n", opened.ToString());
    return 1;
  }
  Tell(fmt::format("open {}", life.resumed()));
  life.Work(argv[2], std::stoull(argv[3]), UINT64_MAX);
  for (;;) ::pause();
}
