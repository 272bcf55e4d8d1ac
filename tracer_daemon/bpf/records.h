/* What the programs in the kernel leave in the ring buffer, and what they are told before they are
 * loaded. Compiled for both sides. The kernel has written it: it is as it should be. */
#ifndef WC_BPF_RECORDS_H
#define WC_BPF_RECORDS_H

#include <linux/types.h>

enum wc_bpf_kind {
  WC_BPF_CALL = 1, /* a call is reported; number: its own, ip: return address, sp: its place */
  WC_BPF_RETURN,   /* a reported call is over: ret, error; captures */
  WC_BPF_ENTER,    /* a syscall of the innermost call begins; number: its own */
  WC_BPF_EXIT,     /* that syscall has come back: ret; captures */
  WC_BPF_FORK,     /* what: the child; WC_BPF_IS_THREAD */
  WC_BPF_EXEC,     /* what: the thread's id before; a piece: the file as it was named */
  WC_BPF_END,      /* the thread ends; ret: its wait status */
  WC_BPF_SIGNAL    /* what: which, number: of the call that it interrupts; a piece: its siginfo */
};

enum wc_bpf_flags {
  WC_BPF_FOR_SYSCALL = 1, /* CALL: because of a syscall in it, not because all are wanted */
  WC_BPF_UNWOUND = 2,     /* RETURN: longjmp or an exception has left it, or nobody saw it */
  WC_BPF_IS_THREAD = 4,
  WC_BPF_IS_GROUPS = 64, /* END: all threads end with the status in error */
  WC_BPF_AGAIN = 32,     /* EXIT: what the syscall was given is here: it could not be read before */
  WC_BPF_HAS_HANDLER = 8, /* SIGNAL: a handler of the program's is about to run */
  WC_BPF_RESTARTS = 16    /* SIGNAL: its handler was set with SA_RESTART */
};

struct wc_bpf_record {
  __u32 kind;   /* enum wc_bpf_kind */
  __u32 pieces; /* of memory: each a wc_captured (protocol/shared.h) and its bytes */
  __u64 time;   /* CLOCK_MONOTONIC, nanoseconds */
  __s32 pid, tid;
  __u64 number;
  __u64 goroutine; /* whose calls these are: Go's runtime moves it between threads; else 0 */
  __u64 ip, sp, bp;
  __u64 args[6];
  __s64 ret;
  __u32 what;  /* function, syscall, signal, process */
  __u32 depth; /* CALL: calls that are open around it; others: calls that are open */
  __u32 flags; /* OR of enum wc_bpf_flags */
  __s32 error;
};

/* What is copied of a function's or a syscall's memory: rows as in a wc_plan, but more of them. */
#define WC_BPF_CAPTURES 7
struct wc_bpf_plan {
  __u8 kind_unit[WC_BPF_CAPTURES]; /* as in wc_capture */
  __u8 words[WC_BPF_CAPTURES];
  __u16 size[WC_BPF_CAPTURES];
  __u16 reported; /* of syscalls: whether they are */
};

/* In a probe's cookie, beside the function: its calls are seen to return by a return probe. */
#define WC_BPF_BY_ADDRESS (1ull << 32)
/* The same: the function is Go's. */
#define WC_BPF_OF_GO (1ull << 33)
#define WC_BPF_SYSCALLS 512
#define WC_BPF_FUNCTIONS 65536
/* The largest piece of memory, and how much all pieces of one record may take. */
#define WC_BPF_PIECE 4096
#define WC_BPF_ROOM 12288
#define WC_BPF_SCOPES 128
#define WC_BPF_HANDLERS 8
/* Beside those of enum wc_capture_kind: a NULL-terminated array of strings. */
#define WC_BPF_CAPTURE_STRINGS 7
/* A struct msghdr, its parts and its address. */
#define WC_BPF_CAPTURE_MESSAGE 6
/* In place of an argument: what stands behind the return address. */
#define WC_BPF_CAPTURE_STACK 14
#define WC_BPF_STRINGS 16

struct wc_bpf_counter {
  __u64 calls, nanoseconds;
};
struct wc_bpf_counter_key {
  __s32 pid;
  __u32 function;
};

#endif
