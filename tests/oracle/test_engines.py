"""Engine inproc against engine ptrace, line by line, on the small programs that exercise one family of structs
each (programs/): what is captured in the process must say what a stopped process would have said.

By hand, every difference of one program:
    WC_BUILD_DIR=/path/to/build python3 -B test_engines.py --show programs/polls
"""
import collections
import os
import re
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import harness  # noqa: E402
from harness import Case, gate_unavailable, need  # noqa: E402
import test_decoding as decoding  # noqa: E402
import traces  # noqa: E402

PROGRAMS = os.path.join(harness.BUILD, "tests/oracle/programs")
# Programs differ from themselves, too, by process ids and times; this much more is chance.
ALLOWED = 0.005
LIMIT = 30


# syscall(3) shows six words, whatever stands in those that the program has not given.
NOISE = re.compile(r"^(\[pid \d+\] )?syscall\(")


def without_layout(text):
    """Lines as strace has them: not indented, and without the caller's column."""
    return "\n".join(re.sub(r"^(\[pid \d+\] )? *", r"\1", re.sub(r"  +<[^<>]*>$", "", line))
                     for line in text.splitlines() if not NOISE.match(line))


def names_of(events):
    """Thread ids to names, as traces.py has them: vfork is not wrapped, but its child is told of."""
    names, children = {str(events[0]["pid"]): "0"}, collections.Counter()
    for event in events:
        if event["type"] == "process" and event["event"] == "fork":
            parent = str(event["tid"])
            names[str(event["child"])] = f"{names[parent]}.{children[parent]}"
            children[parent] += 1
    return names


class Engines(Case):
    comparisons, noises = {}, {}

    def lines(self, argv, gate):
        trace, events, folder = self.path("trace"), self.path("events.json"), self.path("work")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        self.env["PYTHONHASHSEED"] = "0"
        self.run_tool(argv, "-b", f"text:output={trace}", "-b", f"json:output={events}", functions="@all",
                      gate=gate, limit=LIMIT, cwd=folder)
        with open(trace, encoding="ascii") as file:
            text = without_layout(file.read())
        names = names_of(harness.read_json(events))
        return {names[tid]: [traces.normalise(line, names) for line in lines]
                for tid, lines in traces.split(text, next(iter(names))).items()}

    def compare(self, name, argv):
        stops, again, inproc = (self.lines(argv, gate) for gate in ("dispatch", "dispatch", "inproc"))
        result = traces.compare_lines(stops, inproc)
        noise = traces.compare_lines(stops, again)
        self.comparisons[name], self.noises[name] = result, noise
        print(f"  {name}: {result.share:.2%} of {result.total} lines (twice under ptrace: {noise.share:.2%})", flush=True)
        self.assertGreater(result.total, 5, "hardly anything traced")
        return result

    def test_families(self):
        for name in sorted(os.listdir(PROGRAMS)):
            with self.subTest(name):
                self.compare(name, [os.path.join(PROGRAMS, name)])

    @need("bash", "python3", "find", "sqlite3", "git", "gcc", "tar")
    def test_programs(self):
        """Those of the other oracles that do the same each time."""
        for name, argv in {
                "ls": ["ls", "-l", "/usr"],
                "cat": ["cat", "/etc/passwd", "/no/such/file"],
                "find": ["find", "/etc/apt"],
                "tar": ["tar", "cf", "all.tar", "-C", "/etc", "apt"],
                "bash": ["bash", "-c", decoding.SHELL],
                "git": ["sh", "-c", decoding.REPOSITORY + "git status; git --no-pager log"],
                "gcc": ["sh", "-c", "echo 'int main(void) { return 0; }' >a.c; gcc -c a.c"],
                "sqlite3": ["sqlite3", "data.db", decoding.SQL],
                "python3": ["/usr/bin/python3", "-S", "-c", decoding.IMPORTS]}.items():
            with self.subTest(name):
                self.compare(name, argv)

    def test_zz_share(self):
        """Of all of them; unittest runs this one last."""
        def share(comparisons):
            return sum(c.equal for c in comparisons.values()) / sum(c.total for c in comparisons.values())
        comparisons = self.comparisons.values()
        for shape, count, stops, inproc in traces.shapes(comparisons):
            print(f"{count:4} {shape}\n     ptrace: {stops}\n     inproc: {inproc}")
        print(f"{share(self.comparisons):.2%} of {sum(c.total for c in comparisons)} lines of {len(comparisons)} programs "
              f"are equal, {share(self.noises):.2%} of two runs under ptrace")
        self.assertGreaterEqual(share(self.comparisons), share(self.noises) - ALLOWED)


def show(argv):
    case = Engines("compare")
    case.setUp()
    try:
        result = case.compare(argv[0], [os.path.abspath(argv[0]), *argv[1:]])
    finally:
        case.tearDown()
    for stops, inproc in result.differences:
        print("\n".join(["-" + line for line in stops] + ["+" + line for line in inproc]))


if __name__ == "__main__":
    if gate_unavailable("inproc"):
        print("SKIP: engine inproc: " + gate_unavailable("inproc"))
        sys.exit(harness.SKIPPED)
    if sys.argv[1:2] == ["--show"]:
        show(sys.argv[2:])
    else:
        harness.main()
