#include "machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

#include "absl/base/config.h"
#include "bench_commit.h"
#include "bench_config.h"
#include "fmt/format.h"
#include "rocksdb/version.h"

namespace skald::bench {
namespace {

// The value of the first line `name : value` of a file under /proc.
std::string ProcField(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const size_t colon = line.find(':');
    const size_t text = line.find_first_not_of(" \t", colon + 1);
    if (colon != std::string::npos && text != std::string::npos) return line.substr(text);
  }
  return "unknown";
}

std::string Kernel() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

bool IsUnder(const std::string& path, const std::string& mount) {
  if (mount == "/") return true;
  return path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/');
}

// "ext4 on /dev/vda": the mount with the longest prefix of `dir`.
std::string FileSystem(const std::string& dir) {
  std::error_code error;
  const std::string path = std::filesystem::canonical(dir, error).string();
  if (error) return "unknown";
  std::ifstream mounts("/proc/self/mounts");
  std::string best = "unknown";
  size_t longest = 0;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string mount;
    std::string type;
    words >> device >> mount >> type;
    if (!IsUnder(path, mount) || mount.size() < longest) continue;
    longest = mount.size();
    best = fmt::format("{} on {}", type, device);
  }
  return best;
}

std::string Compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#else
  return fmt::format("gcc {}", __VERSION__);
#endif
}

std::string Abseil() {
#if defined(ABSL_LTS_RELEASE_VERSION)
  return fmt::format("{}.{}", ABSL_LTS_RELEASE_VERSION, ABSL_LTS_RELEASE_PATCH_LEVEL);
#else
  return "head";
#endif
}

}  // namespace

std::string BuildCommit() {
  return BENCH_COMMIT;
}

Machine DescribeMachine(const std::string& dir) {
  return {
      {"cpu", ProcField("/proc/cpuinfo", "model name")},
      {"cores", fmt::format("{}", std::thread::hardware_concurrency())},
      {"memory", ProcField("/proc/meminfo", "MemTotal")},
      {"kernel", Kernel()},
      {"disk", FileSystem(dir)},
      {"compiler", Compiler()},
      {"build", BENCH_BUILD},
      {"rocksdb_link", BENCH_ROCKSDB_LINK},
      {"libraries",
       fmt::format("RocksDB {}, Abseil {}, fmt {}.{}.{}", rocksdb::GetRocksVersionAsString(),
                   Abseil(), FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"commit", BuildCommit()},
  };
}

void PrintMachine(const Machine& machine) {
  for (const auto& [name, text] : machine) fmt::print("{:<13} {}\n", name, text);
  fmt::print("\n");
}

}  // namespace skald::bench
