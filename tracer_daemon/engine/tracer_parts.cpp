#include "engine/tracer_parts.h"

namespace wc {

Tracer::Parts::Parts(const TraceRun& run, ProgramTables& tables, Kernel& kernel,
                     StopHandler& handler)
    : stops(kernel),
      tracees(run.options, kernel),
      unwrapped(run),
      shim(run, copies),
      selector(run),
      scopes(run),
      stacks(run),
      records(run, scopes, stacks),
      totals(run),
      signal_calls(run),
      time_limits(run),
      interruptions(run),
      own_signals(run, tracees, heartbeat),
      object_reports(run, shim, scopes, records),
      placing(run, shim, object_reports, unwrapped),
      main(tracees, placing, scopes, records, totals),
      breaks(run, {placing, main, scopes, records, stacks, selector}),
      patching(run, kernel),
      bells(run, {scopes, records, stacks, patching, heartbeat}),
      socket_gate(tracees, kernel),
      syscalls(run, {scopes, records, stacks, breaks, signal_calls, interruptions}),
      dispatch(run, {scopes, syscalls, interruptions, selector}),
      stepping({scopes, syscalls, interruptions, time_limits, selector, shim}),
      process_scope(syscalls, time_limits, shim),
      syscall_stops(run.options.whole_process ? static_cast<SyscallGate&>(process_scope) : stepping,
                    placing, bells, time_limits),
      preparation(run, tracees.first, tables, copies, unwrapped),
      handshake(run, {stacks, patching, unwrapped, heartbeat}),
      following(run, {tracees, stops, handler, scopes, records, totals, placing, preparation,
                      handshake, own_signals}),
      attaching(run, {tracees, stops, handler, following, placing, records}),
      signal_stops(run, {breaks, handshake, bells, dispatch, scopes, records, interruptions,
                         time_limits, own_signals, shim}),
      posted(heartbeat),
      waiting(run, {tracees, stops, heartbeat, socket_gate, own_signals}) {}

}  // namespace wc
