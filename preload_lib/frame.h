/*
 * frame.h: the trampoline's stack frame, shared by entry.S and scope.c.
 *
 * The frame stands between the caller and the wrapped function: 112 bytes below the saved
 * frame pointer. Offsets are given as numbers for the assembler and asserted for C.
 */
#ifndef WC_PRELOAD_FRAME_H
#define WC_PRELOAD_FRAME_H

#define WC_FRAME_RAX 48
#define WC_FRAME_R10 56
#define WC_FRAME_RET 64
#define WC_FRAME_RET2 72
#define WC_FRAME_FUNCTION 80
#define WC_FRAME_GADGET 104
#define WC_FRAME_SIZE 112
/* Save area of a va_list (System V ABI 3.5.7): six general, eight vector registers. */
#define WC_VA_SAVE_SIZE 176
#define WC_VA_LIST_SIZE 24

/* wc_entry_va: from the scope's stack pointer down to the eight vector registers of the save area.
 */
#define WC_VECTORS_BELOW (8 + WC_FRAME_SIZE + WC_VA_SAVE_SIZE + WC_VA_LIST_SIZE + 8 - 48)
#define WC_VECTORS_SIZE 128

#define WC_FUNCTION_STACK_WORDS 20
#define WC_FUNCTION_FIXED_ARGS 22

#define WC_SLOT_LANDING_DONE 116
#define WC_SLOT_LANDING_IP 120
#define WC_SLOT_LANDING_RET 128
#define WC_SLOT_LANDING_TSC 136

#define WC_SITE_NR 48
#define WC_SITE_RET 56
#define WC_SITE_BACK 72
#define WC_SITE_BP 88
#define WC_SITE_SIZE 96
#define WC_THUNK_SIZE 64
#define WC_THUNK_BACK 56
#define WC_THUNKS 1024

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include "protocol/shared.h"
#include "protocol/stub.h"

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
WC_STATIC_ASSERT(offsetof(struct wc_frame, rax) == WC_FRAME_RAX, "frame.rax");
WC_STATIC_ASSERT(offsetof(struct wc_frame, r10) == WC_FRAME_R10, "frame.r10");
WC_STATIC_ASSERT(offsetof(struct wc_frame, ret) == WC_FRAME_RET, "frame.ret");
WC_STATIC_ASSERT(offsetof(struct wc_frame, ret2) == WC_FRAME_RET2, "frame.ret2");
WC_STATIC_ASSERT(offsetof(struct wc_frame, function) == WC_FRAME_FUNCTION, "frame.function");
WC_STATIC_ASSERT(offsetof(struct wc_frame, gadget) == WC_FRAME_GADGET, "frame.gadget");
WC_STATIC_ASSERT(offsetof(struct wc_frame, rbp) == WC_FRAME_SIZE, "frame.size");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_done) == WC_SLOT_LANDING_DONE, "done");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ip) == WC_SLOT_LANDING_IP, "ip");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_ret) == WC_SLOT_LANDING_RET, "ret");
WC_STATIC_ASSERT(offsetof(struct wc_slot, landing_tsc) == WC_SLOT_LANDING_TSC, "tsc");
WC_STATIC_ASSERT(offsetof(struct wc_function, stack_words) == WC_FUNCTION_STACK_WORDS, "words");
WC_STATIC_ASSERT(offsetof(struct wc_function, fixed_args) == WC_FUNCTION_FIXED_ARGS, "fixed");
#endif

#endif
