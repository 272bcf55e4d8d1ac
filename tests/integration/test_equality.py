"""Engine inproc reports what engine ptrace reports, where records meet what the thread does besides: waits that the
tracer has announced, signals, execve(2), handlers that leave by longjmp. tests/oracle/test_engines.py compares text."""
import collections
import json
import re

import harness
from harness import Case, gate_unavailable, program


class Waits(Case):
    def events(self, engine, *options, argv=()):
        trace = self.path(engine)
        result = self.run_tool([program("long_waits"), *argv], "-E", engine, "-b", "json", "-o", trace, *options)
        self.assertEqual((result.status, result.err), (0, b""), result)
        with open(trace, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def sequences(self, events):
        """Of each process what begins and ends, in its order."""
        found, names = collections.defaultdict(list), {}
        for event in events:
            if event["type"] == "process" and event["event"] == "fork":
                names[event["child"]] = f"child {len(names)}"
            key = names.get(event.get("pid"), "first")
            if event["type"] == "call":
                found[key].append(event["function"] + "(")
            elif event["type"] == "return":
                found[key].append(")" if not event.get("unwound") else "unwound")
            elif event["type"] == "syscall":
                found[key].append((event["name"], event["function"], event.get("signal")))
        return dict(found)

    def test_a_wait_that_a_signal_ends(self):
        functions = "wait,fork,usleep,write,_exit,open,close"
        stops, inproc = (self.sequences(self.events(engine, "-F", functions)) for engine in ("ptrace", "inproc"))
        self.assertEqual(inproc, stops)
        self.assertNotIn("unwound", sum(inproc.values(), []))

    def test_the_stack_of_a_wait(self):
        chains = {}
        for engine in ("ptrace", "inproc"):
            result = self.run_tool([program("long_waits")], "-E", engine, "-F", "wait,usleep", "-b", "folded")
            chains[engine] = {line.rsplit(b" ", 1)[0] for line in result.err.splitlines()}
        self.assertEqual(chains["inproc"], chains["ptrace"])

    def test_callers_of_a_program_that_is_gone(self):
        """Nothing of the call stops; the tracer reads its record when another program has taken its place."""
        for options in ((), ("-k",)):
            events = self.events("inproc", "-F", "open,close", *options, argv=["/bin/true"])
            last = [e for e in events if e["type"] == "call" and e["function"] == "open"][-1]
            self.assertEqual((last["caller"]["symbol"], last["args"][0]), ("open_last", "/dev/zero"), last)
            if options:
                self.assertIn("main", [frame.get("symbol") for frame in last["stack"]])


class Stops(Case):
    def left(self, *argv):
        """What -v says: by system call, function and reason."""
        result = self.run_tool([*argv], "-E", "inproc", "-v", "-b", "none")
        line = re.search(rb"wc-preload: (\d+) system calls were left to stops:(.*)", result.err)
        rows = re.findall(rb" (\d+) (\w+) in (\w+) \((\w+)\)", line.group(2)) if line else []
        others = re.search(rb", (\d+) others$", line.group(2)) if line else None
        self.assertEqual(sum(int(row[0]) for row in rows) + (int(others.group(1)) if others else 0),
                         int(line.group(1)) if line else 0)
        return {(syscall, function): (int(count), reason) for count, syscall, function, reason in rows}

    def test_a_tree_of_files_needs_none(self):
        self.assertEqual(self.left("find", "/etc", "-name", "nothing"), {})
        self.assertEqual(self.left("du", "-s", "/etc"), {})

    def test_what_is_left_is_counted(self):
        left = self.left("sh", "-c", "true & true & wait")
        self.assertEqual(left[b"clone", b"fork"], (2, b"syscall"))


class Jumps(Case):
    def test_writes_between_jumps_out_of_handlers(self):
        """Each number once or more (a jump may come before it is counted), in their order. A jump costs one record
        at most: of a call whose number comes again."""
        result = self.run_tool([program("jumping_writes"), "600"], "-E", "inproc", "-F", "write", "-b", "json", "-o",
                               self.path("trace"), limit=60)
        self.assertEqual((result.status, result.err), (0, b""), result)
        numbers, lost = [], 0
        with open(self.path("trace"), encoding="utf-8") as file:
            for event in map(json.loads, file):
                lost += event["count"] if event["type"] == "lost" else 0
                text = re.match(r'write\(\d+, "(\d{8})", 8\) = 8$', event.get("text", ""))
                if text:
                    numbers.append(int(text.group(1)))
        self.assertLessEqual(lost, 60, "a jump that comes in some 20 of 200 nanoseconds")
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(sorted(set(numbers)), list(range(int(result.out))))


if __name__ == "__main__":
    if gate_unavailable("inproc"):
        print("SKIP: engine inproc: " + gate_unavailable("inproc"))
        raise SystemExit(harness.SKIPPED)
    harness.main()
