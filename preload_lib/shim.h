/*
 * shim.h: what the parts of the shim share. See README.md for the rules of this folder.
 */
#ifndef WC_PRELOAD_SHIM_H
#define WC_PRELOAD_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include "preload_lib/frame.h"
#include "protocol/shared.h"
#include "protocol/stub.h"
#include "protocol/wire.h"

#define WC_LIKELY(x) __builtin_expect(!!(x), 1)
#define WC_UNLIKELY(x) __builtin_expect(!!(x), 0)

enum wc_attach_state { WC_DETACHED = 0, WC_ATTACHING = 1, WC_READY = 2, WC_NATIVE = 3 };

/*
 * State of the process, alone on pages that the kernel wipes in a forked child
 * (MADV_WIPEONFORK): a child starts detached without noticing the fork.
 */
struct wc_process {
  uint32_t state; /* enum wc_attach_state */
  uint32_t generation;
  uint32_t config;     /* OR of enum wc_config */
  uint32_t gate;       /* enum wc_gate */
  uint32_t fast;       /* the generation, if ready with gate dispatch and no config; else 0 */
  uint32_t in_process; /* the generation, if ready with engine inproc; else 0 */
  uint32_t ring_mask;  /* places of a slot's ring, less one */
  const struct wc_function *functions; /* the stub library's table */
  struct wc_shared_header *shared;
  int32_t socket; /* socket gate only, else -1 */
  int32_t pid;    /* socket gate only */
  uint64_t socket_cookie;
  uint32_t asks; /* gate socket: some thread has put the shim's handler for SIGTRAP in place */
  uint32_t reserved;
};

/* State of a thread. A forked child's copy is stale: its generation tells. */
struct wc_thread {
  struct wc_slot *slot;
  uint32_t generation;
  uint8_t busy;         /* attaching: a signal handler that comes now runs native */
  uint8_t selector;     /* of Syscall User Dispatch: 0 allow, 1 block */
  uint8_t armed;        /* dispatch is on for this thread */
  uint32_t writers;     /* of the ring: a signal handler may interrupt one */
  uint64_t writer;      /* frame of the outermost */
  uint64_t writer_call; /* and its innermost call: number, and how many were open */
  uint32_t writer_depth;
  uint64_t stack_low, stack_end; /* a stretch of stack that is known to be memory (stack.c) */
};

/* A syscall at a patched site, on the thread's stack (site.S). */
struct wc_site {
  uint64_t args[6]; /* rdi rsi rdx r10 r8 r9 */
  uint64_t nr;
  uint64_t ret;
  uint64_t tsc;
  uint32_t pending;    /* its place in wc_slot.pending */
  uint32_t generation; /* of the process state */
  uint32_t scope;      /* index of the call that it belongs to */
  uint32_t is_thin;    /* site.S has kept it in the slot, and will again */
  uint64_t bp;
};
/* The program's stack pointer at the site: above the thunk's return address and the red zone. */
#define WC_SITE_SP(site) ((uint64_t)(site) + WC_SITE_SIZE + 8 + WC_RED_ZONE)
/* Where the program continues: behind the site's syscall instruction, as the thunk says that the
 * return address points into. */
static inline uint64_t wc_site_back(const struct wc_site *site) {
  uint64_t into_thunk = *(const uint64_t *)(site + 1);
  return *(const uint64_t *)((into_thunk & -(uint64_t)WC_THUNK_SIZE) + WC_THUNK_BACK);
}
WC_STATIC_ASSERT(offsetof(struct wc_site, nr) == WC_SITE_NR, "site.nr");
WC_STATIC_ASSERT(offsetof(struct wc_site, ret) == WC_SITE_RET, "site.ret");
WC_STATIC_ASSERT(offsetof(struct wc_site, generation) == WC_SITE_GENERATION, "site.generation");
WC_STATIC_ASSERT(offsetof(struct wc_site, is_thin) == WC_SITE_IS_THIN, "site.is_thin");
WC_STATIC_ASSERT(offsetof(struct wc_site, bp) == WC_SITE_BP, "site.bp");
WC_STATIC_ASSERT(sizeof(struct wc_site) == WC_SITE_SIZE, "wc_site");
WC_STATIC_ASSERT(offsetof(struct wc_process, config) == WC_PROCESS_CONFIG, "config");
WC_STATIC_ASSERT(WC_CONFIG_SYSCALL_TIME == WC_TAKES_SYSCALL_TIME, "WC_CONFIG_SYSCALL_TIME");
WC_STATIC_ASSERT(offsetof(struct wc_process, fast) == WC_PROCESS_FAST, "fast");
WC_STATIC_ASSERT(offsetof(struct wc_thread, selector) == WC_THREAD_SELECTOR, "selector");
WC_STATIC_ASSERT(offsetof(struct wc_process, in_process) == WC_PROCESS_IN_PROCESS, "in_process");
WC_STATIC_ASSERT(offsetof(struct wc_process, shared) == WC_PROCESS_SHARED, "shared");
WC_STATIC_ASSERT(offsetof(struct wc_thread, generation) == WC_THREAD_GENERATION, "generation");

