// SIGTRAP and SIGSYS, which the gates use, where the program ignores, blocks or handles them
// itself.
//
// A gate's signal is forced: the kernel gives it the default action where it is ignored, and takes
// it out of the mask where it is blocked (force_sig_info_to_task() in kernel/signal.c). So a thread
// that a gate has stopped is sent by way of a piece of the shim that sets SIG_IGN again, and
// /proc/PID/status, fork and exec know nothing else. Until that has run, and where there are
// several threads, the tracer keeps away what somebody sends.
#pragma once

#include <csignal>
#include <cstdint>

#include "kernel/stopped_thread.h"
#include "tracee/trace_run.h"
#include "tracee/tracee.h"

namespace wc {

enum class Towards { Any, Exec };

// The signals that the process's gate uses: OR of signal_bit().
uint64_t signals_of_gate(const Process& process);
bool is_of_gate(const Process& process, int signal);

namespace gate_signals {

// What the shim has found at its start, which its first bell takes away.
void learn_ignored(Process& process, wc_shared_header& header);
// The program has set an action.
void note_action(Thread& thread, int signal, const wc_action& action);
// Whether the kernel must not know of this action. With more than one thread, to ignore a signal
// takes it away from every thread that it waits for (do_sigaction() in kernel/signal.c), and it
// may be the gate's, for a thread that is about to stop.
bool must_be_kept(const Process& process, int signal, const wc_action& action);
// What the program finds where it asks for an action.
void show_ignored(const Process& process, int signal, wc_action& old);
// In front of an exec, which hands on what is ignored.
void look_for_ignored(Thread& thread);
// A forked child of many threads, at its first stop.
void ignore_in_child(StoppedThread& stop, Thread& child);

// Where the thread is to be sent so that it comes to `ip`. Towards an exec also where there are
// other threads, which it ends.
uint64_t by_way_of(Thread& thread, uint64_t ip, Towards what = Towards::Any);
// A signal comes on that way: as if the thread had not set out, or had arrived. True: it was on
// its way, and the registers are changed.
bool leave_way(Thread& thread, user_regs_struct& regs);
// No handler runs now, whose end would lead through the gate: the thread sets out once more.
void set_out_again(const StoppedThread& stop, Thread& thread, int signal,
                   const user_regs_struct& regs);

// Somebody has sent it, and the program ignores it.
bool is_dropped(Thread& thread, const siginfo_t& info);
// Somebody has sent SIGSYS before the gate's came. True: `info` is the gate's now.
bool find_lost_dispatch(Thread& thread, const user_regs_struct& regs, siginfo_t& info);
// The kernel has forced a signal that the program has blocked: that ends a process. The thread
// does it again with the mask that the program knows.
bool force_as_blocked(const StoppedThread& stop, Thread& thread, user_regs_struct& regs,
                      const siginfo_t& info);
// A handler for one of the two is about to run: the program's would run with its signal blocked.
bool may_run_blocked(const Thread& thread, int signal);
// The thread stands at that handler's first instruction.
void on_handler(const StoppedThread& stop, Thread& thread, const user_regs_struct& regs);
// What a handler learns of the syscall that a filter has refused: it was issued in the shim.
void correct_call_address(const StoppedThread& stop, siginfo_t& info, const user_regs_struct& regs);

}  // namespace gate_signals
}  // namespace wc
