"""Attribution against an oracle: `strace -f -k` tells the stack of every syscall, and so the libc function
that the program called: the last frame in libc, counted from the syscall outwards. The tool's outermost
call that was made from outside libc must be the same, in the same order in every thread, with the
same result, under every gate and engine.

Out of scope, because no call of a libc function from outside stands on the stack: start-up and end in ld.so
and libc, threads' beginnings, syscalls that programs issue themselves.

By hand: WC_BUILD_DIR=/path/to/build python3 -B test_attribution.py [PROGRAM...]; -v shows what differs.
"""
import bisect
import collections
import difflib
import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("WC_BUILD_DIR", os.path.join(ROOT, "build/release")))
TRACER = os.path.join(BUILD, "bin/wc-tracerd")
LIMIT = 40  # seconds for one run
TARGET = 0.995
SKIPPED = 77

# Ordinary programs with children and threads. {dir} is a folder with a few files, a repository and a source.
PROGRAMS = {
    "ls": ["ls", "-l", "{dir}"],
    "cat": ["cat", "{dir}/one", "{dir}/two"],
    "find": ["find", "{dir}/tree", "-name", "*.txt"],
    "tar": ["tar", "-C", "{dir}", "-cf", "{dir}/out.tar", "tree"],
    "bash": ["bash", "--norc", "-c", "cat {dir}/one | tr a-z A-Z | sort; (cd /; pwd; exit 3); x=$(ls {dir}/tree); "
             "for i in 1 2 3; do echo $i; done > {dir}/bash.out; [ -f {dir}/one ] && wc -l < {dir}/two"],
    "python3": ["/usr/bin/python3", "-c", "import threading, subprocess\n"
                "def work(n):\n  open('{dir}/t%d' % n, 'w').write('x' * n)\n"
                "for n in range(3):\n  t = threading.Thread(target=work, args=(n,)); t.start(); t.join()\n"
                "print(subprocess.run(['echo', 'child'], capture_output=True).stdout)"],
    "git": ["git", "-C", "{dir}/repository", "log", "-p", "--stat"],
    "sqlite3": ["sqlite3", "{dir}/data.db", "create table t(a); insert into t values (1), (2); "
                "select sum(a) from t;"],
    "gcc": ["gcc", "-c", "-o", "{dir}/source.o", "{dir}/source.c"],
    "sort": ["sort", "--parallel=2", "-S", "30k", "-T", "{dir}", "-o", "{dir}/sorted", "{dir}/many"],
    "xz": ["xz", "-T2", "-0", "-k", "-f", "{dir}/many"],
    "make": ["make", "-s", "-C", "{dir}/tree"],
}

# Whether a lock is contended differs from run to run; the unwinder stops at clone's end of the stack.
NOT_COMPARED = {"futex", "sched_yield", "rt_sigreturn", "restart_syscall", "clone", "clone3"}
# Their results are addresses, process ids, times, or what the other side had written by then.
VARYING = {"brk", "mmap", "mremap", "clone", "clone3", "fork", "vfork", "wait4", "waitid", "getpid", "gettid",
           "getppid", "set_tid_address", "poll", "ppoll", "pselect6", "select", "getrandom", "times",
           "setpgid", "getpgrp", "getpgid", "getsid", "shmat"}

# Reached by a jump through a stream's table of operations, which no disassembly shows.
STREAM_OPERATIONS = {
    "_IO_file_overflow": ["__overflow", "putc", "fputc", "putchar"],
    "_IO_default_uflow": ["__uflow", "getc", "fgetc", "getchar"],
}

# What a program called: function's names (aliases at one address are one), syscall, result.
Event = collections.namedtuple("Event", "function name result")


