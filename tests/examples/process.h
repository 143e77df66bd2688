// Runs a program and collects what it says; kills it where a test wants that.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace example_tests {

struct Ended {
  int code = -1;    // exit code; -1 when a signal ended it
  int signal = 0;   // that signal
  std::string out;  // stdout
  std::string err;  // stderr
};

// A program under way; its outputs go to files. Killed by its id when it is still there at the end.
class Process {
 public:
  // `input`: a file for stdin; empty: nothing.
  explicit Process(std::vector<std::string> command, const std::string& input = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // Whether it ended within `patience`.
  bool WaitFor(absl::Duration patience);
  // REQUIRES: it ends by itself within five minutes, else the test fails.
  Ended Wait();

 private:
  void Reap(int options);

  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
  std::string out_path_;
  std::string err_path_;
};

Ended RunProgram(std::vector<std::string> command, const std::string& input = "");

// A directory that is gone with the object.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace example_tests
