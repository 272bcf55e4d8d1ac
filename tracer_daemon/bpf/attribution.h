// The kernel side's records as events. One record after another, in the order in which things have
// happened on their thread; what they point to is in the record, or read from the process as it is
// now. Asks the kernel for nothing else.
#pragma once

#include <map>
#include <span>

#include "bpf/map_watch.h"
#include "bpf/records.h"
#include "bpf/traced.h"
#include "rings/record_reader.h"

namespace wc {

class BpfAttribution {
 public:
  BpfAttribution(Pipeline& pipeline, const FunctionTable& functions)
      : pipeline_(pipeline), functions_(functions) {}

  // Tells of maps. Null: they are read from /proc.
  void watch_maps(MapWatch* maps) { maps_ = maps; }
  // A process that was there before its first record.
  void add_process(pid_t pid, bool has_started);
  void digest(const wc_bpf_record& record, std::span<const unsigned char> pieces);
  [[nodiscard]] const std::unordered_map<pid_t, std::shared_ptr<bpf::Process>>& processes() const {
    return processes_;
  }
  // What is open ends without a result: the tracer goes, or a process has gone unseen.
  void end_all();

  // What others want to know: a program begins, a process has ended, a signal comes.
  struct Listener {
    virtual ~Listener() = default;
    virtual void on_program(pid_t pid) = 0;
    virtual void on_process_end(pid_t pid) = 0;
    virtual void on_signal(pid_t pid, const siginfo_t& info) = 0;
  };
  void tell(Listener* listener) { listener_ = listener; }

 private:
  using Thread = bpf::Thread;
  using Process = bpf::Process;

  void learn_maps(const wc_bpf_record& record);
  // Returns the file of the new program, where it is known.
  std::string begin_map(pid_t pid, uint64_t time);
  Thread& thread_of(const wc_bpf_record& record);
  EventSource source_of(Thread& thread, TraceeMemory& memory) const;
  void on_call(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void on_return(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void on_enter(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void on_exit(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void on_fork(Thread& thread, const wc_bpf_record& record);
  void on_exec(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void on_end(Thread& thread, const wc_bpf_record& record);
  void on_signal(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  void end_handler(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory);
  bool resumes(Thread& thread, const wc_bpf_record& record) const;
  void end_inflight(Thread& thread, size_t from_call);
  void end_thread(Thread& thread);
  void end_goroutines(pid_t pid);

  Pipeline& pipeline_;
  const FunctionTable& functions_;
  std::unordered_map<pid_t, std::shared_ptr<Process>> processes_;
  std::unordered_map<pid_t, std::unique_ptr<Thread>> threads_;
  std::map<std::pair<pid_t, uint64_t>, std::unique_ptr<Thread>> goroutines_;
  pid_t last_goroutine_ = 1 << 30;            // no thread has such a number
  std::unordered_map<pid_t, bool> starting_;  // their first exec is their start
  Listener* listener_ = nullptr;
  MapWatch* maps_ = nullptr;
};

}  // namespace wc
