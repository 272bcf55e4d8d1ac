/* Engine bpf, the side in the kernel. Each program begins with the one test that other processes
 * pay: whether the thread is a traced one. Programs on uprobes run where the kernel may preempt
 * them, so all that they write is the thread's own. */
#include "scopes.bpf.h"

char terms[] SEC("license") = "GPL";

#define SYS_RT_SIGRETURN 15
#define SYS_CLONE3 435
#define SYS_URETPROBE 335 /* which the kernel has a probed function issue, since 6.11 */
#define SYS_UPROBE 336
#define TS_COMPAT 2
#define SA_ONSTACK 0x08000000ul
#define SA_RESTART 0x10000000ul
#define SIGKILL 9
#define SIGNAL_GROUP_EXIT 4u
#define MAX_ERRNO 4095
#define RESTART_CODES (-511) /* below: the kernel's own */
#define INTERRUPTED 4        /* EINTR */

/* ---- calls */

/* If the same function comes again at the same place, by a jump, its last call is over, and so are
 * those that it has jumped to. */
__attribute__((noinline)) int end_repeated(struct thread* t, __u64 sp, __u32 function) {
  if (!t) return 0;
  __u32 found = WC_BPF_SCOPES;
  for (__u32 i = 0; i < WC_BPF_SCOPES; i++) {
    const __u32 at = t->depth - 1 - i;
    if (at >= WC_BPF_SCOPES || t->scopes[at].sp != sp) break;
    if (t->scopes[at].function == function) found = at;
  }
  for (__u32 i = 0; i < WC_BPF_SCOPES && t->depth > found; i++) end_innermost(t, 0, WC_BPF_UNWOUND);
  return 0;
}

/* A function that was jumped to returns for the one that has jumped, whose return address may have
 * been replaced by the kernel's meanwhile. */
static __always_inline __u64 caller_at(const struct thread* t, __u64 sp) {
  const __u32 top = t->depth - 1;
  if (top < WC_BPF_SCOPES && t->scopes[top].sp == sp) return t->scopes[top].caller;
  __u64 caller = 0;
  bpf_probe_read_user(&caller, sizeof caller, (void*)(sp + t->stack_end));
  return caller;
}

static __always_inline void fetch(const void* address) {
  char byte;
  if (address && bpf_probe_read_user(&byte, 1, address) != 0) bpf_copy_from_user(&byte, 1, address);
}

static __always_inline void fetch_strings(__u64 array) {
  for (int i = 0; i < WC_BPF_STRINGS; i++) {
    const void* string = 0;
    if (bpf_probe_read_user(&string, sizeof string, (void*)(array + i * sizeof string)) != 0 ||
        !string)
      break;
    fetch(string);
  }
}

/* What the function was given may not be in memory yet, and no tracepoint can wait for it. */
static __always_inline void fetch_arguments(const struct scope* s) {
  __u32 function = s->function;
  const struct wc_bpf_plan* plan = bpf_map_lookup_elem(&function_plans, &function);
  if (!plan) return;
  for (int i = 0; i < WC_BPF_CAPTURES; i++) {
    const __u32 kind = plan->kind_unit[i], word = plan->words[i] & 15;
    if (kind == 0) break;
    if ((kind & PIECE_WRITTEN) != 0 || word > 5 || s->args[word] == 0) continue;
    fetch((const void*)s->args[word]);
    if ((kind & 7) == WC_BPF_CAPTURE_STRINGS) fetch_strings(s->args[word]);
  }
}

SEC("uprobe.s")
int on_call(struct pt_regs* regs) {
  const __u64 cookie = bpf_get_attach_cookie(regs);
  struct thread* t = owner(regs, cookie, 1);
  if (!t) return 0;
  const __u32 function = cookie;
  const __u64 sp = regs->sp - t->stack_end;
  if (counts_calls) count_call(function, 1, 0);
  if (t->depth != 0) {
    forget_left_handlers(t, sp);
    leave_dead(t, sp);
    end_repeated(t, sp, function);
  }
  const __u32 depth = t->depth;
  if (depth >= WC_BPF_SCOPES) {
    __sync_fetch_and_add(&too_deep, 1);
    return 0;
  }
  struct scope* s = &t->scopes[depth];
  s->caller = caller_at(t, sp);
  s->number = ++t->calls;
  s->sp = sp;
  s->bp = regs->bp;
  s->time = bpf_ktime_get_ns();
  s->args[0] = regs->di;
  s->args[1] = regs->si;
  s->args[2] = regs->dx;
  s->args[3] = regs->cx;
  s->args[4] = regs->r8;
  s->args[5] = regs->r9;
  s->errors = t->errors;
  s->function = function;
  s->unseen = 0;
  s->by_address = (cookie & WC_BPF_BY_ADDRESS) != 0;
  t->depth = depth + 1;
  fetch_arguments(s);
  if (reports_all_calls && report_calls(t, 0) != 0) __sync_fetch_and_add(&lost_calls, 1);
  return 0;
}

