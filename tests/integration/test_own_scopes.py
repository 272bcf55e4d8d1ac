"""wc/scope.h: a scope that the program names itself behaves like a wrapped call."""
import collections
import json
import os
import subprocess
import unittest

import harness
from harness import Case, need, only_under, program

# What write(2) says, and the open scopes and calls from the outermost on.
CHAINS = {
    "in outer": ["outer"],
    "in inner": ["outer", "inner"],
    "in outer again": ["outer"],
    "comparing": ["qsort", "comparing"],
    "jumping": ["jumped out of"],
    "throwing": ["thrown out of"],
    "child": ["in the child"],
    "by hand": ["by macro", "by hand"],
    "by macro": ["by macro"],
    "handler": ["raise", "in a handler"],
}


class OwnScopes(Case):
    def run_scopes(self, *options, functions="qsort,raise", words=(), **more):
        return self.events([program("own_scopes"), *words], *options, functions=functions, **more)[1]

    def test_chains(self):
        events = self.run_scopes()
        chains = {}
        for event in events:
            if event["type"] == "syscall" and event["name"] == "write":
                word = event["text"].split('"')[1].removesuffix("\\n")
                chains[word] = event.get("chain", [event["function"]])
        self.assertEqual(chains, CHAINS)  # and nothing of "after longjmp", "after exception"

    def test_coroutines(self):
        for options in ((), ("-E", "inproc")) if harness.GATE in ("auto", "inproc") else ((),):
            _, events = self.events([program("coroutine_scopes")], *options, functions="sigaction")
            chains = [tuple(e.get("chain", [e["function"]])) for e in events
                      if e["type"] == "syscall" and e["name"] == "getppid"]
            over, inner, outside = ("over",), ("over", "inner"), ("outside",)
            self.assertEqual(chains, [("plain",), ("plain",), outside, over, over, over, inner, inner, outside,
                                      over, inner, inner, over, over], options)

    def test_library_and_caller(self):
        events = self.run_scopes()
        calls = {e["function"]: e for e in events if e["type"] == "call"}
        inner = calls["inner"]
        self.assertEqual((inner["library"], inner["args"], inner["caller"]["symbol"], inner["depth"]),
                         ("own_scopes", [], "nested()", 1))
        self.assertEqual(inner["parent"], calls["outer"]["call"])

    def test_returns(self):
        events = self.run_scopes()
        names = {e["call"]: e["function"] for e in events if e["type"] == "call"}
        ends = collections.defaultdict(list)
        for event in events:
            if event["type"] == "return":
                ends[names[event["call"]]].append(event)
        self.assertEqual([e.get("unwound") for e in ends["jumped out of"]], [True])
        # The destructor ran: ended as by a return.
        self.assertEqual([e.get("unwound") for e in ends["thrown out of"]], [None])
        self.assertEqual(["ret" in e for e in ends["outer"]], [False])

    def test_threads(self):
        events = self.run_scopes()
        counts = collections.Counter(e["tid"] for e in events
                                     if e["type"] == "syscall" and e.get("function") == "in a thread")
        self.assertEqual(sorted(counts.values()), [10] * 4)

    def test_syscalls_without_a_function(self):
        events = self.run_scopes()
        self.assertEqual([e["name"] for e in events if e["type"] == "syscall" and e.get("function") == "bare"],
                         ["getppid"])

    def test_program_is_not_disturbed(self):
        self.compare([program("own_scopes"), "many"], functions="qsort,raise")
        self.compare([program("own_scopes"), "many"])

    def test_names_beyond_the_limit_are_not_reported(self):
        events = self.run_scopes(words=["many"])
        seen = {e["function"] for e in events if e["type"] == "call" and e["function"].startswith("name ")}
        others = {e["function"] for e in events if e["type"] == "call"} - seen
        others -= {"qsort", "raise", "in the child"}  # the child is a process of its own
        self.assertEqual(len(seen) + len(others), 64)

    def test_totals(self):
        report = self.path("report.json")
        self.run_tool([program("own_scopes")], "-b", "summary:format=json", "-o", report, functions="qsort,raise")
        with open(report, encoding="utf-8") as file:
            rows = {row["function"]: row for row in json.load(file)["functions"]}
        self.assertEqual((rows["in a thread"]["calls"], rows["in a thread"]["syscalls"]), (40, 40))
        self.assertEqual(rows["comparing"]["library"], "own_scopes")

    def test_all_calls(self):
        events = self.run_scopes("-a")
        calls = collections.Counter(e["function"] for e in events if e["type"] == "call")
        self.assertEqual((calls["in a thread"], calls["outer"], calls["inner"]), (40, 1, 1))

    def test_stacks(self):
        events = self.run_scopes("-k")
        stacks = {e["function"]: [f.get("symbol") for f in e["stack"]] for e in events if e["type"] == "call"}
        self.assertEqual(stacks["inner"][:2], ["nested()", "main"])
        self.assertEqual(stacks["comparing"][0], "compare(void const*, void const*)")
        self.assertIn("below_a_wrapped_call()", stacks["comparing"])

    def test_after_the_tracers_death_the_program_goes_on(self):
        source = self.write("loop.c", '#include <unistd.h>\n#include "wc/scope.h"\nint main(void) {\n'
                                      '  for (char c; read(0, &c, 1) == 1;) { WC_SCOPE("turn"); write(1, &c, 1); }\n}\n')
        self.build(source, "loop")
        reading, writing = os.pipe()
        running = self.start(self.tool_argv([self.path("loop")], "-o", self.path("trace"), functions="read"),
                             stdin=reading)
        os.write(writing, b"ab")
        running.wait_for_output(b"ab")
        with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
            child = int(file.read().split()[0])
        os.kill(running.pid, 9)
        harness.wait_until(lambda: running.popen.poll() is not None, 10, "the tracer to die")
        os.write(writing, b"cd")
        harness.wait_until(lambda: running.output(0) == b"abcd", 10, "the program to go on")
        os.close(writing)
        os.close(reading)
        harness.wait_until(lambda: not os.path.exists(f"/proc/{child}/exe"), 10, "the program to end")

    def build(self, source, name, *flags, compiler="cc"):
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-I",
                        os.path.join(harness.ROOT, "preload_lib"), *flags, "-o", self.path(name), source], check=True)
        return self.path(name)

    @only_under("dispatch")
    @need("cc", "clang")
    def test_every_way_to_link(self):
        source = self.write("small.c", '#include <unistd.h>\n#include "wc/scope.h"\nint main(void) {\n'
                                       '  WC_SCOPE("small");\n  return write(1, "w\\n", 2) != 2;\n}\n')
        for compiler in ("cc", "clang"):
            for flags in (["-fPIE", "-pie"], ["-fno-pie", "-no-pie"], ["-O0"], ["-flto"], ["-std=c11", "-pedantic"],
                          ["-static"], ["-static-pie", "-fPIE"]):
                with self.subTest(compiler=compiler, flags=flags):
                    path = self.build(source, "small", *flags, compiler=compiler)
                    self.assertEqual(self.run_plain([path]).out, b"w\n")
                    if "-static" in flags or "-static-pie" in flags:
                        continue
                    _, events = self.events([path], functions="getppid")
                    self.assertEqual([(e["function"], e["name"]) for e in events if e["type"] == "syscall"],
                                     [("small", "write")])

    @only_under("dispatch")
    @need("c++", "clang++")
    def test_cpp_standards(self):
        source = self.write("small.cpp", '#include "wc/scope.h"\nint main() { wc::scope a("a"); WC_SCOPE("b"); }\n')
        for compiler in ("c++", "clang++"):
            for standard in ("c++11", "c++20"):
                path = self.build(source, "small", f"-std={standard}", compiler=compiler)
                self.assertEqual(self.run_plain([path]).status, 0)

    @only_under("dispatch")
    @need("cc", "objdump")
    def test_costs_one_load_and_one_branch(self):
        source = self.write("cost.c", '#include "wc/scope.h"\nvoid work(void);\n'
                                      'void with(void) { struct wc_scope_guard g; wc_scope_begin(&g, "n"); work(); '
                                      'wc_scope_end(&g); }\n')
        self.build(source, "cost.o", "-c")
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", self.path("cost.o")], capture_output=True,
                              text=True, check=True).stdout
        lines = [line.split("\t", 1)[1] for line in code.splitlines() if line.startswith("  ") and "\t" in line]
        # Up to work(): the frame, a load from the global offset table, a test, a branch not taken.
        before = lines[:next(n for n, line in enumerate(lines) if line.startswith("call"))]
        self.assertEqual([line.split()[0] for line in before], ["sub", "mov", "test", "jne"], code)
        after = lines[len(before) + 1:]
        self.assertEqual([line.split()[0] for line in after[:3]], ["mov", "test", "jne"], code)


if __name__ == "__main__":
    harness.main()
