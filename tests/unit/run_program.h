// Runs a program to its end, with a time limit, and keeps what it said.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/scoped_fd.h"

namespace wc {

struct Finished {
  int status = -1;  // exit status, 128 + signal, or -1: it did not end in time
  std::string out, err;
};

// The environment is this process's with `extra` ("NAME=value") added in front.
inline Finished run_program(const std::vector<std::string>& arguments,
                            const std::vector<std::string>& extra = {},
                            std::chrono::seconds limit = std::chrono::seconds(30)) {
  Finished result;
  int ends[2][2];
  if (pipe2(ends[0], O_CLOEXEC) != 0 || pipe2(ends[1], O_CLOEXEC) != 0) return result;
  std::vector<char*> argv, envp;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const auto& entry : extra) envp.push_back(const_cast<char*>(entry.c_str()));
  for (char** entry = environ; *entry != nullptr; entry++) envp.push_back(*entry);
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0][1], 1);
    dup2(ends[1][1], 2);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  const ScopedFd read_ends[2] = {ScopedFd(ends[0][0]), ScopedFd(ends[1][0])};
  close(ends[0][1]);
  close(ends[1][1]);
  std::string* texts[2] = {&result.out, &result.err};
  pollfd polled[2] = {{ends[0][0], POLLIN, 0}, {ends[1][0], POLLIN, 0}};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  bool late = false;
  while (!late && (polled[0].fd >= 0 || polled[1].fd >= 0)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    late = left.count() <= 0 || poll(polled, 2, static_cast<int>(left.count())) == 0;
    for (int i = 0; i < 2 && !late; i++) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      char chunk[4096];
      const ssize_t n = read(polled[i].fd, chunk, sizeof chunk);
      if (n > 0)
        texts[i]->append(chunk, static_cast<size_t>(n));
      else
        polled[i].fd = -1;
    }
  }
  if (late) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (!late) result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace wc
