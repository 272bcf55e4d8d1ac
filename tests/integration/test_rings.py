"""Engine inproc's rings: what happens when they are full, when one of the two sides ends, when many
threads come and go. Nothing is lost but where that is asked for, and then it is counted."""
import collections
import os
import random
import resource
import signal
import struct
import unittest

import harness
from harness import Case, processes, program

SEEK = "lseek"


class Rings(Case):
    def trace(self, argv, *options, limit=60):
        path = self.path("trace.json")
        running = self.start(self.tool_argv(argv, "-E", "inproc", "-b", "json", "-o", path, *options,
                                            functions=f"{SEEK},access"))
        result = running.wait(limit)
        return result, harness.read_json(path)

    def offsets(self, events):
        """What each thread's calls of lseek asked for, in the order of the trace."""
        found = collections.defaultdict(list)
        for event in events:
            if event["type"] == "syscall" and event["name"] == SEEK:
                found[event["tid"]].append(event["args"][1])
        return found

    def test_a_full_ring_makes_the_program_wait(self):
        rounds, threads = 20_000, 2
        result, events = self.trace([program("ring_burst"), str(rounds), str(threads)])
        self.assertEqual((result.status, result.out), (0, b"begun\ndone\n"), result)
        found = self.offsets(events)
        self.assertEqual(len(found), threads)
        for offsets in found.values():
            self.assertEqual(offsets, list(range(rounds)))
        self.assertEqual([e for e in events if e["type"] == "lost"], [])
        calls = sum(e["type"] == "call" for e in events)
        self.assertEqual(calls, sum(e["type"] == "return" for e in events))

    def test_a_full_ring_drops_and_counts(self):
        rounds, threads = 100_000, 2
        result, events = self.trace([program("ring_burst"), str(rounds), str(threads)],
                                    "--overflow=drop")
        self.assertEqual((result.status, result.out), (0, b"begun\ndone\n"), result)
        lost = sum(e["count"] for e in events if e["type"] == "lost")
        found = self.offsets(events)
        self.assertGreater(lost, 0, "the tracer was as fast as the program: nothing was tested")
        self.assertEqual(sum(map(len, found.values())) + lost, rounds * threads)
        for offsets in found.values():
            self.assertEqual(offsets, sorted(set(offsets)))
        # What is told of is whole: each call has its return, each syscall its call.
        calls = {e["call"] for e in events if e["type"] == "call"}
        self.assertEqual(calls, {e["call"] for e in events if e["type"] == "return"})
        self.assertEqual(calls, {e["call"] for e in events if e["type"] == "syscall"})

    def test_ten_thousand_threads(self):
        count = 10_000
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        result, events = self.trace([program("brief_threads"), str(count)], limit=80)
        self.assertEqual((result.status, result.out), (0, b"done\n"), result)
        found = self.offsets(events)
        self.assertEqual(sorted(o for offsets in found.values() for o in offsets), list(range(count)))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if peak > before and harness.SLOWNESS == 1:
            self.assertLess(peak, 150 * 1024, "KiB: the largest process, tracer or program")

    def test_the_tracer_is_killed_when_rings_are_full(self):
        for threads in (1, 4):
            with self.subTest(threads=threads):
                argv = [program("ring_burst"), "300000", str(threads)]
                running = self.start(self.tool_argv(argv, "-E", "inproc", "-b", "json", "-o",
                                                    self.path("trace.json"), functions=SEEK))
                running.wait_for_output(b"begun")
                child = processes.descendants(running.pid)[-1]
                os.kill(running.pid, signal.SIGSTOP)
                # In the stop that asks for room.
                harness.wait_until(lambda: all(self.state(child, t) == "t" for t in self.workers(child)),
                                   20, "full rings")
                os.kill(running.pid, signal.SIGKILL)
                running.popen.wait()
                harness.wait_until(lambda: not self.is_there(child), 40, "the program's end")
                self.assertEqual(running.output(0), b"begun\ndone\n")
                running.close()

    @staticmethod
    def workers(pid):
        return [t for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid]

    @staticmethod
    def state(pid, tid):
        with open(f"/proc/{pid}/task/{tid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]

    @staticmethod
    def is_there(pid):
        processes.reap_orphans([])
        return processes.is_running(pid)

    def test_the_program_is_killed_in_the_middle(self):
        chance = random.Random(11)
        for turn in range(6 * harness.SOAK):
            counts = self.path("counts")
            path = self.path("trace.json")
            argv = [program("ring_burst"), "1000000", "2", counts]
            running = self.start(self.tool_argv(argv, "-E", "inproc", "-b", "json", "-o", path,
                                                functions=SEEK))
            running.wait_for_output(b"begun")
            child = processes.descendants(running.pid)[-1]
            # Not by the clock: after so many calls.
            goal = chance.randrange(1, 8000)
            harness.wait_until(lambda: sum(self.counted(counts)) >= goal, 20, "some calls")
            os.kill(child, signal.SIGKILL)
            result = running.wait(60)
            self.assertEqual(result.status, -signal.SIGKILL, result)
            found = self.offsets(harness.read_json(path))
            for offsets in found.values():
                self.assertEqual(offsets, list(range(len(offsets))))
            # All that have returned are told of, and at most one more of each thread.
            returned, told = sorted(self.counted(counts)), sorted(map(len, found.values()))
            told = [0] * (2 - len(told)) + told
            for was, now in zip(returned, told):
                self.assertIn(now - was, (0, 1), (turn, returned, told))
            self.assertEqual(result.err, b"")
            os.remove(counts)

    @staticmethod
    def counted(path):
        try:
            with open(path, "rb") as file:
                return struct.unpack("2q", file.read(16).ljust(16, b"\0"))
        except FileNotFoundError:
            return (0, 0)

    def test_hardly_any_descriptors(self):
        """RLIMIT_NOFILE 8: the handshake takes two for a moment, and nothing is kept."""
        script = "ulimit -n 8; exec ls -l /etc/passwd /nowhere"
        native = self.run_plain(["sh", "-c", script])
        traced = self.run_plain(self.tool_argv(["sh", "-c", script], "-E", "inproc", "-o",
                                               self.path("trace"), functions="@default"))
        self.assertEqual((traced.status, traced.out, traced.err),
                         (native.status, native.out, native.err))


if __name__ == "__main__":
    harness.main()
