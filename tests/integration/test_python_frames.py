"""--frames: the functions, files and lines of CPython, as its faulthandler prints them at the same syscalls."""
import os
import re
import signal
import subprocess
import unittest

import harness
from harness import Case

PYTHON = "/usr/bin/python3"
PLACES = os.path.join(harness.HERE, "programs/python_places.py")
THREADS = os.path.join(harness.HERE, "programs/python_threads.py")
FRAME = re.compile(r'  File "(.*)", line (\d+|\?\?\?) in (.*)')


def version_obstacle():
    """Why this Python's frames cannot be compared, or None."""
    if not os.access(PYTHON, os.X_OK):
        return f"{PYTHON} is not installed"
    out = subprocess.run([PYTHON, "-c", "import sys; print(*sys.version_info[:2], sep='.')"],
                         stdout=subprocess.PIPE, timeout=60, check=True).stdout.decode().strip()
    return None if out == "3.11" else f"{PYTHON} is Python {out}, its frames are known of 3.11 only"


def python_frames(stack):
    """As faulthandler has them: the last part of the name, and no more than it can print."""
    return [(f["file"].encode("ascii", "backslashreplace").decode(), f.get("line"),
             f["symbol"].rsplit(".", 1)[-1].encode("ascii", "backslashreplace").decode())
            for f in stack if f.get("language") == "python"]


def printed_places(path):
    """What faulthandler has printed, by place."""
    places = {}
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("place "):
                frames = places.setdefault(line[6:], [])
                frames.clear()
            elif found := FRAME.fullmatch(line):
                frames.append((found[1], int(found[2]) if found[2].isdigit() else None, found[3]))
    return places


def traced_places(events):
    """The stacks of the writes by which faulthandler prints, by place: of each thread those that follow the
    name of the place."""
    places, current = {}, {}
    for event in events:
        if event["type"] != "syscall" or event["name"] != "write":
            continue
        name = re.search(r'"place (.*)\\n"', event["text"])
        if name:
            current[event["tid"]] = places[name[1]] = []
        elif event["tid"] in current:
            current[event["tid"]].append(event["stack"])
    return places