class Libc:
    """The exported functions of libc by address, and what the tool calls them."""

    def __init__(self):
        self.path = "/usr/lib/x86_64-linux-gnu/libc.so.6"
        names = collections.defaultdict(set)
        ends = {}
        symbols = subprocess.run(["readelf", "-W", "--dyn-syms", self.path], capture_output=True, text=True,
                                 check=True).stdout
        for line in symbols.splitlines():
            fields = line.split()
            if len(fields) < 8 or fields[3] not in ("FUNC", "IFUNC") or fields[6] == "UND":
                continue
            start = int(fields[1], 16)
            names[start].add(fields[7].split("@")[0])
            ends[start] = max(ends.get(start, 0), start + int(fields[2], 0))
        self.starts = sorted(names)
        self.names, self.ends = names, ends
        self.families = self.read_families()
        self.read_tail_jumps()

    def read_families(self):
        families = {}
        listed = subprocess.run([TRACER, "--list-functions", "@all"], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            if line.strip():
                public = re.search(r"\(as (\S+)\)", line)
                families[line.split()[0]] = public.group(1) if public else line.split()[0]
        return families

    def read_tail_jumps(self):
        """stat jumps to fstatat, fopen to __fopen_internal: there the target stands on the stack in place of
        the function that was called."""
        self.jumpers, inner_starts = collections.defaultdict(set), set()
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", self.path], capture_output=True, text=True,
                              check=True).stdout
        jumps = collections.defaultdict(set)
        for at, kind, target in re.findall(r"^ +([0-9a-f]+):\s+(j\w+|call) +([0-9a-f]+) <", code, re.MULTILINE):
            at, target = int(at, 16), int(target, 16)
            if kind != "call" and (target in self.names or self.exported_at(target) is None):
                jumps[target].add(at)
            if self.exported_at(target) is None and (kind == "call" or self.exported_at(at) is not None):
                inner_starts.add(target)
        self.inner_starts = sorted(inner_starts)
        for target, sources in jumps.items():
            self.jumpers[target] = {self.function_start(at) for at in sources} - {target}

    def function_start(self, address):
        start = self.exported_at(address)
        if start is None:
            index = bisect.bisect_right(self.inner_starts, address) - 1
            start = self.inner_starts[index] if index >= 0 else 0
        return start

    def exported_at(self, address):
        index = bisect.bisect_right(self.starts, address) - 1
        return self.starts[index] if index >= 0 and address < self.ends[self.starts[index]] else None

    def function_at(self, address):
        """The names that the tool may give the function whose frame this is: its own, and those of
        the functions that jump to it. None: nothing that is exported and wrapped."""
        found, queue = set(), [self.function_start(address)]
        while queue:
            start = queue.pop()
            if start not in found:
                found.add(start)
                queue += self.jumpers[start]
        names = {n for s in found for n in self.names.get(s, ())}
        for name in [n for n in names if n in STREAM_OPERATIONS]:
            names.update(STREAM_OPERATIONS[name])
        return frozenset(self.families[n] for n in names if n in self.families) or None


# ---- the oracle

SYSCALL = re.compile(r"^(\w+)\(.*\)\s+= (\?|0x[0-9a-f]+|-?\d+)(?: (\w+))?")
FRAME = re.compile(r"^ > (.*?)\((?:[^()]*)\) \[0x([0-9a-f]+)\]")


def result_of(name, value, error):
    if name in VARYING:
        return error if error else None
    return error if error and value == "-1" else value


def oracle_events(text, libc, internal):
    """Of one thread's `strace -k` output. Lines are "call(...) = result" with the frames below."""
    events, current, frames = [], None, []

    def finish():
        if current:
            function = called_function(frames, libc, internal)
            if function:
                events.append(Event(function, *current))

    for line in text.splitlines():
        if line.startswith(" > "):
            frame = FRAME.match(line)
            frames.append((os.path.basename(frame.group(1)), int(frame.group(2), 16)) if frame else ("?", 0))
        elif not line.startswith(("+++", "---")):
            finish()
            frames = []
            call = SYSCALL.match(line)
            restarted = call and (call.group(3) or "").startswith("ERESTART")
            # After an exec the stack is the new program's.
            executed = call and call.group(1).startswith("execve") and call.group(2) == "0"
            current = None
            if call and not restarted and not executed:
                value = call.group(2)
                value = str(int(value, 16)) if value.startswith("0x") else value
                current = (call.group(1), result_of(call.group(1), value, call.group(3)))
    finish()
    return events


