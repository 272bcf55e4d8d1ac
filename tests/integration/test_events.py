"""What is reported, exactly: programs/sequence.c makes known calls, and these are the events that
must come of them, under the gate of this run."""
import collections
import json
import os
import re

import harness
from harness import Case, GATE, need, program

KEYS = {
    "run": "type version argv time realtime_offset host kernel",
    "call": "type ts pid tid call parent depth function library args caller",
    "syscall": "type ts dur pid tid call function chain name nr args text ret error path fd_path signal",
    "return": "type ts dur pid tid call ret unwound",
    "process": "type ts pid tid event path child status killed core thread signal",
    "object": "type ts pid event path base how by",
    "lost": "type ts pid count",
}
CALLER_KEYS = "object symbol offset file line"


def in_order(keys, order):
    positions = [order.split().index(k) for k in keys]  # ValueError: a key nobody knows
    return positions == sorted(positions)


class Threads(Case):
    def test_threads_are_no_processes(self):
        """However they were made, and however soon they ended."""
        for scope in ((), ("--scope=process",)) if GATE != "inproc" else ((),):
            with self.subTest(scope=scope):
                result, events = self.events([program("odd_threads"), "30"], *scope, functions="access,usleep")
                self.assertEqual((result.status, result.err), (0, b""), result)
                made = [e for e in events if e["type"] == "process" and e["event"] == "fork"]
                self.assertEqual([e.get("thread") for e in made], [True] * 30)


class TooDeep(Case):
    def lost(self, depth):
        result, events = self.events([program("too_deep"), str(depth)], functions="qsort,access")
        self.assertEqual((result.status, result.err), (0, b""), result)
        self.assertEqual(len([e for e in events if e.get("name") == "access"]), 1)
        return [e["count"] for e in events if e["type"] == "lost"]

    def test_calls_too_deep_to_be_recorded_are_counted(self):
        self.assertEqual(self.lost(100), [])
        # access is one more; glibc may sort by other functions of its own, which are not wrapped.
        self.assertEqual(self.lost(200), [200 + 1 - 128])


