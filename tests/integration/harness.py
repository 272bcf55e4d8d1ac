"""What the integration tests share: running the tool under a hard limit, comparing with a native
run, and looking at what is left behind.

    WC_BUILD_DIR   the build directory whose tool is tested (default: build/release)
    WC_GATE        dispatch | trap | socket | auto: the gate of this run, under engine ptrace; or
                   inproc: that engine
    WC_SOAK        repetitions of every comparison (default 1)
By hand: WC_BUILD_DIR=/tmp/b WC_GATE=trap python3 tests/integration/test_signals.py -k alarm
"""
import dataclasses
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import processes

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("WC_BUILD_DIR", os.path.join(ROOT, "build/release")))
GATE = os.environ.get("WC_GATE", "auto")
SOAK = int(os.environ.get("WC_SOAK", "1"))
PROGRAMS = os.path.join(BUILD, "tests/integration/programs")
EXAMPLES = os.path.join(BUILD, "examples")
SKIPPED = 77
# AddressSanitizer makes the tracer several times slower.
SLOWNESS = float(os.environ.get("WC_SLOWNESS", "1"))


def program(name):
    path = os.path.join(PROGRAMS, name)
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is not built")
    return path


@dataclasses.dataclass
class Result:
    status: int  # exit status, or minus the signal
    out: bytes
    err: bytes

    def __str__(self):
        return f"status {self.status}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-2000:]}"


class Running:
    """A started process. Its output goes to files: a daemon that keeps a pipe open must not keep
    the test waiting."""

    def __init__(self, argv, folder, *, env=None, cwd=None, stdin=subprocess.DEVNULL, stdout=None,
                 stderr=None, pass_fds=()):
        self.argv = argv
        self.files = [tempfile.TemporaryFile(dir=folder) for _ in range(2)]
        self.popen = subprocess.Popen(argv, env=env, cwd=cwd, stdin=stdin,
                                      stdout=stdout or self.files[0],
                                      stderr=stderr or self.files[1], start_new_session=True,
                                      pass_fds=pass_fds)
        self.pid = self.popen.pid

    def output(self, number):
        """So far. The program writes at the same file position, which must not be moved."""
        descriptor = self.files[number].fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def wait_for_output(self, text, limit=20):
        """Until `text` stands in the standard output; what it says "ready" with."""
        wait_until(lambda: text in self.output(0) or self.popen.poll() is not None, limit,
                   f"{text!r} from {self.argv}")
        return self.output(0)

    def wait(self, limit):
        limit *= SLOWNESS
        if self.popen.returncode is None and not self.ends_within(limit):
            print(f"\nTIME LIMIT of {limit:.0f} s: {' '.join(self.argv)}")
            print(f"stdout: {self.output(0)[-1000:]}\nstderr: {self.output(1)[-1000:]}", flush=True)
            processes.dump_and_kill(os.getpid())
            self.popen.wait()
            self.close()
            raise AssertionError(f"not done after {limit:.0f} s: {' '.join(self.argv)}")
        self.popen.wait()
        result = Result(self.popen.returncode, self.output(0), self.output(1))
        self.close()
        return result

    def ends_within(self, limit):
        descriptor = os.pidfd_open(self.pid)
        ended = select.select([descriptor], [], [], limit)[0]
        os.close(descriptor)
        return bool(ended)

    def close(self):
        for file in self.files:
            file.close()


def wait_until(condition, limit, what):
    end = time.monotonic() + limit * SLOWNESS
    while not condition():
        if time.monotonic() > end:
            processes.dump_and_kill(os.getpid())
            raise AssertionError(f"waited {limit} s in vain for {what}")
        time.sleep(0.01)


def read_json(path):
    """The events; the first line, which says what was run, is none."""
    with open(path, encoding="utf-8") as file:
        return [event for event in map(json.loads, file) if event["type"] != "run"]


def only_under(*gates):
    """Leaves a test out where its gate is not this run's: there is nothing to be skipped."""
    return lambda test: test if GATE in gates else None


