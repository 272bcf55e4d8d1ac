/*
 * frame.h: the trampoline's stack frame, shared by entry.S and scope.c.
 *
 * The frame stands between the caller and the wrapped function: 112 bytes below the saved
 * frame pointer. Offsets are given as numbers for the assembler and asserted for C.
 */
#ifndef WC_PRELOAD_FRAME_H
#define WC_PRELOAD_FRAME_H

#include "protocol/code_layout.h"

#define WC_FRAME_RAX 48
#define WC_FRAME_R10 56
#define WC_FRAME_RET 64
#define WC_FRAME_RET2 72
#define WC_FRAME_FUNCTION 80
#define WC_FRAME_SLOT 88
#define WC_FRAME_INDEX 96
#define WC_FRAME_GENERATION 100
#define WC_FRAME_GADGET 104
#define WC_FRAME_SIZE 112
/* Save area of a va_list (System V ABI 3.5.7): six general, eight vector registers. */
#define WC_VA_SAVE_SIZE 176
#define WC_VA_LIST_SIZE 24

#define WC_VECTORS_SIZE 128

#define WC_FUNCTION_REAL 8
#define WC_FUNCTION_INDEX 16
#define WC_FUNCTION_FLAGS 23
#define WC_IS_PURE 2
#define WC_FUNCTION_STACK_WORDS 20
#define WC_FUNCTION_FIXED_ARGS 22
#define WC_FUNCTION_OFF 36

#define WC_SLOT_LANDING_DONE 116
#define WC_SLOT_LANDING_IP 120
#define WC_SLOT_LANDING_RET 128
#define WC_SLOT_LANDING_TSC 136
#define WC_SLOT_LANDING_FLAGS 260

#define WC_SLOT_AGAIN_SIGTRAP 212
#define WC_SLOT_AGAIN_KEPT 168
#define WC_SLOT_AGAIN_NEXT 248
#define WC_SLOT_AGAIN_SIGSYS 256

#define WC_SLOT_DEPTH 8
#define WC_SLOT_NEXT_SEQ 32
#define WC_SLOT_PENDING_DEPTH 268
#define WC_SLOT_PENDING 272
#define WC_SLOT_SCOPE 976

/* wc_pending */
#define WC_PENDING_SEQ 0
#define WC_PENDING_TSC 8
#define WC_PENDING_ARGS 16
#define WC_PENDING_NR 64
#define WC_PENDING_RET 72
#define WC_PENDING_END 80
/* wc_scope */
#define WC_SCOPE_SEQ 0
#define WC_SCOPE_SP 8
#define WC_SCOPE_CALLER 16
#define WC_SCOPE_ARGS 32
#define WC_SCOPE_FUNCTION 80
#define WC_SCOPE_FLAGS 84
#define WC_IS_OPEN 1
#define WC_IS_OFF 1
#define WC_IS_THIN 16
/* wc_shared_header */
#define WC_SHARED_IGNORED 8760
#define WC_SHARED_ORPHAN 8856
#define WC_SHARED_AGAIN_OLD 8888
#define WC_ACTION_SIZE 32
#define WC_RT_SIGACTION 13
#define WC_PLAN_ACTION 52
#define WC_PLAN_SHIFT 4
#define WC_LAST_PLANNED 511
#define WC_IS_RECORDED 1
/* wc_process */
#define WC_PROCESS_CONFIG 8
#define WC_TAKES_SYSCALL_TIME 128
#define WC_PROCESS_FAST 16
#define WC_PROCESS_IN_PROCESS 20
#define WC_PROCESS_SHARED 40
/* wc_thread */
#define WC_THREAD_GENERATION 8
#define WC_THREAD_SELECTOR 13

#define WC_SITE_NR 48
#define WC_SITE_RET 56
#define WC_SITE_GENERATION 76
#define WC_SITE_IS_THIN 84
#define WC_SITE_BP 88
#define WC_SITE_SIZE 96
#define WC_RED_ZONE 128
#define WC_THUNKS 1024

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include "protocol/shared.h"
#include "protocol/stub.h"

