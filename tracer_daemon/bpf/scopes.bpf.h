/* The calls that are open on a thread. One is over when its return is seen; what is left by longjmp
 * or an exception is found out when the stack pointer stands above it. */
#ifndef WC_BPF_SCOPES_H
#define WC_BPF_SCOPES_H

#include "pieces.bpf.h"

static __always_inline int is_marked(__u32 pid) { return marks[pid % MARKS / 64] >> pid % 64 & 1; }

static __always_inline struct thread* self(void) {
  struct task_struct* task = bpf_get_current_task_btf();
  if (!is_marked(task->pid)) return 0;
  return bpf_task_storage_get(&threads, task, 0, 0);
}

static __always_inline void mark(__u32 pid) {
  __sync_fetch_and_or(&marks[pid % MARKS / 64], 1ull << pid % 64);
}

/* The goroutine at this address, whose stack ends at the second word of its struct
 * (runtime/runtime2.go). `make`: its first probed call begins. */
static __always_inline struct thread* goroutine(__u64 address, int make) {
  struct goroutine_key key = {address, bpf_get_current_pid_tgid() >> 32};
  struct thread* g = bpf_map_lookup_elem(&goroutines, &key);
  if (!g && make) {
    const __u32 none = 0;
    const struct thread* fresh = bpf_map_lookup_elem(&no_goroutine, &none);
    if (!fresh) return 0;
    bpf_map_update_elem(&goroutines, &key, fresh, BPF_NOEXIST);
    g = bpf_map_lookup_elem(&goroutines, &key);
    if (!g) __sync_fetch_and_add(&unfollowed_threads, 1);
  }
  if (!g) return 0;
  __u64 end = 0;
  if (bpf_probe_read_user(&end, sizeof end, (void*)(address + sizeof(__u64))) != 0) return 0;
  g->goroutine = address;
  g->stack_end = end;
  return g;
}

/* Whose calls a probe is about. Go keeps the goroutine in r14 (its internal ABI). */
static __always_inline struct thread* owner(const struct pt_regs* regs, __u64 cookie, int make) {
  struct thread* t = self();
  if (!t || !(cookie & WC_BPF_OF_GO)) return t;
  return goroutine(regs->r14, make);
}

/* Whose syscall it is: Go keeps the goroutine in front of the thread pointer, too. */
static __always_inline struct thread* issuer(struct thread* t) {
  if (!has_go || t->depth != 0) return t;
  __u64 address = 0;
  const __u64 base = bpf_get_current_task_btf()->thread.fsbase;
  if (base == 0 ||
      bpf_probe_read_user(&address, sizeof address, (void*)(base - sizeof address)) != 0 ||
      address == 0)
    return t;
  struct thread* g = goroutine(address, 0);
  return g ? g : t;
}

static __always_inline void count_call(__u32 function, __u64 calls, __u64 nanoseconds) {
  struct wc_bpf_counter_key key = {bpf_get_current_pid_tgid() >> 32, function};
  struct wc_bpf_counter* counter = bpf_map_lookup_elem(&counters, &key);
  if (!counter) {
    const struct wc_bpf_counter none = {};
    bpf_map_update_elem(&counters, &key, &none, BPF_NOEXIST);
    counter = bpf_map_lookup_elem(&counters, &key);
    if (!counter) return;
  }
  __sync_fetch_and_add(&counter->calls, calls);
  __sync_fetch_and_add(&counter->nanoseconds, nanoseconds);
}

/* A handler's own stack may stand anywhere; nothing can be told from it about the one below. */
static __always_inline int is_protected(const struct thread* t, __u64 sp) {
  for (int i = 0; i < WC_BPF_HANDLERS && i < t->handlers; i++)
    if (t->interrupted[i] < sp) return 1;
  return 0;
}

/* Handlers that longjmp has left stand on no stack any more. */
static __always_inline void forget_left_handlers(struct thread* t, __u64 sp) {
  if (t->handlers == 0 || t->goroutine != 0) return;
  const struct task_struct* task = bpf_get_current_task_btf();
  if (sp - task->sas_ss_sp > task->sas_ss_size) t->handlers = 0;
}

