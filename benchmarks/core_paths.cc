// Runs one core path in three parts, of a few, of N and of 2N rounds, and nothing else. See
// tools/instructions.py, which counts the parts.
//
//   core_paths --list                         name, rounds, what one round is
//   core_paths --about                        what it was built with and runs on
//   core_paths saga-order --times 2048
#include "core_paths.h"

#include <gnu/libc-version.h>

#include <algorithm>
#include <string_view>
#include <thread>

#include "CLI/CLI.hpp"
#include "absl/base/config.h"
#include "bench_config.h"
#include "fmt/core.h"

// Callgrind writes down what it has counted when this ends (--dump-after), and begins anew.
extern "C" [[gnu::noinline]] void SkaldEndOfPart() {
  asm volatile("" : : : "memory");
}

namespace skald::bench {
namespace {

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif

#if defined(ABSL_LTS_RELEASE_VERSION)
constexpr int kAbseil = ABSL_LTS_RELEASE_VERSION;
#else
constexpr int kAbseil = 0;
#endif

void PrintAbout() {
  fmt::print("compiler: {}\n", kCompiler);
  fmt::print("flags: {}\n", BENCH_BUILD);
  fmt::print("abseil: {}\n", kAbseil);
  fmt::print("fmt: {}\n", FMT_VERSION);
  fmt::print("glibc: {}\n", gnu_get_libc_version());
  fmt::print("rocksdb: not linked, the store is in memory\n");
#if defined(__x86_64__)
  __builtin_cpu_init();
  fmt::print("crc32c: {}\n", __builtin_cpu_supports("sse4.2") ? "sse4.2" : "portable");
#endif
}

std::vector<Path> AllPaths() {
  std::vector<Path> paths;
  AddSagaPaths(paths);
  AddEventPaths(paths);
  AddPartPaths(paths);
  AddRecordPaths(paths);
  return paths;
}

int Refuse(std::string_view what) {
  fmt::print(stderr, "core_paths: {}; core_paths --list names the paths\n", what);
  return 2;
}

int RunPath(const std::string& name, uint64_t times) {
  const std::vector<Path> paths = AllPaths();
  const auto found =
      std::find_if(paths.begin(), paths.end(), [&](const Path& path) { return path.name == name; });
  if (found == paths.end()) return Refuse(fmt::format("there is no path '{}'", name));
  // A host has threads: a process that never had one takes shortcuts around atomics.
  std::thread([] {}).join();
  if (times == 0) times = found->times;
  // What happens once in a process, such as looking symbols up, is in the first part.
  for (const uint64_t rounds : {times / 16 + 1, times, 2 * times}) {
    found->run(rounds);
    SkaldEndOfPart();
  }
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app{"Runs one core path; tools/instructions.py counts its instructions."};
  bool list = false;
  bool about = false;
  std::string name;
  uint64_t times = 0;
  app.add_flag("--list", list, "name every path, its rounds, and what one round is");
  app.add_flag("--about", about, "what this was built with");
  app.add_option("path", name, "the path to run");
  app.add_option("--times", times, "N; without it, what --list says")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return Refuse(error.what());
  }
  if (about) {
    PrintAbout();
    return 0;
  }
  if (!list) return name.empty() ? Refuse("no path is named") : RunPath(name, times);
  for (const Path& path : AllPaths()) {
    fmt::print("{} {} {}\n", path.name, path.times, path.what);
  }
  return 0;
}

}  // namespace
}  // namespace skald::bench

int main(int argc, char** argv) {
  return skald::bench::Main(argc, argv);
}
