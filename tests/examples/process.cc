#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "skald/base/clock.h"

namespace example_tests {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(5);

std::string MakeTemporary() {
  std::string path = (std::filesystem::temp_directory_path() / "skald_test_XXXXXX").string();
  const int fd = mkstemp(path.data());
  if (fd < 0) throw std::runtime_error("no room for a temporary file");
  close(fd);
  return path;
}

void Redirect(const char* path, int flags, int to) {
  const int fd = open(path, flags);
  if (fd < 0 || dup2(fd, to) < 0) _exit(127);
}

}  // namespace

Process::Process(std::vector<std::string> command, const std::string& input)
    : out_path_(MakeTemporary()), err_path_(MakeTemporary()) {
  std::vector<char*> argv;
  for (std::string& part : command) argv.push_back(part.data());
  argv.push_back(nullptr);
  const std::string in_path = input.empty() ? "/dev/null" : input;
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
  Redirect(in_path.c_str(), O_RDONLY, STDIN_FILENO);
  Redirect(out_path_.c_str(), O_WRONLY, STDOUT_FILENO);
  Redirect(err_path_.c_str(), O_WRONLY, STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

Process::~Process() {
  if (!ended_) {
    Signal(SIGKILL);
    Reap(0);
  }
  unlink(out_path_.c_str());
  unlink(err_path_.c_str());
}

void Process::Signal(int signal) const {
  if (!ended_) kill(pid_, signal);
}

void Process::Reap(int options) {
  if (!ended_) ended_ = waitpid(pid_, &status_, options) == pid_;
}

bool Process::WaitFor(absl::Duration patience) {
  const skald::Clock& clock = skald::Clock::Real();
  const absl::Duration end = clock.Boot() + patience;
  while (true) {
    Reap(WNOHANG);
    if (ended_ || clock.Boot() >= end) return ended_;
    poll(nullptr, 0, 1);
  }
}

Ended Process::Wait() {
  if (!WaitFor(kPatience)) throw std::runtime_error("the program did not end in five minutes");
  Ended ended;
  if (WIFEXITED(status_)) ended.code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) ended.signal = WTERMSIG(status_);
  ended.out = ReadFile(out_path_);
  ended.err = ReadFile(err_path_);
  return ended;
}

Ended RunProgram(std::vector<std::string> command, const std::string& input) {
  return Process(std::move(command), input).Wait();
}

TempDirectory::TempDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "skald_test_XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary directory");
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace example_tests
