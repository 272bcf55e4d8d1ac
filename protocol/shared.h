/*
 * shared.h: the memory that one traced process shares with the tracer.
 *
 * One memfd a process: a header, then thread slots. A process maps the header and a few slots at
 * first; the tracer has it map more as threads come. A thread asks for a slot at its first wrapped
 * call (enum wc_ask); the tracer frees it when it has seen the thread's end.
 *
 * Who writes what: the thread that owns a slot writes everything in it, except the
 * fields marked "tracer". Under engine ptrace the tracer writes only while the thread
 * is stopped. The tracee is hostile: the tracer reads a field once, then checks it.
 *
 * A slot holds the stack of open calls (scopes) and a single-producer ring of records
 * for what the tracer must learn without stopping the thread: returns of reported calls.
 */
#ifndef WC_PROTOCOL_SHARED_H
#define WC_PROTOCOL_SHARED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WC_STATIC_ASSERT static_assert
extern "C" {
#else
#define WC_STATIC_ASSERT _Static_assert
#endif

#define WC_SHARED_MAGIC 0x31484357u /* "WCH1" */
#define WC_MAX_SCOPES 128u   /* deeper calls run unrecorded; their syscalls go to the deepest */
#define WC_RING_RECORDS 128u /* a power of two */
/* How many whole rings a sleeping tracer keeps the tail further back, so that the next record rings
 * (rings/ring_reader.h). Whole rings change no place; one of them is a full ring. */
#define WC_BELL_RINGS 2u
#define WC_BIG_RING_RECORDS 16384u /* engine inproc: syscalls and their arguments, too */
#define WC_PLANNED_SYSCALLS 512u   /* numbers from here on are the tracer's business */
#define WC_CAPTURES 3u             /* pieces of memory that one record may hold */
#define WC_INFLIGHT 4u
#define WC_SLOTS 512u     /* threads of one process that are alive at once */
#define WC_OWN_SCOPES 64u /* names of scopes that a program may have itself (wc/scope.h) */
#define WC_SCOPE_NAME 48u /* bytes of each that are kept for when the program is gone */
#define WC_PAGE 4096u

enum wc_gate { WC_GATE_OFF = 0, WC_GATE_SOCKET = 1, WC_GATE_TRAP = 2, WC_GATE_DISPATCH = 3 };

enum wc_config {
  WC_CONFIG_ALL_CALLS = 1u << 0,  /* ring the bell at every entry and return */
  WC_CONFIG_CALL_TIME = 1u << 1,  /* time stamps (rdtsc) at entry and return */
  WC_CONFIG_COUNTS = 1u << 2,     /* count calls and time in wc_counter */
  WC_CONFIG_OPEN_GATE = 1u << 3,  /* gate trap: always open, the bell never closes it */
  WC_CONFIG_IN_PROCESS = 1u << 4, /* engine inproc: patched sites append syscalls to the ring */
  WC_CONFIG_DROP = 1u << 5,       /* engine inproc: a full ring loses syscalls instead of waiting */
  WC_CONFIG_STACKS = 1u << 6,     /* engine inproc: with the stack they stand on */
  WC_CONFIG_SYSCALL_TIME = 1u << 7, /* engine inproc: a time stamp behind each syscall, too */
  WC_CONFIG_ALONE = 1u << 8, /* children are not traced: they run native from their fork on */
  /* Functions may be off or sampled: a slot counts the calls of each, for --every */
  WC_CONFIG_SAMPLES = 1u << 9
};

/* wc_function.is_off: off, or from WC_SAMPLED on the number of a wc_sample above it. */
#define WC_OFF 1u
#define WC_SAMPLED 2u
#define WC_SAMPLES 16u

enum wc_sample_kind {
  WC_SAMPLE_EVERY = 0, /* one outermost call in n, by thread and function */
  WC_SAMPLE_FIRST = 1, /* the first n; state: how many there were */
  WC_SAMPLE_RATE = 2   /* a token bucket for n calls, filled by one each `ticks`; state: the tick at
                          which it is full again */
};
struct wc_sample {
  uint32_t kind; /* enum wc_sample_kind */
  uint32_t n;
  uint64_t ticks;
  uint64_t state; /* shim */
};

/*
 * What the shim asks by its bell (syscalls.S), a breakpoint that the tracer answers in rax. No
 * socket, path, user or filter stands between the two. 0 is the answer "run native", also where
 * there is no tracer any more. Numbers below WC_SLOTS are no questions: "look at this slot".
 */
enum wc_ask {
  /* A process says hello. rsi: its wc_hello, rdx: a memfd that it has made, a negative errno, or
   * WC_NOT_TRIED where it does not know what it may do. Answer: how much of it to map, with flags
   * (enum wc_hello_answer), or what to try. */
  WC_ASK_HELLO = 0x6f6c6c6568, /* "hello": the tracer does not know the bell's address yet */
  /* The same with shared anonymous memory of the size that was asked for; rdx: its address. */
  WC_ASK_HELLO_ANONYMOUS = 0x6e6f6e61,
  /* It cannot map the memory; rsi: negative errno. */
  WC_ASK_UNMAPPED = 0x70616d6e75,
  /* A thread asks for a slot. rsi: address of its dispatch selector. Answer: the slot's address,
   * with flags (enum wc_slot_answer). */
  WC_ASK_SLOT = 0x746f6c73
};
#define WC_NOT_TRIED ((uint64_t)-4096)
enum wc_hello_answer {
  WC_HELLO_BY_SOCKET = 1, /* alone: connect, and ask for memory */
  WC_HELLO_BY_MEMFD = 2,  /* alone: make a memfd, and ask again */
  WC_HELLO_FILTERED = 4,  /* flag: a seccomp filter is in force; as few syscalls as possible */
  WC_HELLO_ANONYMOUS = 8  /* flag: map so much shared anonymous memory, and ask with that */
};
enum wc_slot_answer {
  WC_SLOT_ARM = 1 /* flag: the thread is to switch dispatch on itself */
};

/*
 * Engine inproc: which memory goes into a record beside the words, so that the arguments can be
 * printed later. What is written by the call is taken when it has succeeded, what is read by it
 * unless it failed with EFAULT. Copying is safe from bad pointers (syscalls.S, wc_copy).
 */
enum wc_capture_kind {
  WC_CAPTURE_NONE = 0,
  WC_CAPTURE_STRING,     /* up to a NUL, `size` bytes at most */
  WC_CAPTURE_FIXED,      /* `size` bytes */
  WC_CAPTURE_COUNTED,    /* as many as argument `aux` says, `size` at most */
  WC_CAPTURE_RETURNED,   /* as many as the result says, `size` at most */
  WC_CAPTURE_VECTOR,     /* struct iovec[], as many as argument `aux` says, and `size` bytes of what
                            each points to; at most WC_VECTOR_PARTS */
  WC_CAPTURE_WRITTEN = 8 /* flag: written by the call */
};

struct wc_capture {
  uint8_t kind_unit; /* enum wc_capture_kind in the low nibble; COUNTED, RETURNED: shift of the unit
                        above, or WC_CAPTURE_DOZEN */
  uint8_t words;     /* argument in the low nibble (WC_CAPTURE_RESULT: the result), aux above */
  uint16_t size;
};
#define WC_CAPTURE_RESULT 15u
#define WC_VECTOR_PARTS 6u
#define WC_CAPTURE_DOZEN 15u /* units of 12 bytes: struct epoll_event */

/* What a patched site or a return does with a syscall or function. */
enum wc_plan_action {
  WC_PLAN_TRACER = 0, /* stops for the tracer, which sees everything */
  WC_PLAN_RECORD = 1, /* appends a record */
  WC_PLAN_VECTOR = 4, /* RECORD, unless argument 2 is larger than WC_VECTOR_PARTS */
  /* recvfrom(2), accept(2): RECORD, unless the sender's address is asked for, whose length is both
   * read and written */
  WC_PLAN_SENDER = 5,
  WC_PLAN_PLAIN = 2, /* not to be reported */
  WC_PLAN_SIGNALS =
      3 /* RECORD, unless it has to do with SIGSYS and SIGTRAP, which the gate hides */
};
struct wc_plan {
  struct wc_capture captures[WC_CAPTURES];
  uint32_t action; /* enum wc_plan_action */
};
WC_STATIC_ASSERT(sizeof(struct wc_plan) == 16, "wc_plan");

/* The kernel's struct sigaction (asm/signal.h). */
struct wc_action {
  uint64_t handler, flags, restorer, mask;
};

/* In the shim, one a process: how a thread goes on if the tracer dies while it makes a system call
 * in the thread's name. As the kernel's sigcontext begins (asm/sigcontext.h). */
struct wc_injection {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
  uint64_t eflags, mask; /* mask: of the signals that it blocks */
  uint64_t thread;       /* its thread pointer; 0: there is none */
};

/* Addresses in the shim of what sets an ignored signal of the gate to SIG_IGN again (syscalls.S).
 */
struct wc_again {
  uint64_t begin;
  uint64_t kept;     /* from here the registers are in wc_slot.again_kept, */
  uint64_t restored; /* until here, */
  uint64_t end;      /* and its end */
};
enum { WC_AGAIN_SIGTRAP = 0, WC_AGAIN_SIGSYS = 1, WC_AGAIN_SIGNALS = 2 };

struct wc_shared_header {
  uint32_t magic;
  uint32_t full; /* tracer: all slots are taken; nobody need ask */
  uint32_t slot_size;
  uint32_t function_count; /* counters in each slot: wrapped functions and own scopes */
  uint32_t gate;           /* enum wc_gate */
  uint32_t config;         /* OR of enum wc_config */
  uint32_t kernel_wipes;   /* shim: a forked child starts detached by itself (MADV_WIPEONFORK) */
  uint32_t exhausted;      /* shim: calls of threads that found no free slot */
  uint32_t ring_records;   /* in each slot; a power of two */
  uint32_t hides_signals;  /* tracer: some thread has blocked SIGSYS or SIGTRAP, as it believes */
  struct wc_plan plans[WC_PLANNED_SYSCALLS]; /* engine inproc: by syscall number */
  /* Shim: addresses of the names of scopes that the program names itself. The function number of
   * such a scope is its place here plus the number of wrapped functions. */
  uint64_t own_scopes[WC_OWN_SCOPES];
  uint64_t address; /* shim: where it has mapped this header and the first slots */
  /* Tracer, with WC_CONFIG_DROP: it decodes; a bell would wait for long. Far from what all threads
   * read at each call. */
  uint32_t busy;
  uint32_t many_threads; /* tracer: there is more than one, see signals/gate_signals.h */
  /* With what action the program ignores these two; handler 0: it does not. The shim, as it has
   * found it at its start; from then on the tracer. */
  struct wc_action ignored[WC_AGAIN_SIGNALS];
  struct wc_again again;   /* shim */
  struct wc_action orphan; /* shim: the action that it has set where the program has the default */
  struct wc_action again_old; /* shim, on the way to again_next: what the kernel has. One thread. */
  uint64_t functions; /* shim: address of its wc_functions, whose is_off the tracer writes */
  struct wc_sample samples[WC_SAMPLES]; /* tracer */
  /* Shim: the names themselves, or how they begin; what stands behind the NUL is nothing. */
  char own_scope_names[WC_OWN_SCOPES][WC_SCOPE_NAME];
};
WC_STATIC_ASSERT(sizeof(struct wc_shared_header) == 224 + 24 * WC_SAMPLES +
                                                        16 * WC_PLANNED_SYSCALLS +
                                                        (8 + WC_SCOPE_NAME) * WC_OWN_SCOPES,
                 "wc_shared_header");
#define WC_HEADER_SIZE ((uint64_t)4 * WC_PAGE)
WC_STATIC_ASSERT(sizeof(struct wc_shared_header) <= WC_HEADER_SIZE, "slots stand behind it");

enum wc_scope_flags {
  /* It is filled in, and is not being left. A signal handler may interrupt the thread where `depth`
   * counts a scope that is neither: such a scope is not reported any more. One that `depth` does
   * not count is neither open nor reported. */
  WC_SCOPE_OPEN = 1u << 0,
  WC_SCOPE_THIN = 1u << 4, /* the function is WC_FUNCTION_THIN */
  /* An outermost call that is not sampled: it is never OPEN, and no calls in it have scopes. */
  WC_SCOPE_SKIPPED = 1u << 5,
  /* Its return is to be reported; tracer, too. The sign: one instruction clears OPEN and asks. */
  WC_SCOPE_REPORTED = 1u << 31
};

struct wc_scope {
  uint64_t seq;    /* of the call, counted by the thread, from 1 */
  uint64_t sp;     /* stack pointer at the function's first instruction: where `caller` is stored */
  uint64_t caller; /* return address */
  uint64_t tsc;    /* at entry; 0 without WC_CONFIG_CALL_TIME */
  uint64_t args[6];
  uint32_t function; /* index into the stub library's table */
  uint32_t flags;    /* OR of enum wc_scope_flags */
};
WC_STATIC_ASSERT(sizeof(struct wc_scope) == 88, "wc_scope");
WC_STATIC_ASSERT(offsetof(struct wc_scope, args) == 32, "wc_scope.args");

/*
 * A record begins with a wc_record. Those of engine inproc go on in the next places of the ring: a
 * wc_record_body, then captures, each a wc_captured and its bytes, padded to 8. They never wrap
 * around the ring's end: SKIP fills what is left there.
 */
enum wc_record_type {
  WC_RECORD_RETURN = 1,
  WC_RECORD_UNWOUND = 2,
  WC_RECORD_SKIP = 3,    /* nothing up to the ring's end */
  WC_RECORD_CALL = 4,    /* a call is reported; ret: its return address */
  WC_RECORD_SYSCALL = 5, /* a syscall of call `seq` has come back */
  /* The same of a call that was not reported before: a wc_record_call follows the body. The common
   * case, one syscall a call, takes one record. */
  WC_RECORD_CALL_SYSCALL = 6,
  WC_RECORD_TYPES = 0xff,
  WC_RECORD_NO_RESULT = 0x200,  /* flag of SYSCALL and CALL_SYSCALL: it never came back */
  WC_RECORD_RETURNED = 0x400,   /* flag of CALL_SYSCALL: so has the call, with `value` */
  WC_RECORD_SAME_ARGS = 0x1000, /* flag of CALL_SYSCALL: the call's arguments, as far as it has any,
                                   are its syscall's */
  WC_RECORD_STACK = 0x800,      /* flag of CALL, SYSCALL, CALL_SYSCALL: the last captures are a
                                   wc_stack_registers and the stack from its sp on */
  WC_RECORD_CAPTURES = 0x100    /* flag of RETURN: a body follows, for its captures */
};

struct wc_record {
  uint64_t seq;
  uint64_t ret;
  uint64_t tsc;
  uint32_t
      type; /* enum wc_record_type; above bit 16: places of the ring that it takes, 0 for one */
  int32_t
      error; /* RETURN, RETURNED: errno after the call; CALL: how many calls are open around it */
};
WC_STATIC_ASSERT(sizeof(struct wc_record) == 32, "wc_record");

struct wc_record_body {
  uint64_t
      place; /* CALL: stack pointer at the function's first instruction; SYSCALL: tsc before it */
  uint32_t what; /* CALL: function; SYSCALL: number */
  uint32_t captures;
  uint64_t args[6];
};
WC_STATIC_ASSERT(sizeof(struct wc_record_body) == 64, "wc_record_body");

struct wc_record_call {
  uint64_t sp; /* as in wc_scope */
  uint64_t caller;
  uint32_t function;
  uint32_t depth; /* how many calls are open around it */
  uint64_t value; /* with WC_RECORD_RETURNED */
  /* uint64_t args[6]; not with WC_RECORD_SAME_ARGS */
};
WC_STATIC_ASSERT(sizeof(struct wc_record_call) == 32, "wc_record_call");

struct wc_captured {
  uint64_t address;
  uint32_t size; /* of the bytes that follow: fewer than `room` where memory ended */
  uint32_t room;
};
WC_STATIC_ASSERT(sizeof(struct wc_captured) == 16, "wc_captured");

/* What the unwinder needs beside the stack. Of the other registers that calls preserve no frame of
 * compiled code depends on any. */
struct wc_stack_registers {
  uint64_t ip, sp, bp;
};
#define WC_STACK_PIECES 2u

/* A syscall that was moved to the gadget: where the thread goes on afterwards. Used by the shim
 * only when the tracer has died in between. */
struct wc_inflight {
  uint64_t sp;
  uint64_t ip;
};

/* Engine inproc: a syscall that has not been recorded yet. It has not come back, or `end` says when
 * it has: that of a thin call is recorded with the call's return. */
#define WC_PENDING 8u
struct wc_pending {
  uint64_t seq; /* of its call */
  uint64_t tsc;
  uint64_t args[6];
  uint32_t nr;
  uint32_t flags; /* of its record's type: WC_RECORD_STACK */
  uint64_t ret;   /* with `end` */
  uint64_t end;   /* time stamp, or 0 */
};
WC_STATIC_ASSERT(sizeof(struct wc_pending) == 88, "wc_pending");

struct wc_counter {
  uint64_t calls;
  uint64_t ticks; /* of the time stamp counter, nested calls included */
};

struct wc_slot {
  uint32_t reserved0;
  uint32_t index;     /* tracer: its number, which the bell says */
  uint32_t depth;     /* open scopes */
  uint32_t gate_open; /* socket and trap gates: the tracer has interception on for this thread */
  uint32_t gate_want; /* what the bell asks for */
  uint32_t ack;       /* tracer, socket gate: number of the last bell that was answered; a futex */
  uint32_t bell;      /* socket gate: number of the last bell */
  uint32_t overflow;  /* calls deeper than WC_MAX_SCOPES */
  uint64_t next_seq;
  uint64_t selector; /* tracer: address of the thread's dispatch selector in the tracee */
  struct wc_inflight inflight[WC_INFLIGHT]; /* tracer */
  uint32_t inflight_next;                   /* tracer */
  /* A syscall sent to the landing pad (syscalls.S): where it goes on, and what came of it. */
  uint32_t landing_done; /* cleared by the tracer */
  uint64_t landing_ip;   /* tracer */
  uint64_t landing_ret;
  uint64_t landing_tsc;
  uint32_t head;          /* places of the ring ever published; thread */
  uint32_t reserved;      /* places ever given to a record */
  uint32_t wants_room;    /* rings because the ring is full; cleared by the tracer */
  uint32_t marked;        /* up to here each place holds a record or reads SKIP; thread (ring.c) */
  uint64_t dropped;       /* records that found no room, or that longjmp has left; thread */
  uint64_t again_kept[5]; /* on the way to again_next: rdi rsi rdx r10 rax */
  uint32_t tail;          /* places ever read; tracer */
  /* Tracer: the signals that are to be ignored again on the way to `again_next`, or 0 (syscalls.S).
   */
  uint32_t again_sigtrap;
  uint64_t scratch[4]; /* tracer: what a syscall of the thread reads in place of its own argument */
  uint64_t again_next;
  uint32_t again_sigsys;
  uint32_t landing_flags; /* tracer: what `syscall` leaves in r11 */
  uint32_t reserved4;
  uint32_t pending_depth;
  struct wc_pending pending[WC_PENDING];
  struct wc_scope scopes[WC_MAX_SCOPES];
  /* struct wc_record ring[ring_records];
   * struct wc_counter counters[function_count], with WC_CONFIG_COUNTS
   * uint32_t sampled[function_count], with WC_CONFIG_SAMPLES */
};
WC_STATIC_ASSERT(offsetof(struct wc_slot, next_seq) == 32, "wc_slot.next_seq");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_done) == 116, "wc_slot.landing_done");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ip) == 120, "wc_slot.landing_ip");
WC_STATIC_ASSERT(offsetof(struct wc_slot, head) == 144, "wc_slot.head");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_flags) == 260, "wc_slot.landing_flags");
WC_STATIC_ASSERT(offsetof(struct wc_slot, tail) == 208, "wc_slot.tail");
WC_STATIC_ASSERT(offsetof(struct wc_slot, scopes) == 976, "wc_slot.scopes");
WC_STATIC_ASSERT(sizeof(struct wc_slot) == 976 + 88 * WC_MAX_SCOPES, "wc_slot");

static inline struct wc_record *wc_slot_ring(struct wc_slot *slot) {
  return (struct wc_record *)(slot + 1);
}

static inline uint32_t wc_ring_records(uint32_t config) {
  return config & WC_CONFIG_IN_PROCESS ? WC_BIG_RING_RECORDS : WC_RING_RECORDS;
}

/* Size of one slot with its counters, rounded up to pages. */
static inline uint32_t wc_slot_size(uint32_t function_count, uint32_t config) {
  uint64_t size =
      sizeof(struct wc_slot) + (uint64_t)wc_ring_records(config) * sizeof(struct wc_record);
  if (config & WC_CONFIG_COUNTS) size += (uint64_t)function_count * sizeof(struct wc_counter);
  if (config & WC_CONFIG_SAMPLES) size += (uint64_t)function_count * sizeof(uint32_t);
  return (uint32_t)((size + WC_PAGE - 1) / WC_PAGE * WC_PAGE);
}

/* With so many slots. */
static inline uint64_t wc_shared_size(uint32_t slot_size, uint32_t slots) {
  return WC_HEADER_SIZE + (uint64_t)slots * slot_size;
}

#ifdef __cplusplus
}
#endif

#endif
