/*
 * stub.h: the table inside a stub library, which the tracer writes (program/stub_writer) and
 * the shim reads. A stub library exports exactly the selected names; each stub loads the
 * address of its wc_function into r11 and jumps to wc_function.entry, one of the shim's
 * entry points, which ld.so fills in by relocation. `real` is found by the shim at the
 * first call, because calls come before any constructor has run.
 *
 * A name that none of the program's libraries has, because dlopen is to bring the one that does, is
 * an STT_GNU_IFUNC symbol: ld.so asks at each reference, and is answered 0 (as for a weak name that
 * nobody defines) as long as no library that is loaded has it. The resolver loads the address of
 * the wc_function into r11 and jumps to wc_stubs.late.
 */
#ifndef WC_PROTOCOL_STUB_H
#define WC_PROTOCOL_STUB_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/shared.h"

#define WC_STUB_MAGIC 0x31534357u /* "WCS1" */
#define WC_STUB_SYMBOL "wc_stubs"
#define WC_STUB_SIZE 16
#define WC_SOCKET_PATH_SIZE 108
/* Three words in front of the LD_PRELOAD string that the tracer gives a new program: flags, this,
 * and the address of the program's own LD_PRELOAD string or 0. The string is aligned to 8. */
#define WC_PRELOAD_MAGIC 0x64616f6c65725043ull
#define WC_PRELOAD_FREE 1u /* flag: no filter forbids the shim's syscalls */

#define WC_FUNCTION_CAPTURES 4u
#define WC_FEW_ARGS 3u

enum wc_function_flags {
  WC_FUNCTION_RETURN_BELL = 1u << 0, /* a reported call's results are read from memory at return */
  WC_FUNCTION_PURE = 1u << 1,        /* never enters the kernel: no gate is opened for it alone */
  WC_FUNCTION_TRACER = 1u << 2,      /* engine inproc: its arguments take the tracer to read */
  WC_FUNCTION_FORMAT = 1u << 3,      /* engine inproc: the last of fixed_args is a printf format */
  /* engine inproc: little more than one syscall, whose record holds all that is shown of it */
  WC_FUNCTION_THIN = WC_SCOPE_THIN,
  WC_FUNCTION_OWN = 1u << 5,   /* a scope that the program names itself */
  WC_FUNCTION_FEW = 1u << 6,   /* engine inproc: no more than WC_FEW_ARGS arguments */
  WC_FUNCTION_SYMBOL = 1u << 7 /* finds the function named by its second argument: dlsym(3) */
};

struct wc_function {
  uint64_t
      entry; /* relocated: wc_entry, wc_entry_stack, wc_entry_va, wc_entry_exec, wc_entry_caller */
  uint64_t real; /* shim: address of the wrapped function, 0 until its first call */
  uint32_t index;
  uint16_t stack_words; /* words of stack arguments to pass on (wc_entry_stack) */
  uint8_t fixed_args; /* register arguments before the variadic part (wc_entry_va, wc_entry_exec) */
  uint8_t flags;      /* OR of enum wc_function_flags */
  uint32_t target;    /* offset into the strings: name to look up (vprintf for printf) */
  uint32_t version;   /* offset into the strings: wanted version, 0 for the newest */
  uint32_t name;      /* offset into the strings: exported name, for messages */
  uint8_t is_off;     /* shim: a scope of the program's own that is not selected; tracer, at any
                         time: a function that is switched off (--prepare, wc-ctl) */
  uint8_t unused[3];
  struct wc_capture captures[WC_FUNCTION_CAPTURES]; /* engine inproc: what its records hold */
};
WC_STATIC_ASSERT(sizeof(struct wc_function) == 56, "wc_function");
WC_STATIC_ASSERT(offsetof(struct wc_function, is_off) == 36, "wc_function.is_off");
WC_STATIC_ASSERT(offsetof(struct wc_function, stack_words) == 20, "wc_function.stack_words");
WC_STATIC_ASSERT(offsetof(struct wc_function, fixed_args) == 22, "wc_function.fixed_args");

struct wc_stubs {
  uint32_t magic;
  uint32_t version; /* WC_PROTOCOL_VERSION */
  uint32_t count;
  uint32_t gate;      /* enum wc_gate: WC_GATE_SOCKET: connect before the hello */
  uint64_t id;        /* told in HELLO, so that the tracer knows which table indices refer to */
  uint64_t functions; /* relocated: address of wc_function[count + WC_OWN_SCOPES]; the last are 0 */
  uint64_t strings;   /* relocated: address of the string table; offset 0 is "" */
  uint64_t text;      /* relocated: address of the stubs, WC_STUB_SIZE bytes each, by index */
  uint64_t late;      /* relocated: wc_entry_late */
  char socket_path[WC_SOCKET_PATH_SIZE];
  uint32_t
      scopes; /* offset into the strings: which scopes of the program's own are selected: globs,
                 each behind a comma, '!' in front of those that are not; "" selects all */
};
WC_STATIC_ASSERT(sizeof(struct wc_stubs) == 168, "wc_stubs");
WC_STATIC_ASSERT(offsetof(struct wc_stubs, functions) == 24, "wc_stubs.functions");

#endif
