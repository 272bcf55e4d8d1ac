"""Runs commands under a hard time limit and collects their figures."""

import glob
import math
import os
import resource
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field


class Failed(Exception):
    """A command that did not end well, in one line."""


@dataclass
class Variant:
    """One way to run the program of a row."""

    name: str
    command: list
    skipped: str = ""  # why it cannot run here
    samples: dict = field(default_factory=dict)  # round -> figure
    failure: str = ""


@dataclass
class Row:
    title: str
    unit: str  # of its figures: "ns" or "ms"
    variants: list  # the first one is native
    targets: dict = field(default_factory=dict)  # variant -> (kind of comparison, limit)
    timed_by: str = "program"  # prints its figure itself; or "wall": from start to end
    runs: int = 1  # in one figure
    pick: object = statistics.fmean  # makes one figure of them
    per: int = 1  # what the figure is divided by
    before: object = None  # called before each run


def group_members(group):
    """Ids of the processes in a process group, from /proc."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            yield int(pid)


def stacks(group):
    """What each process of a run that hangs is doing."""
    lines = []
    tasks = [task for pid in group_members(group) for task in glob.glob(f"/proc/{pid}/task/*")]
    for task in tasks:
        seen = []
        for name in ("comm", "wchan", "syscall", "stack"):
            try:
                with open(f"{task}/{name}") as file:
                    seen.append(f"{name}: {file.read().strip()}")
            except OSError:
                pass  # gone meanwhile, or not ours to see
        lines.append(f"  {task}  " + "; ".join(seen).replace("\n", " < "))
    return "\n".join(lines)


class Interference:
    """How much CPU others used since this was made: what makes figures wrong."""

    def __init__(self):
        self.begin = time.monotonic()
        self.others = self._others()

    @staticmethod
    def _others():
        with open("/proc/stat") as stat:
            user, nice, system, _, _, irq, soft_irq, steal = map(int, stat.readline().split()[1:9])
        busy = (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            busy -= usage.ru_utime + usage.ru_stime
        return busy

    def text(self):
        share = (self._others() - self.others) / max(time.monotonic() - self.begin, 0.1)
        return f"others used {max(share, 0):.0%} of one CPU meanwhile"


class Runner:
    """Runs one command at a time in a process group of its own, in an empty folder."""

    def __init__(self, folder, limit):
        self.folder = folder
        self.limit = limit
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": folder,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "XDG_RUNTIME_DIR": folder,
        }

    def run(self, command):
        """Returns (seconds, standard error). Standard output goes to /dev/null."""
        with tempfile.TemporaryFile(dir=self.folder) as errors:
            begin = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                cwd=self.folder, env=self.environment, start_new_session=True)
            ended = self._wait(process)
            seconds = time.perf_counter() - begin
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        if not ended:
            raise Failed(f"no end after {self.limit} s")
        if process.returncode != 0:
            raise Failed(f"status {process.returncode}: {said.strip()[-200:]}")
        return seconds, said

    def _wait(self, process):
        # Popen.wait(timeout) polls, up to 50 ms apart; this wakes at the end.
        watched = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            ended = bool(poll.poll(self.limit * 1000))
            if not ended:
                print(f"bench: no end: {shlex.join(process.args)}\n{stacks(process.pid)}",
                      file=sys.stderr)
            return ended
        finally:
            os.close(watched)
            # Before the leader is reaped: until then the group's number is nobody else's.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def figure(self, row, variant):
        figures = []
        for _ in range(row.runs):
            if row.before:
                row.before()
            seconds, said = self.run(variant.command)
            if row.timed_by == "wall":
                figures.append(seconds * 1e3)
                continue
            try:
                figures.append(float(said.split()[-1]))
            except (IndexError, ValueError):
                raise Failed(f"printed no figure: {said.strip()[-200:]!r}") from None
        figure = row.pick(figures) / row.per
        if not math.isfinite(figure) or figure <= 0:
            raise Failed(f"is no figure: {figure}")
        return figure

    def measure(self, row, rounds):
        """Interleaved: every variant once, then again. The first run only warms the caches."""
        active = [variant for variant in row.variants if not variant.skipped]
        for number in range(-1, rounds):
            for variant in active if number >= 0 else active[:1]:
                if variant.failure:
                    continue
                try:
                    figure = self.figure(row, variant)
                except (Failed, OSError) as error:
                    variant.failure = str(error).replace("\n", " ")
                    continue
                if number >= 0:
                    variant.samples[number] = figure


@dataclass
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        values = sorted(values)
        if not values:
            return None
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def compare(variant, native, strace, kind):
    """Spread of a comparison made within each round, so that slow phases of the machine cancel:
    "over" native, "times" native, or the cost over native as a share of strace's ("strace")."""
    values = []
    for number, figure in variant.samples.items():
        base = native.samples.get(number)
        if base is None:
            continue
        if kind == "over":
            values.append(figure - base)
        elif kind == "times":
            values.append(figure / base)
        elif strace is not None and number in strace.samples:
            peer = strace.samples[number] - base
            if peer > 0:
                values.append((figure - base) / peer)
    return Spread.of(values)
