// The parts of a Tracer, made in the order in which they need one another.
#pragma once

#include "break_scopes/break_placing.h"
#include "break_scopes/break_scopes.h"
#include "break_scopes/main_scope.h"
#include "engine/attaching.h"
#include "engine/controller.h"
#include "engine/following.h"
#include "engine/handshake.h"
#include "engine/posted_work.h"
#include "engine/signal_stops.h"
#include "engine/subscriptions.h"
#include "engine/tracer.h"
#include "engine/waiting.h"
#include "gates/bells.h"
#include "gates/delays.h"
#include "gates/dispatch_gate.h"
#include "gates/process_scope.h"
#include "gates/socket_gate.h"
#include "gates/stepping_gate.h"
#include "gates/syscall_stops.h"

namespace wc {

struct Tracer::Parts {
  Parts(const TraceRun& run, SyscallPlans& plans, ProgramTables& tables, Kernel& kernel,
        StopHandler& handler);

  // The kernel, and what is known of the tracees.
  Stops stops;
  Tracees tracees;
  LibraryCopies copies;
  UnwrappedPrograms unwrapped;
  ShimMemory shim;
  GateSelector selector;
  Heartbeat heartbeat;

  // Their slots and rings, as events.
  OpenScopes scopes;
  Stacks stacks;
  ThreadRecords records;
  Totals totals;

  // Signals.
  SignalCalls signal_calls;
  TimeLimits time_limits;
  Interruptions interruptions;
  OwnSignals own_signals;

  // Breakpoints.
  ObjectReports object_reports;
  BreakPlacing placing;
  MainScope main;
  BreakScopes breaks;

  // Gates.
  ProcessPatching patching;
  Bells bells;
  SocketGate socket_gate;
  Tampering tampering;
  Delays delays;
  SyscallEvents syscalls;
  DispatchGate dispatch;
  SteppingGate stepping;
  ProcessScope process_scope;
  SyscallStops syscall_stops;

  // How programs, processes and threads come and go.
  Preparation preparation;
  Switching switching;
  Handshake handshake;
  Following following;
  Attaching attaching;
  SignalStops signal_stops;
  Subscriptions subscriptions;
  Controller controller;
  PostedWork posted;
  Waiting waiting;
};

}  // namespace wc
