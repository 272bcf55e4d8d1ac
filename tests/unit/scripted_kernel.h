// A kernel whose stops and ends are written down in advance, and which remembers what it was asked.
#pragma once

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "kernel/kernel.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {

inline int stopped_by(int signal, int event = 0) { return event << 16 | signal << 8 | 0x7f; }
inline int at_syscall() { return stopped_by(SIGTRAP | 0x80); }
inline int at_event(int event) { return stopped_by(SIGTRAP, event); }
inline int exited(int code) { return code << 8; }

class ScriptedKernel final : public Kernel {
 public:
  struct Request {
    int what;
    pid_t tid;
    uint64_t address, data;
  };

  // What look() says, in this order; a call for one thread passes over the others.
  std::deque<Seen> script;
  // Before a stop is handed out: what the thread has done meanwhile.
  std::function<void(const Seen&)> on_seen;
  // How long a wait takes that ends with an error (EINTR).
  std::chrono::milliseconds ticks_between{0};
  std::map<pid_t, user_regs_struct> registers;
  std::map<pid_t, uint64_t> masks, event_messages;
  std::map<pid_t, int> last_signal;    // of its last stop
  std::map<uint64_t, uint64_t> words;  // memory, by aligned address
  std::vector<Request> requests;
  std::vector<std::pair<pid_t, int>> signals_sent;
  std::vector<pid_t> claimed;
  std::vector<pid_t> dead;  // requests fail with ESRCH

  long trace(int request, pid_t tid, uint64_t address, uint64_t data) override {
    requests.push_back({request, tid, address, data});
    if (std::find(dead.begin(), dead.end(), tid) != dead.end()) return -ESRCH;
    auto* to = reinterpret_cast<void*>(data);
    switch (request) {
      case PTRACE_GETREGS:
        std::memcpy(to, &registers[tid], sizeof registers[tid]);
        return 0;
      case PTRACE_SETREGS:
        std::memcpy(&registers[tid], to, sizeof registers[tid]);
        return 0;
      case PTRACE_GETSIGMASK:
        std::memcpy(to, &masks[tid], sizeof masks[tid]);
        return 0;
      case PTRACE_SETSIGMASK:
        std::memcpy(&masks[tid], to, sizeof masks[tid]);
        return 0;
      case PTRACE_GETEVENTMSG:
        std::memcpy(to, &event_messages[tid], sizeof event_messages[tid]);
        return 0;
      case PTRACE_GETSIGINFO: {
        siginfo_t info{};
        info.si_signo = last_signal[tid];
        std::memcpy(to, &info, sizeof info);
        return 0;
      }
      case PTRACE_PEEKDATA:
        if (!words.contains(address)) return -EIO;
        std::memcpy(to, &words[address], sizeof words[address]);
        return 0;
      case PTRACE_POKEDATA:
        if (!words.contains(address)) return -EIO;
        words[address] = data;
        return 0;
      default:
        return 0;
    }
  }
  Seen look(pid_t tid, Wait how) override {
    auto at = std::find_if(script.begin(), script.end(),
                           [&](const Seen& one) { return tid == kAnyThread || one.tid == tid; });
    // Nobody would ever wake a real one: no tracee is left.
    if (at == script.end()) return how == Wait::Block ? Seen{-ECHILD, 0} : Seen{};
    // A thread that still runs has not stopped yet.
    if (how == Wait::Poll && at != script.begin()) return {};
    Seen seen = *at;
    script.erase(at);
    last_signal[seen.tid] = WSTOPSIG(seen.status);
    if (seen.tid < 0) std::this_thread::sleep_for(ticks_between);
    if (on_seen) on_seen(seen);
    return seen;
  }
  void claim(pid_t tid) override { claimed.push_back(tid); }
  ScopedFd open_memory(pid_t /*tid*/) override {
    errno = EACCES;
    return {};
  }
  void send_signal(pid_t tid, int signal) override { signals_sent.emplace_back(tid, signal); }

  [[nodiscard]] size_t count(int what, pid_t tid) const {
    return static_cast<size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const Request& one) { return one.what == what && one.tid == tid; }));
  }
};

}  // namespace wc
