#include "engine/tracer.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/tracer_parts.h"
#include "events/tick_clock.h"
#include "signals/gate_signals.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

namespace wc {
namespace {

constexpr uint64_t kTick = 100'000'000;  // nanoseconds between two looks at outputs and orphans

}  // namespace

Tracer::Tracer(TracerOptions options, ProgramTables& tables, Pipeline& pipeline, Kernel& kernel)
    : options_(std::move(options)),
      run_{options_, pipeline},
      parts_(std::make_unique<Parts>(run_, options_.plans, tables, kernel,
                                     static_cast<StopHandler&>(*this))) {}

Tracer::~Tracer() = default;

Status Tracer::add_first(pid_t pid) {
  Tracees& tracees = parts_->tracees;
  tracees.first.pid = pid;
  tracees.add_thread(pid, tracees.add_process(pid));
  return Done{};
}

Status Tracer::attach(pid_t pid) { return parts_->attaching.attach(pid); }

void Tracer::remove_copies() { parts_->copies = {}; }

// ---- the loop

void Tracer::await_watcher() {
  constexpr uint64_t kPatience = 10'000'000'000;  // nanoseconds
  constexpr useconds_t kPause = 500;
  const uint64_t end = TickClock::now() + kPatience;
  while (parts_->subscriptions.is_empty() && TickClock::now() < end &&
         !parts_->own_signals.waiting()) {
    parts_->posted.run();
    usleep(kPause);
  }
}

Result<int> Tracer::run() {
  Tracees& tracees = parts_->tracees;
  // So that the trace and what the program prints then stand in order.
  parts_->stops.before_resume([this] { run_.pipeline.backends().write_watched(); });
  if (options_.awaits_watcher) await_watcher();
  parts_->waiting.begin();
  while (!stop_) {
    const bool has_tracees = !tracees.threads.empty() || parts_->following.has_unclaimed();
    if (!has_tracees && !options_.standing) break;
    Seen seen = parts_->waiting.wait_for_stop();
    const bool stopped = seen.tid > 0;
    if (stopped) {
      parts_->waiting.end_rest();
      on_seen(seen);
    } else if (seen.tid == -ECHILD && !options_.standing) {
      break;
    }
    if (parts_->own_signals.receive()) stop_ = true;
    if (parts_->own_signals.take_request()) print_so_far();
    if (parts_->own_signals.take_flight_request()) {
      parts_->records.drain_running(tracees);
      run_.pipeline.journal().flight.write_own("SIGUSR2");
    }
    parts_->posted.run();
    if (parts_->controller.stop_requested()) stop_ = true;
    parts_->delays.resume_due();
    const uint64_t now = TickClock::now();
    if (stopped) parts_->waiting.expect_more(now);
    if (!stopped || parts_->waiting.is_time_to_look(now)) on_tick();
  }
  parts_->delays.resume_all();
  if (stop_) parts_->attaching.detach_all();
  if (was_stopped()) {
    parts_->attaching.leave_all();
    parts_->socket_gate.close();
  }
  for (const auto& [pid, process] : tracees.processes) parts_->totals.report(*process);
  parts_->subscriptions.end();
  say_last_words();
  if (const auto& failure = parts_->preparation.failure()) return *failure;
  return tracees.first.status.value_or(0);
}

void Tracer::say_last_words() {
  if (std::string text = parts_->unwrapped.summary(); !text.empty()) run_.say(0, text);
  if (uint64_t count = parts_->breaks.unrecorded_calls(); count != 0)
    run_.say(0, std::to_string(count) +
                    " calls of functions with breakpoints were not recorded: a process can have " +
                    std::to_string(Breakpoints::kMost) + " breakpoints; select fewer functions");
  for (const std::string& glob : parts_->patching.unmet())
    run_.say(0,
             "--patch " + glob + " had no effect: no program had such a library when it started");
  if (options_.rules != nullptr)
    for (const std::string& line : options_.rules->last_words(options_.verbose > 0))
      run_.say(0, line);
  if (std::string text = parts_->dispatch.stop_counts().summary(); !text.empty()) run_.say(1, text);
  parts_->stacks.report_interpreters();
  if (std::string text = run_.pipeline.interpreters().last_word(); !text.empty()) run_.say(0, text);
}

void Tracer::on_tick() {
  Tracees& tracees = parts_->tracees;
  const size_t found = parts_->records.drain_running(tracees);
  const uint64_t now = TickClock::now();
  const bool is_tick = now >= next_tick_;
  if (is_tick && options_.config & WC_CONFIG_IN_PROCESS)
    for (const auto& [tid, thread] : tracees.threads) parts_->records.announce_waiting(*thread);
  show(now, is_tick ? now : run_.pipeline.backends().wake_at());
  parts_->subscriptions.send_due(now);
  if (is_tick) next_tick_ = now + kTick;
  parts_->waiting.plan_look(found, now, next_tick_);
  if (!is_tick) return;
  tracees.ticks++;
  take_output_errors();
  parts_->stacks.report_interpreters();
  parts_->following.adopt_orphans();
  if (parts_->attaching.is_placing()) parts_->attaching.ask_another();
  parts_->waiting.rest_if_quiet(
      now, parts_->attaching.is_placing() || parts_->following.awaits_parents());
}

// `due`: when back ends must be asked for what they hold back, or 0.
void Tracer::show(uint64_t now, uint64_t due) {
  if (due != 0 && due <= now)
    flush(run_.pipeline, now);
  else
    run_.pipeline.backends().write_out();
}

void Tracer::take_output_errors() {
  for (const std::string& error : run_.pipeline.backends().take_errors()) {
    run_.say(0, error);
    output_failed_ = true;
  }
}

// ---- stops

void Tracer::on_seen(const Seen& seen) {
  if (WIFEXITED(seen.status) || WIFSIGNALED(seen.status)) return parts_->following.on_gone(seen);
  if (!WIFSTOPPED(seen.status)) return;
  if (Thread* thread = parts_->tracees.thread(seen.tid))
    on_stop(StoppedThread(parts_->stops, seen), *thread);
  else
    parts_->following.keep(seen);
}

void Tracer::on_stop(StoppedThread stop, Thread& thread) {
  thread.process->memory.begin_stop(stop.tid());
  parts_->handshake.wipe_forked(*thread.process);
  thread.stack.reset();
  if (thread.process->unfollowed && parts_->attaching.on_unfollowed(stop, thread)) return;
  if (stop.at_syscall()) return parts_->syscall_stops.on_stop(std::move(stop), thread);
  if (stop.event() != 0) return on_event(std::move(stop), thread);
  parts_->signal_stops.on_stop(std::move(stop), thread);
}

void Tracer::on_event(StoppedThread stop, Thread& thread) {
  switch (stop.event()) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return parts_->following.on_new_child(std::move(stop), thread);
    case PTRACE_EVENT_EXIT:
      return on_exit_event(std::move(stop), thread);
    case PTRACE_EVENT_VFORK_DONE:
      return parts_->following.on_vfork_done(std::move(stop), thread);
    case PTRACE_EVENT_EXEC:
      parts_->attaching.forget(stop.tid());
      return parts_->following.on_exec(std::move(stop), thread);
    case PTRACE_EVENT_STOP:
      return on_stopped(std::move(stop), thread);
    default:
      return resume(std::move(stop), thread);
  }
}