def gate_unavailable(gate):
    """Why the kernel cannot do this gate, or None."""
    if gate not in ("dispatch", "inproc"):
        return None
    import ctypes
    # PR_SET_SYSCALL_USER_DISPATCH with "off" changes nothing and succeeds where it exists.
    if ctypes.CDLL(None, use_errno=True).prctl(59, 0, 0, 0, 0) == 0:
        return None
    return f"gate dispatch: no Syscall User Dispatch here ({os.strerror(ctypes.get_errno())})"


def need(*commands):
    """For tests that run somebody else's program."""
    missing = [c for c in commands if not shutil.which(c)]
    return unittest.skipIf(missing, "not installed: " + ", ".join(missing))


class Case(unittest.TestCase):
    """A test with a private folder; the tool under test is `self.tool`."""

    def setUp(self):
        # Short, because the tool's socket and LD_PRELOAD entries go below it.
        self.dir = tempfile.mkdtemp(prefix="wcit-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.runtime = os.path.join(self.dir, "run")
        os.mkdir(self.runtime, 0o700)
        self.tool = os.path.join(BUILD, "tests/integration/bin/wc-preload")
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.runtime, TMPDIR=self.dir, LC_ALL="C.UTF-8",
                        HOME=self.dir,
                        XDG_CACHE_HOME=os.path.join(BUILD, "tests/integration/cache"))
        for name in ("LD_PRELOAD", "WC_BUILD_DIR", "WC_GATE", "WC_SOAK"):
            self.env.pop(name, None)
        self.counter = 0
        self.background = []

    def tearDown(self):
        left = [p for p in processes.descendants() if p not in [b.pid for b in self.background]]
        if self.background or left:
            processes.kill_all(os.getpid())
        for running in self.background:
            running.popen.wait()
            running.close()
        processes.reap_orphans()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def fresh_folder(self):
        self.counter += 1
        path = self.path(f"work{self.counter}")
        os.mkdir(path)
        return path

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    def start(self, argv, **options):
        """In the background; ended with the test at the latest."""
        options.setdefault("env", self.env)
        options.setdefault("cwd", self.dir)
        running = Running(argv, self.dir, **options)
        self.background.append(running)
        return running

    def finish(self, running, limit=20):
        result = running.wait(limit)
        self.background.remove(running)
        return result

    def assert_interrupted(self, running, text, folder):
        """In a run that hangs, which is where it has said `text`: it ends by the signal, and what it
        has started and its folder, by a pattern, are gone."""
        wait_until(lambda: text in running.output(1), 30, "the run that hangs")
        folder = re.search(folder, running.output(1)).group()
        self.assertTrue(os.path.isdir(folder))
        os.kill(running.pid, signal.SIGINT)
        self.assertEqual(self.finish(running).status, -signal.SIGINT)
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(folder))

    def run_plain(self, argv, limit=20, **options):
        return self.finish(self.start(argv, **options), limit)

    def tool_argv(self, argv, *options, functions=None, gate=GATE):
        # Where nothing is wrapped, or all is reported, there is no gate to choose.
        wraps = functions or "-F" in options or not {"-B", "--objects"} & set(options)
        has_gate = wraps and "--scope=process" not in options
        engine = ["-E", "inproc"] if gate == "inproc" else ["-E", "ptrace", *(["-g", gate] if has_gate else [])]
        if "-E" in options:  # the test's own
            engine = []
        words = [self.tool, *engine, *options]
        if functions:
            words += ["-F", functions]
        return [*words, "--", *argv]

    def as_nobody(self, *argv):
        """The command as another user, to whom the run-time folder belongs from here on."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("only root, with setpriv, can become another user")
        become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        if self.run_plain([*become, "test", "-x", self.tool]).status != 0:
            self.skipTest(f"{self.tool} cannot be reached by other users")
        os.chown(self.runtime, 65534, 65534)
        return [*become, *argv]

    def run_tool(self, argv, *options, functions=None, gate=GATE, limit=20, **more):
        """One traced run, after which nothing of it may be left."""
        result = self.run_plain(self.tool_argv(argv, *options, functions=functions, gate=gate),
                                limit, **more)
        self.assert_nothing_left()
        return result

    def assert_rests(self, pid, seconds=2, most=12, limit=20):
        """Once nothing happens, its threads wake a few times in some seconds."""
        end = time.monotonic() + limit * SLOWNESS
        while True:
            before = processes.wake_ups(pid)
            time.sleep(seconds)
            woken = processes.wake_ups(pid) - before
            if woken <= most:
                return
            self.assertLess(time.monotonic(), end, f"still {woken} wake-ups in {seconds} s")

    def assert_nothing_left(self, grace=5):
        keep = [b.pid for b in self.background]

        def left():
            processes.reap_orphans(keep)
            return [p for p in processes.descendants() if p not in keep]
        end = time.monotonic() + grace * SLOWNESS
        while not self.background and left():
            if time.monotonic() > end:
                shown = "; ".join(processes.describe(p) for p in left())
                processes.dump_and_kill(os.getpid())
                self.fail(f"processes left behind: {shown}")
            time.sleep(0.02)
        if not self.background:
            self.assertEqual(os.listdir(self.runtime), [], "left in XDG_RUNTIME_DIR")
            self.assertEqual([n for n in os.listdir(self.dir) if n.startswith("wc-intercept")], [],
                             "left in TMPDIR")

    def compare(self, argv, *, functions=None, options=(), limit=20, prepare=None, look=None,
                check_events=True):
        """Native and traced must not differ in output, error output and status, nor in what `look`
        reads from the folder they worked in."""
        def one(traced):
            folder = self.fresh_folder()
            if prepare:
                prepare(folder)
            if not traced:
                result = self.run_plain(argv, limit, cwd=folder)
            else:
                trace = self.path("trace.json")
                result = self.run_tool(argv, "-b", "json", "-o", trace, *options,
                                       functions=functions, limit=limit, cwd=folder)
                if check_events:
                    events = read_json(trace)
                    self.assertTrue(any(e["type"] == "syscall" for e in events), "nothing traced")
            seen = look(folder) if look else None
            shutil.rmtree(folder, ignore_errors=True)
            return result, seen

        native, native_seen = one(False)
        self.native = native
        for turn in range(SOAK):
            traced, traced_seen = one(True)
            what = f"{' '.join(argv)[:200]} -F {functions} gate {GATE} turn {turn}"
            self.assertEqual((native.status, native.out, native.err),
                             (traced.status, traced.out, traced.err), what)
            self.assertEqual(native_seen, traced_seen, what)
        return native

    def compare_both(self, argv, **options):
        """Under all functions, and under those that are the default."""
        for functions in ("@all", None):
            with self.subTest(functions=functions or "@default"):
                self.compare(argv, functions=functions, **options)
        return self.native

    def events(self, argv, *options, functions=None, limit=20, gate=GATE, **more):
        """The program's result and its events."""
        trace = self.path(f"events{len(os.listdir(self.dir))}.json")
        result = self.run_tool(argv, "-b", "json", "-o", trace, *options, functions=functions,
                               limit=limit, gate=gate, **more)
        return result, read_json(trace)


class Controlled(Case):
    """A test whose tracer listens at `self.control`."""

    def ctl(self, *words):
        return subprocess.run([os.path.join(BUILD, "bin/wc-ctl"), self.control, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30, check=False)

    def ask(self, *words):
        answer = self.ctl(*words)
        self.assertEqual((answer.returncode, answer.stderr), (0, b""), words)
        return json.loads(answer.stdout)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    if reason := gate_unavailable(GATE):
        print(f"SKIP: {reason}")
        sys.exit(SKIPPED)
    for path in (PROGRAMS, os.path.join(BUILD, "bin/wc-tracerd")):
        if not os.path.exists(path):
            sys.exit(f"{path} is missing: build {BUILD} with -DWC_TESTS=ON, or set WC_BUILD_DIR")
    processes.become_subreaper()
    ran = unittest.main(exit=False, verbosity=2, module="__main__").result
    for test, reason in ran.skipped:
        print(f"SKIP: {test.id().removeprefix('__main__.')}: {reason}")
    if not ran.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if ran.testsRun and len(ran.skipped) == ran.testsRun else 0)
