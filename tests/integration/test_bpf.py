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
                                   # How long a number is that it has printed, is chance.
                                   None if calls.get(event["call"]) == "printf" else self.text(event.get("ret"))))
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
FIRST_ONLY = {"exec from a thread": ("exec_from_thread",), "a leader that ends first": ("leader_ends",)}


def add_case(name, argv, threads=None):
    def test(self):
        self.same(*argv, threads=threads)
    setattr(Equality, "test_" + re.sub(r"\W+", "_", name), test)


for one in CASES.items():
    add_case(*one)
for one in FIRST_ONLY.items():
    add_case(*one, "T0")

GO = """package main
import ("fmt"; "os"; "runtime"; "sync")
//go:noinline
func work(n int) int {
	if n > 0 { var b [2000]byte; b[n%2000] = 1; return work(n-1) + int(b[n%2000]) }
	f, _ := os.Open("/etc/hostname"); if f != nil { f.Close() }
	runtime.Gosched()
	return 1
}
func main() {
	var all sync.WaitGroup
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func() { defer all.Done(); for j := 0; j < 5; j++ { work(20) } }()
	}
	all.Wait()
	fmt.Println("done")
}
"""


def kernel_objects():
    """The numbers of all programs and links of this kernel."""
    def ids(kind):
        shown = subprocess.run(["bpftool", "-j", kind, "list"], capture_output=True, check=True, timeout=60)
        return {one["id"] for one in json.loads(shown.stdout or "[]") if one.get("name", "").startswith("on_") or kind == "link"}
    return ids("prog"), ids("link")


class Attached(Case):
    def test_a_running_process(self):
        server = self.start([program("serves"), "4"], stdin=subprocess.PIPE)
        server.wait_for_output(b"ready\n")
        trace = self.path("trace")
        tracer = self.start([self.tool, "-E", "bpf", "-p", str(server.pid), "-B", "work", "-b", "json", "-o", trace])

        def threads():
            if not os.path.exists(trace):
                return set()
            with open(trace, encoding="utf-8") as file:
                return set(re.findall(r'"tid":(\d+)', file.read()))
        harness.wait_until(lambda: len(threads()) > 1 and os.path.getsize(trace) > 100_000, 20,
                           "events of several threads")
        os.kill(tracer.pid, 15)
        said = self.finish(tracer)
        self.assertEqual(said.status, 0, said)
        self.assertIn(b"attached", said.err)
        server.popen.stdin.write(b"stop\n")
        server.popen.stdin.close()
        result = self.finish(server)
        self.assertEqual(result.status, 0, result)
        events = harness.read_json(trace)
        calls = [e for e in events if e["type"] == "call"]
        names = collections.Counter(e["name"] for e in events if e["type"] == "syscall")
        self.assertEqual({e["function"] for e in calls}, {"work"})
        self.assertEqual(set(names), {"openat", "read", "close"})
        self.assertLessEqual(max(names.values()) - min(names.values()), 8, names)

    @need("bpftool")
    def test_nothing_stays_when_the_tracer_is_killed(self):
        before = kernel_objects()
        for _ in range(3):
            server = self.start([program("serves"), "2"], stdin=subprocess.PIPE)
            server.wait_for_output(b"ready\n")
            trace = self.path("trace")
            tracer = self.start([self.tool, "-E", "bpf", "-p", str(server.pid), "-B", "work", "-b", "json", "-o", trace])
            harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 1000, 20, "events")
            self.assertNotEqual(kernel_objects(), before)
            os.kill(tracer.pid, 9)
            self.finish(tracer)
            os.unlink(trace)
            server.popen.stdin.write(b"stop\n")
            server.popen.stdin.close()
            self.assertEqual(self.finish(server).status, 0)
        harness.wait_until(lambda: kernel_objects() == before, 10, "what the kernel drops")


class Lost(Case):
    def test_what_finds_no_room_is_counted(self):
        """A tracer that stands still: the ring is full in no time, the program goes on, and each of its system calls is
        reported or counted."""
        calls = 400_000
        source = self.write("loop.c", "#include <unistd.h>\n__attribute__((noinline)) void work(void) {\n"
                            f"for (int i = 0; i < {calls}; i++) write(-1, 0, 0);\n__asm__ volatile(\"\");\n}}\n"
                            "int main(void) { char c; read(0, &c, 1); work(); write(1, \"done\", 4); return 0; }\n")
        loop = self.path("loop")
        subprocess.run(["cc", "-O1", "-o", loop, source], check=True, timeout=60)
        trace = self.path("trace")
        program_in, tracer_out = os.pipe()
        running = self.start([self.tool, "-E", "bpf", "-B", "work", "-e", "write", "-b", "json", "-o", trace, loop],
                             stdin=program_in)
        os.close(program_in)
        harness.wait_until(lambda: os.path.exists(trace) and '"start"' in open(trace, encoding="utf-8").read(), 20,
                           "the start")
        os.kill(running.pid, 19)
        os.write(tracer_out, b"x")
        os.close(tracer_out)
        running.wait_for_output(b"done", 60)
        os.kill(running.pid, 18)
        self.assertEqual(self.finish(running, 60).status, 0)
        seen = lost = 0
        for event in harness.read_json(trace):
            seen += event["type"] == "syscall"
            lost += event["count"] if event["type"] == "lost" else 0
        self.assertGreater(lost, 0)
        self.assertEqual(seen + lost, calls)


