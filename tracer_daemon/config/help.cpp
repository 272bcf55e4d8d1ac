#include "config/options.h"

namespace wc {

std::string help_text() {
  return R"(Usage: wc-preload [OPTIONS] [--] PROGRAM [ARG...]
       wc-preload [OPTIONS] -p PID[,PID...]
       wc-preload --replay FILE [OPTIONS]
       wc-preload --diff [OPTIONS] A B
       wc-preload serve --control PATH [OPTIONS]
       wc-preload [--yes] --build

Shows which library function made each system call of PROGRAM. Selected functions are wrapped, and
system calls are intercepted only while one of them runs; the rest of PROGRAM runs undisturbed.
serve starts a tracer that waits for programs started with --connect PATH. --build builds the whole
tool, examples included. --yes, as the first word, installs what a build needs without asking.

What is reported:
  -F, --functions LIST     functions to wrap: names, globs, @classes, name@library, !exclusions, and
                           scope:NAME, scopes that the program names itself (wc/scope.h); default
                           @default; given again, the lists are joined
  -B, --breakpoints LIST   functions of the program itself, by breakpoint: names, Class::name,
                           globs, file.c:name, name@library, !exclusions; alone it wraps nothing
  -e, --syscalls LIST      only these system calls: names, %classes as strace has them, ! to exclude
  -P, --path GLOB          only system calls that touch this path, by name or by descriptor;
                           repeatable
  -z, --successful-only    only system calls that succeeded
  -Z, --failed-only        only system calls that failed
      --status SET         only system calls that ended like this: successful,failed,unfinished,
                           ! to exclude
  -a, --all-calls          report calls that made no system call, too
      --signals LIST       only these signals: names, numbers, all, none, ! to exclude (default all)
  -q, --quiet[=SET]        print no lines of attaching and of exits; -qq: none of signals either.
                           SET: attach, exit, signal, all
      --objects            report shared objects as they are loaded and unloaded, and who asked for
                           them; alone it wraps nothing
      --no-follow          do not trace child processes

How it is shown:
  -s, --string-size N      show at most N bytes of a string (default 32)
  -k, --stack-trace        show the stack of each call and system call, with file and line
      --stack-depth N      at most N frames of it (implies -k)
      --frames KIND        native: C functions (the default); python: Python's, with file and line,
                           in the place of the interpreter's; auto: Python's where they can be read
                           (CPython 3.11). Implies -k
  -y, --decode-fds[=SET]   paths of file descriptors; -yy: addresses of sockets, too. SET: path,
                           socket
  -t, --absolute-timestamps[=FORMAT]   time of day; -tt: with microseconds, -ttt: in seconds since
                           the epoch. FORMAT: s, us, unix
  -r, --relative-timestamps    time since the previous line
  -T, --syscall-times      time spent in each call and system call

Where it goes:
  -o, --output FILE        write to FILE (default: standard error)
  -A, --output-append-mode     append to FILE
  -ff, --output-separately     FILE.PID for each process
      --color WHEN         auto | always | never (default auto: on a terminal, without NO_COLOR)
  -b, --backend SPEC       text (the default), json, summary, folded, policy, ledger, sqlite,
                           perfetto, speedscope, html, otlp, raw, none, ./FILE.so, or ./FILE.lua, a
                           script (docs/lua.md); with :key=value,...; repeatable
                           (docs/outputs.md)
      --record FILE        keep what was seen, undecoded; the same as -b raw:output=FILE
      --flight[=N]         write nothing, but keep the last N events (default 10000) of each thread;
                           they become a raw file, wc-flight.PID.raw or -o FILE, when there is a
                           reason, at SIGUSR2 to the tracer, and by wc-ctl snapshot
      --flight-on LIST     the reasons: exit (with another status than 0), signal (the program is
                           killed by one), rule, slow=TIME, errno=NAME (default exit,signal)
      --replay FILE        show a recorded run again, decoded now: with any -b, and with -F, -e, -P,
                           -z, -Z, --status and --signals as filters. Runs nothing
      --sysroot DIR        with --replay: where the program and its libraries are, for names
      --diff A B           what has changed between two raw files, two of -b summary:format=json or
                           two of -b folded: functions and system calls by change in count, errors
                           and time. -b json: all rows; -b folded: for a differential flame graph
      --threshold LIMIT    with --diff: exit status 1 where a row has changed by more: 10%, or
                           count=10%,errors=0%,time=50%
  -c, --summary            print only totals per function at the end; the same as -b summary
  -C                       print the trace, and the totals at its end

How it is done:
  -E, --engine NAME        ptrace (the default): each reported system call stops the program;
                           inproc: recorded in the program, at a hundredth of the cost;
                           bpf: watched by the kernel, nothing is stopped; root only; for
                           static programs, set-user-ID programs, running processes (-p), too;
                           auto: inproc where it can do what is asked for, else ptrace (-v says why)
  -g, --gate NAME          auto | socket | trap | dispatch (default auto)
                           how the start and the end of a call switch interception on and off;
                           auto takes the fastest that works, -v says which
      --patch LIST         engine inproc: libraries, or the program, by file name or glob, whose
                           system calls are patched besides those of libc and ld.so
      --overflow WHAT      engine inproc, where the program makes system calls faster than they can
                           be reported: wait (the default) or drop, with the count of what is lost
      --scope MODE         functions: system calls inside of wrapped functions (the default);
                           main: the same between the entry of main and its return or exit(3);
                           process: all system calls, as strace -f; wraps only what -F names
      --every N[@LIST]     report one outermost call in N of a thread and function, with what is in
                           it; of LIST's functions (as -F), or of all. Repeatable, the last one that
                           names a function decides
      --rate N[@LIST]      the same, at most N a second in each process (a token bucket)
      --first N[@LIST]     the same, the first N in each process
  -p, --attach PID         running processes, repeatable, or with commas between them: -F and -B by
                           breakpoints; Ctrl-C leaves them as they were
  -u, --user NAME          run PROGRAM as this user, with its groups; takes root
      --config FILE        options from an INI file (docs/configuration.md); the command line wins
      --control PATH       make a Unix socket there, by which wc-ctl(1) changes functions, system
                           calls, rules and back ends while PROGRAM runs; serve: programs come
                           there, too, by --connect
      --prepare LIST       with --control: functions that can be switched on later (default:
                           @default and what -F names); one that is off costs next to nothing
      --connect PATH       use the tracer that serves PATH, with the options that it was given;
                           waits a second for it
  -v                       say what is done and why; -vv says more

What it costs:
      --compare[=RUNS]     run PROGRAM native, under each engine and gate, in full-process mode, and
                           under strace, ltrace, perf, bpftrace where installed, in turn, RUNS times
                           (default 5); print a table. -F, -e, -b, ... are the traced runs' options
      --compare-output FILE    figures as .json, a chart as .svg or .html; repeatable
      --compare-load COMMAND   PROGRAM is a server: run this shell command against it, then end it
      --compare-ready COMMAND  it is ready when this succeeds (default: it listens on a socket)
      --compare-figure PATTERN  compare the number in ( ) that PROGRAM or load prints, more being
                           better, or less:PATTERN (default: time; rates of known load generators)
      --compare-limit SECONDS[,TOTAL]  kill a run after SECONDS; begin none after TOTAL (600)

What happens to system calls (docs/rules.md; engine ptrace):
      --inject RULE        SYSCALLS[@FUNCTIONS]:ACTION...[:when=EXPR], as strace -e inject=, while
                           one of FUNCTIONS is open: error=E, retval=N, signal=S, delay_enter=T, ...
      --fault RULE         the same with error=ENOSYS where nothing is said
      --deny RULE          the same with error=EPERM; '!read,write' denies all but these
      --explore[=ERRNO,...]    run PROGRAM once to find each point (function, system call, caller's
                           place), then once for each with that point failing, several at a time;
                           print how each run ended, with the --inject that repeats it. ERRNO: the
                           errors to try, or all those of the manual page (default: the most telling
                           one). -b json: as JSON Lines; --compare-limit limits these runs, too

What is expected of the run (docs/claims.md):
      --expect CLAIM       [KIND:]SYSCALLS[@FUNCTIONS] OP N, or calls:FUNCTIONS OP N: at the end, a
                           line for each claim that does not hold, and exit status 123. KIND:
                           errors, bytes, time, max; OP: == != <= >= < >. @FILE: claims from a file,
                           one a line. Repeatable
      --expect-junit FILE  what became of the claims, as JUnit's XML

Information:
      --list-functions [LIST] [PROGRAM]   the functions that LIST selects (default: all that are
                           known), of PROGRAM's libraries (default: libc's)
      --list-syscalls [LIST]    the system calls that LIST selects (default: all)
      --list-classes       the classes of functions and of system calls, with how many each has
  -h, --help               this text
  -V, --version            the version

strace's long names (--trace, --trace-path, --string-limit, --summary-only, --timestamps, --signal,
...) and -e signal=, status=, quiet= mean the same here.

Exit status: that of PROGRAM; killed by a signal: the same signal; 125 if the tracer failed,
126 if PROGRAM cannot be executed, 127 if it was not found; 123 if it ended with 0 and a claim of
--expect did not hold; of --explore 1 where a run crashed or hung, of --diff 1 where --threshold
was exceeded, else 0.

Examples:
  wc-preload ls -l /
  wc-preload -F 'fopen,@net,!close' -e %network -o trace.txt curl -s http://localhost/
  wc-preload -c -F @stdio ./prog --its-own-option
  wc-preload -B 'Cache::load,parse*' ./prog
  wc-preload -F @file -p 4711
  wc-preload -Z -P '/etc/*' -o errors.txt ./prog
)";
}

std::string version_number() { return WC_VERSION; }
std::string version_text() { return "wc-preload " WC_VERSION "\n"; }

}  // namespace wc
