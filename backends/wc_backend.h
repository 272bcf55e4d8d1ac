/*
 * wc_backend.h: the interface between the tracer and what consumes its events.
 *
 * A backend is a shared object that exports one function, wc_backend_v1(),
 * which returns a static struct of callbacks. The built-in backends use the
 * same interface and nothing else. docs/backend-abi.md is the prose form.
 *
 * Ownership: every pointer inside an event is valid only until the callback
 * returns. Strings are NUL-terminated UTF-8-agnostic bytes, already escaped
 * where they hold data of the traced program (fields named *text).
 * Threads: one backend instance is called from one thread at a time.
 * Order: events of one thread of the traced program come in program order:
 * call, then its syscalls and nested calls, then its return. Events of
 * different threads come in the order in which the tracer saw them.
 * Time: CLOCK_MONOTONIC in nanoseconds (clock_gettime(2)).
 * Errors: open() returns 0, or -1 with a message in `error`. Output errors are
 * the host's business: write() never fails towards the backend.
 *
 * Versions: WC_BACKEND_ABI grows when a field changes its meaning; fields are
 * only ever appended, and struct_size tells how many the other side knows.
 */
#ifndef WC_BACKEND_H
#define WC_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WC_BACKEND_ABI 1u

/* What a backend asks for. What no backend asks for costs nothing. */
enum wc_want {
  WC_WANT_TEXT = 1u << 0,         /* decoded text of arguments and results */
  WC_WANT_CALLER = 1u << 1,       /* caller's symbol, file and line */
  WC_WANT_CALL_TIME = 1u << 2,    /* time stamps of calls (two rdtsc a call) */
  WC_WANT_COUNTS = 1u << 3,       /* wc_totals at the end, calls without syscalls included */
  WC_WANT_ALL_CALLS = 1u << 4,    /* call and ret for calls that made no syscall, too */
  WC_WANT_ENTER = 1u << 5,        /* syscall_enter at the entry of each syscall */
  WC_WANT_VERDICTS = 1u << 6,     /* syscall_enter may decide; engines that cannot obey refuse */
  WC_WANT_STACK = 1u << 7,        /* frames: the stack of each call and syscall */
  WC_WANT_SYSCALL_TIME = 1u << 8, /* durations of syscalls (engine inproc: one more rdtsc each) */
  WC_WANT_PATHS = 1u << 9,        /* fd_path: one readlink(2) for each syscall with a descriptor */
  WC_WANT_PHASES = 1u << 10,      /* WC_PROCESS_PHASE, with --scope=process: a few breakpoints */
  WC_WANT_RAW = 1u << 11          /* raw: what the engine saw, from the start of the run only */
};

/* What syscall_enter returns, with WC_WANT_VERDICTS: otherwise, and under engines that cannot carry
 * verdicts out, the tracer refuses the backend at start. */
enum wc_verdict_kind {
  WC_GO_ON = 0,
  WC_FAIL = 1,      /* do not execute; fail with verdict->value as errno */
  WC_RETURN = 2,    /* do not execute; return verdict->value */
  WC_CHANGE = 3,    /* execute with verdict->args */
  WC_KILL = 4,      /* kill the process */
  WC_STOP_SCOPE = 5 /* after this syscall, report nothing of this call but its end */
};

struct wc_verdict {
  int64_t value;
  uint64_t args[6];
};

enum wc_arg_type {
  WC_ARG_INT = 0,     /* value is an int64_t */
  WC_ARG_UINT = 1,    /* value is a uint64_t */
  WC_ARG_POINTER = 2, /* value is an address in the traced program */
  WC_ARG_STRING = 3,  /* text is the string, unescaped, length bytes; value its address */
  WC_ARG_UNKNOWN = 4, /* not captured */
  WC_ARG_DOUBLE = 5   /* value has the bits of a double */
};

