/*
 * shared.h: the memory that one traced process shares with the tracer.
 *
 * One memfd a process, made by the tracer and sent with WELCOME: a header page, then
 * `slot_count` thread slots of `slot_size` bytes. A thread claims a slot at its first
 * wrapped call; the tracer frees it when it has seen the thread's end.
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
#define WC_MAX_SCOPES 128u          /* deeper calls run unrecorded; their syscalls go to the deepest */
#define WC_RING_RECORDS 128u        /* a power of two */
#define WC_INFLIGHT 4u
#define WC_SLOTS 512u     /* threads of one process that are alive at once */
#define WC_PAGE 4096u

enum wc_gate { WC_GATE_OFF = 0, WC_GATE_SOCKET = 1, WC_GATE_TRAP = 2, WC_GATE_DISPATCH = 3 };

enum wc_config {
  WC_CONFIG_ALL_CALLS = 1u << 0, /* ring the bell at every entry and return */
  WC_CONFIG_CALL_TIME = 1u << 1, /* time stamps (rdtsc) at entry and return */
  WC_CONFIG_COUNTS = 1u << 2,    /* count calls and time in wc_counter */
  WC_CONFIG_OPEN_GATE = 1u << 3  /* gate trap: always open, the bell never closes it */
};

enum wc_slot_state { WC_SLOT_FREE = 0, WC_SLOT_USED = 1 };

struct wc_shared_header {
  uint32_t magic;
  uint32_t slot_count;
  uint32_t slot_size;
  uint32_t function_count; /* counters in each slot */
  uint32_t gate;           /* enum wc_gate */
  uint32_t config;         /* OR of enum wc_config */
  uint32_t off;            /* tracer, or the shim when the tracer is gone: run native from now on */
  uint32_t exhausted;      /* calls of threads that found no free slot */
};
WC_STATIC_ASSERT(sizeof(struct wc_shared_header) == 32, "wc_shared_header");

enum wc_scope_flags { WC_SCOPE_REPORTED = 1u << 0 /* tracer: its return is to be reported */ };

struct wc_scope {
  uint64_t seq;    /* of the call, counted by the thread, from 1 */
  uint64_t sp;     /* stack pointer at the function's first instruction: where `caller` is stored */
  uint64_t caller; /* return address */
  uint64_t tsc;    /* at entry; 0 without WC_CONFIG_CALL_TIME */
  uint64_t args[6];
  uint32_t function; /* index into the stub library's table */
  uint32_t flags;    /* tracer, and cleared by the thread at entry */
};
WC_STATIC_ASSERT(sizeof(struct wc_scope) == 88, "wc_scope");
WC_STATIC_ASSERT(offsetof(struct wc_scope, args) == 32, "wc_scope.args");

enum wc_record_type { WC_RECORD_RETURN = 1, WC_RECORD_UNWOUND = 2 };

struct wc_record {
  uint64_t seq;
  uint64_t ret;
  uint64_t tsc;
  uint32_t type; /* enum wc_record_type */
  int32_t error; /* errno after the call */
};
WC_STATIC_ASSERT(sizeof(struct wc_record) == 32, "wc_record");

/* A syscall that was moved to the gadget: where the thread goes on afterwards. Used by the shim
 * only when the tracer has died in between. */
struct wc_inflight {
  uint64_t sp;
  uint64_t ip;
};

struct wc_counter {
  uint64_t calls;
  uint64_t ticks; /* of the time stamp counter, nested calls included */
};

struct wc_slot {
  uint32_t state; /* enum wc_slot_state; tracer frees */
  int32_t tid;    /* as the thread sees it (its own pid namespace) */
  uint32_t depth; /* open scopes */
  uint32_t gate_open; /* socket and trap gates: the tracer has interception on for this thread */
  uint32_t gate_want; /* what the bell asks for */
  uint32_t ack;       /* tracer, socket gate: number of the last bell that was answered; a futex */
  uint32_t bell;      /* socket gate: number of the last bell */
  uint32_t overflow;  /* calls deeper than WC_MAX_SCOPES */
  uint64_t next_seq;
  uint64_t selector; /* address of the thread's dispatch selector in the tracee */
  struct wc_inflight inflight[WC_INFLIGHT]; /* tracer */
  uint32_t inflight_next;                   /* tracer */
  /* A syscall sent to the landing pad (entry.S): where it goes on, and what came of it. */
  uint32_t landing_done; /* cleared by the tracer */
  uint64_t landing_ip;   /* tracer */
  uint64_t landing_ret;
  uint64_t landing_tsc;
  uint32_t head; /* records ever written; thread */
  uint32_t reserved2[15];
  uint32_t tail; /* records ever read; tracer */
  uint32_t reserved3[15];
  struct wc_scope scopes[WC_MAX_SCOPES];
  struct wc_record ring[WC_RING_RECORDS];
  /* struct wc_counter counters[function_count], with WC_CONFIG_COUNTS */
};
WC_STATIC_ASSERT(offsetof(struct wc_slot, next_seq) == 32, "wc_slot.next_seq");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_done) == 116, "wc_slot.landing_done");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ip) == 120, "wc_slot.landing_ip");
WC_STATIC_ASSERT(offsetof(struct wc_slot, head) == 144, "wc_slot.head");
WC_STATIC_ASSERT(offsetof(struct wc_slot, tail) == 208, "wc_slot.tail");
WC_STATIC_ASSERT(offsetof(struct wc_slot, scopes) == 272, "wc_slot.scopes");
WC_STATIC_ASSERT(sizeof(struct wc_slot) == 272 + 88 * WC_MAX_SCOPES + 32 * WC_RING_RECORDS,
                 "wc_slot");

/* Size of one slot with its counters, rounded up to pages. */
static inline uint32_t wc_slot_size(uint32_t function_count, uint32_t config) {
  uint64_t size = sizeof(struct wc_slot);
  if (config & WC_CONFIG_COUNTS) size += (uint64_t)function_count * sizeof(struct wc_counter);
  return (uint32_t)((size + WC_PAGE - 1) / WC_PAGE * WC_PAGE);
}

static inline uint64_t wc_shared_size(uint32_t slot_size) {
  return (uint64_t)WC_PAGE + (uint64_t)WC_SLOTS * slot_size;
}

#ifdef __cplusplus
}
#endif

#endif