class Programs(Case):
    # What the verifier looks at of each program, as measured on Linux 6.18, and room for other kernels.
    MOST_INSTRUCTIONS = 200_000

    def test_what_the_verifier_looks_at(self):
        result = self.run_tool(["true"], "-E", "bpf", "-vv", "-B", "write@libc.so.6")
        rows = {name.decode(): int(count)
                for name, count in re.findall(rb"program (\w+): (\d+) instructions were verified", result.err)}
        print(", ".join(f"{name} {count}" for name, count in sorted(rows.items())))
        self.assertEqual(len(rows), 11, result)
        for name, count in rows.items():
            self.assertTrue(0 < count < self.MOST_INSTRUCTIONS, f"{name}: {count}")

    def test_a_static_program(self):
        result = self.run_tool([program("static_hello")], "-E", "bpf", "-F", "write", "-b", "json", "-o", self.path("t"))
        self.assertEqual(result.status, 0, result)
        texts = [e["text"] for e in harness.read_json(self.path("t")) if e["type"] == "syscall"]
        self.assertTrue(texts and all(text.startswith("write(") for text in texts), texts)

    def test_a_filter_that_kills(self):
        """For the system call by which the kernel returns from its return probes, too."""
        native = self.run_plain([program("seccomp_kill")])
        result = self.run_tool([program("seccomp_kill")], "-E", "bpf", "-F", "write,close", "-o", self.path("t"))
        self.assertEqual((result.status, result.out), (native.status, native.out))

    @need("go")
    def test_goroutines(self):
        """They go from thread to thread in the middle of a call, and their stacks move as they grow."""
        source = self.write("g.go", GO)
        built = self.path("g")
        env = dict(self.env, GO111MODULE="off", GOCACHE=self.path("cache"), GOFLAGS="")
        subprocess.run(["go", "build", "-o", built, source], check=True, env=env, timeout=120 * harness.SLOWNESS,
                       cwd=self.dir)
        result = self.run_tool([built], "-E", "bpf", "-B", "main.work", "-e", "openat", "-b", "json", "-o", self.path("t"))
        self.assertEqual((result.status, result.out), (0, b"done\n"), result)
        events = harness.read_json(self.path("t"))
        calls = [e for e in events if e["type"] == "call"]
        returns = [e for e in events if e["type"] == "return"]
        syscalls = [e for e in events if e["type"] == "syscall"]
        self.assertEqual((len(calls), len(returns), len(syscalls)), (420, 420, 20))
        self.assertFalse([e for e in returns if e.get("unwound")])
        self.assertEqual({len(e["chain"]) for e in syscalls}, {21})
        self.assertEqual(len({e["tid"] for e in calls}), 4, "one number a goroutine")

    @need("musl-gcc")
    def test_musl_and_other_kinds(self):
        """Dynamic and static with musl, static-pie, and stripped where libc's functions are exported."""
        source = self.write("a.c", "#include <unistd.h>\nint main(void) { return write(1, \"musl\\n\", 5) != 5; }\n")
        for compiler in (["musl-gcc"], ["musl-gcc", "-static"], ["cc", "-static-pie"], ["cc", "-s"]):
            built = self.path("built")
            subprocess.run([*compiler, "-o", built, source], check=True, timeout=60)
            result = self.run_tool([built], "-E", "bpf", "-F", "write", "-b", "json", "-o", self.path("t"))
            self.assertEqual((result.status, result.out), (0, b"musl\n"), (compiler, result))
            events = harness.read_json(self.path("t"))
            found = [(e["type"], e.get("function")) for e in events if e["type"] in ("call", "syscall")]
            self.assertEqual(found, [(kind, "write") for kind in ("call", "syscall")], compiler)
            self.assertEqual([e["text"] for e in events if e["type"] == "syscall"], ['write(1, "musl\\n", 5) = 5'])

    def test_set_user_id(self):
        """It changes its ids as it would without the tool."""
        if os.geteuid() != 0:
            self.skipTest("only root can make a program of another user's")
        source = self.write("ids.c", "#include <stdio.h>\n#include <unistd.h>\n"
                            "int main(void) { printf(\"%d\\n\", (int)geteuid()); return 0; }\n")
        built = self.path("ids")
        subprocess.run(["cc", "-o", built, source], check=True, timeout=60)
        os.chown(built, 65534, 65534)
        os.chmod(built, 0o4755)
        result = self.run_tool([built], "-E", "bpf", "-F", "geteuid,write", "-b", "json", "-o", self.path("t"))
        self.assertEqual((result.status, result.out), (0, b"65534\n"), result)
        texts = [e["text"] for e in harness.read_json(self.path("t")) if e["type"] == "syscall"]
        self.assertEqual(texts, ["geteuid() = 65534", 'write(1, "65534\\n", 6) = 6'])

    def test_what_it_cannot_do_is_refused(self):
        for options, words in ((["--inject", "write:error=EIO"], "it changes nothing"), (["-k"], "-E ptrace"),
                               (["--scope=process"], "inside of calls"), (["-y"], "stands still"),
                               (["--every", "2"], "not done in the kernel"), (["--objects"], "-E ptrace"),
                               (["--record", self.path("raw")], "cannot keep names"), (["--flight"], "cannot keep names"),
                               (["--control", self.path("c")], "cannot be switched"), (["-s", "5000"], "at most 4095")):
            result = self.run_tool(["true"], "-E", "bpf", "-F", "write", *options, gate=None)
            self.assertEqual(result.status, 125, options)
            self.assertIn(words, result.err.decode(), options)
            self.assertEqual(result.err.count(b"\n"), 1, result)

    def test_without_rights(self):
        argv = self.as_nobody(self.tool, "-E", "bpf", "-B", "write@libc.so.6", "true")
        result = self.run_plain(argv)
        self.assertEqual(result.status, 125, result)
        self.assertRegex(result.err, rb"^wc-preload: engine bpf: CAP_BPF and CAP_PERFMON missing: [^\n]*\n$")


if __name__ == "__main__":
    if why := unavailable():
        print("SKIP: " + why)
        raise SystemExit(harness.SKIPPED)
    harness.main()
