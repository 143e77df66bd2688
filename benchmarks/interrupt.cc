#include "interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "measure.h"

namespace skald::bench {
namespace {

std::array<int, 2> passed = {-1, -1};  // a pipe: a handler may do little more than write

void Pass(int signal) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  (void)!write(passed[1], &byte, 1);
  errno = before;
}

// Named as ScratchDir names them.
std::vector<std::filesystem::path> OwnScratch(const std::string& parent) {
  const std::string process = fmt::format("-{}-", getpid());
  std::vector<std::filesystem::path> own;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("skald-") && name.find(process) != std::string::npos) {
      own.push_back(entry.path());
    }
  }
  return own;
}

void EndAtSignal(const std::string& parent) {
  unsigned char signal = 0;
  while (read(passed[0], &signal, 1) != 1) {
  }
  // A store that is not closed may make a file while its directory is being emptied.
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::error_code error;
    for (const auto& path : OwnScratch(parent)) std::filesystem::remove_all(path, error);
  }
  for (const auto& path : OwnScratch(parent)) {
    fmt::print(stderr, "interrupted; remove {} yourself\n", path.string());
  }
  std::_Exit(128 + signal);
}

}  // namespace

void RemoveScratchWhenInterrupted(const std::string& parent) {
  if (pipe2(passed.data(), O_CLOEXEC) != 0) Die("cannot make a pipe for signals");
  // Waits for as long as the process lives.
  static const auto* const waiter = new std::thread(EndAtSignal, parent);
  (void)waiter;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action.sa_handler = Pass;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace skald::bench
