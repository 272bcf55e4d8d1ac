// Engine `ptrace`: one thread that follows all traced processes. The loop, and who handles which
// stop. docs/architecture.md shows the life of a call under each gate.
//
// Threads: everything here runs on the tracer thread, but for SessionHost's functions, which the
// session thread calls: they post what is to be done, and touch nothing else.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "control/control_server.h"
#include "engine/trace_engine.h"
#include "program/program_tables.h"
#include "session/server.h"
#include "tracee/resume.h"
#include "tracee/trace_run.h"

namespace wc {

class Tracer final : public TraceEngine,
                     public SessionHost,
                     public ControlHost,
                     private StopHandler {
 public:
  Tracer(TracerOptions options, ProgramTables& tables, Pipeline& pipeline,
         Kernel& kernel = Kernel::real());
  ~Tracer() override;

  Status prepare(const std::string&) override { return Done{}; }
  // It has been seized.
  Status add_first(pid_t pid) override;
  Status attach(pid_t pid) override;
  [[nodiscard]] Follow follows_forks() const { return options_.follows_forks(); }
  // Standing, it goes on without tracees until a signal ends it.
  Result<int> run() override;
  void remove_copies() override;
  [[nodiscard]] bool was_stopped() const override;
  [[nodiscard]] bool output_failed() const override { return output_failed_; }

  void on_hello(int32_t pid, const wc_hello& hello, std::function<void(Answer)> reply) override;
  void on_gate_connection(int32_t pid, ScopedFd connection) override;
  void on_attach(int32_t pid, std::function<void(const std::string&)> done) override;
  void on_request(const std::string& line, std::shared_ptr<ControlPeer> peer) override;

 private:
  struct Parts;

  // Until somebody has subscribed, or for ten seconds. The program stands meanwhile.
  void await_watcher();
  void on_seen(const Seen& seen) override;
  void on_stop(StoppedThread stop, Thread& thread) override;
  void on_event(StoppedThread stop, Thread& thread);
  void on_exit_event(StoppedThread stop, Thread& thread);
  void on_stopped(StoppedThread stop, Thread& thread);
  void on_tick();
  void show(uint64_t now, uint64_t due);
  void take_output_errors();
  void print_so_far();
  void say_last_words();

  TracerOptions options_;
  const TraceRun run_;
  std::unique_ptr<Parts> parts_;
  uint64_t next_tick_ = 0;
  bool output_failed_ = false;
  bool stop_ = false;
};

}  // namespace wc
