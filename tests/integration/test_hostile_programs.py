"""Programs that mean harm to their tracer: it must neither crash nor hang nor grow, and it must still end as
they end. Run under AddressSanitizer and UBSan in CI."""
import os
import signal
import threading
import unittest

import harness
from harness import Case, GATE, program

SURVIVED = 23  # hostile.c's way to say so
# How a program may end that has overwritten what its own shim reads.
DEATHS = [-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP,
                                 signal.SIGSYS, signal.SIGALRM)]
# Of what one tracer takes for a small program this is a small multiple; a leak an event would go beyond.
MEGABYTES = 120 if harness.SLOWNESS == 1 else 900


class PeakMemory(threading.Thread):
    """The high-water mark of a process's resident memory in kilobytes, as long as it can be read."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            try:
                with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
                    marks = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
            except OSError:
                return
            self.peak = max([self.peak, *marks])


class HostilePrograms(Case):
    def hostile(self, *words, functions="@all", limit=40, name="hostile"):
        """The traced run's result; the tracer is bounded, says nothing but of lost events, and leaves nothing."""
        trace = self.path("trace.json")
        running = self.start(self.tool_argv([program(name), *words], "-b", "json", "-o", trace,
                                            functions=functions))
        memory = PeakMemory(running.pid)
        memory.start()
        result = self.finish(running, limit)
        memory.ended.set()
        memory.join()
        self.assert_nothing_left()
        self.assertLess(memory.peak, MEGABYTES * 1024, "kilobytes of the tracer's memory")
        self.assertNotIn(b"Sanitizer", result.err)
        self.assertNotIn(b"runtime error", result.err)
        self.events_seen = harness.read_json(trace)
        return result

    def calls(self):
        return len([e for e in self.events_seen if e.get("name") == "access"])

    def test_forks(self):
        self.assertEqual(self.hostile("forks", "500").status, SURVIVED)
        # Each fork is followed by three calls of the parent's and three of the child's.
        self.assertEqual(self.calls(), 500 * 6)

    def test_execs_in_a_loop(self):
        self.assertEqual(self.hostile("execs", "60", functions="access").status, SURVIVED)
        self.assertEqual(self.calls(), 61 * 3)

    def test_scribbles_over_the_shared_memory(self):
        """What it shares is its own to spoil; it may die of that, the tracer may not."""
        result = self.hostile("scribbles", "2000", functions="access,usleep")
        self.assertIn(result.status, (SURVIVED, *DEATHS), result)
        told = [line for line in result.err.splitlines() if b"has overwritten the memory" not in line]
        self.assertEqual(told, [], result)

    def test_writes_counts_while_they_are_read(self):
        """What was read once and found right must not be read again."""
        for field in ("pending", "head", "tail", "depth", "reserved", "marked", "all"):
            with self.subTest(field=field):
                result = self.hostile(field, "40", functions="access", name="hostile_counts")
                self.assertIn(result.status, (SURVIVED, *DEATHS), result)
                told = [line for line in result.err.splitlines() if b"has overwritten the memory" not in line]
                self.assertEqual(told, [], result)

    def test_execs_while_a_child_holds_its_descriptors(self):
        """Whoever was connected once may not speak for the program that comes after it."""
        self.assertEqual(self.hostile("holds", "40", functions="access").status, SURVIVED)
        self.assertEqual(self.calls(), 41 * 3)

    def test_leaves_everything_by_longjmp(self):
        self.assertEqual(self.hostile("jumps", "300", functions="access,pause,raise").status, SURVIVED)
        # A busy machine may let the alarm come before the program waits for it.
        pauses = [e for e in self.events_seen if e["type"] == "syscall" and e["name"] == "pause"]
        self.assertIn(len(pauses), range(int(150 / harness.SLOWNESS), 301))
        calls, returns = ([e["call"] for e in self.events_seen if e["type"] == kind] for kind in ("call", "return"))
        self.assertEqual(sorted(calls), sorted(returns), "each call is over at the end")
        self.assertEqual(self.calls(), 2 * 300 + 3)

    def test_unmaps_the_shared_memory(self):
        """It is there again at the next call, with all that was in it."""
        for functions in ("access", "@all"):
            with self.subTest(functions=functions):
                result = self.hostile("unmaps", "40", functions=functions)
                self.assertEqual((result.status, result.err), (SURVIVED, b""), result)
                self.assertEqual(self.calls(), 2 * 40 * 3)

    def test_floods_the_socket(self):
        self.assertEqual(self.hostile("floods", "1000", functions="access").status, SURVIVED)
        self.assertEqual(self.calls(), 10 * 3)

    def test_reuses_descriptors(self):
        result = self.hostile("reuses", "30", functions="access")
        self.assertEqual(result.status, SURVIVED)
        if GATE != "socket":  # whose connection is among the closed ones
            self.assertEqual(self.calls(), 30 * 4)

    def test_threads_that_come_and_go(self):
        self.assertEqual(self.hostile("threads", "150", functions="access").status, SURVIVED)
        self.assertEqual(self.calls(), 150 * 8 * 3)

    def test_sends_itself_the_gates_signals(self):
        self.assertEqual(self.hostile("signals", "200", functions="access,raise,signal").status, SURVIVED)
        self.assertEqual(self.calls(), 200 * 4)


if __name__ == "__main__":
    harness.main()
