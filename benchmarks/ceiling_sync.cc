#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "ceilings.h"
#include "fmt/format.h"
#include "workload.h"

namespace skald::bench {

Measured RunCeilingSync(const RunOptions& options) {
  constexpr size_t kRecordBytes = 4096;
  const ScratchDir dir(options.dir, "sync");
  const std::string path = dir.path() + "/log";
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) Die(fmt::format("cannot open {}", path));
  Window window(options);
  std::vector<double> latencies;
  uint64_t done = 0;
  do {
    const double begin = NowSeconds();
    const std::string_view record = Noise(kRecordBytes, done);
    if (write(file, record.data(), record.size()) != static_cast<ssize_t>(record.size()) ||
        fdatasync(file) != 0) {
      Die(fmt::format("cannot append to {}", path));
    }
    if (window.warm()) latencies.push_back(NowSeconds() - begin);
  } while (window.Tick(++done));
  close(file);
  Measured measured = window.Result();
  measured.latency_p50 = Quantile(latencies, 0.5);
  measured.latency_p99 = Quantile(latencies, 0.99);
  return measured;
}

}  // namespace skald::bench