struct wc_arg {
  uint32_t type;   /* enum wc_arg_type */
  uint32_t length; /* of text, WC_ARG_STRING only */
  uint64_t value;
  const char *text;
};

/* Where a call came from. Absent parts are NULL or 0. */
struct wc_caller {
  uint64_t address; /* return address, the byte after the call instruction */
  const char *object;
  const char *symbol; /* demangled */
  uint64_t offset;    /* into the symbol; into the object when symbol is NULL */
  const char *file;
  uint32_t line;
};

/* One frame of a stack: where its function continues when the function that it called returns.
 * With --frames=python, a Python function has no address (at.address is 0) and no object: symbol is
 * its qualified name, file the path of its source, line where it stands. */
struct wc_stack_frame {
  struct wc_caller at;
  uint64_t object_offset; /* of at.address, into the object's file; the address without one */
};

/* What kind of function a call is of. */
enum wc_function_kind {
  WC_FUNCTION_WRAPPED = 0,
  WC_FUNCTION_BREAKPOINT = 1, /* seen by a breakpoint (-B, -p) */
  WC_FUNCTION_SCOPE = 2       /* a scope that the program has named itself (wc/scope.h) */
};

/* One entry into a selected function. */
struct wc_call {
  uint64_t ts;
  int32_t pid, tid;
  uint64_t id;     /* unique within the run, never 0 */
  uint64_t parent; /* id of the enclosing reported call, or 0 */
  uint32_t depth;  /* 0 for an outermost call */
  uint32_t nargs;
  const char *function; /* public name: printf, also for __printf_chk */
  const char *symbol;   /* exported name that was entered: __printf_chk */
  const char *library;  /* soname: libc.so.6 */
  const struct wc_arg *args;
  const char *args_text; /* "\"/etc/hosts\", \"r\"", with WC_WANT_TEXT */
  struct wc_caller caller;
  /* With WC_WANT_STACK: the caller's frame and those around it, innermost first, without frames of
   * the tracer's library. frame_count is 0 where the tracer could not read the stack. */
  const struct wc_stack_frame *frames;
  uint32_t frame_count;
  uint32_t kind;   /* enum wc_function_kind */
  uint32_t weight; /* with --every N: N, for this call stands for so many; else 1 */
  uint32_t reserved2;
};

enum wc_syscall_flags {
  WC_SYSCALL_NO_RESULT = 1u << 0, /* never came back (exit, exec, death): ret is meaningless */
  WC_SYSCALL_IN_SIGNAL = 1u << 1, /* issued by a signal handler that interrupted the call */
  WC_SYSCALL_INJECTED = 1u << 2,  /* a rule has set its result, which the kernel has not given */
  WC_SYSCALL_DELAYED = 1u << 3,   /* a rule has delayed it */
  WC_SYSCALL_INJECTED_ARGS = 1u << 4, /* a rule has changed its arguments, or memory behind them */
  WC_SYSCALL_BY_VERDICT = 1u << 5     /* what is said of rules a backend's verdict has done */
};

/* One syscall. In syscall_exit everything is valid; in syscall_enter ts, ids, nr and args are, and
 * args_text up to the first argument that is known only afterwards ("3, "). */
