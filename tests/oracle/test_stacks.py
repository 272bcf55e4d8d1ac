"""Stacks against an oracle: every frame that `strace -f -k` prints below a syscall, by object and place in it,
must be what the tool shows with -k, in the same order; and so must the function's name, where strace's is
that of the function which really covers the place (it takes the nearest exported one before it).

Compared are all syscalls in full-process mode, and those inside wrapped calls under a gate and under engine
inproc, where the stack is a copy that was made in the process and is unwound later.

By hand: WC_BUILD_DIR=/path/to/build python3 -B test_stacks.py [PROGRAM...]; -v shows what differs.
"""
import collections
import difflib
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import test_attribution as attribution

TARGET = 0.995
PROGRAMS = {name: attribution.PROGRAMS[name] for name in
            ("ls", "tar", "bash", "python3", "git", "sqlite3", "gcc", "sort", "xz", "make")}
MODES = {"process": ["--scope=process"],
         "dispatch": ["-E", "ptrace", "-g", "dispatch", "-F", "@all"],
         "trap": ["-E", "ptrace", "-g", "trap", "-F", "@all"],
         "inproc": ["-E", "inproc", "-F", "@all"]}

# docs/limitations.md, "Differences from strace -k": functions that are wrapped by calling another one. Its
# frames stand there instead, up to the first that is the program's.
INSTEAD = re.compile(r"^_{0,3}(IO_)?v?(f|d|s|sn|as|obstack_)?w?(printf|scanf|syslog|err|warn)(x|_chk)?$|^v?exec|^__v|_internal$")

Frame = collections.namedtuple("Frame", "object offset symbol start path")
Event = collections.namedtuple("Event", "name result frames")

FRAME = re.compile(r"^ > (.*?)\((.*?)(?:\+0x([0-9a-f]+))?\) \[0x([0-9a-f]+)\]")


def oracle_frame(line):
    frame = FRAME.match(line)
    if not frame:
        return Frame("?", 0, "", 0, "")
    path, symbol, offset, place = frame.groups()
    return Frame(os.path.basename(path), int(place, 16), symbol, int(place, 16) - int(offset or "0", 16), path)


def oracle_events(text):
    """Of one thread's `strace -k` output. Lines are "call(...) = result" with the frames below."""
    events, current, frames = [], None, []
    for line in text.splitlines() + ["+++ end +++"]:
        if line.startswith(" > "):
            frames.append(oracle_frame(line))
            continue
        # The frames of exit_group come behind "+++ exited"; those behind a signal are its own.
        if line.startswith(("+++ exited", "+++ killed")):
            continue
        if current:
            events.append(Event(*current, tuple(frames)))
        current, frames = None, []
        call = attribution.SYSCALL.match(line)
        executed = call and call.group(1).startswith("execve") and call.group(2) == "0"
        if call and not executed:
            value = call.group(2)
            value = str(int(value, 16)) if value.startswith("0x") else value
            current = (call.group(1), attribution.result_of(call.group(1), value, call.group(3)))
    return events


def run_oracle(argv, folder):
    base = os.path.join(folder, ".out/strace")
    attribution.run(["strace", "-ff", "-k", "-o", base, *argv], folder)
    traces = sorted(glob.glob(base + ".*"), key=lambda path: int(path.rsplit(".", 1)[1]))
    return [oracle_events(attribution.read(path)) for path in traces]


def tool_frame(frame):
    place = int(frame["object_offset"], 16)
    symbol = frame.get("symbol", "")
    return Frame(os.path.basename(frame.get("object", "?")), place, symbol,
                 place - frame["offset"] if symbol else 0, frame.get("object", ""))


def run_tool(argv, folder, options):
    trace = os.path.join(folder, ".out/trace.json")
    attribution.run([attribution.TRACER, "run", "-k", *options, "-b", "json", "-o", trace, "--", *argv], folder)
    threads = collections.defaultdict(list)
    for line in attribution.read(trace).splitlines():
        event = json.loads(line)
        if event["type"] != "syscall" or (event["name"].startswith("execve") and event.get("ret") == 0):
            continue
        value = "?" if event.get("ret") is None else str(event["ret"])
        threads[event["pid"], event["tid"]].append(
            Event(event["name"], attribution.result_of(event["name"], value, event.get("error")),
                  tuple(map(tool_frame, event.get("stack", ())))))
    return list(threads.values())


def same_place(one, other):
    return one.object == other.object and one.offset == other.offset


@functools.lru_cache(None)
def sizes(path):
    listed = subprocess.run(["readelf", "-W", "-s", path], capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in listed.splitlines())
    return {row[7].split("@")[0]: int(row[2], 0) for row in rows if len(row) > 7 and row[2].isdigit()}


