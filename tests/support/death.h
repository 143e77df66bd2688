// Runs code that must abort, in a child process, and gives what it wrote to stderr.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

struct Death {
  bool aborted = false;
  std::string text;
};

template <typename Code>
Death Die(Code code) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // the test runner's handler would report a failed test
    dup2(pipe_ends[1], STDERR_FILENO);
    code();
    _exit(0);
  }
  close(pipe_ends[1]);
  Death death;
  char buffer[512];
  for (ssize_t got = 0; (got = read(pipe_ends[0], buffer, sizeof(buffer))) > 0;) {
    death.text.append(buffer, static_cast<size_t>(got));
  }
  close(pipe_ends[0]);
  int state = 0;
  waitpid(child, &state, 0);
  death.aborted = WIFSIGNALED(state) && WTERMSIG(state) == SIGABRT;
  return death;
}
