"""wc-ctl: functions, system calls, back ends and rules changed while the program runs. No event is
lost, doubled or on the wrong side of a change."""
import collections
import json
import os
import random
import re
import subprocess
import time

import harness
from harness import BUILD, Controlled, GATE, program

PATH = re.compile(r'"/(\w+)/(\d+)"')


class Control(Controlled):
    def setUp(self):
        super().setUp()
        self.control = self.path("control")
        self.trace = self.path("trace.json")
        self.over = self.path("over")
        self.changes = []  # (first event that obeys, what)

    def begin(self, *options, threads=1, forks=False, functions="access", backend="json"):
        argv = [program("numbered_calls"), self.over, str(threads), *(["fork"] if forks else [])]
        self.running = self.start(self.tool_argv(argv, "--control", self.control, "-b", backend, "-o", self.trace,
                                                 *options, functions=functions))
        harness.wait_until(lambda: os.path.exists(self.control), 20, "the control socket")
        harness.wait_until(lambda: self.ask("status")["events"] > 50 or backend == "none", 20, "events")

    def change(self, *words):
        answer = self.ask(*words)
        self.assertTrue(answer["ok"])
        return answer["from"]

    def end(self):
        with open(self.over, "w", encoding="utf-8"):
            pass
        result = self.finish(self.running, 60)
        self.assertEqual((result.status, result.err), (0, b""), result)
        return dict(map(int, line.split()) for line in result.out.decode().splitlines())

    def events(self, path=None):
        """Behind the line that says what ran: event N of a change is line N - 1 here."""
        with open(path or self.trace, encoding="utf-8") as file:
            return [json.loads(line) for line in file][1:]

    @staticmethod
    def content(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def numbers(self, events, function):
        """By what stands in front of it: the numbers of the calls, in their order."""
        found = collections.defaultdict(list)
        for event in events:
            if event["type"] == "syscall" and event["function"] == function:
                where, number = PATH.search(event["text"]).groups()
                found[where].append(int(number))
        return found

    def check_sides(self, events, changes):
        """`changes`: (first event that obeys, functions that are on)."""
        at, on = 0, set()
        for number, event in enumerate(events, 1):
            while at < len(changes) and changes[at][0] <= number:
                on = changes[at][1]
                at += 1
            if event["type"] == "call":
                self.assertIn(event["function"], on, (number, event, changes[max(0, at - 3):at + 1]))

    def check_runs(self, events, function, intervals):
        """All that came in one go of being on, and nothing twice."""
        for where, numbers in self.numbers(events, function).items():
            self.assertEqual(numbers, sorted(set(numbers)), where)
            if where.startswith("c"):
                continue
            runs = 1 + sum(b != a + 1 for a, b in zip(numbers, numbers[1:]))
            self.assertLessEqual(runs, intervals, (function, where))


class Functions(Control):
    def test_sets_grow_and_shrink(self):
        for threads, forks in ((1, False), (4, False), (2, True)):
            with self.subTest(threads=threads, forks=forks):
                self.setUp()
                self.begin(threads=threads, forks=forks)
                chosen = random.Random(threads)
                on, changes, intervals = {"access"}, [(1, {"access"})], collections.Counter(access=1)
                for _ in range(60):
                    verb = chosen.choice(("add", "remove", "set"))
                    names = chosen.choice(({"access"}, {"open"}, {"access", "open"}))
                    after = names if verb == "set" else on | names if verb == "add" else on - names
                    changes.append((self.change("functions", verb, ",".join(names)), set(after)))
                    intervals.update(after - on)
                    on = after
                    time.sleep(chosen.random() / 50)
                made = self.end()
                events = self.events()
                self.check_sides(events, changes)
                for function in ("access", "open"):
                    self.check_runs(events, function, intervals[function])
                self.assertEqual(len(made), threads)
                self.assertFalse([e for e in events if e["type"] == "lost"])

    def test_what_was_not_prepared_is_refused(self):
        self.begin("--prepare", "access,open")
        for words, reason in ((("functions", "add", "close"), b"--prepare"),
                              (("functions", "add", "acess"), b"--prepare"),
                              (("functions", "set", "@nothing"), b"@nothing"),
                              (("functions",), b"there are: functions set LIST"),
                              (("syscalls", "set", "opn"), b"opn")):
            answer = self.ctl(*words)
            self.assertEqual((answer.returncode, answer.stdout), (1, b""), words)
            self.assertIn(reason, answer.stderr)
            self.assertEqual(answer.stderr.count(b"\n"), 1)
        self.assertEqual(self.ask("status")["functions"], "access")
        self.end()

    def test_pause_and_resume(self):
        self.begin(threads=2)
        pauses = []
        for _ in range(20):
            begin = self.change("pause")
            time.sleep(0.01)
            pauses.append((begin, self.change("resume")))
            time.sleep(0.01)
        self.assertFalse(self.ask("status")["paused"])
        self.end()
        events = self.events()
        for number, event in enumerate(events, 1):
            if event["type"] == "call":
                self.assertFalse([p for p in pauses if p[0] <= number < p[1]], (number, event))
        self.check_runs(events, "access", 21)

    def test_a_child_that_was_born_in_a_pause(self):
        self.begin(threads=1, forks=True)
        self.change("pause")
        time.sleep(0.3)
        begin = self.change("resume")
        harness.wait_until(lambda: self.ask("status")["events"] > begin + 500, 20, "events of children")
        self.end()
        after = self.events()[begin:]
        self.assertTrue([e for e in after if e["type"] == "syscall" and '"/c' in e["text"]])


class Syscalls(Control):
    def test_the_filter_is_replaced(self):
        self.begin(functions="access,open")
        changes = [(1, {"access", "openat"})]
        for names in ("access", "openat", "none", "access,openat", "!access", "all") * 3:
            on = {"none": set(), "!access": {"openat"}, "all": {"access", "openat"}}.get(names, set(names.split(",")))
            changes.append((self.change("syscalls", "set", names), on))
            time.sleep(0.01)
        self.end()
        at, on = 0, set()
        seen = set()
        for number, event in enumerate(self.events(), 1):
            while at < len(changes) and changes[at][0] <= number:
                on = changes[at][1]
                at += 1
            if event["type"] == "syscall":
                self.assertIn(event["name"], on, (number, event))
                seen.add((at, event["name"]))
        self.assertGreater(len(seen), len(changes) // 2)


class Backends(Control):
    def test_replaced_without_a_gap(self):
        self.begin(threads=2)
        traces = [self.trace]
        for i in range(10):
            traces.append(self.path(f"trace{i}.json"))
            self.change("backend", "replace", "0", f"json:output={traces[-1]}")
            time.sleep(0.02)
        made = self.end()
        numbers = collections.defaultdict(list)
        for trace in traces:
            for where, some in self.numbers(self.events(trace), "access").items():
                numbers[where] += some
        for thread, count in made.items():
            self.assertEqual(numbers[str(thread)], list(range(count)))

    def test_none_by_text_and_others_beside_it(self):
        self.begin(backend="none")
        self.assertEqual(self.ask("backend", "list")["backends"], [{"id": 0, "spec": "none"}])
        text = self.path("text")
        self.change("backend", "replace", "0", f"text:output={text}")
        added = self.ask("backend", "add", f"summary:output={self.path('summary')}")
        self.assertEqual(added["id"], 1)
        before = self.ask("status")["events"]
        harness.wait_until(lambda: self.ask("status")["events"] > before + 50, 20, "events for both")
        self.change("backend", "remove", "1")
        self.ask("flush")
        self.assertIn("access(", self.content(text))
        self.assertIn("access", self.content(self.path("summary")))
        for words in (("remove", "7"), ("add", "jsn"), ("replace", "0", "text:nothing=1"), ("add", "folded")):
            self.assertEqual(self.ctl("backend", *words).returncode, 1, words)
        self.assertEqual([b["id"] for b in self.ask("backend", "list")["backends"]], [0])
        self.end()


class Rules(Control):
    def test_come_and_go(self):
        self.begin(functions="access,open")
        begin = self.ask("inject", "add", "access:error=EIO")
        time.sleep(0.05)
        self.assertGreater(self.ask("inject", "list")["rules"][0]["hits"], 0)
        end = self.change("inject", "remove", str(begin["n"]))
        second = self.ask("inject", "add", "openat@open:error=EPERM:p=0.5")
        self.assertEqual((second["n"], type(second["seed"])), (1, int))
        self.change("inject", "clear")
        self.assertEqual(self.ask("inject", "list")["rules"], [])
        for wrong in (("add", "acess:error=EIO"), ("remove", "9"), ("add", "access")):
            self.assertEqual(self.ctl("inject", *wrong).returncode, 1, wrong)
        self.end()
        for number, event in enumerate(self.events(), 1):
            if event["type"] == "syscall" and event["name"] == "access":
                inside = begin["from"] <= number < end
                # One that was under way has begun before the change.
                if event.get("error") == "EIO":
                    self.assertLess(number, end + 4, event)
                elif inside:
                    self.assertLess(number, begin["from"] + 4, event)


class Judges(Control):
    """A back end that decides comes while the program runs, and leaves."""

    def test_comes_and_goes(self):
        judge = os.path.join(harness.PROGRAMS, "judge.so") + ":syscall=access,verdict=1,value=5"
        self.begin(functions="access,open")
        if GATE == "inproc":
            self.assertIn(b"which engine inproc cannot do: use -E ptrace", self.ctl("backend", "add", judge).stderr)
            self.end()
            return
        begin = self.ask("backend", "add", judge)
        time.sleep(0.05)
        end = self.change("backend", "remove", str(begin["id"]))
        self.end()
        events = list(enumerate(self.events(), 1))
        failed = [n for n, e in events if e["type"] == "syscall" and e.get("error") == "EIO"]
        self.assertGreater(len(failed), 10)
        # A syscall that was under way has begun before the change.
        missed = [n for n, e in events if e.get("name") == "access" and begin["from"] + 4 <= n < end and "injected" not in e]
        self.assertEqual(([n for n in failed if n < begin["from"] or n >= end + 4], missed), ([], []))


class Session(Control):
    def test_stop(self):
        """The program runs on, by itself, and its status is waited for."""
        self.begin(threads=3, forks=True)
        self.ask("stop")
        harness.wait_until(lambda: self.ctl("status").returncode == 2, 20, "the end of the session")
        self.end()

    def test_status(self):
        self.begin(threads=3)
        status = self.ask("status")
        self.assertEqual((status["processes"], status["threads"]), (1, 4))
        self.assertEqual(status["engine"], "inproc" if GATE == "inproc" else "ptrace")
        self.assertEqual((status["rules"], status["lost"], status["sampling"]), ([], 0, []))
        self.assertEqual(status["backends"], [{"id": 0, "spec": "json"}])
        self.ask("flush")
        self.end()

    def test_another_user_is_refused(self):
        self.begin()
        os.chmod(self.dir, 0o755)
        os.chmod(self.control, 0o666)
        answer = subprocess.run(self.as_nobody(os.path.join(BUILD, "bin/wc-ctl"), self.control, "status"),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertNotEqual(answer.returncode, 0)
        self.assertEqual(answer.stdout, b"")
        self.end()

    def test_a_process_that_runs_already(self):
        """Its functions have breakpoints; all else can be changed."""
        harness.wait_until(lambda: not os.path.exists(self.over), 1, "a fresh folder")
        native = self.start([program("numbered_calls"), self.over, "1"])
        traced = self.start([self.tool, "-p", str(native.pid), "--control", self.control, "-F", "access", "-b", "json",
                             "-o", self.trace])
        harness.wait_until(lambda: os.path.exists(self.control), 20, "the control socket")
        harness.wait_until(lambda: self.ask("status")["events"] > 50, 20, "events")
        for words in (("functions", "add", "open"), ("sample", "every=2")):
            answer = self.ctl(*words)
            self.assertEqual((answer.returncode, answer.stdout), (1, b""), words)
            self.assertIn(b"breakpoints", answer.stderr)
        self.change("pause")
        self.change("resume")
        self.change("backend", "replace", "0", f"text:output={self.path('text')}")
        self.ask("stop")
        self.assertEqual(self.finish(traced).status, 0)
        with open(self.over, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.finish(native).status, 0)

    def test_prepare_alone_is_warned_about(self):
        result = self.run_tool(["/bin/true"], "--prepare", "open", "-b", "none")
        self.assertEqual(result.status, 0)
        self.assertIn(b"--prepare has no effect", result.err)


if __name__ == "__main__":
    harness.main()