def same_frame(one, other):
    """A name of strace's that begins earlier than ours is of a function that ended before the place."""
    if not same_place(one, other):
        return False
    if other.symbol:
        return not one.symbol or one.symbol == other.symbol or one.start <= other.start
    return not one.symbol or one.offset - one.start > sizes(one.path).get(one.symbol, 0)


def called_instead(expected, found):
    """Whether the frames differ only where a wrapped function's sibling stands."""
    matcher = difflib.SequenceMatcher(None, [f[:2] for f in expected], [f[:2] for f in found], False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            if not all(map(same_frame, expected[a:b], found[c:d])):
                return False
        elif not all(INSTEAD.search(f.symbol) for f in (*expected[a:b], *found[c:d])):
            return False
    return True


class Comparison:
    def __init__(self):
        self.equal, self.total, self.frames, self.siblings = 0, 0, 0, 0
        self.differences = collections.Counter()

    def add(self, expected, found):
        """The stacks of the syscalls that both have, in order."""
        matcher = difflib.SequenceMatcher(None, [e[:2] for e in expected], [e[:2] for e in found], autojunk=False)
        for block in matcher.get_matching_blocks():
            for one, other in zip(expected[block.a:block.a + block.size], found[block.b:block.b + block.size]):
                self.add_stacks(one, other)

    def add_stacks(self, one, other):
        self.total += 1
        self.frames += len(one.frames)
        if len(one.frames) == len(other.frames) and all(map(same_frame, one.frames, other.frames)):
            self.equal += 1
        elif called_instead(one.frames, other.frames):
            self.equal += 1
            self.siblings += 1
        else:
            self.differences[self.describe(one, other)] += 1

    @staticmethod
    def describe(one, other):
        def names(frames):
            return " < ".join(f"{f.object}({f.symbol})[{f.offset:#x}]" for f in frames)
        return f"{one.name}\n        strace:   {names(one.frames)}\n        the tool: {names(other.frames)}"


def pair_threads(expected, found):
    """Threads have other ids in each run: those that do the same belong together, the others by length."""
    left = sorted(expected, key=len, reverse=True)
    right = sorted(found, key=len, reverse=True)
    for one in left:
        best = max(right, default=None, key=lambda other: difflib.SequenceMatcher(
            None, [e[:2] for e in one][:300], [e[:2] for e in other][:300], autojunk=False).ratio())
        if best is None:
            return
        right.remove(best)
        yield one, best


def comparable(events):
    return [e for e in events if e.name not in attribution.NOT_COMPARED]


def examine(name, report):
    expected = list(map(comparable, attribution.fresh_run(run_oracle, PROGRAMS[name])))
    rows = report[name] = {}
    for mode, options in MODES.items():
        comparison = rows[mode] = Comparison()
        found = attribution.fresh_run(run_tool, PROGRAMS[name], options)
        for pair in pair_threads(expected, list(map(comparable, found))):
            comparison.add(*pair)


def main():
    verbose = "-v" in sys.argv
    chosen = [a for a in sys.argv[1:] if a != "-v"] or [n for n, argv in PROGRAMS.items() if shutil.which(argv[0])]
    if reason := attribution.missing_oracle():
        print(f"SKIP: {reason}")
        sys.exit(attribution.SKIPPED)
    if "dispatch" not in attribution.available_gates():
        del MODES["dispatch"], MODES["inproc"]
    report, queue, begun = {}, list(chosen), time.monotonic()

    def work():
        while queue:
            examine(queue.pop(0), report)
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    failed = set(chosen) - set(report)
    totals = {mode: Comparison() for mode in MODES}
    for name in chosen:
        rows = report.get(name, {})
        print(f"{name:10}" + "".join(f"{mode:>12} {c.equal:5}/{c.total:<5}" for mode, c in rows.items()))
        for mode, comparison in rows.items():
            for field in ("equal", "total", "frames", "siblings"):
                setattr(totals[mode], field, getattr(totals[mode], field) + getattr(comparison, field))
            for difference, count in comparison.differences.most_common(None if verbose else 2):
                print(f"    {mode}: {count} {difference}")
    for mode, c in totals.items():
        share = c.equal / c.total if c.total else 0
        print(f"{mode}: {c.equal} of {c.total} stacks equal ({100 * share:.2f} %), {c.frames} frames, "
              f"{c.siblings} with a sibling of the wrapped function")
        if share < TARGET:
            failed.add(mode)
    print(f"{time.monotonic() - begun:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