struct wc_syscall {
  uint64_t ts;  /* entry */
  uint64_t dur; /* nanoseconds from entry to exit; may be 0 without WC_WANT_SYSCALL_TIME */
  int32_t pid, tid;
  uint64_t call;            /* id of the innermost open call, 0 outside of every call */
  const char *function;     /* public name of that call, or NULL */
  const char *const *chain; /* names of the open calls, outermost first */
  uint32_t chain_length;
  uint32_t depth; /* of the innermost open call */
  uint32_t flags; /* enum wc_syscall_flags */
  uint32_t nr;
  const char *name;
  uint32_t nargs;
  int32_t error; /* errno of a failed call, or 0 */
  const struct wc_arg *args;
  int64_t ret;            /* as libc gives it: -1 when error is set */
  const char *args_text;  /* "1, \"hello\\n\", 6" */
  const char *ret_text;   /* "6", "-1 ENOENT (No such file or directory)", "?" */
  const char *error_name; /* "ENOENT", or NULL */
  /* With WC_WANT_STACK: the frame that issued the syscall and those around it, innermost first, as
   * they were at the entry. */
  const struct wc_stack_frame *frames;
  uint32_t frame_count;
  uint32_t reserved;
  /* `ret` as the syscall's type has it: a number, or an address (mmap, brk). NULL without a result
   * and for a failed one. */
  const struct wc_arg *value;
  const char *path;    /* the first file name among the arguments, as given; with WC_WANT_TEXT */
  const char *fd_path; /* what the first descriptor among them was at the entry; with WC_WANT_PATHS.
                        * NULL when unknown, and from engine inproc, which looks too late */
  /* What a rule (--inject, --fault, --deny) has done, as it says it: "error=EIO"; or NULL. `rule`
   * is its number, from 0 in the order of the command line. With WC_SYSCALL_BY_VERDICT, what a
   * backend has decided, and the backend's number. */
  const char *injected;
  uint32_t rule;
  uint32_t reserved2;
};

enum wc_return_flags {
  WC_RETURN_UNWOUND = 1u << 0, /* left by longjmp, an exception, cancellation or death: no value */
  WC_RETURN_NEVER = 1u << 1    /* the function never returns and has done its work: exit(3).
                                * No value; ret_text is "?" */
};

struct wc_return {
  uint64_t ts;
  uint64_t dur; /* nanoseconds in the call; 0 without WC_WANT_CALL_TIME */
  int32_t pid, tid;
  uint64_t call;
  uint64_t ret; /* rax as it was */
  uint32_t flags;
  uint32_t depth;
  const char *function;
  const char *ret_text; /* "0x55d0c0", "-1 ENOENT (...)"; empty for void */
  /* `ret` as the function's type has it: an int sign-extended from eax, an address, a
   * string with its bytes. NULL for void, when unwound, and under an older tracer. */
  const struct wc_arg *value;
  /* The arguments with what the call wrote to them ("3, \"abc\", 4096"), or NULL when they are
   * as they were in wc_call. */
  const char *args_text;
};

enum wc_process_kind {
  WC_PROCESS_START = 0,  /* path, of the first program */
  WC_PROCESS_FORK = 1,   /* child: a new process, or a new thread when thread is 1 */
  WC_PROCESS_EXEC = 2,   /* path */
  WC_PROCESS_EXIT = 3,   /* status as wait(2) gives it; thread 1: only this thread ended */
  WC_PROCESS_SIGNAL = 4, /* signal delivered */
  WC_PROCESS_STOP = 5, /* this thread was stopped by the signal (job control); full-process mode */
  /* With WC_WANT_PHASES: `text` says what the program does from now on: "loader" (ld.so maps and
   * relocates libraries), "constructors" (libraries' constructors run; path names the library),
   * "before main" (the program has reached its entry point), "main", "exit" (main has returned, or
   * exit(3) was called), "tracer" (the program is stopped while the tracer places breakpoints). The
   * tracer leaves out a phase whose begin it cannot know. */
  WC_PROCESS_PHASE = 6
};

struct wc_process {
  uint64_t ts;
  int32_t pid, tid;
  uint32_t event; /* enum wc_process_kind */
  int32_t child;
  int32_t status;
  int32_t signal;
  uint32_t thread;
  const char *path;
  const char *text; /* signal: "SIGINT {si_signo=SIGINT, si_code=SI_USER, ...}"; phase: its name */
  /* 1: the user does not want to see this event (-q, --signals). It is sent nevertheless, for
   * backends that keep state by process. */
  uint32_t quiet;
  uint32_t frame_count;
  /* signal: where the thread stood, innermost first; none without wc_host.stack_trace. */
  const struct wc_stack_frame *frames;
};