/* Behind the return: the return address is taken from the stack. */
SEC("uretprobe")
int on_returned(struct pt_regs* regs) {
  struct thread* t = self();
  if (t && t->depth != 0) end_calls(t, regs->sp - sizeof(__u64), regs->ax);
  return 0;
}

/* At a `ret`, which is about to take it. */
SEC("uprobe")
int on_ret(struct pt_regs* regs) {
  struct thread* t = owner(regs, bpf_get_attach_cookie(regs), 0);
  if (t && t->depth != 0) end_calls(t, regs->sp - t->stack_end, regs->ax);
  return 0;
}

/* At a jump out of the function: somebody else returns for it. */
SEC("uprobe")
int on_tail_jump(struct pt_regs* regs) {
  struct thread* t = owner(regs, bpf_get_attach_cookie(regs), 0);
  if (!t) return 0;
  const __u32 top = t->depth - 1;
  if (top < WC_BPF_SCOPES && t->scopes[top].sp == regs->sp - t->stack_end)
    t->scopes[top].unseen = 1;
  return 0;
}

/* ---- syscalls */

__attribute__((noinline)) int report_enter(struct thread* t, __u32 nr) {
  if (!t) return 0;
  const struct wc_bpf_plan* plan = bpf_map_lookup_elem(&syscall_plans, &nr);
  const int is_reported = !plan || plan->reported;
  if (!is_reported && nr != SYS_RT_SIGRETURN) return 0;
  if (is_reported && report_calls(t, WC_BPF_FOR_SYSCALL) != 0) {
    __sync_fetch_and_add(&lost_syscalls, 1);
    return 0;
  }
  begin(t, WC_BPF_ENTER);
  struct wc_bpf_record* r = &t->record;
  const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(bpf_get_current_task_btf());
  r->number = ++t->syscalls;
  r->ip = regs->ip;
  r->sp = regs->sp;
  r->bp = regs->bp;
  r->args[0] = regs->di;
  r->args[1] = regs->si;
  r->args[2] = regs->dx;
  r->args[3] = regs->r10;
  r->args[4] = regs->r8;
  r->args[5] = regs->r9;
  if (nr == SYS_RT_SIGRETURN) r->args[0] = regs->sp; /* it has no arguments, but a frame */
  for (int i = 0; i < 6; i++) t->waiting_args[i] = r->args[i];
  r->what = nr;
  take_plan(t, plan, 0);
  if (send(t, 1) != 0) {
    __sync_fetch_and_add(&lost_syscalls, 1);
    return 0;
  }
  t->waiting = r->number;
  t->waiting_nr = nr;
  t->waiting_missed = t->missed;
  return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs* regs, long nr) {
  struct thread* t = self();
  if (!t) return 0;
  t->waiting = 0;
  if (nr == SYS_URETPROBE) t->trampoline = regs->ip & ~(__u64)(PAGE - 1);
  t = issuer(t);
  t->waiting = 0;
  if (t->depth == 0) return 0;
  const __u64 sp = regs->sp - t->stack_end;
  forget_left_handlers(t, sp);
  leave_dead(t, sp);
  if (nr == SYS_RT_SIGRETURN && t->handlers != 0) t->handlers--;
  if (t->depth == 0 || nr == SYS_URETPROBE || nr == SYS_UPROBE) return 0;
  if (bpf_get_current_task_btf()->thread_info.status & TS_COMPAT) return 0;
  report_enter(t, nr);
  return 0;
}

__attribute__((noinline)) int report_exit(struct thread* t, __s64 ret) {
  if (!t) return 0;
  begin(t, WC_BPF_EXIT);
  struct wc_bpf_record* r = &t->record;
  __u32 nr = t->waiting_nr;
  r->number = t->waiting;
  r->ret = ret;
  r->what = nr;
  for (int i = 0; i < 6; i++) r->args[i] = t->waiting_args[i];
  t->waiting = 0;
  const __u64 arguments = r->args[0];
  __u64 parent_tid = 0;
  if (nr == SYS_CLONE3 &&
      bpf_probe_read_user(&parent_tid, sizeof parent_tid, (void*)(arguments + 16)) == 0)
    take_piece(t, parent_tid, sizeof(__u32), 0);
  const int is_error = ret < 0 && ret >= -MAX_ERRNO;
  const struct wc_bpf_plan* plan = bpf_map_lookup_elem(&syscall_plans, &nr);
  if (!is_error) take_plan(t, plan, PIECE_WRITTEN);
  /* The kernel has read it meanwhile, so it is in memory now. */
  if (t->waiting_missed) {
    r->flags |= WC_BPF_AGAIN;
    take_plan(t, plan, 0);
  }
  if (send(t, 0) != 0) __sync_fetch_and_add(&lost_syscalls, 1);
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs* regs, long ret) {
  struct thread* t = self();
  if (!t) return 0;
  t = issuer(t);
  if (t->depth == 0) return 0;
  if (ret < 0 && ret >= -MAX_ERRNO) {
    t->errors++;
    t->last_error = ret < RESTART_CODES ? INTERRUPTED : -ret;
  }
  if (t->waiting != 0) report_exit(t, ret);
  return 0;
}