def called_function(frames, libc, internal):
    outermost = None
    for number, (library, address) in enumerate(frames):
        if library not in ("libc.so.6", "ld-linux-x86-64.so.2"):
            break
        outermost = (library, address - (1 if number else 0))
    else:
        return None  # a thread's beginning, ld.so
    if outermost is None or outermost[0] != "libc.so.6":
        return None
    function = libc.function_at(outermost[1])
    if function is None:
        internal[hex(outermost[1])] += 1
    # main's caller: what stands above is the end of the process.
    return None if function and "__libc_start_main" in function else function


# What a child does before fork returns belongs to no call of the child (docs/architecture.md).
def without_birth(events):
    return list(itertools.dropwhile(lambda e: "fork" in e.function, events))


def run_oracle(argv, folder, libc, internal):
    base = os.path.join(folder, ".out/strace")
    run(["strace", "-ff", "-k", "-qq", "-o", base, *argv], folder)
    traces = sorted(glob.glob(base + ".*"), key=lambda path: int(path.rsplit(".", 1)[1]))
    first, *others = [oracle_events(read(path), libc, internal) for path in traces]
    return [first, *map(without_birth, others)]


# ---- the tool

def run_tool(argv, folder, gate):
    trace = os.path.join(folder, ".out/trace.json")
    engine = ["-E", "inproc"] if gate == "inproc" else ["-g", gate]
    run([TRACER, "run", *engine, "-F", "@all", "-b", "json", "-o", trace, "--", *argv], folder)
    calls, threads = {}, collections.defaultdict(list)
    for line in read(trace).splitlines():
        event = json.loads(line)
        if event["type"] == "call":
            calls[event["pid"], event["tid"], event["call"]] = event
        elif event["type"] == "syscall" and not (event["name"].startswith("execve") and event.get("ret") == 0):
            call = outermost_call(event, calls)
            if call:
                value = "?" if event.get("ret") is None else str(event["ret"])
                threads[event["pid"], event["tid"]].append(
                    Event(call["function"], event["name"],
                          result_of(event["name"], value, event.get("error"))))
    return list(threads.values())


def outermost_call(event, calls):
    """Outwards from the innermost, as far as libc called itself."""
    call = calls[event["pid"], event["tid"], event["call"]]
    while is_libc(call):
        if "parent" not in call:
            return None  # libc's own business, such as a thread's end
        call = calls[event["pid"], event["tid"], call["parent"]]
    return call


def is_libc(call):
    return os.path.basename(call.get("caller", {}).get("object", "")) in ("libc.so.6", "ld-linux-x86-64.so.2")


# ---- comparing

def comparable(events):
    return [e for e in events if e.name not in NOT_COMPARED]