class Sequence(Case):
    def part(self, *names, functions, options=()):
        """The events between the getppid calls that frame each part, those excluded."""
        result, events = self.events([program("sequence"), *names], *options,
                                     functions=f"{functions},getppid")
        self.assertEqual((result.status, result.err), (0, b""), result)
        frames = [i for i, e in enumerate(events)
                  if e["type"] == "call" and e["function"] == "getppid"]
        self.assertEqual(len(frames), 2 * len(names), "getppid is reported once for each call")
        # A getppid is a call, a syscall and a return.
        parts = [events[frames[i] + 3:frames[i + 1]] for i in range(0, len(frames), 2)]
        self.everything = events
        return parts if len(names) > 1 else parts[0]

    def syscalls(self, events):
        return [(e["function"], e["name"], e["ret"]) for e in events if e["type"] == "syscall"]

    def test_nested_calls(self):
        events = self.part("nested", functions="fopen,malloc,fgets,fclose")
        opened, allocated = [e for e in events if e["type"] == "call"][:2]
        self.assertEqual((opened["function"], opened["depth"], opened["library"]),
                         ("fopen", 0, "libc.so.6"))
        self.assertNotIn("parent", opened)
        self.assertEqual(opened["args"], ["/etc/passwd", "r"])
        self.assertEqual((allocated["function"], allocated["depth"], allocated["parent"]),
                         ("malloc", 1, opened["call"]))
        inner = [e for e in events if e["type"] == "syscall" and e["call"] == allocated["call"]]
        self.assertEqual([e["name"] for e in inner], ["getrandom", "brk", "brk"])
        for event in inner:
            self.assertEqual((event["chain"], event["function"]), (["fopen", "malloc"], "malloc"))
        direct = [e for e in events if e["type"] == "syscall" and e["call"] == opened["call"]]
        self.assertEqual([(e["name"], e["ret"]) for e in direct], [("openat", 5)])
        self.assertNotIn("chain", direct[0])
        # The inner call ends before the outer one, and both return what the program got.
        returns = [e for e in events if e["type"] == "return"]
        self.assertEqual([r["call"] for r in returns][:2], [allocated["call"], opened["call"]])
        self.assertRegex(returns[0]["ret"], "^0x[0-9a-f]+$")
        by_name = [(f, n) for f, n, _ in self.syscalls(events)]
        self.assertEqual(by_name[3:], [("fopen", "openat"), ("fgets", "newfstatat"),
                                       ("fgets", "read"), ("fclose", "close")])

    def test_caller(self):
        events = self.part("nested", functions="fopen")
        caller = next(e for e in events if e["type"] == "call")["caller"]
        source = os.path.join(harness.HERE, "programs/sequence.c")
        with open(source) as file:
            line = next(n for n, text in enumerate(file, 1) if "NESTED_FOPEN" in text)
        self.assertEqual(caller["object"], program("sequence"))
        self.assertEqual((caller["symbol"], os.path.basename(caller["file"]), caller["line"]),
                         ("nested", "sequence.c", line))
        # The offset is that of the return address: within the function and behind its call.
        self.assertTrue(0 < caller["offset"] < 0x100, caller)

    def test_nothing_from_outside(self):
        events = self.part("outside", functions="read")
        self.assertEqual(self.syscalls(events), [("read", "read", 1)] * 3)
        self.assertEqual({e["type"] for e in events}, {"call", "syscall", "return"})
        self.assertEqual(len(events), 9)
        self.assertNotIn("getuid", [e.get("name") for e in self.everything])

    @need("strace")
    def test_the_same_as_strace_between_two_points(self):
        """No call is lost, none is added, none is doubled: with all functions selected, what libc
        did between two marks is what strace sees there, less what no call made (getuid)."""
        names = ["nested", "outside", "errors", "values"]
        parts = self.part(*names, functions="@all")
        trace = self.path("strace.txt")
        # Standard output is a file in both runs: what stdio asks the kernel depends on it.
        self.assertEqual(self.run_plain(["strace", "-o", trace, program("sequence"), *names]).status, 0)
        with open(trace) as file:
            lines = [l.rstrip("\n") for l in file if re.match(r"\w+\(", l)]
        marks = [i for i, l in enumerate(lines) if l.startswith("getppid(")]
        for i, (name, part) in enumerate(zip(names, parts)):
            theirs = lines[marks[2 * i] + 1:marks[2 * i + 1]]
            theirs = [re.match(r"(\w+)\(.*\)\s+= (\S+)", l).groups() for l in theirs]
            ours = [(e["name"], e["text"].rsplit(" = ", 1)[1].split()[0])
                    for e in part if e["type"] == "syscall"]
            self.assertEqual(self.settle(ours), self.settle(t for t in theirs if t[0] != "getuid"),
                             name)

    def settle(self, pairs):
        return [(name, "ADDRESS" if value.startswith("0x") else value) for name, value in pairs]

    def test_failed_calls(self):
        events = self.part("errors", functions="@all")
        failed = [(e["function"], e["name"], e["ret"], e["error"])
                  for e in events if e["type"] == "syscall"]
        self.assertEqual(failed, [
            ("open", "openat", -1, "ENOENT"), ("read", "read", -1, "EBADF"),
            ("mkdir", "mkdir", -1, "EEXIST"),
            ("rmdir", "rmdir", -1, "EBUSY" if os.geteuid() == 0 else "EACCES"),
            ("chdir", "chdir", -1, "ENOTDIR"), ("dup2", "dup2", -1, "EBADF")])
        self.assertEqual([e["ret"] for e in events if e["type"] == "return"], [-1] * 6)
        texts = [e["text"] for e in events if e["type"] == "syscall"]
        self.assertEqual(texts[0], 'openat(AT_FDCWD, "/nonexistent/file", O_RDONLY)'
                                   ' = -1 ENOENT (No such file or directory)')

    def test_handler_inside_a_call(self):
        events = self.part("signal", functions="read,write")
        calls = {e["call"]: e for e in events if e["type"] == "call"}
        written = next(e for e in events if e.get("name") == "write")
        self.assertEqual((written["function"], written["chain"], written["signal"], written["ret"]),
                         ("write", ["read", "write"], True, 3))
        reading = [e for e in events if e.get("name") == "read" and e["type"] == "syscall"]
        # Interrupted and restarted: one call of the program, counted once.
        self.assertEqual([(r["function"], r["ret"]) for r in reading if r.get("ret", 0) >= 0],
                         [("read", 3)])
        self.assertNotIn("signal", reading[-1])
        self.assertEqual(calls[written["call"]]["parent"], reading[-1]["call"])
        signals = [e for e in events if e["type"] == "process" and e["event"] == "signal"]
        self.assertEqual(len(signals), 1)
        # Only the handler's own call selected: then nothing of read is there.
        events = self.part("signal", functions="write")
        self.assertEqual(self.syscalls(events), [("write", "write", 3)])
        # Only read selected: the write belongs to it, marked.
        events = self.part("signal", functions="read")
        written = next(e for e in events if e.get("name") == "write")
        self.assertEqual((written["function"], written["signal"]), ("read", True))

    def test_handler_on_an_alternate_stack_above(self):
        result, events = self.events([program("alternate_above")], functions="qsort,access,raise")
        self.assertEqual(result.status, 0)
        self.assertEqual([(e["chain"], e["name"]) for e in events if e["type"] == "syscall"],
                         [(["qsort", "access"], "access")] +
                         [(["qsort", "raise"], n) for n in ("gettid", "getpid", "tgkill")] +
                         [(["qsort", "raise", "access"], "access"),
                          (["qsort", "raise"], "rt_sigreturn"), (["qsort", "access"], "access")])
        self.assertFalse([e for e in events if e.get("unwound")])

    def test_left_by_longjmp(self):
        events = self.part("unwound", functions="qsort,read,write")
        ids = {e["function"]: e for e in events if e["type"] == "call"}
        self.assertEqual(ids["write"]["parent"], ids["qsort"]["call"])
        returns = {e["call"]: e for e in events if e["type"] == "return"}
        self.assertIs(returns[ids["qsort"]["call"]].get("unwound"), True)
        self.assertNotIn("ret", returns[ids["qsort"]["call"]])
        self.assertEqual(returns[ids["read"]["call"]]["ret"], 1)
        self.assertEqual(ids["read"]["depth"], 0)
        self.assertNotIn("parent", ids["read"])

    def test_left_by_exception_and_by_cancellation(self):
        result, events = self.events([program("throw_qsort")], "-a", functions="qsort")
        self.assertEqual(result.status, 3)
        returns = [e for e in events if e["type"] == "return"]
        self.assertEqual([r.get("unwound", False) for r in returns], [True, True, True, False])
        # read(ready) by main, read(fds) by the thread, five times each; the second is cancelled.
        result, events = self.events([program("cancel_read")], functions="read")
        self.assertEqual(result.status, 0)
        main = events[0]["pid"]
        of_threads = [e for e in events if e["type"] == "return" and e["tid"] != main]
        self.assertEqual([r.get("unwound", False) for r in of_threads], [True] * 5)
        self.assertEqual([e["ret"] for e in events if e["type"] == "return" and e["tid"] == main],
                         [1] * 5)

    def test_threads(self):
        events = self.part("threads", functions="pread,pthread_create")
        reads = collections.defaultdict(list)
        for event in events:
            if event.get("name") == "pread64":
                self.assertEqual(event["function"], "pread")
                reads[event["tid"]].append((event["args"][3], event["ret"]))
        self.assertEqual(sorted(reads.values()),
                         [[(i, n * 10 + 1) for i in range(1, 11)] for n in range(4)])
        pids = {e["pid"] for e in events}
        self.assertEqual(len(pids), 1)
        self.assertNotIn(pids.pop(), reads)  # the leader read nothing

    def test_children(self):
        events = self.part("children", functions="access")
        counts = collections.Counter(e["pid"] for e in events if e["type"] == "syscall")
        self.assertEqual(sorted(counts.values()), [1, 2, 3])
        forks = [e["child"] for e in events if e["type"] == "process" and e["event"] == "fork"]
        self.assertEqual(sorted(forks), sorted(counts))
        exits = {e["pid"]: e["status"] for e in events
                 if e["type"] == "process" and e["event"] == "exit"}
        self.assertEqual([exits[pid] for pid in forks], [0, 1, 2])
        # Not followed: the children run and are not seen.
        events = self.part("children", functions="access", options=["--no-follow"])
        self.assertEqual([e for e in events if e["type"] == "syscall"], [])

    def test_first_call_after_vfork(self):
        # The kernel lets the parent go before the tracer hears of the child's exec or end.
        result, events = self.events([program("vfork_then_calls")], functions="access,syscall,waitpid")
        self.assertEqual(result.status, 0)
        first = events[0]["pid"]
        names = [e["name"] for e in events if e["type"] == "syscall" and e["pid"] == first]
        self.assertEqual(names, ["access", "wait4"] * 20)
        children = [e["name"] for e in events if e["type"] == "syscall" and e["pid"] != first]
        self.assertEqual(children, ["close_range"] * 20)

    def test_values(self):
        events = self.part("values", functions="printf,puts,fflush,strlen")
        calls = [e for e in events if e["type"] == "call"]
        self.assertEqual([c["function"] for c in calls], ["printf", "fflush", "fflush"])
        self.assertEqual(calls[0]["args"], ["%s %d\n", "text", 42])
        returns = {e["call"]: e["ret"] for e in events if e["type"] == "return"}
        self.assertEqual([returns[c["call"]] for c in calls], [8, 0, 0])
        written = [e["text"] for e in events if e.get("name") == "write"]
        self.assertEqual(written, [r'write(1, "text 42\n", 8) = 8', r'write(1, "line\n", 5) = 5'])

    def test_all_calls(self):
        events = self.part("values", functions="printf,puts,fflush,strlen", options=["-a"])
        calls = [e["function"] for e in events if e["type"] == "call"]
        self.assertEqual(calls, ["printf", "fflush", "puts", "fflush", "strlen"])
        last = [e for e in events if e["type"] == "return"][-1]
        self.assertEqual(last["ret"], 4)

    def test_calls_that_the_vdso_answers_make_no_syscall(self):
        """Whether it does depends on the machine's clock: strace decides what is expected."""
        argv = [program("vdso")]
        result, events = self.events(argv, "-a", functions="clock_gettime,gettimeofday,time,sched_getcpu")
        self.assertEqual(result.status, 0)
        calls = [e["function"] for e in events if e["type"] == "call"]
        self.assertEqual(calls, ["clock_gettime", "gettimeofday", "time", "sched_getcpu", "clock_gettime"])
        ours = [e["name"] for e in events if e["type"] == "syscall"]
        self.run_plain(["strace", "-o", self.path("strace"), "-e", "%clock,getcpu", *argv])
        with open(self.path("strace"), encoding="ascii") as file:
            theirs = [line.split("(")[0] for line in file if "(" in line]
        self.assertEqual(ours, theirs)
        self.assertIn("clock_gettime", ours)

    def test_syscall_filter(self):
        events = self.part("nested", functions="@all", options=["-e", "openat,close,getppid"])
        self.assertEqual([n for _, n, _ in self.syscalls(events)], ["openat", "close"])
        events = self.part("nested", functions="@all", options=["-e", "!openat"])
        names = [n for _, n, _ in self.syscalls(events)]
        self.assertNotIn("openat", names)
        self.assertIn("close", names)
        events = self.part("nested", functions="@all", options=["-e", "%file,getppid"])
        self.assertEqual([n for _, n, _ in self.syscalls(events)], ["openat", "newfstatat"])

    def test_each_of_a_thousand_once(self):
        events = self.part("repeated", functions="access")
        self.assertEqual(self.syscalls(events), [("access", "access", 0)] * 1000)
        ids = [e["call"] for e in events if e["type"] == "call"]
        self.assertEqual(len(set(ids)), 1000)
        self.assertEqual(len([e for e in events if e["type"] == "return"]), 1000)


