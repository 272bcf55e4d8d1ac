"""The gates are means, not ends: the same deterministic program gives the same events under each."""
import collections
import unittest

import harness
from harness import Case, gate_unavailable, program

# Results that differ from run to run.
VARYING = {"getpid", "getppid", "gettid", "brk", "mmap", "clone", "clone3", "fork", "vfork", "wait4",
           "set_tid_address", "getrandom"}


def sequences(events):
    """For each thread what it did, threads in the order of their first event (which fork and thread
    creation make deterministic in these programs)."""
    threads = collections.OrderedDict()
    for event in events:
        if event["type"] in ("call", "syscall", "return"):
            threads.setdefault(event["tid"], []).append(shape(event))
    return list(threads.values())


def shape(event):
    if event["type"] == "call":
        return ("call", event["function"], event["depth"], event["library"],
                event["caller"].get("symbol"), event["caller"].get("offset"))
    if event["type"] == "return":
        return ("return", event.get("unwound", False))
    value = None if event["name"] in VARYING else event.get("ret")
    if isinstance(value, int) and value > 2**32:
        value = "address"
    return ("syscall", event["function"], tuple(event.get("chain", ())), event["name"], value,
            event.get("error"), event.get("signal", False))


class Equality(Case):
    def compare_gates(self, argv, functions, *options, in_any_order=False):
        seen = {}
        for gate in ("dispatch", "trap", "socket", "inproc"):
            if gate_unavailable(gate) or gate == "inproc" and "-a" in options:
                continue
            _, events = self.events(argv, *options, functions=functions, gate=gate, limit=40)
            seen[gate] = sequences(events)
            if in_any_order:
                seen[gate].sort()
            self.assertTrue(seen[gate])
        if len(seen) < 2:
            self.skipTest("only one gate here")
        names = list(seen)
        for other in names[1:]:
            one, two = seen[names[0]], seen[other]
            self.assertEqual([len(s) for s in one], [len(s) for s in two], f"{names[0]} {other}")
            for a, b in zip(one, two):
                for i, (left, right) in enumerate(zip(a, b)):
                    self.assertEqual(left, right, f"{names[0]} and {other}, event {i}")

    def test_sequence(self):
        self.compare_gates([program("sequence"), "nested", "outside", "errors", "values", "unwound",
                            "repeated", "children"], "@all")

    def test_handler(self):
        self.compare_gates([program("sequence"), "signal"], "@all")

    def test_threads(self):
        # Only what does not depend on who comes first, as locks and descriptors do.
        self.compare_gates([program("sequence"), "threads"], "pread", in_any_order=True)

    def test_all_calls(self):
        self.compare_gates([program("sequence"), "nested", "values"], "@all", "-a")

    def test_programs(self):
        for name in ("longjmp_callback", "throw_qsort", "exec_clean", "alternate_stack"):
            with self.subTest(name):
                self.compare_gates([program(name)], "@all")

    def test_ls(self):
        self.compare_gates(["ls", "-l", "/etc/apt"], "@all")


class Engines(Case):
    def said(self, *options):
        result = self.run_plain([self.tool, "-v", "-F", "open", *options, "/bin/true"])
        self.assertEqual(result.status, 0, result)
        return [line for line in result.err.decode().splitlines() if " engine " in line][0]

    def test_auto_takes_inproc_where_it_can(self):
        if gate_unavailable("dispatch"):
            self.skipTest("engine inproc needs gate dispatch")
        self.assertIn("engine ptrace: the default", self.said())
        self.assertIn("engine inproc: it can do all", self.said("-E", "auto"))
        self.assertIn("engine ptrace: -y needs", self.said("-E", "auto", "-y"))
        self.assertIn("engine ptrace: what is not patched", self.said("-E", "auto", "-g", "trap"))


if __name__ == "__main__":
    harness.main()