@unittest.skipIf(version_obstacle(), version_obstacle())
class PythonFrames(Case):
    def places(self, *options, **more):
        output = self.path("printed")
        with open(output, "wb"):
            pass
        result, events = self.events([PYTHON, PLACES, output], *options, functions="write", limit=60, **more)
        self.assertEqual(result.status, 0, result)
        return printed_places(output), traced_places(events), result

    def test_as_faulthandler_prints_them(self):
        for kind in ("python", "auto"):
            printed, traced, _ = self.places(f"--frames={kind}", "-s", "200")
            self.assertGreater(len(printed), 50)
            self.assertEqual(set(printed), set(traced))
            for place, expected in printed.items():
                with self.subTest(place, kind=kind):
                    self.assertTrue(traced[place], "no write was traced")
                    for stack in traced[place]:
                        self.assertEqual(python_frames(stack), expected)

    def test_nothing_of_the_tool_and_all_c_functions_are_there(self):
        """Python's functions stand in the place of the interpreter's loop; the other C functions are as ever."""
        script = "import functools, os\nfunctools.reduce(lambda a, b: os.write(1, b'x\\n'), [1, 2])"
        stacks = {}
        for kind in ("native", "python"):
            _, events = self.events([PYTHON, "-c", script], f"--frames={kind}", functions="write")
            stacks[kind] = [e for e in events if e["type"] == "syscall"][-1]["stack"]
        of_c = [f["object_offset"] for f in stacks["python"] if "language" not in f]
        native = [f["object_offset"] for f in stacks["native"]]
        # Two runs of the loop, of the module and of the lambda function.
        self.assertEqual(len(native) - len(of_c), 2)
        rest = iter(native)
        self.assertTrue(all(one in rest for one in of_c), (native, of_c))
        order = [f["symbol"] if "language" in f else "C" for f in stacks["python"]]
        at = order.index("<lambda>")
        self.assertEqual(order[at + 1:order.index("<module>")].count("C"), order.index("<module>") - at - 1)
        self.assertGreater(order.index("<module>") - at, 1, "reduce stands between the two")
        self.assertEqual([order[0], order[-1]], ["C", "C"])

    def test_each_thread_has_its_own(self):
        _, events = self.events([PYTHON, THREADS, "threads"], "--frames=python", functions="write", limit=60)
        writes = [e for e in events if e["type"] == "syscall" and "thread " in e["text"]]
        self.assertEqual(len(writes), 300)
        for event in writes:
            number = re.search(r"thread (\d)", event["text"])[1]
            found = [frame[2] for frame in python_frames(event["stack"])]
            self.assertEqual(found, [f"deeper{number}", f"own{number}", "work", "run", "_bootstrap_inner", "_bootstrap"])

    def test_an_interpreter_within_the_interpreter(self):
        _, events = self.events([PYTHON, THREADS, "interpreter"], "--frames=python", functions="write")
        stack = next(e["stack"] for e in events if e["type"] == "syscall" and "within" in e["text"])
        self.assertEqual([frame[2] for frame in python_frames(stack)],
                         ["within", "<module>", "starts_interpreter", "<module>"])

    def test_new_threads_and_programs_are_started_by_someone(self):
        """Where the C stack ends early (clone3), and in a child that shares its parent's memory (vfork)."""
        for what, names in (("threads", ("clone3",)), ("program", ("vfork", "execve"))):
            _, events = self.events([PYTHON, THREADS, what], "--frames=python", "--scope=process", gate="auto",
                                    limit=60)
            for name in names:
                stacks = [e["stack"] for e in events if e["type"] == "syscall" and e["name"] == name and "stack" in e]
                found = [frame[2] for frame in python_frames(stacks[-1])]
                self.assertEqual(found[-2:], ["starts_" + what, "<module>"], name)

    def test_depth_counts_all_frames(self):
        script = "import os\ndef f(n): f(n - 1) if n else os.write(1, b'deep\\n')\nf(900)"
        for depth, options in ((7, ["--stack-depth", "7"]), (256, [])):
            _, events = self.events([PYTHON, "-c", script], "--frames=python", *options, functions="write")
            stack = next(e["stack"] for e in events if e["type"] == "syscall" and "deep" in e["text"])
            self.assertEqual(len(stack), depth)
            self.assertEqual(stack[-1]["symbol"], "f")

    def test_text_and_folded(self):
        script = self.path("store.py")
        with open(script, "w", encoding="ascii") as file:
            file.write("import os\nclass Store:\n    def save(self):\n        os.fsync(1)\nStore().save()\n")
        trace = self.path("trace")
        with open(self.path("file"), "wb") as file:
            for options in (["--frames=python"], ["--frames=python", "-b", "folded"]):
                running = self.start(self.tool_argv([PYTHON, script], "-e", "fsync", "-o", trace, *options),
                                     stdout=file)
                self.assertEqual(self.finish(running).status, 0)
                with open(trace, encoding="ascii") as lines:
                    text = lines.read()
                if "folded" in options:
                    self.assertRegex(text, r";<module> \(store\.py:5\);Store\.save \(store\.py:4\);.*fsync 1\n")
                else:
                    self.assertIn(f" > {script}(Store.save) [python] store.py:4\n > {script}(<module>) [python] "
                                  "store.py:5\n", re.sub("(?m)^ *>", " >", text))

    def test_native_is_the_default(self):
        _, events = self.events([PYTHON, "-c", "print(1)"], "-k", functions="write")
        self.assertFalse([f for e in events for f in e.get("stack", ()) if "language" in f])

    @harness.only_under("dispatch")
    def test_a_running_process(self):
        script = "import os, time\ndef tick(): os.write(1, b'x\\n')\nwhile True: tick(); time.sleep(0.01)"
        trace = self.path("trace")
        with subprocess.Popen([PYTHON, "-c", script], stdout=subprocess.PIPE) as program:
            try:
                program.stdout.readline()
                tracer = self.start([self.tool, "-p", str(program.pid), "-F", "write", "--frames=python", "-o", trace])
                harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 20000, 20, "a trace")
                os.kill(tracer.pid, signal.SIGINT)
                self.assertEqual(self.finish(tracer).status, 0)
                self.assertIsNone(program.poll())
            finally:
                program.kill()
        with open(trace, encoding="ascii") as file:
            # Indented as a merged line's, or a syscall's below its call.
            self.assertIn(" > <string>(tick) [python] <string>:2\n > <string>(<module>) [python] <string>:3\n",
                          re.sub("(?m)^ *>", " >", file.read()))

    @harness.only_under("inproc")
    def test_stops_of_engine_inproc_are_said(self):
        _, _, result = self.places("--frames=auto")
        self.assertEqual(result.err.decode().count("engine inproc: Python's functions are read where"), 1, result)
        # What runs no Python is recorded as ever.
        result, events = self.events(["/bin/echo", "x"], "--frames=auto")
        self.assertEqual(result.err, b"")
        self.assertTrue([e for e in events if e.get("stack")])


class FakePython(Case):
    """What says that it is an interpreter, and what is none."""

    def run_fake(self, version, shape, kind="python"):
        result, events = self.events([harness.program("fake_python"), version, shape], f"--frames={kind}",
                                     functions="write", limit=60)
        self.assertEqual((result.status, result.out), (0, b"line\n" * 10))
        stacks = [e["stack"] for e in events if e["type"] == "syscall"]
        self.assertEqual(len(stacks), 10)
        return result.err.decode(), stacks

    def test_what_makes_no_sense_harms_nobody(self):
        for shape in ("circles", "wild", "names", "empty"):
            with self.subTest(shape):
                _, stacks = self.run_fake("030b02f0", shape)
                for stack in stacks:
                    self.assertLessEqual(len(stack), 256)
                    if shape in ("wild", "empty"):
                        self.assertIn("main", [f["symbol"] for f in stack if "language" not in f])

    def test_other_versions_are_refused_by_number(self):
        for version, number in (("030a0df0", "3.10.13"), ("030c01f0", "3.12.1"), ("030b00a3", "3.11.0a3")):
            for kind in ("python", "auto"):
                said, stacks = self.run_fake(version, "names", kind)
                self.assertEqual(said.count(f"is Python {number}, whose functions cannot be read"), 1, said)
                self.assertFalse([f for stack in stacks for f in stack if "language" in f])

    def test_no_interpreter_is_said_once(self):
        for kind, expected in (("python", 1), ("auto", 0)):
            result, _ = self.events(["/bin/echo", "x"], f"--frames={kind}")
            self.assertEqual(result.err.decode().count("had a CPython interpreter"), expected, result)
        result = self.run_tool(["/bin/true"], "--frames=python", "-c", "-o", self.path("table"))
        self.assertIn("--frames has no effect", result.err.decode())


if __name__ == "__main__":
    harness.main()