/* ---- processes */

static __always_inline void send_always(struct thread* t) {
  if (send(t, 0) != 0) __sync_fetch_and_add(&lost_others, 1);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct* parent, struct task_struct* child) {
  struct thread* t = self();
  if (!t) return 0;
  const int is_thread = parent->tgid == child->tgid;
  if (!is_thread && !follows_children) return 0;
  if (!bpf_task_storage_get(&threads, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE)) {
    __sync_fetch_and_add(&unfollowed_threads, 1);
    return 0;
  }
  mark(child->pid);
  begin(t, WC_BPF_FORK);
  t->record.what = child->pid;
  t->record.flags = is_thread ? WC_BPF_IS_THREAD : 0;
  send_always(t);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct* task, int old_pid, struct linux_binprm* bprm) {
  /* A thread that is not the leader takes its id: the one that it had is marked. */
  if (is_marked(old_pid)) mark(task->pid);
  struct thread* t = self();
  if (!t) return 0;
  t->depth = t->reported = t->handlers = 0;
  t->waiting = 0;
  begin(t, WC_BPF_EXEC);
  t->record.what = old_pid;
  unsigned char* to = place_of_piece(t);
  if (to) {
    const long size = bpf_probe_read_kernel_str(to, WC_BPF_PIECE, bprm->filename);
    if (size > 0) add_piece(t, 0, size);
  }
  send_always(t);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_end, struct task_struct* task) {
  struct thread* t = self();
  if (!t) return 0;
  begin(t, WC_BPF_END);
  const struct signal_struct* signal = task->signal;
  t->record.ret = task->exit_code;
  if (signal->flags & SIGNAL_GROUP_EXIT) t->record.flags = WC_BPF_IS_GROUPS;
  t->record.error = signal->group_exit_code;
  send_always(t);
  return 0;
}

SEC("tp_btf/signal_deliver")
int BPF_PROG(on_signal, int number, struct kernel_siginfo* info, struct k_sigaction* action) {
  struct thread* t = self();
  if (!t || number == SIGKILL) return 0; /* whoever is killed ends, and nothing is delivered */
  struct task_struct* task = bpf_get_current_task_btf();
  const struct pt_regs* regs = (const struct pt_regs*)bpf_task_pt_regs(task);
  const __u64 sp = regs->sp;
  if (t->depth != 0) {
    forget_left_handlers(t, sp);
    leave_dead(t, sp);
  }
  begin(t, WC_BPF_SIGNAL);
  struct wc_bpf_record* r = &t->record;
  const __u32 top = t->depth - 1;
  r->number = top < WC_BPF_SCOPES ? t->scopes[top].number : 0;
  r->what = number;
  r->ip = regs->ip;
  r->sp = sp;
  r->bp = regs->bp;
  const unsigned long flags = action->sa.sa_flags;
  const int has_handler = (unsigned long)action->sa.sa_handler > 1;
  if (has_handler) r->flags |= WC_BPF_HAS_HANDLER;
  if (flags & SA_RESTART) r->flags |= WC_BPF_RESTARTS;
  unsigned char* to = place_of_piece(t);
  if (to && bpf_probe_read_kernel(to, 48, info) == 0) add_piece(t, 0, 48);
  const int is_on_it = sp - task->sas_ss_sp <= task->sas_ss_size;
  const __u32 handlers = t->handlers;
  if (has_handler && flags & SA_ONSTACK && task->sas_ss_size != 0 && !is_on_it &&
      handlers < WC_BPF_HANDLERS) {
    t->interrupted[handlers] = sp;
    t->handlers = handlers + 1;
  }
  send_always(t);
  return 0;
}

/* Takes in the threads of processes that run already. */
SEC("iter/task")
int take_in(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  if (!task) return 0;
  const int pid = task->tgid;
  if (!bpf_map_lookup_elem(&wanted, &pid)) return 0;
  mark(task->pid);
  if (!bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE))
    __sync_fetch_and_add(&unfollowed_threads, 1);
  return 0;
}