/* A piece of the program's memory that goes into a record: its address, and its size above. One
 * word, because stacks are small. */
typedef uint64_t wc_piece;
#define WC_ADDRESS_BITS 48
/* Of a call: its captures, and what follows a format. */
#define WC_CALL_PIECES (WC_FUNCTION_CAPTURES + 4)
static inline wc_piece wc_piece_of(uint64_t address, uint64_t size) {
  return address | size << WC_ADDRESS_BITS;
}
static inline uint64_t wc_piece_address(wc_piece piece) {
  return piece & ((1ull << WC_ADDRESS_BITS) - 1);
}
static inline uint32_t wc_piece_size(wc_piece piece) {
  return (uint32_t)(piece >> WC_ADDRESS_BITS);
}

extern struct wc_process wc_process;
extern __thread struct wc_thread wc_thread;
extern struct wc_stubs *wc_stub_table(void);

/* attach.c: makes this thread ready to record; 0 when the call is to run native. */
int wc_attach_thread(void);
/* Runs native from now on, all threads: the tracer is gone. */
void wc_go_native(void);

/* greet.c: says hello and maps the memory that is shared with the tracer; 0, or -1: there is no
 * tracer, or it does not want this process. Fills wc_process but its state. */
int wc_greet(void);
/* Whether the tracer must say first which syscalls are safe: a filter may kill for one. In a forked
 * child, too, whose parent may have set one. */
extern uint32_t wc_asks_first;
/* What the shim says of itself. */
void wc_describe(struct wc_hello *hello, uint32_t flags);
/* client.c, by the Unix socket. Gate socket's connection; 0 or a negative errno. */
int wc_open_gate(void);
/* A descriptor of shared memory, where the tracer can take none; or a negative errno. */
long wc_ask_for_memory(uint64_t *size);
/* Socket gate: sends a message of `type` and waits until the tracer has answered. */
void wc_ring_socket(struct wc_slot *slot, uint16_t type);

/* lookup.c: address of the wrapped function, found in the objects behind the stub library. Of
 * wc_lookup, in those only that were there at the start. */
uint64_t wc_resolve(struct wc_function *function);
uint64_t wc_lookup(const char *name, const char *version);
/* The stub of the function that dlsym(3) has found under this name; where it has none, `found`. */
uint64_t wc_stub_of(const char *name, uint64_t found);
/* By the constructor, whose environment it is: from now on there may be threads and dlopen. */
void wc_note_start(char **environment);

/* scope.c: finds what it needs of libc, once, so that no look-up stands on the program's stack
 * later. */
void wc_prepare_scopes(void);

/* orphan.c: handlers that keep the program alive when the tracer dies in the middle of a stop. */
void wc_install_orphan_handlers(uint32_t gate);
/* Tells the tracer of them, once the memory for that is there. */
void wc_publish_actions(void);
/* Behind a bell. */
void wc_keep_ignoring(void);
/* Whether this outermost call of a sampled function is reported. */
int wc_is_sampled(struct wc_slot *slot, const struct wc_function *function);
/* Rings the bell with a question (enum wc_ask). Under gate socket, whose stops carry no signal, the
 * handler is there for as long as that takes. */
uint64_t wc_ask(uint64_t question, uint64_t a, uint64_t b);

/* pieces.c: the pieces of memory that go into the record of a syscall that has come back; of a
 * call, but for what the record of its first syscall, `site`, will hold (may be NULL); of its
 * return. Return how many. What a vector points to is apart: it takes more of the stack than the
 * record of a thin call may. */
uint32_t wc_measure_syscall(uint32_t nr, const uint64_t *args, uint64_t ret, wc_piece *pieces);
uint32_t wc_measure_vectors(uint32_t nr, const uint64_t *args, uint64_t ret, wc_piece *pieces);
uint32_t wc_measure_entry(const struct wc_scope *scope, const struct wc_site *site,
                          wc_piece *pieces);
