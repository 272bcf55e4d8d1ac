// A program that may not read what it is to preload, by a policy that cannot be seen from outside
// (Landlock): ld.so would complain on its standard error. Where that is possible, the new program
// itself tries, in the moment between its execve's return and ld.so's first instruction.
//
// Landlock needs no_new_privs (but for processes with CAP_SYS_ADMIN), so that tells who is tried.
// Source: landlock(7).
#pragma once

#include "kernel/stopped_thread.h"
#include "proc/status.h"
#include "program/unwrapped_programs.h"
#include "tracee/tracee.h"

namespace wc {

bool needs_trial(const proc::Status& status);

// Where the program may not open process.preload_trial.library it starts without LD_PRELOAD: its
// stack without it is still there, above the one that it was given.
void try_preload(StoppedThread& stop, Thread& thread, UnwrappedPrograms& unwrapped);

}  // namespace wc
