#include "bpf/attribution.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/stopped_thread.h"
#include "proc/process.h"

namespace wc {
namespace {

// A handler's frame (asm/ucontext.h): at rt_sigreturn the stack pointer stands at the ucontext.
struct SavedContext {
  uint64_t flags, link, stack[3];
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
};

RecordView view_of(const wc_bpf_record& record, std::span<const unsigned char> pieces) {
  RecordView view;
  view.has_body = true;
  view.body.captures = record.pieces;
  view.captures = pieces;
  return view;
}

wc_scope scope_of(const wc_bpf_record& record) {
  wc_scope scope{};
  scope.seq = record.number;
  scope.sp = record.sp;
  scope.caller = record.ip;
  scope.tsc = record.time;
  std::ranges::copy(record.args, scope.args);
  scope.function = record.what | kBreakFunction;
  return scope;
}

// Those that travel in vector registers are not known.
std::shared_ptr<const TypedArguments> arguments(const Pipeline& pipeline, const EventSource& source,
                                                const wc_scope& scope) {
  const FunctionPrototype* prototype =
      pipeline.wants_text() ? source.function(scope.function).prototype() : nullptr;
  if (prototype == nullptr) return nullptr;
  CallRegisters registers;
  std::ranges::copy(scope.args, registers.integers.begin());
  registers.stack = scope.sp + sizeof(uint64_t);
  return std::make_shared<const TypedArguments>(
      decode_arguments(pipeline.decode_context(source), *prototype, registers));
}

// What it was given was not in memory when it began.
void decode_again(const Pipeline& pipeline, const EventSource& source, PendingSyscall& syscall) {
  if (!pipeline.wants_text()) return;
  const SyscallSpec& spec = syscall_spec(syscall.nr);
  decode_entry_args(pipeline.decode_context(source), {spec.args, spec.arg_count}, syscall.args,
                    syscall.decoded);
}

}  // namespace

void BpfAttribution::add_process(pid_t pid, bool has_started) {
  auto process = std::make_shared<Process>(pid);
  process->memory.open();
  processes_[pid] = process;
  if (has_started) pipeline_.symbols().remember(pid);
  if (!has_started) starting_[pid] = true;
}

BpfAttribution::Thread& BpfAttribution::thread_of(const wc_bpf_record& record) {
  if (record.goroutine != 0) {
    auto& own = goroutines_[{record.pid, record.goroutine}];
    if (own == nullptr) own = std::make_unique<Thread>();
    if (own->process == nullptr) own->process = processes_[record.pid];
    if (own->process == nullptr) own->process = std::make_shared<Process>(record.pid);
    // It goes from thread to thread, and a thread from one to the next: it has a number of its own.
    if (own->tid == 0) own->tid = ++last_goroutine_;
    return *own;
  }
  auto& place = threads_[record.tid];
  if (place != nullptr) return *place;
  place = std::make_unique<Thread>();
  place->tid = record.tid;
  auto& process = processes_[record.pid];
  if (process == nullptr) process = std::make_shared<Process>(record.pid);
  process->threads++;
  place->process = process;
  return *place;
}

EventSource BpfAttribution::source_of(Thread& thread, TraceeMemory& memory) const {
  EventSource source;
  source.pid = thread.process->pid;
  source.tid = thread.tid;
  source.memory = &memory;
  source.calls = &thread.calls;
  source.breakpoints = &functions_;
  source.is_recorded = true;
  return source;
}

void BpfAttribution::digest(const wc_bpf_record& record, std::span<const unsigned char> pieces) {
  pipeline_.clock().stand_at(record.time);
  Thread& thread = thread_of(record);
  if (record.kind != WC_BPF_EXEC) learn_maps(record);
  thread.process->memory.forget();  // what was read for the last record is old
  CapturedMemory memory(view_of(record, pieces), thread.process->memory);
  switch (record.kind) {
    case WC_BPF_CALL:
      return on_call(thread, record, memory);
    case WC_BPF_RETURN:
      return on_return(thread, record, memory);
    case WC_BPF_ENTER:
      return on_enter(thread, record, memory);
    case WC_BPF_EXIT:
      return on_exit(thread, record, memory);
    case WC_BPF_FORK:
      return on_fork(thread, record);
    case WC_BPF_EXEC:
      return on_exec(thread, record, memory);
    case WC_BPF_END:
      return on_end(thread, record);
    default:
      return on_signal(thread, record, memory);
  }
}

// What was mapped up to then. At an exec the old program is reported by the map that it had.
void BpfAttribution::learn_maps(const wc_bpf_record& record) {
  if (maps_ == nullptr) return;
  MapChange change;
  for (const MapChange* next = maps_->look(record.pid, record.time);
       next != nullptr && !next->is_exec; next = maps_->look(record.pid, record.time))
    if (maps_->next(record.pid, record.time, change))
      pipeline_.symbols().learn(record.pid, change.mapping);
}

// A new program has begun at its exec, and has mapped its file by the time that this is recorded.
std::string BpfAttribution::begin_map(pid_t pid, uint64_t time) {
  if (maps_ == nullptr) return {};
  std::vector<proc::Mapping> mapped;
  for (MapChange change; maps_->next(pid, time, change);)
    if (change.is_exec)
      mapped.clear();
    else
      mapped.push_back(std::move(change.mapping));
  for (const proc::Mapping& one : mapped) pipeline_.symbols().learn(pid, one);
  return mapped.empty() ? std::string() : mapped.front().path;
}

// ---- calls and syscalls

void BpfAttribution::on_call(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  if (thread.scopes.size() > record.depth) thread.scopes.resize(record.depth);
  thread.scopes.push_back(scope_of(record));
  EventSource source = source_of(thread, memory);
  BreakScope fresh;
  fresh.scope = thread.scopes.back();
  fresh.arguments = arguments(pipeline_, source, fresh.scope);
  source.open_breaks = {&fresh, 1};
  pipeline_.drop_missing(source, std::span(thread.scopes).first(thread.scopes.size() - 1));
  pipeline_.open_calls(source, thread.scopes, (record.flags & WC_BPF_FOR_SYSCALL) != 0, true);
}

void BpfAttribution::on_return(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  std::erase_if(thread.scopes, [&](const wc_scope& one) { return one.seq >= record.number; });
  end_inflight(thread, thread.calls.position(record.number));
  const bool is_unwound = (record.flags & WC_BPF_UNWOUND) != 0;
  RecordView view;
  view.type = is_unwound ? WC_RECORD_UNWOUND : WC_RECORD_RETURN;
  view.head = {record.number, static_cast<uint64_t>(record.ret), is_unwound ? 0 : record.time,
               static_cast<uint32_t>(view.type), record.error};
  view.is_left = is_unwound;
  EventSource source = source_of(thread, memory);
  CallRegisters returned;
  returned.integers = {static_cast<uint64_t>(record.ret)};
  source.returned = &returned;
  pipeline_.record(source, view, nullptr);
}

// Whether the syscall that is being issued is an interrupted one that comes again.
bool BpfAttribution::resumes(Thread& thread, const wc_bpf_record& record) const {
  auto& inflight = thread.inflight;
  const auto at = std::find_if(inflight.rbegin(), inflight.rend(), [&](const auto& one) {
    return one.interrupted && one.sp == record.sp && one.ip == record.ip;
  });
  if (at == inflight.rend()) return false;
  if (at->syscall.nr != record.what && record.what != SYS_restart_syscall) return false;
  at->interrupted = false;
  at->number = record.number;
  std::rotate(at.base() - 1, at.base(), inflight.end());
  return true;
}

void BpfAttribution::on_enter(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  if (resumes(thread, record)) return;
  const EventSource source = source_of(thread, memory);
  const bool returns = record.what == SYS_rt_sigreturn;
  bpf::Inflight entry;
  entry.number = record.number;
  entry.sp = record.sp;
  entry.ip = record.ip;
  PendingSyscall& syscall = entry.syscall;
  syscall.nr = record.what;
  syscall.ts = record.time;
  std::ranges::copy(record.args, syscall.args);
  if (pipeline_.reports(record.what)) {
    pipeline_.drop_missing(source, thread.scopes);
    pipeline_.open_calls(source, thread.scopes, true, true);
    syscall.in_signal = thread.calls.is_in_handler();
    pipeline_.syscall_enter(source, syscall);
    if (returns) pipeline_.syscall_ended(source, syscall);
  }
  if (returns) return end_handler(thread, record, memory);
  thread.inflight.push_back(std::move(entry));
}

void BpfAttribution::on_exit(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  auto& inflight = thread.inflight;
  const auto at = std::ranges::find(inflight, record.number, &bpf::Inflight::number);
  if (at == inflight.end()) return;
  if (is_restart(record.ret)) {
    at->interrupted = true;
    return;
  }
  bpf::Inflight done = std::move(*at);
  inflight.erase(at);
  if (!done.syscall.reported) return;
  const EventSource source = source_of(thread, memory);
  if ((record.flags & WC_BPF_AGAIN) != 0) decode_again(pipeline_, source, done.syscall);
  pipeline_.syscall_exit(source, done.syscall, record.ret, record.time);
}

// A handler returns. What it interrupted will be issued again, or ends here.
void BpfAttribution::end_handler(Thread& thread, const wc_bpf_record& record,
                                 TraceeMemory& memory) {
  thread.calls.handler_returns();
  SavedContext context{};
  if (!memory.read_all({record.args[0]}, &context, sizeof context)) return;
  auto& inflight = thread.inflight;
  const auto at = std::find_if(inflight.rbegin(), inflight.rend(), [&](const auto& one) {
    return one.interrupted && one.sp == context.rsp && one.ip == context.rip;
  });
  if (at == inflight.rend()) return;
  bpf::Inflight done = std::move(*at);
  inflight.erase(at.base() - 1);
  if (done.syscall.reported)
    pipeline_.syscall_exit(source_of(thread, memory), done.syscall,
                           static_cast<int64_t>(context.rax), record.time);
}

// Those of the calls from this one on, which are over.
void BpfAttribution::end_inflight(Thread& thread, size_t from_call) {
  const auto& calls = thread.calls.calls();
  auto is_over = [&](const bpf::Inflight& one) {
    return std::any_of(calls.begin() + static_cast<ptrdiff_t>(std::min(from_call, calls.size())),
                       calls.end(),
                       [&](const OpenCall& call) { return call.id == one.syscall.call; });
  };
  while (!thread.inflight.empty() && is_over(thread.inflight.back())) {
    bpf::Inflight last = std::move(thread.inflight.back());
    thread.inflight.pop_back();
    if (last.syscall.reported)
      pipeline_.syscall_ended(source_of(thread, thread.process->memory), last.syscall);
  }
}

// ---- processes

void BpfAttribution::on_fork(Thread& thread, const wc_bpf_record& record) {
  const auto child = static_cast<pid_t>(record.what);
  const bool is_thread = (record.flags & WC_BPF_IS_THREAD) != 0;
  pipeline_.forked(thread.process->pid, thread.tid, child, is_thread);
  auto process = thread.process;
  if (!is_thread) {
    process = std::make_shared<Process>(child);
    process->memory.open();
    processes_[child] = process;
    pipeline_.symbols().inherit(child, thread.process->pid);
  }
  auto fresh = std::make_unique<Thread>();
  fresh->tid = child;
  fresh->process = process;
  process->threads++;
  threads_[child] = std::move(fresh);
}

void BpfAttribution::on_exec(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  Process& process = *thread.process;
  pipeline_.symbols().freeze(process.pid);
  // From a thread that is not the leader: it has the leader's id now, and the leader is gone.
  if (const auto former = threads_.find(static_cast<pid_t>(record.what));
      former != threads_.end() && former->first != record.tid) {
    end_thread(thread);  // the one that was made for this record
    process.threads--;
    auto moved = std::move(former->second);
    threads_.erase(former);
    moved->tid = record.tid;
    threads_[record.tid] = std::move(moved);
  }
  Thread& own = *threads_.at(record.tid);
  while (!own.inflight.empty()) {
    bpf::Inflight last = std::move(own.inflight.back());
    own.inflight.pop_back();
    if (last.syscall.reported)
      pipeline_.syscall_exit(source_of(own, memory), last.syscall, 0, record.time);
  }
  own.scopes.clear();
  end_goroutines(process.pid);
  pipeline_.end_replaced(source_of(own, memory));
  pipeline_.forget_process(process.pid);
  process.memory.open();
  std::string path = begin_map(process.pid, record.time);
  if (path.empty()) path = proc::exe_path(process.pid);
  if (path.empty()) {  // it has ended since
    char name[WC_BPF_PIECE] = {};
    memory.read({0}, name, sizeof name - 1);
    path = name;
  }
  if (starting_.erase(process.pid) != 0)
    pipeline_.started(process.pid, path);
  else
    pipeline_.executed(process.pid, process.pid, path);
  if (listener_ != nullptr) listener_->on_program(process.pid);
}

void BpfAttribution::end_thread(Thread& thread) {
  const EventSource source = source_of(thread, thread.process->memory);
  while (!thread.inflight.empty()) {
    bpf::Inflight last = std::move(thread.inflight.back());
    thread.inflight.pop_back();
    if (last.syscall.reported) pipeline_.syscall_ended(source, last.syscall);
  }
  thread.scopes.clear();
  pipeline_.drop_missing(source, {});
}

void BpfAttribution::end_goroutines(pid_t pid) {
  for (auto at = goroutines_.lower_bound({pid, 0});
       at != goroutines_.end() && at->first.first == pid; at = goroutines_.erase(at))
    end_thread(*at->second);
}

void BpfAttribution::on_end(Thread& thread, const wc_bpf_record& record) {
  end_thread(thread);
  const auto process = thread.process;
  const pid_t tid = thread.tid;
  threads_.erase(tid);
  if (process->threads > 0) process->threads--;
  const bool is_last = process->threads == 0;
  if (tid == process->pid) {
    process->leader_status = static_cast<int>(record.ret);
  } else {
    pipeline_.exited(process->pid, tid, static_cast<int>(record.ret), true);
  }
  if (!is_last) return;
  end_goroutines(process->pid);
  // Who waits for the process learns of its end when all its threads are gone.
  const bool is_groups = (record.flags & WC_BPF_IS_GROUPS) != 0;
  const int status = is_groups ? record.error : process->leader_status;
  if (listener_ != nullptr) listener_->on_process_end(process->pid);
  pipeline_.exited(process->pid, process->pid, status, false);
  pipeline_.forget_process(process->pid);
  if (maps_ != nullptr) maps_->forget(process->pid);
  processes_.erase(process->pid);
}

void BpfAttribution::on_signal(Thread& thread, const wc_bpf_record& record, TraceeMemory& memory) {
  siginfo_t info{};
  constexpr size_t kKernelSize = 48;  // of kernel_siginfo, which begins as siginfo_t does
  memory.read({0}, &info, kKernelSize);
  const pid_t pid = thread.process->pid;
  pipeline_.signalled(pid, thread.tid, static_cast<int>(record.what), &info, nullptr);
  if (record.number != 0 && (record.flags & WC_BPF_HAS_HANDLER) != 0)
    thread.calls.handler_begins(record.number);
  if (listener_ != nullptr) listener_->on_signal(pid, info);
}

void BpfAttribution::end_all() {
  for (auto& [tid, thread] : threads_) end_thread(*thread);
  for (auto& [goroutine, calls] : goroutines_) end_thread(*calls);
}

}  // namespace wc
