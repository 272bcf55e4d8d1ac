#!/usr/bin/python3
"""transparency.py [OPTION...]: suites that nobody here wrote must end alike with and without the tool.

CPython's own tests (Debian: libpython3.11-testsuite) and stress-ng's stressors run natively, then under the
tool; a table counts the outcomes, and every test whose outcome differs is run again alone, twice each way:
what differs then, too, is a fault of the tool. Exit status: 0 nothing differs, 1 something does, 77 neither
suite is installed.
"""
import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))
import processes  # noqa: E402

PYTHON = "/usr/bin/python3"
PYTHON_MODULES = """os posix subprocess signal threading threadsignals thread socket select selectors poll epoll io
    fileio file_eintr mmap fork1 wait3 wait4 asyncio multiprocessing_fork faulthandler eintr pty openpty""".split()
STRESSORS = """sigq sigabrt sigchld sigfd sigfpe signal signest sigpending sigpipe sigrt sigsegv sigsuspend
    sigtrap kill wait daemon exec fork vfork vforkmany clone pthread futex pipe context get set
    syscall forkheavy sigio sleep mutex sem-sysv msg mq poll epoll timer timerfd itimer
    alarm eventfd fault stack stackmmap mmap mprotect nanosleep dup close open fcntl dnotify inotify
    sock sockpair udp pty ptrace personality prctl rlimit seccomp session zombie switch
    schedpolicy rseq x86syscall vdso exit-group membarrier userfaultfd bad-altstack
    sigxcpu sigxfsz""".split()