uint32_t wc_measure_return(const struct wc_scope *scope, uint64_t ret, wc_piece *pieces);
/* How much of `size` bytes from `address` on is memory. */
uint64_t wc_readable(uint64_t address, uint64_t size);
/* Whether wc_measure_entry() would find none. */
int wc_has_no_pieces(const struct wc_scope *scope, const struct wc_site *site);

/* ring.c: append a record of one place, waiting for the tracer where the ring is full. */
void wc_append_return(struct wc_slot *slot, uint64_t seq, uint64_t ret, uint64_t tsc,
                      int32_t error);
void wc_append_unwound(struct wc_slot *slot, uint64_t seq);
/* What stands in front of a record's pieces: it differs by type. */
enum wc_record_front {
  WC_FRONT_BODY = sizeof(struct wc_record) + sizeof(struct wc_record_body),
  WC_FRONT_CALL_ALONE = WC_FRONT_BODY + sizeof(struct wc_record_call), /* without its arguments */
  WC_FRONT_CALL = WC_FRONT_CALL_ALONE + 6 * sizeof(uint64_t)
};
/* A record with a body and pieces: reserved, to be filled in, and ended. NULL: the ring is full and
 * shall lose what comes, or there is no tracer any more. Nothing but stores may stand between the
 * two. */
struct wc_record_body *wc_begin_record(struct wc_slot *slot, enum wc_record_front front,
                                       const wc_piece *pieces, uint32_t count);
void wc_end_record(struct wc_slot *slot, struct wc_record_body *body, uint32_t type);
static inline struct wc_record *wc_record_of(struct wc_record_body *body) {
  return (struct wc_record *)body - 1;
}

/* stack.c */
void wc_prepare_stacks(void);
/* Whether the stack from `sp` on goes into a record; else the tracer has to look at it. */
int wc_stack_fits(uint64_t sp);
/* Adds the pieces of WC_RECORD_STACK, if they are to be had; returns how many there are then. */
uint32_t wc_add_stack(const struct wc_stack_registers *registers, wc_piece *pieces, uint32_t count);

/* pieces.c: whether the site's syscall writes where it has read. */
int wc_writes_what_it_reads(const struct wc_site *site);

/* site.c: records the syscall of a thin call that has come back, if there is one, because
 * something else is to be recorded. */
void wc_record_thin_syscall(struct wc_slot *slot);
/* Records the one call that is open, thin, with its syscall and its return. */
int wc_record_thin_call(struct wc_slot *slot, uint64_t value, int32_t error);
/* The scope `index` is left by longjmp, an exception or cancellation: so are its syscalls.
 */
void wc_drop_pending(struct wc_slot *slot, uint32_t index);
/* Appends the record of the call in scope `index`, which is to be reported. `site`: its first
 * syscall, or NULL. */
void wc_record_call(struct wc_slot *slot, uint32_t index, const struct wc_site *site, uint64_t tsc);

/* scope.c: open and close the scope of a call. */
uint64_t wc_enter(struct wc_frame *frame);
extern struct wc_injection wc_injection;
uint64_t wc_enter_at(struct wc_frame *frame, uint64_t sp);
void wc_leave(struct wc_frame *frame);
/* Rings the gate's bell. */
void wc_bell(struct wc_slot *slot, uint32_t want);

/* syscalls.S */
long wc_syscall(long nr, long a, long b, long c, long d, long e);
uint64_t wc_bell_trap(uint64_t slot_index_or_question, uint64_t a, uint64_t b);
/* The shim's own frames are aligned to 8 only. */
uint64_t wc_call_aligned(uint64_t function, uint64_t a, uint64_t b);
void wc_gadget(void);
void wc_signal_return(void);
/* Copying from memory that may be bad: how many bytes there were. */
uint64_t wc_copy(void *to, uint64_t from, uint64_t size);
/* Length of the string with its NUL, `limit` at most, less where memory ends. */
uint64_t wc_string_size(uint64_t from, uint64_t limit);
extern const char wc_exempt_begin[], wc_exempt_end[];

static inline long wc_sys0(long nr) { return wc_syscall(nr, 0, 0, 0, 0, 0); }
static inline long wc_sys1(long nr, long a) { return wc_syscall(nr, a, 0, 0, 0, 0); }
static inline long wc_sys2(long nr, long a, long b) { return wc_syscall(nr, a, b, 0, 0, 0); }
static inline long wc_sys3(long nr, long a, long b, long c) {
  return wc_syscall(nr, a, b, c, 0, 0);
}
static inline long wc_sys4(long nr, long a, long b, long c, long d) {
  return wc_syscall(nr, a, b, c, d, 0);
}

static inline uint64_t wc_ticks(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

#define WC_BARRIER() __asm__ volatile("" ::: "memory")

#endif
