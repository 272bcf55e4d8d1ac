#include "tracee/tracees.h"

namespace wc {

ProcessPtr Tracees::add_process(pid_t pid) {
  auto process = std::make_shared<Process>(pid, kernel_);
  process->asked_gate = options_.gate;
  process->watches_all = options_.whole_process;
  processes[pid] = process;
  return process;
}

Thread& Tracees::add_thread(pid_t tid, ProcessPtr process) {
  process->threads++;
  process->publish_thread_count();
  auto& entry = threads[tid];
  entry = std::make_unique<Thread>(tid, std::move(process));
  return *entry;
}

Thread* Tracees::thread(pid_t tid) const {
  auto found = threads.find(tid);
  return found == threads.end() ? nullptr : found->second.get();
}

Process* Tracees::process(pid_t pid) const {
  auto found = processes.find(pid);
  return found == processes.end() ? nullptr : found->second.get();
}

}  // namespace wc
