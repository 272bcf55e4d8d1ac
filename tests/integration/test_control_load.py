"""Functions, system calls, sampling, rules, pauses and back ends changed at random under load: 40 times, 1,000 with
WC_SOAK. Every event is on the side of each change that its number says, none is lost or doubled, and the program
does not notice."""
import collections
import os
import random
import subprocess
import threading
import time

import harness
from harness import need
from test_control import Control, PATH

CHANGES = 40 if harness.SOAK == 1 else 1000
CALLED_BY = {"access": "access", "open": "openat"}

PYTHON = """
import os, sys, threading, time
def work(thread):
    made = 0
    while not os.path.exists(sys.argv[1]):
        for _ in range(20):
            path = f"/{thread}/{made}"
            if os.access(path, os.F_OK):
                os.abort()
            try:
                os.open(path, os.O_RDONLY)
                os.abort()
            except OSError:
                made += 1
        time.sleep(0.001)
    counts[thread] = made
counts = {}
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for one in threads: one.start()
for one in threads: one.join()
for thread, made in counts.items(): print(thread, made)
"""


class State:
    """What is in force from an event on."""

    def __init__(self, first, on, syscalls, sampled=False, paused=False, rule=False):
        self.first, self.on, self.syscalls = first, on, syscalls
        self.sampled, self.paused, self.rule = sampled, paused, rule

    def but(self, first, **changed):
        return State(**{**vars(self), "first": first, **changed})

    def shows(self, function, syscall):
        return function in self.on and syscall in self.syscalls and not self.paused


class Load(Control):
    def start_under(self, argv, functions, syscalls):
        self.traces = [self.path("trace0")]
        self.running = self.start(self.tool_argv(argv, "--control", self.control, "-b", "json", "-o", self.traces[0],
                                                 functions=",".join(functions)))
        harness.wait_until(lambda: os.path.exists(self.control), 20, "the control socket")
        self.states = [State(1, set(functions), set(syscalls))]
        self.replaced = [1]
        self.all_functions, self.all_syscalls = list(functions), list(syscalls)

    def shake(self, rule, chosen):
        """One random change, and a moment of it."""
        time.sleep(chosen.random() / 25)
        now = self.states[-1]
        kind = chosen.choice(("functions", "syscalls", "sample", "pause", "rule", "backend"))
        if kind == "functions":
            some = chosen.sample(self.all_functions, chosen.randint(1, len(self.all_functions)))
            verb = chosen.choice(("set", "add", "remove"))
            on = set(some) if verb == "set" else now.on | set(some) if verb == "add" else now.on - set(some)
            self.states.append(now.but(self.change("functions", verb, ",".join(some)), on=on))
        elif kind == "syscalls":
            some = chosen.sample(self.all_syscalls, chosen.randint(1, len(self.all_syscalls)))
            self.states.append(now.but(self.change("syscalls", "set", ",".join(some)), syscalls=set(some)))
        elif kind == "sample":
            what = "off" if now.sampled else "every=3"
            self.states.append(now.but(self.change("sample", what), sampled=not now.sampled))
        elif kind == "pause":
            self.states.append(now.but(self.change("resume" if now.paused else "pause"), paused=not now.paused))
        elif kind == "rule":
            first = self.change("inject", "clear") if now.rule else self.change("inject", "add", rule)
            self.states.append(now.but(first, rule=not now.rule))
        else:
            self.traces.append(self.path(f"trace{len(self.traces)}"))
            self.replaced.append(self.change("backend", "replace", "0", f"json:output={self.traces[-1]}"))

    def finish_running(self):
        with open(self.over, "w", encoding="utf-8"):
            pass
        result = self.finish(self.running, 60)
        said = [line for line in result.err.splitlines() if not line.endswith(b"never applied")]
        self.assertEqual((result.status, said), (0, []), result)
        return result

    def all_events(self):
        """Those of all traces, by their numbers."""
        events = []
        for first, trace in zip(self.replaced, self.traces):
            self.assertEqual(len(events) + 1, first, "a back end was replaced, and the numbers do not fit")
            events += self.events(trace)
        return events

    def each_with_state(self, events):
        at = 0
        for number, event in enumerate(events, 1):
            while at + 1 < len(self.states) and self.states[at + 1].first <= number:
                at += 1
            yield number, event, self.states[at]

    def check_sides_of(self, events):
        for number, event, state in self.each_with_state(events):
            if event["type"] == "call":
                self.assertIn(event["function"], state.on, (number, event))
                self.assertFalse(state.paused, (number, event))
            if event["type"] == "syscall":
                self.assertIn(event["name"], state.syscalls, (number, event))
                self.assertFalse(state.paused, (number, event))
        self.assertFalse([e for e in events if e["type"] == "lost"])