class Format(Case):
    def test_keys_in_the_order_of_the_contract(self):
        for argv in ([program("sequence"), "nested", "errors", "signal", "unwound", "threads",
                      "children", "values"], [program("spawn_kinds")], [program("exec_clean")],
                     [program("die_by"), "abort"]):
            trace = self.path("keys.json")
            self.run_tool(argv, "-b", "json", "-o", trace, functions="@all")
            last = collections.defaultdict(int)
            with open(trace, encoding="utf-8") as file:
                for line in file:
                    event = json.loads(line)
                    self.assertTrue(in_order(event, KEYS[event["type"]]), line)
                    self.assertTrue(in_order(event.get("caller", ()), CALLER_KEYS), line)
                    self.assertNotIn("\x1b", line)
                    # A syscall is told when it ends; one that a handler interrupted ends after the
                    # handler's. So what never goes back on a thread is the time of the ends.
                    if event["type"] == "syscall":
                        end = event["ts"] + event["dur"]
                        self.assertLessEqual(last[event["tid"]], end, line)
                        last[event["tid"]] = end

    def test_every_call_opens_and_closes_once(self):
        for name, words in (("many_threads", ["16", "2"]), ("many_children", ["40"]),
                            ("signal_storm", []), ("cancel_read", []), ("spawn_kinds", [])):
            with self.subTest(name):
                _, events = self.events([program(name), *words], functions="@all", limit=40)
                self.check_structure(events)

    def test_a_handler_between_two_instructions_of_a_call(self):
        """Where it comes as a call begins or ends, the call is open, or it is not."""
        result, events = self.events([program("signals_between"), "400"], functions="strtol,write,qsort")
        self.assertEqual((result.status, result.out, result.err), (0, b"", b""), result)
        self.check_structure(events)
        self.assertEqual([e for e in events if e.get("unwound")], [])
        chains = collections.Counter("/".join(e.get("chain", [e["function"]])) for e in events
                                     if e.get("name") == "write")
        self.assertEqual(sum(chains.values()), 800)
        self.assertLessEqual({"strtol/write", "write"}, set(chains))
        self.assertLessEqual(set(chains), {"strtol/write", "write", "qsort/strtol/write", "qsort/write"})

    def check_structure(self, events):
        """Calls and returns are properly nested on each thread, and each syscall names the
        innermost open call of its own thread."""
        stacks = collections.defaultdict(list)
        seen = set()
        for event in events:
            stack = stacks[event.get("tid")]
            if event["type"] == "call":
                self.assertNotIn(event["call"], seen)
                seen.add(event["call"])
                self.assertEqual(event.get("parent"), stack[-1][0] if stack else None, event)
                self.assertEqual(event["depth"], len(stack), event)
                stack.append((event["call"], event["function"]))
            elif event["type"] == "syscall":
                # One that never came back (a cancelled read) is told when that is known: calls of
                # the unwinder may have begun since.
                depth = [c for c, _ in stack].index(event["call"]) + 1
                self.assertTrue(depth == len(stack) or "ret" not in event, event)
                self.assertEqual(event["function"], stack[depth - 1][1], event)
                chain = event.get("chain", [event["function"]])
                self.assertEqual(chain, [name for _, name in stack[:depth]], event)
            elif event["type"] == "return":
                self.assertEqual(event["call"], stack.pop()[0], event)
            elif event["type"] == "lost":
                self.fail("events were lost")
        self.assertEqual({t: s for t, s in stacks.items() if s}, {}, "calls that never ended")


class Floats(Case):
    """A variadic function's floating-point arguments are there when it is entered."""

    def test_as_printed(self):
        for options in ((), ("-a",)):
            path = self.path("trace")
            result = self.run_tool([program("floats")], *options, "-s", "100", "-o", path, functions="printf")
            self.assertEqual(result.out, b"2.50 7 1000 text 0.5\n")
            with open(path, encoding="utf-8") as trace:
                lines = [line for line in trace if "printf(" in line]
            self.assertEqual(len(lines), 1, lines)
            self.assertRegex(lines[0], r'printf\(".*", 2\.5\d*, 7, 1000(\.0+)?, "text", 0\.5\d*\)', options)


if __name__ == "__main__":
    harness.main()