WC_STATIC_ASSERT(WC_VECTORS_BELOW == 8 + WC_FRAME_SIZE + WC_VA_SAVE_SIZE + WC_VA_LIST_SIZE + 8 - 48,
                 "behind the general registers of the save area");

struct wc_frame {
  uint64_t args[6]; /* rdi rsi rdx rcx r8 r9 */
  uint64_t rax;     /* al: vector registers used by a variadic call */
  uint64_t r10;
  uint64_t ret, ret2; /* rax, rdx after the call */
  struct wc_function *function;
  struct wc_slot *slot; /* the scope's, NULL when the call runs unrecorded */
  uint32_t index;       /* of the scope */
  uint32_t generation;  /* of the process state: a forked child must not close its parent's scope */
  uint64_t gadget;      /* wc_entry_caller: a `ret` inside the caller's module */
  uint64_t rbp;
  uint64_t caller; /* return address; its place is the scope's stack pointer */
};
/* struct wc_scope_guard of wc/scope.h. A coroutine's lies on the heap. */
struct wc_own_frame {
  struct wc_frame frame;
  uint64_t sp;  /* the scope's stack pointer */
  uint64_t seq; /* its number: what stands in its place later is another one */
};
WC_STATIC_ASSERT(offsetof(struct wc_frame, rax) == WC_FRAME_RAX, "frame.rax");
WC_STATIC_ASSERT(offsetof(struct wc_frame, r10) == WC_FRAME_R10, "frame.r10");
WC_STATIC_ASSERT(offsetof(struct wc_frame, ret) == WC_FRAME_RET, "frame.ret");
WC_STATIC_ASSERT(offsetof(struct wc_frame, ret2) == WC_FRAME_RET2, "frame.ret2");
WC_STATIC_ASSERT(offsetof(struct wc_frame, function) == WC_FRAME_FUNCTION, "frame.function");
WC_STATIC_ASSERT(offsetof(struct wc_frame, gadget) == WC_FRAME_GADGET, "frame.gadget");
WC_STATIC_ASSERT(offsetof(struct wc_frame, rbp) == WC_FRAME_SIZE, "frame.size");
WC_STATIC_ASSERT(offsetof(struct wc_shared_header, again_old) == WC_SHARED_AGAIN_OLD, "old");
WC_STATIC_ASSERT(offsetof(struct wc_slot, again_sigtrap) == WC_SLOT_AGAIN_SIGTRAP, "sigtrap");
WC_STATIC_ASSERT(offsetof(struct wc_slot, again_kept) == WC_SLOT_AGAIN_KEPT, "kept");
WC_STATIC_ASSERT(offsetof(struct wc_slot, again_next) == WC_SLOT_AGAIN_NEXT, "next");
WC_STATIC_ASSERT(offsetof(struct wc_slot, again_sigsys) == WC_SLOT_AGAIN_SIGSYS, "sigsys");
WC_STATIC_ASSERT(offsetof(struct wc_shared_header, orphan) == WC_SHARED_ORPHAN, "orphan");
WC_STATIC_ASSERT(offsetof(struct wc_shared_header, ignored) == WC_SHARED_IGNORED, "ignored");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_done) == WC_SLOT_LANDING_DONE, "done");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ip) == WC_SLOT_LANDING_IP, "ip");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ret) == WC_SLOT_LANDING_RET, "ret");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_tsc) == WC_SLOT_LANDING_TSC, "tsc");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_flags) == WC_SLOT_LANDING_FLAGS, "flags");
WC_STATIC_ASSERT(offsetof(struct wc_frame, slot) == WC_FRAME_SLOT, "frame.slot");
WC_STATIC_ASSERT(offsetof(struct wc_frame, index) == WC_FRAME_INDEX, "frame.index");
WC_STATIC_ASSERT(offsetof(struct wc_frame, generation) == WC_FRAME_GENERATION, "frame.generation");
WC_STATIC_ASSERT(offsetof(struct wc_function, real) == WC_FUNCTION_REAL, "function.real");
WC_STATIC_ASSERT(offsetof(struct wc_function, index) == WC_FUNCTION_INDEX, "function.index");
WC_STATIC_ASSERT(offsetof(struct wc_function, flags) == WC_FUNCTION_FLAGS, "function.flags");
WC_STATIC_ASSERT(WC_FUNCTION_PURE == WC_IS_PURE, "pure");
WC_STATIC_ASSERT(offsetof(struct wc_slot, next_seq) == WC_SLOT_NEXT_SEQ, "next_seq");
WC_STATIC_ASSERT(offsetof(struct wc_slot, depth) == WC_SLOT_DEPTH, "depth");
WC_STATIC_ASSERT(offsetof(struct wc_slot, gate_open) == WC_SLOT_DEPTH + 4, "gate_open");
WC_STATIC_ASSERT(offsetof(struct wc_slot, pending_depth) == WC_SLOT_PENDING_DEPTH, "pending");
WC_STATIC_ASSERT(offsetof(struct wc_slot, pending) == WC_SLOT_PENDING, "pending");
WC_STATIC_ASSERT(offsetof(struct wc_slot, scopes) == WC_SLOT_SCOPE, "scopes");
WC_STATIC_ASSERT(offsetof(struct wc_pending, seq) == WC_PENDING_SEQ, "pending.seq");
WC_STATIC_ASSERT(offsetof(struct wc_pending, tsc) == WC_PENDING_TSC, "pending.tsc");
WC_STATIC_ASSERT(offsetof(struct wc_pending, args) == WC_PENDING_ARGS, "pending.args");
WC_STATIC_ASSERT(offsetof(struct wc_pending, nr) == WC_PENDING_NR, "pending.nr");
WC_STATIC_ASSERT(offsetof(struct wc_pending, ret) == WC_PENDING_RET, "pending.ret");
WC_STATIC_ASSERT(offsetof(struct wc_pending, end) == WC_PENDING_END, "pending.end");
WC_STATIC_ASSERT(offsetof(struct wc_scope, seq) == WC_SCOPE_SEQ, "scope.seq");
WC_STATIC_ASSERT(offsetof(struct wc_scope, sp) == WC_SCOPE_SP, "scope.sp");
WC_STATIC_ASSERT(offsetof(struct wc_scope, caller) == WC_SCOPE_CALLER, "scope.caller");
WC_STATIC_ASSERT(offsetof(struct wc_scope, args) == WC_SCOPE_ARGS, "scope.args");
WC_STATIC_ASSERT(offsetof(struct wc_scope, function) == WC_SCOPE_FUNCTION, "scope.function");
WC_STATIC_ASSERT(offsetof(struct wc_scope, flags) == WC_SCOPE_FLAGS, "scope.flags");
WC_STATIC_ASSERT(WC_SCOPE_OPEN == WC_IS_OPEN, "open");
WC_STATIC_ASSERT(WC_OFF == WC_IS_OFF, "off");
WC_STATIC_ASSERT(WC_SCOPE_REPORTED == 1u << 31, "the sign says whether it is");
WC_STATIC_ASSERT(WC_SCOPE_THIN == WC_IS_THIN, "thin");
WC_STATIC_ASSERT(offsetof(struct wc_shared_header, plans) + offsetof(struct wc_plan, action) ==
                     WC_PLAN_ACTION,
                 "plan.action");
WC_STATIC_ASSERT(sizeof(struct wc_plan) == 1 << WC_PLAN_SHIFT, "plan");
WC_STATIC_ASSERT(WC_PLANNED_SYSCALLS == WC_LAST_PLANNED + 1, "plans");
WC_STATIC_ASSERT(WC_PLAN_RECORD == WC_IS_RECORDED, "record");
WC_STATIC_ASSERT(offsetof(struct wc_function, stack_words) == WC_FUNCTION_STACK_WORDS, "words");
WC_STATIC_ASSERT(offsetof(struct wc_function, is_off) == WC_FUNCTION_OFF, "off");
WC_STATIC_ASSERT(offsetof(struct wc_function, fixed_args) == WC_FUNCTION_FIXED_ARGS, "fixed");
#endif

#endif