/* Whether something else stands where its return address was: it was left, and others run there. A
 * return address that the kernel has replaced is its trampoline's, once that was met. */
static __always_inline int is_overwritten(const struct thread* t, const struct scope* s) {
  __u64 stored = 0;
  const void* place = (const void*)(s->sp + t->stack_end);
  if (bpf_probe_read_user(&stored, sizeof stored, place) != 0) return 0;
  if (stored == s->caller) return 0;
  return !s->by_address || (t->trampoline != 0 && stored - t->trampoline >= PAGE);
}

/* A call that has pushed nothing stands where its return address is. */
static __always_inline int is_dead(const struct thread* t, const struct scope* s, __u64 sp) {
  if (s->sp < sp) return !is_protected(t, s->sp);
  return (s->sp == sp || !s->by_address) && is_overwritten(t, s);
}

/* The innermost call is over. `flags`: how. */
__attribute__((noinline)) int end_innermost(struct thread* t, __u64 value, __u32 flags) {
  if (!t) return 0;
  const __u32 at = t->depth - 1;
  if (at >= WC_BPF_SCOPES) return 0;
  const struct scope* s = &t->scopes[at];
  t->depth = at;
  if (counts_calls) count_call(s->function, 0, bpf_ktime_get_ns() - s->time);
  if (t->reported <= at) return 0;
  t->reported = at;
  begin(t, WC_BPF_RETURN);
  struct wc_bpf_record* r = &t->record;
  r->number = s->number;
  r->what = s->function;
  r->sp = s->sp;
  r->flags = flags;
  r->ret = value;
  r->error = t->errors != s->errors ? t->last_error : 0;
  for (int i = 0; i < 6; i++) r->args[i] = s->args[i];
  __u32 function = s->function;
  if (!(flags & WC_BPF_UNWOUND))
    take_plan(t, bpf_map_lookup_elem(&function_plans, &function), PIECE_WRITTEN);
  if (send(t, 0) != 0) __sync_fetch_and_add(&lost_others, 1);
  return 0;
}

/* The thread stands at `sp`. */
__attribute__((noinline)) int leave_dead(struct thread* t, __u64 sp) {
  if (!t) return 0;
  for (int i = 0; i < WC_BPF_SCOPES; i++) {
    const __u32 top = t->depth - 1;
    if (top >= WC_BPF_SCOPES || !is_dead(t, &t->scopes[top], sp)) break;
    end_innermost(t, 0, WC_BPF_UNWOUND);
  }
  return 0;
}

/* A function has returned to its caller, whose address stood at `place`; so have those that have
 * jumped to it, and those deeper down were left on the way. */
__attribute__((noinline)) int end_calls(struct thread* t, __u64 place, __u64 value) {
  if (!t) return 0;
  for (int i = 0; i < WC_BPF_SCOPES; i++) {
    const __u32 top = t->depth - 1;
    if (top >= WC_BPF_SCOPES || t->scopes[top].sp > place) break;
    end_innermost(t, value, t->scopes[top].sp == place ? 0 : WC_BPF_UNWOUND);
  }
  return 0;
}

__attribute__((noinline)) int report_call(struct thread* t, __u32 at, __u32 flags) {
  if (!t || at >= WC_BPF_SCOPES) return -1;
  const struct scope* s = &t->scopes[at];
  begin(t, WC_BPF_CALL);
  struct wc_bpf_record* r = &t->record;
  r->time = s->time;
  r->number = s->number;
  r->ip = s->caller;
  r->sp = s->sp;
  r->bp = s->bp;
  r->what = s->function;
  r->depth = at;
  r->flags = flags;
  for (int i = 0; i < 6; i++) r->args[i] = s->args[i];
  __u32 function = s->function;
  take_plan(t, bpf_map_lookup_elem(&function_plans, &function), 0);
  return send(t, 1);
}

/* The open calls that are not reported yet, outermost first. */
__attribute__((noinline)) int report_calls(struct thread* t, __u32 flags) {
  if (!t) return -1;
  for (int i = 0; i < WC_BPF_SCOPES; i++) {
    const __u32 at = t->reported;
    if (at >= t->depth) break;
    if (report_call(t, at, flags) != 0) return -1;
    t->reported = at + 1;
  }
  return 0;
}

#endif
