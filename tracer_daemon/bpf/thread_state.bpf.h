/* What is kept of each traced thread, in the kernel: its open calls, and the record that is being
 * made. A program on a uprobe may be preempted, so nothing is kept by CPU. */
#ifndef WC_BPF_THREAD_STATE_H
#define WC_BPF_THREAD_STATE_H

/* libbpf's headers need the kernel's types in front of them. */
/* clang-format off */
#include <linux/bpf.h>
#include "kernel_types.h"
#include "records.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
/* clang-format on */

struct scope {
  __u64 number, sp, caller, bp, time;
  __u64 args[6];
  __u64 errors; /* of the thread, when it began */
  __u32 function;
  __u16 unseen;     /* nobody will see its return: it has jumped elsewhere */
  __u16 by_address; /* the kernel replaces its return address */
};

/* Of a thread, or of a goroutine: then all places on the stack are counted from its upper end,
 * because the stack moves as it grows. */
struct thread {
  __u64 goroutine, stack_end;    /* 0: of a thread */
  __u64 calls, syscalls, errors; /* numbered so far */
  __s32 last_error;
  __u32 depth;
  __u32 reported; /* so many of the outermost scopes are */
  __u32 handlers; /* on an alternate stack, which may stand above what they interrupt */
  __u64 interrupted[WC_BPF_HANDLERS];
  __u64 waiting; /* number of the reported syscall that it is in; 0: none */
  __u32 waiting_nr;
  __u32 used;           /* bytes of pieces */
  __u32 missed;         /* a piece of this record was not in memory */
  __u32 waiting_missed; /* the same of the waiting syscall's */
  __u64 trampoline;     /* page to which the kernel has probed functions return; 0: not met yet */
  __u64 waiting_args[6];
  struct scope scopes[WC_BPF_SCOPES];
  struct wc_bpf_record record;
  unsigned char pieces[WC_BPF_ROOM];
};

struct captured {
  __u64 address;
  __u32 size, room;
};

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct thread);
} threads SEC(".maps");

struct goroutine_key {
  __u64 address;
  __u64 pid;
};

/* Those that have been in a probed function. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct goroutine_key);
  __type(value, struct thread);
} goroutines SEC(".maps");

/* What a new one begins with. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct thread);
} no_goroutine SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 24);
} ring SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WC_BPF_SYSCALLS);
  __type(key, __u32);
  __type(value, struct wc_bpf_plan);
} syscall_plans SEC(".maps");

/* By function: what is copied at the entry and, with WC_CAPTURE_WRITTEN, at the return. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, WC_BPF_FUNCTIONS);
  __type(key, __u32);
  __type(value, struct wc_bpf_plan);
} function_plans SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct wc_bpf_counter_key);
  __type(value, struct wc_bpf_counter);
} counters SEC(".maps");

/* Processes that the iterator is to take in. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, __s32);
  __type(value, __u32);
} wanted SEC(".maps");

const volatile _Bool reports_all_calls;
const volatile _Bool counts_calls;
const volatile _Bool follows_children;

/* What found no room, since the start; of those the calls. */
__u64 lost_syscalls, lost_calls, lost_others;
__u64 unfollowed_threads; /* no memory for them */
__u64 too_deep;           /* calls */
/* By the lowest bits of a thread's id: whether one with such bits is traced. All others pay no more
 * than this look. */
#define MARKS 4096
__u64 marks[MARKS / 64];
__u32 has_go;    /* some function of Go's is probed */
__u32 is_asleep; /* the tracer: to be woken by the next record */

#endif