class Run:
    """One command, natively (gate None) or under the tool, in a folder of its own, until a hard limit."""

    def __init__(self, options, gate):
        self.options, self.gate = options, gate
        self.folder = tempfile.mkdtemp(prefix="wcsoak-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.timed_out = False
        self.output = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.kill_all(os.getpid())
        processes.reap_orphans()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, argv, limit):
        if self.gate:
            engine = ["-E", "inproc"] if self.gate == "inproc" else ["-E", "ptrace", "-g", self.gate]
            argv = [self.options.tool, *engine, *self.options.tool_options, "-b", "json", "-o",
                    "/dev/null", "--", *argv]
        env = dict(os.environ, LC_ALL="C.UTF-8", TMPDIR=self.folder, HOME=self.folder)
        with tempfile.TemporaryFile() as output:
            started = subprocess.Popen(argv, env=env, cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = started.wait(limit)
            except subprocess.TimeoutExpired:
                self.timed_out = True
                if self.options.stacks:
                    processes.dump_and_kill(os.getpid())
                processes.kill_all(os.getpid())
                status = started.wait()
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        return status


def python_outcomes(options, gate, module, names=()):
    with Run(options, gate) as run:
        path = os.path.join(run.folder, "outcomes")
        status = run([PYTHON, os.path.join(HERE, "python_suite.py"), "test.test_" + module, path, *names],
                     options.limit)
        outcomes = {"(exit status)": "timed out" if run.timed_out else str(status)}
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    outcome, name = line.rstrip("\n").split(" ", 1)
                    # A failed subtest counts, whatever follows.
                    if outcomes.get(name) != "failed":
                        outcomes[name] = outcome
        except OSError:
            pass
        keep_output(options, gate, "python-" + module, run.output)
    return outcomes


def stress_outcomes(options, gate, stressor, _names=()):
    with Run(options, gate) as run:
        status = run(["stress-ng", "--" + stressor, "1", "--timeout", str(options.seconds), "--verify",
                      "--temp-path", run.folder, "--no-rand-seed", "--oomable"], options.limit)
        outcomes = {"(exit status)": "timed out" if run.timed_out else str(status)}
        for line in run.output.splitlines():
            if re.search(r"\b(fail|error):", line):
                outcomes[re.sub(r"\d+", "N", line)] = "said"
        keep_output(options, gate, "stress-" + stressor, run.output)
    return outcomes


def keep_output(options, gate, name, output):
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        with open(os.path.join(options.keep, f"{name}.{gate or 'native'}"), "w", encoding="utf-8") as file:
            file.write(output)


def differing(native, traced):
    return {name: (native.get(name, "absent"), traced.get(name, "absent"))
            for name in {*native, *traced} if native.get(name) != traced.get(name)}


def confirmed(options, gate, run, suite, candidates):
    """Of the differing tests those that differ every time when run alone; a suite without single tests
    is run again as a whole."""
    names = [n for n in candidates if n.startswith("test.")]
    kept = dict(candidates)
    for _ in range(2):
        if not kept:
            break
        again = differing(run(options, None, suite, names), run(options, gate, suite, names))
        kept = {name: what for name, what in kept.items() if name in again}
    return kept


def counts(outcomes):
    count = collections.Counter(o for n, o in outcomes.items() if n != "(exit status)")
    status = outcomes["(exit status)"]
    return "/".join(str(count[k]) for k in ("passed", "failed", "skipped")) + \
        ("" if status == "0" else f" ({status})")


def installed_modules():
    """Of the Python that runs them, which need not be the one that runs this."""
    listed = subprocess.run([PYTHON, "-c", "import os, test; print(*os.listdir(os.path.dirname(test.__file__)))"],
                            capture_output=True, text=True, check=False).stdout
    return {name.removeprefix("test_").removesuffix(".py") for name in listed.split() if name.startswith("test_")}


def available_suites(options):
    modules = installed_modules()
    if "os" in modules:
        for module in PYTHON_MODULES if options.python is None else options.python:
            if module in modules:
                yield module, python_outcomes
    else:
        print("SKIP: CPython's tests: libpython3.11-testsuite is not installed")
    if shutil.which("stress-ng"):
        for stressor in STRESSORS if options.stress is None else options.stress:
            yield stressor, stress_outcomes
    else:
        print("SKIP: stress-ng is not installed")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gate", action="append", help="default: inproc (that engine), dispatch, trap and socket")
    parser.add_argument("--python", type=str.split, help="only these modules ('' for none)")
    parser.add_argument("--stress", type=str.split, help="only these stressors ('' for none)")
    parser.add_argument("--seconds", type=int, default=2, help="of each stressor")
    parser.add_argument("--limit", type=float, default=400, help="seconds for one suite")
    parser.add_argument("--tool", default=os.path.join(ROOT, "wc-preload"))
    parser.add_argument("--tool-options", type=str.split, default=[], help="such as '-F @all'")
    parser.add_argument("--keep", help="folder for the outputs of the runs")
    parser.add_argument("--stacks", action="store_true", help="of all parties when the limit is over")
    return parser.parse_args()


def main():
    sys.stdout.reconfigure(line_buffering=True)
    options = parse()
    gates = options.gate or ["inproc", "dispatch", "trap", "socket"]
    processes.become_subreaper()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    suites = list(available_suites(options))
    if not suites:
        sys.exit(77)
    differences = []
    print("passed/failed/skipped (exit status)")
    print(f"{'suite':24}{'native':>22}" + "".join(f"{gate:>22}" for gate in gates) + "   seconds")
    for suite, run in suites:
        begun = time.monotonic()
        native = run(options, None, suite)
        row, taken = f"{suite:24}{counts(native):>22}", [time.monotonic() - begun]
        for gate in gates:
            begun = time.monotonic()
            traced = run(options, gate, suite)
            taken.append(time.monotonic() - begun)
            row += f"{counts(traced):>22}"
            found = confirmed(options, gate, run, suite, differing(native, traced))
            differences += [(suite, gate, name, *what) for name, what in sorted(found.items())]
        print(row + "   " + " ".join(f"{t:.0f}" for t in taken))
        for difference in [d for d in differences if d[0] == suite]:
            print("  DIFFERS %s %s: %s: native %s, traced %s" % difference)
    print(f"{len(suites)} suites, {len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
