"""The sudden end of one of the two. The tracer killed: the program goes on as if nothing had been there.
The program killed: the tracer ends in order and what it wrote can be read."""
import os
import random
import signal
import time
import unittest

import harness
from harness import Case, GATE, processes, program

TURNS = 20 * harness.SOAK
# Programs that run for a while, have output, and whose every system call is wrapped.
WORK = [("steady", ["1"]), ("steady", ["4"]), ("many_children", ["60"]), ("many_threads", ["16", "4"])]


class TracerKilled(Case):
    def test_the_program_goes_on(self):
        chance = random.Random(len(GATE) * 1000 + 7)
        native = {}
        failures = []
        for turn in range(TURNS):
            name, words = WORK[turn % len(WORK)]
            argv = [program(name), *words]
            if argv[0] + str(words) not in native:
                native[argv[0] + str(words)] = self.run_plain(argv)
            expected = native[argv[0] + str(words)]
            running = self.start(self.tool_argv(argv, "-b", "json", "-o", self.path("trace.json"),
                                                functions=("@all", None)[turn // 4 % 2]))
            # The output of the program goes to this file even when its parent is gone.
            delay = chance.uniform(0.0, 0.25)
            time.sleep(delay)
            children = processes.descendants(running.pid)
            begun = any((processes.stat_fields(child) or ("",))[0] == name for child in children)
            running.popen.kill()
            result = self.finish_after_kill(running, children)
            # Killed before the program had begun, there is nothing to go on.
            if begun and (result.out, result.err) != (expected.out, expected.err):
                failures.append(f"turn {turn} {name} {words} after {delay:.3f} s: {result}")
        self.assertEqual(failures, [])

    def finish_after_kill(self, running, children):
        running.popen.wait()

        def alive():
            processes.reap_orphans([running.pid])
            return [p for p in children if processes.is_running(p)] + processes.descendants()
        end = time.monotonic() + 15
        while left := alive():
            if time.monotonic() > end:
                print("STILL RUNNING: ", [processes.describe(p) for p in left])
                processes.dump_and_kill(os.getpid())
                self.fail("the program does not end without its tracer")
            time.sleep(0.01)
        return self.finish(running)


class ProgramKilled(Case):
    def first_child(self, running):
        """The program's process, or None when it has ended before it was seen."""
        seen = []

        def look():
            # Before it is the tracer it is the launcher, whose helpers are not the program.
            if (processes.stat_fields(running.pid) or ("",))[0] == "wc-tracerd":
                seen[:] = processes.descendants(running.pid) or seen
            return seen or running.popen.poll() is not None
        harness.wait_until(look, 10, "the program")
        return seen[0] if seen else None

    def test_the_tracer_ends_in_order(self):
        chance = random.Random(len(GATE))
        for turn in range(TURNS):
            name, words = WORK[turn % len(WORK)]
            trace = self.path("trace.json")
            running = self.start(self.tool_argv([program(name), *words], "-b", "json", "-o", trace,
                                                functions=("@all", None)[turn // 4 % 2]))
            child = self.first_child(running)
            time.sleep(chance.uniform(0.0, 0.15))
            if child:
                processes.kill(child)
            result = self.finish(running)
            # It may have been done already.
            self.assertIn(result.status, (0, -signal.SIGKILL), result)
            self.assertEqual(result.err, b"")
            # Children of the killed process run on and are traced to their end.
            self.assert_nothing_left()
            events = harness.read_json(trace)  # each line parses
            if result.status != 0 and events:
                exits = [e for e in events if e["type"] == "process" and e["event"] == "exit"
                         and e["pid"] == child and not e.get("thread")]
                self.assertTrue(exits and exits[-1]["killed"], events[-1])


if __name__ == "__main__":
    harness.main()