class Python(Load):
    def test_eight_threads(self):
        self.start_under(["/usr/bin/python3", "-c", PYTHON, self.over], CALLED_BY, CALLED_BY.values())
        harness.wait_until(lambda: self.ask("status")["threads"] > 8, 30, "its threads")
        chosen = random.Random(CHANGES)
        for _ in range(CHANGES):
            self.shake("access:error=EIO", chosen)
        self.assertEqual(self.finish_running().out.count(b"\n"), 8)
        events = self.all_events()
        self.check_sides_of(events)
        self.check_none_is_lost(events)
        self.check_rule(events)

    def check_none_is_lost(self, events):
        """What a thread did between two of its events is shown, as long as nothing has changed in between."""
        last = {}
        seen = collections.Counter()
        for _, event, state in self.each_with_state(events):
            if event["type"] != "syscall" or CALLED_BY.get(event["function"]) != event["name"]:
                continue
            match = PATH.search(event["text"])
            if match is None:
                continue
            key, made = (match[1], event["function"]), int(match[2])
            before, then = last.get(key, (-1, None))
            self.assertGreater(made, before, event)
            if then is state and not state.sampled:
                self.assertEqual(made, before + 1, event)
                seen[key[1]] += 1
            last[key] = made, state
        self.assertEqual(set(seen), set(CALLED_BY))

    def check_rule(self, events):
        """A system call that was under way has begun before the change: one a thread."""
        wrong = collections.Counter()
        for _, event, state in self.each_with_state(events):
            if event["type"] == "syscall" and event["name"] == "access":
                wrong[state.first] += ("injected" in event) != state.rule
        self.assertLessEqual(max(wrong.values(), default=0), 8, wrong)


class Redis(Load):
    @need("redis-server", "redis-benchmark", "redis-cli")
    def test_under_its_benchmark(self):
        path = self.path("redis")
        self.start_under(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", self.dir],
                         ("read", "write", "epoll_wait"), ("read", "write", "epoll_wait"))
        harness.wait_until(lambda: os.path.exists(path), 30, "redis-server's socket")
        over, said = threading.Event(), []

        def load():
            while not over.is_set() and not any(one.returncode for one in said):
                said.append(subprocess.run(["redis-benchmark", "-s", path, "-n", "2000", "-c", "10", "-q", "-t", "set,get"],
                                           capture_output=True, timeout=120, check=False))
        loading = threading.Thread(target=load)
        loading.start()
        try:
            chosen = random.Random(CHANGES)
            for _ in range(CHANGES):
                self.shake("write:delay_enter=1", chosen)
        finally:
            over.set()
            loading.join()
        for one in said:
            self.assertEqual((one.returncode, one.stderr), (0, b""), one)
            self.assertEqual(one.stdout.count(b"requests per second"), 2, one)
        subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], capture_output=True, timeout=60, check=False)
        self.finish_running()
        events = self.all_events()
        self.check_sides_of(events)
        names = {e["name"] for e in events if e["type"] == "syscall"}
        self.assertEqual(names, {"read", "write", "epoll_wait"})


if __name__ == "__main__":
    harness.main()
