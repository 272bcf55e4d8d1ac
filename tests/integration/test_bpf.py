"""Engine bpf: what it reports is what engine ptrace reports by breakpoints at the same functions, on programs that do the
same each time; and what else it promises. Skipped, with the reason, where the build has no engine bpf or this process
may not use it."""
import collections
import json
import os
import re
import subprocess
import unittest

import harness
from harness import BUILD, Case, need, program

# Of libc; the same functions under both engines, whoever calls them.
FUNCTIONS = ("open close read write fork execve waitpid wait4 wait usleep nanosleep pause kill raise "
             "pthread_create posix_spawn _exit printf puts fopen fclose fread fwrite "
             "sigaction system sleep alarm access unlink dup2 pipe fflush").split()
SELECTION = ",".join(f"{name}@libc.so.6" for name in FUNCTIONS)


def unavailable():
    """Why nothing can be tested here, or None."""
    tool = os.path.join(BUILD, "tests/integration/bin/wc-preload")
    tried = subprocess.run([tool, "-E", "bpf", "-B", "write@libc.so.6", "-o", "/dev/null", "true"], capture_output=True,
                           text=True, check=False, timeout=60)
    return None if tried.returncode == 0 else tried.stderr.strip().removeprefix("wc-preload: ")


class Normal:
    """Events without what differs from run to run: numbers of processes, addresses, times."""

    def __init__(self, events):
        self.ids = {}
        self.events = events
        for event in events:
            self.number(event.get("tid"))
            if event["type"] == "process" and event["event"] == "fork":
                self.number(event["child"])

    def number(self, tid):
        if tid is not None and tid not in self.ids:
            self.ids[tid] = f"T{len(self.ids)}"

    def text(self, value):
        if isinstance(value, list):
            return [self.text(one) for one in value]
        if isinstance(value, int):
            return self.ids.get(value, value if abs(value) < 1 << 32 else "ADDRESS")
        if not isinstance(value, str):
            return value
        value = re.sub(r"0x[0-9a-f]{5,}", "ADDRESS", value)
        value = re.sub(r'getrandom\("[^"]*"', 'getrandom("RANDOM"', value)
        return re.sub(r"\b\d{3,}\b", lambda found: self.ids.get(int(found.group()), found.group()), value)

    def threads(self):
        """Of each thread what has happened, in its order."""
        found = collections.defaultdict(list)
        calls = {}
        for event in self.events:
            tid = self.ids.get(event.get("tid"))
            kind = event["type"]
            if kind == "call":
                caller = event.get("caller", {})
                calls[event["call"]] = event["function"]
                found[tid].append(("call", event["depth"], event["function"], self.text(event.get("args")),
                                   caller.get("symbol"), caller.get("line")))
            elif kind == "return":
                found[tid].append(("return", calls.get(event["call"]), bool(event.get("unwound")),
                                   self.text(event.get("ret"))))
            elif kind == "syscall" and event["name"] != "munmap":  # of what is aligned by chance
                found[tid].append(("syscall", event["name"], event.get("function"), tuple(event.get("chain", ())),
                                   self.text(event.get("text")), event.get("error"), bool(event.get("signal"))))
            elif kind == "process" and event["event"] in ("exec", "exit"):
                found[tid].append((event["event"], event.get("path"), event.get("status"), event.get("killed")))
            elif kind == "process" and event["event"] == "signal" and event["signal"] != "SIGCHLD":
                found[tid].append(("signal", event["signal"]))
        return dict(found)


class Equality(Case):
    def events(self, engine, argv, *options):
        trace = self.path(engine)
        result = self.run_tool(argv, "-E", engine, "-b", "json", "-o", trace, *options, limit=60, cwd=self.fresh_folder())
        self.assertNotIn(b"wc-preload", result.err, result)
        return harness.read_json(trace), result

    def assert_same(self, found, expected, where):
        """With the first difference, and what came before it."""
        for i in range(max(len(found), len(expected))):
            if found[i:i + 1] != expected[i:i + 1]:
                before = "\n    ".join(map(str, expected[max(0, i - 3):i]))
                self.fail(f"{where}, event {i}, after\n    {before}\nengine bpf    {found[i:i + 2]}\n"
                          f"engine ptrace {expected[i:i + 2]}")

    def same(self, *argv, functions=SELECTION, name=None, options=(), threads=None):
        argv = [program(name or argv[0]) if "/" not in argv[0] else argv[0], *argv[1:]]
        native = self.run_plain(argv, cwd=self.fresh_folder())
        (stops, _), (seen, result) = (self.events(engine, argv, "-B", functions, *options)
                                      for engine in ("ptrace", "bpf"))
        unnumbered = [re.sub(rb"\d{3,}", b"N", one.out) for one in (native, result)]
        self.assertEqual((result.status, unnumbered[1]), (native.status, unnumbered[0]))
        self.assertNotIn("lost", {event["type"] for event in seen})
        expected, found = Normal(stops).threads(), Normal(seen).threads()
        self.assertEqual(set(found), set(expected))
        for thread, events in expected.items() if threads is None else [(threads, expected[threads])]:
            self.assert_same(found[thread], events, f"{thread} of {argv}")
        self.assertTrue(any(one[0] == "syscall" for one in sum(expected.values(), [])), "nothing was compared")


CASES = {
    "longjmp out of callbacks": ("longjmp_callback",),
    "an exception through qsort": ("throw_qsort",),
    "a fork in a handler": ("fork_in_handler",),
    "recursion and threads": ("break_cases", "nested", "threads"),
    "longjmp": ("break_cases", "longjmp"),
    "exceptions": ("break_cases", "exception"),
    "children": ("break_cases", "children"),
    "a sequence of parts": ("sequence", "nested", "outside", "unwound", "values"),
    "a signal in a call": ("sequence", "signal"),
    "children of parts": ("sequence", "children"),
    "abort": ("die_by", "abort"),
    "a segmentation fault": ("die_by", "segv"),
    "exit": ("die_by", "exit", "7"),
    "a leader that ends first": ("leader_ends",),
    "vfork": ("vfork_then_calls",),
    "clone by hand": ("clone_kinds",),
    "a handler on its own stack": ("alternate_stack",),
    "a handler above the stack": ("alternate_above",),
    "cancellation": ("cancel_read",),
    "exec with an empty environment": ("exec_clean",),
    "early and late calls": ("early_calls",),
    "thin wrappers and exec": ("thin_wrappers", "word"),
    "bad pointers": ("untouched_pointers",),
    "small stacks": ("small_stacks",),
    "other programs": ("/usr/bin/env", "PATH=/bin", "cat", "/etc/hostname"),
}


# Several threads of which each does the same, in an order of their own: the first alone is compared.
FIRST_ONLY = {"exec from a thread": ("exec_from_thread",)}


def add_case(name, argv, threads=None):
    def test(self):
        self.same(*argv, threads=threads)
    setattr(Equality, "test_" + re.sub(r"\W+", "_", name), test)


for one in CASES.items():
    add_case(*one)
for one in FIRST_ONLY.items():
    add_case(*one, "T0")

if __name__ == "__main__":
    if why := unavailable():
        print("SKIP: " + why)
        raise SystemExit(harness.SKIPPED)
    harness.main()