class Comparison:
    def __init__(self):
        self.equal, self.total, self.differences = 0, 0, collections.Counter()

    def add_thread(self, expected, found):
        """Aligned by syscall and result; then the function must be the right one."""
        matcher = difflib.SequenceMatcher(None, [e[1:] for e in expected], [e[1:] for e in found], autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            self.total += max(b - a, d - c)
            if tag != "equal":
                self.differences.update(f"only strace: {'|'.join(sorted(e.function))} {e[1:]}" for e in expected[a:b])
                self.differences.update(f"only the tool: {e}" for e in found[c:d])
                continue
            for one, other in zip(expected[a:b], found[c:d]):
                if other.function in one.function:
                    self.equal += 1
                else:
                    self.differences[f"{'|'.join(sorted(one.function))} is called {other.function} {one[1:]}"] += 1


def pair_threads(expected, found):
    """Threads have other ids in each run: those that do the same belong together, the others by length."""
    def signature(events):
        return [(e.name, e.result) for e in events]
    left = sorted(filter(None, map(comparable, expected)), key=len, reverse=True)
    right = sorted(filter(None, map(comparable, found)), key=len, reverse=True)
    for one in left:
        best = max(right, default=[], key=lambda other: difflib.SequenceMatcher(
            None, signature(one)[:400], signature(other)[:400], autojunk=False).ratio())
        if best:
            right.remove(best)
        yield one, best
    for other in right:
        yield [], other


# ---- the runs

def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def run(argv, folder):
    env = dict(os.environ, LC_ALL="C.UTF-8", HOME=folder, XDG_RUNTIME_DIR=os.path.join(folder, ".out"), DEBUGINFOD_URLS="",
               GIT_PAGER="cat", GIT_CONFIG_NOSYSTEM="1", PYTHONHASHSEED="0")
    # Without randomised addresses brk and mmap succeed and fail alike.
    subprocess.run(["setarch", "-R", *argv], env=env, cwd=folder, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)


def make_work_folder(folder):
    tree = os.path.join(folder, "tree")
    os.mkdir(tree)
    os.mkdir(os.path.join(folder, ".out"), 0o700)
    for number in range(8):
        with open(os.path.join(tree, f"{number}.txt"), "w", encoding="utf-8") as file:
            file.write("line\n" * number * 100)
    files = {"one": "a\nb\n" * 50, "two": "c\n" * 5000, "many": "".join(f"{n * 7919 % 100003}\n" for n in range(4000)),
             "source.c": "#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n",
             "tree/Makefile": "all: a b\na:\n\t@echo a\nb:\n\t@cat 1.txt | wc -l\n"}
    for name, content in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
    repository = os.path.join(folder, "repository")
    for command in (["init", "-q", repository], ["-C", repository, "add", "."],
                    ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], check=True, capture_output=True, env=dict(os.environ, HOME=folder))
        shutil.copy(os.path.join(folder, "one"), repository)


def fresh_run(function, argv, *more):
    with tempfile.TemporaryDirectory(prefix="wc-oracle-", dir="/tmp") as folder:
        make_work_folder(folder)
        return function([word.replace("{dir}", folder) for word in argv], folder, *more)


def missing_oracle():
    if not shutil.which("strace"):
        return "strace is not installed"
    version = subprocess.run(["strace", "-V"], capture_output=True, text=True, check=False).stdout
    if "stack-trace=" not in version:
        return "this strace has no -k"
    return None if shutil.which("readelf") else "readelf is not installed"


def available_gates():
    import ctypes
    dispatch = ctypes.CDLL(None, use_errno=True).prctl(59, 0, 0, 0, 0) == 0
    return (["dispatch", "inproc"] if dispatch else []) + ["trap", "socket"]


def examine(name, libc, gates, report):
    internal = collections.Counter()
    expected = fresh_run(run_oracle, PROGRAMS[name], libc, internal)
    rows = {}
    for gate in gates:
        comparison = rows[gate] = Comparison()
        for pair in pair_threads(expected, fresh_run(run_tool, PROGRAMS[name], gate)):
            comparison.add_thread(*pair)
    report[name] = rows, internal


def main():
    verbose = "-v" in sys.argv
    chosen = [a for a in sys.argv[1:] if a != "-v"] or [n for n, argv in PROGRAMS.items() if shutil.which(argv[0])]
    if reason := missing_oracle():
        print(f"SKIP: {reason}")
        sys.exit(SKIPPED)
    libc, gates, report, queue = Libc(), available_gates(), {}, list(chosen)
    begun = time.monotonic()

    def work():
        while queue:
            examine(queue.pop(0), libc, gates, report)
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    failed = set(chosen) - set(report)
    equal = total = 0
    for name in chosen:
        rows, internal = report.get(name, ({}, {}))
        print(f"{name:10}" + "".join(f"{gate:>12} {c.equal:5}/{c.total:<5}" for gate, c in rows.items()))
        for gate, comparison in rows.items():
            equal, total = equal + comparison.equal, total + comparison.total
            for difference, count in comparison.differences.most_common(None if verbose else 5):
                print(f"    {gate}: {count} {difference}")
        if verbose and internal:
            print("    not exported:", dict(internal))
    share = equal / total if total else 0
    print(f"{equal} of {total} equal: {100 * share:.2f} % in {time.monotonic() - begun:.0f} s")
    sys.exit(1 if failed or share < TARGET else 0)


if __name__ == "__main__":
    main()
