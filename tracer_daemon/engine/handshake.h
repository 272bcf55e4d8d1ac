// The handshake: how a process and its threads get the memory that they share with the tracer. The
// shim asks by its bell (enum wc_ask in protocol/shared.h) and is answered in rax, all of it on the
// tracer's thread, at one stop: nothing can come in between, no exec and no other thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/switching.h"
#include "patch/process_patching.h"
#include "program/unwrapped_programs.h"
#include "recording/stacks.h"
#include "session/server.h"
#include "signals/heartbeat.h"
#include "tracee/tracees.h"

namespace wc {

class Handshake {
 public:
  struct Parts {
    Stacks& stacks;
    ProcessPatching& patching;
    UnwrappedPrograms& unwrapped;
    Heartbeat& heartbeat;
    Switching& switching;
  };
  Handshake(const TraceRun& run, const Parts& parts) : run_(run), parts_(parts) {}

  // Whether a breakpoint is that of a process whose shim has not said where it is yet.
  static bool is_hello(const Thread& thread, const user_regs_struct& regs);
  // Answers, and resumes the thread.
  void on_ask(StoppedThread stop, Thread& thread, user_regs_struct& regs);
  // One that has asked before, and the tracer could not take its memory.
  SessionHost::Answer answer_by_socket(Process* process, const wc_hello& hello);

  // A forked child starts without its parent's state: at its first stop.
  void wipe_forked(Process& child) const;
  // A program that was given the shim ends, or becomes another one, and its shim has not said
  // anything. `status` as wait(2) gives it.
  void note_silent(Process& process, int status);
  // The soft limit of descriptors, raised for the handshake, is the program's own business.
  static void put_back_limit(Process& process);

 private:
  using MakeShare = std::function<Result<std::unique_ptr<ProcessShare>>(const ShareLayout&)>;
  [[nodiscard]] ShareLayout layout_for(const Process& process) const;
  Result<std::unique_ptr<ProcessShare>> create_share(const Process& process, const MakeShare& make);
  bool read_hello(Process& process, const user_regs_struct& regs) const;
  uint64_t answer_hello(Thread& thread, const user_regs_struct& regs);
  uint64_t answer_anonymous(Thread& thread, const user_regs_struct& regs);
  uint64_t welcome(Process& process, bool filtered, Result<std::unique_ptr<ProcessShare>> share);
  static bool make_room_for_descriptor(Process& process);
  void forget_share(Process& process, const std::string& why);
  uint64_t give_slot(StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
  static bool map_more_slots(StoppedThread& stop, Process& process);
  void note_unwrapped(Process& process, const std::string& why);

  const TraceRun& run_;
  Parts parts_;
};

}  // namespace wc