void Tracer::print_so_far() {
  parts_->records.drain_running(parts_->tracees);
  for (const auto& [pid, process] : parts_->tracees.processes)
    parts_->totals.report(*process, Totals::Which::SoFar);
  snapshot(run_.pipeline, TickClock::now());
}

// What is in the ring is decoded while the process can still be asked whose addresses they are.
void Tracer::on_exit_event(StoppedThread stop, Thread& thread) {
  parts_->records.drain(thread, 0);
  parts_->totals.learn_own_scopes(thread);
  if (options_.config & WC_CONFIG_STACKS) parts_->stacks.take(thread, stop);
  resume(std::move(stop), thread);
}

// By PTRACE_INTERRUPT, job control, or as a new child.
void Tracer::on_stopped(StoppedThread stop, Thread& thread) {
  if (thread.interrupted) parts_->attaching.on_asked_stop(stop, thread);
  if (is_stop_signal(stop.signal())) {
    thread.process->is_job_stopped = true;
    if (options_.whole_process)
      run_.pipeline.stopped(thread.process->pid, thread.tid, stop.signal());
    thread.process->memory.end_stop();
    return std::move(stop).resume(Resume::Listen);
  }
  if (std::exchange(thread.is_new_child, false)) gate_signals::ignore_in_child(stop, thread);
  if (thread.awaits_bell) return parts_->bells.on_interrupted(std::move(stop), thread);
  resume(std::move(stop), thread);
}

// ---- on the session thread

bool Tracer::was_stopped() const { return parts_->controller.stop_requested(); }

void Tracer::on_request(const std::string& line, std::shared_ptr<ControlPeer> peer) {
  parts_->posted.post([this, line, peer = std::move(peer)] {
    parts_->controller.execute(line, peer);
    take_output_errors();
  });
}

// The answer comes from the tracer's thread; the peer waits for it.
void Tracer::on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) {
  parts_->posted.post([this, pid, hello, reply = std::move(reply)] {
    reply(parts_->handshake.answer_by_socket(parts_->tracees.process(pid), hello));
  });
}

void Tracer::on_gate_connection(int32_t pid, ScopedFd connection) {
  parts_->posted.post([this, pid, fd = std::make_shared<ScopedFd>(std::move(connection))] {
    parts_->socket_gate.add(pid, std::move(*fd));
  });
}

void Tracer::on_attach(int32_t pid, std::function<void(const std::string&)> done) {
  if (!options_.standing)
    return done("it runs one program only; start a standing one with wc-preload serve");
  parts_->posted.post([this, pid, done = std::move(done)] {
    Kernel& kernel = parts_->stops.kernel();
    Tracees& tracees = parts_->tracees;
    if (int error = seize(kernel, pid, options_.follows_forks()); error != 0)
      return done(std::string("cannot trace process ") + std::to_string(pid) + ": " +
                  strerror(error));
    if (tracees.first.pid == 0) tracees.first.pid = pid;
    tracees.add_thread(pid, tracees.add_process(pid));
    // Its exec is its first syscall that is reported.
    if (options_.whole_process) interrupt(kernel, pid);
    done("");
  });
}

}  // namespace wc
