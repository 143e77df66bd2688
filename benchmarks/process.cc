#include "process.h"

#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace skald::bench {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void Note(int /*signal*/) {
  interrupted = 1;
}

}  // namespace

void CatchInterrupts() {
  struct sigaction action{};
  action.sa_handler = Note;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() {
  return interrupted != 0;
}

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t TrimmedResidentBytes() {
  malloc_trim(0);
  return ResidentBytes();
}

}  // namespace skald::bench