enum wc_object_kind { WC_OBJECT_LOAD = 0, WC_OBJECT_UNLOAD = 1 };

struct wc_object {
  uint64_t ts;
  int32_t pid;
  uint32_t event; /* enum wc_object_kind */
  uint64_t base;
  const char *path;
  const char *how; /* "needed", "dlopen", "preload" */
  const char *by;
  int32_t tid; /* the thread that loaded it, 0 when unknown */
  uint32_t reserved;
  const char *build_id; /* in hexadecimal digits, or NULL */
  /* Where dlopen(3) or dlclose(3) was called, if one of them was; and the id of the innermost open
   * call there, such as a wrapped dlopen. */
  struct wc_caller caller;
  uint64_t call;
  /* Nanoseconds that ld.so took to load or unload this object and those that came or went with it;
   * 0 when unknown. */
  uint64_t dur;
};

struct wc_lost {
  uint64_t ts;
  int32_t pid;
  uint32_t reserved;
  uint64_t count;
};

enum wc_totals_flags {
  WC_TOTALS_SO_FAR = 1u << 0 /* sent just before snapshot(): the process lives on, more will come */
};

/* Totals of one function in one process, with WC_WANT_COUNTS, before the process's exit event. */
struct wc_totals {
  int32_t pid;
  uint32_t flags; /* enum wc_totals_flags */
  const char *function;
  const char *library;
  uint64_t calls; /* all of them, with and without syscalls */
  uint64_t ns;    /* time inside them, nested calls included */
  uint32_t kind;  /* enum wc_function_kind */
  uint32_t reserved;
};

enum wc_raw_kind {
  WC_RAW_RUN = 1,   /* what run this is; the first piece */
  WC_RAW_EVENTS = 2 /* entries, in the order in which they were seen */
};

/* A piece of what the engine saw, before it was decoded, with WC_WANT_RAW. A raw file is these
 * pieces, framed; docs/raw-format.md says what is in them. */
struct wc_raw {
  const void *data;
  size_t size;     /* at most 1 MiB */
  uint32_t kind;   /* enum wc_raw_kind; others are to be kept, too */
  uint32_t thread; /* whose entries these are, 0: several threads' */
  uint32_t entries;
  uint32_t reserved;
  uint64_t ts; /* of the first entry */
};

/* The run as all backends of it have it. */
struct wc_run {
  uint64_t began;          /* CLOCK_MONOTONIC, nanoseconds */
  uint64_t ended;          /* the same; 0 until close() */
  int64_t realtime_offset; /* to be added for CLOCK_REALTIME */
  const char *machine;     /* name of the host */
  const char *kernel;      /* its release */
};

/* What the tracer offers to a backend. */
struct wc_host {
  uint32_t abi;
  uint32_t struct_size;
  void *handle;
  /* Appends to this backend's output; the tracer does buffering and errors. */
  void (*write)(void *handle, const char *data, size_t size);
  /* Value of option `key` of `-b NAME:key=value`, or NULL. */
  const char *(*option)(void *handle, const char *key);
  uint32_t string_size;   /* -s */
  uint32_t time_format;   /* 0 none, 1..3 -t -tt -ttt; 4 is added for -r */
  uint32_t show_duration; /* -T */
  uint32_t all_calls;     /* -a */
  uint32_t is_terminal;   /* output is a terminal */
  uint32_t stack_trace;   /* -k: stacks are to be shown. 0 when only another backend wants them */
  /* In open() only: asks for more than wc_backend.wants says (OR of enum wc_want), because of an
   * option. May be NULL. */
  void (*want)(void *handle, uint32_t wants);
  uint32_t one_process; /* -ff: the events of one process only come here */
  uint32_t reserved;
  uint32_t color;          /* escape sequences are wanted: --color, NO_COLOR, is_terminal */
  uint32_t columns;        /* width of the terminal, 0 without one; may change between callbacks */
  const char *version;     /* of the tracer */
  const char *const *argv; /* the traced program and its arguments, NULL-terminated; may be NULL */
  /* What is selected, as -F and -B take it; NULL where nothing is wrapped, or has a breakpoint. */
  const char *functions;
  const char *breakpoints;
  const char *engine; /* "ptrace", "inproc", or "auto": one of these */
  /* The file that write() appends to, for a backend that has to write it itself; NULL where it is
   * standard error, or none of this backend's own. */
  const char *output;
  /* A line for the user, without newline. With is_error, the run's exit status says it, too. Only
   * from inside a callback. May be NULL. */
  void (*say)(void *handle, const char *line, int is_error);
  const struct wc_run
      *run; /* may be NULL under an older tracer; valid until close() has returned */
  /* The names of the options that were given, NULL-terminated; option() has their values. */
  const char *const *option_names;
  /* This backend's part in the run is over, by `line` (as say() with is_error): no callback but
   * close() is called any more, and what it wanted costs nothing from now on. Only from inside a
   * callback; the others go on. May be NULL. */
  void (*retire)(void *handle, const char *line);
};

struct wc_backend {
  uint32_t abi;         /* WC_BACKEND_ABI */
  uint32_t struct_size; /* sizeof(struct wc_backend) */
  const char *name;
  uint32_t wants; /* OR of enum wc_want */
  /* Space-separated names of the options it knows; others are refused before open. "*": any. */
  const char *options;
  int (*open)(void **context, const struct wc_host *host, char *error, size_t error_size);
  void (*call)(void *context, const struct wc_call *event);
  int (*syscall_enter)(void *context, const struct wc_syscall *event, struct wc_verdict *verdict);
  void (*syscall_exit)(void *context, const struct wc_syscall *event);
  void (*ret)(void *context, const struct wc_return *event);
  void (*process)(void *context, const struct wc_process *event);
  void (*object)(void *context, const struct wc_object *event);
  void (*lost)(void *context, const struct wc_lost *event);
  void (*totals)(void *context, const struct wc_totals *event);
  /* The backend should pass to write() all that it has seen up to `now`. The tracer calls this when
   * it is idle and a few times a second, so that a live view moves. */
  void (*flush)(void *context, uint64_t now);
  void (*close)(void *context);
  /* The user asks for the results so far (SIGUSR1 to the tracer): write them; tracing continues.
   * totals() is called before, with WC_TOTALS_SO_FAR, for backends that have this callback only. */
  void (*snapshot)(void *context, uint64_t now);
  /* Returns when the tracer must call flush() at the latest (CLOCK_MONOTONIC, nanoseconds), because
   * the backend holds something back until then; 0 if it holds nothing back. The tracer calls this
   * when it has nothing else to do. */
  uint64_t (*wake_at)(void *context);
  /* With WC_WANT_RAW, which is for backends that are there from the start. */
  void (*raw)(void *context, const struct wc_raw *piece);
  /* For a backend whose options decide what it needs: called once, when `mine` is the tracer's copy
   * of this table, before the tracer looks at it and long before open(). It may set callbacks in
   * `mine` to NULL, change mine->wants, and set *context, which open() gets. It must not write().
   * Returns as open() does. When it has succeeded close() is called in the end (but for an open()
   * that fails), also without an open(): another backend was refused, or -ff makes backends for
   * each process. */
  int (*prepare)(void **context, const struct wc_host *host, struct wc_backend *mine, char *error,
                 size_t error_size);
};

/* The one symbol a backend exports. */
const struct wc_backend *wc_backend_v1(void);
typedef const struct wc_backend *(*wc_backend_function)(void);
#define WC_BACKEND_SYMBOL "wc_backend_v1"

#ifdef __cplusplus
}
#endif

#endif
