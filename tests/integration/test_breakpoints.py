"""Scopes by breakpoint: functions of the program, of libraries, of static programs."""
import collections
import os
import random
import re
import resource
import time
import unittest

import harness
from harness import Case, need, processes, program

SOURCE = os.path.join(harness.HERE, "programs/break_cases.cpp")
CASES = program("break_cases")


def syscalls(events, name="write"):
    return [e for e in events if e["type"] == "syscall" and e["name"] == name]


def chains(events, name="write"):
    """What each system call was made in, outermost first."""
    return [tuple(e.get("chain") or ([e["function"]] if "function" in e else [])) for e in syscalls(events, name)]


def returns(events):
    calls = {e["call"]: e["function"] for e in events if e["type"] == "call"}
    return [(calls[e["call"]], int(e.get("ret", "0"), 0) if isinstance(e.get("ret"), str) else e.get("ret"),
             e.get("unwound", False)) for e in events if e["type"] == "return"]


class Breakpoints(Case):
    def cases(self, *cases, functions="inner,outer", binary=CASES, options=(), gate="auto"):
        """The events of some cases, after a check that the program cannot tell."""
        native = self.run_plain([binary, *cases])
        result, events = self.events([binary, *cases], "-B", functions, *options, gate=gate)
        self.assertEqual((result.status, result.out, result.err), (native.status, native.out, native.err))
        return events

    def in_main(self, *cases, **more):
        return self.cases(*cases, options=["--scope=main"], **more)

    def compiled(self, name, *flags, source=SOURCE):
        path = self.path(name)
        compiler = "g++" if source.endswith("cpp") else "gcc"
        made = self.run_plain([compiler, "-g", "-O0", "-fno-builtin", "-o", path, source, "-lpthread", *flags],
                              limit=60)
        self.assertEqual(made.status, 0, made)
        return path

    def many(self, name, functions, *flags):
        """many_places with so many functions."""
        source = os.path.join(harness.HERE, "programs/many_places.c")
        return self.compiled(name, f"-DFUNCTIONS={functions}", *flags, source=source)

    # ---- how many

    def test_room_below_and_above_a_program_that_cannot_be_moved(self):
        binary = self.many("fixed", 200000, "-no-pie")
        result = self.run_tool([binary, "0"], "-B", "place_*", "-b", "none", gate="auto", limit=60)
        self.assertEqual((result.status, result.out, result.err), (0, b"ready\ndone\n", b""))

    def test_what_is_left_out_is_one_line(self):
        """A system call cannot be displaced."""
        source = self.write("refused.c", "int main(void) { return 0; }\n" + "".join(
            f'__asm__(".globl here_{i}\\n.type here_{i}, @function\\nhere_{i}: syscall; ret\\n");\n'
            for i in range(50)))
        binary = self.compiled("refused", source=source)
        result = self.run_tool([binary], "-B", "here_*,main", "-b", "none", gate="auto")
        line, = result.err.splitlines()
        self.assertRegex(line, rb"refused: 50 of the 51 selected functions have no breakpoint, .*: 50 \('here_0' and "
                               rb"others\): a system call stands there")
        result = self.run_tool([binary], "-B", "here_7", "-b", "none", gate="auto")
        self.assertEqual(result.err, b"wc-preload: breakpoint 'here_7' in refused: a system call stands there\n")

    def test_as_many_more_cost_as_much_more(self):
        """Processor time, so that other load does not count, and far from n*n."""
        def cost(functions):
            binary = self.many(f"many{functions}", functions)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.run_tool([binary, "0"], "-B", "place_*", "-b", "none", gate="auto", limit=60)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime - before.ru_utime
        few, many = 10000, 80000
        # Twice is other load in the caches; n*n would be eight times as much.
        self.assertLess(cost(many) / cost(few), 4 * many / few)

    # ---- scopes

    def test_nested_and_outside(self):
        events = self.in_main("nested")
        self.assertEqual(chains(events), [("outer",), ("outer", "inner"), ("outer",), ("inner",)])
        # One that makes no system call is not reported, unless all calls are wanted.
        self.assertNotIn("quiet", [e.get("function") for e in self.in_main("nested", functions="quiet")])
        trace = self.path("all.json")
        self.run_tool([CASES, "nested"], "-a", "-B", "quiet", "-b", "json", "-o", trace)
        self.assertEqual([e["type"] for e in harness.read_json(trace) if e["type"] in ("call", "return")],
                         ["call", "return"])

    def test_wraps_nothing(self):
        result, _ = self.events(["sh", "-c", "env; cat /proc/self/maps"], "-B", "write@libc")
        self.assertNotIn(b"wc_preload", result.out)
        self.assertNotIn(b"LD_PRELOAD", result.out)

    def test_recursive_values_and_displaced_instructions(self):
        # Their first instructions are a call, a load relative to rip, a jrcxz, jumps.
        functions = "descend,relative,calls_first,conditional,inner,jumps"
        events = self.in_main("values", functions=functions)
        self.assertEqual(chains(events), [("descend",) * n for n in (1, 2, 3, 4)] + [("jumps", "inner")])
        self.assertEqual([r for r in returns(events) if r[0] == "descend"],
                         [("descend", value, False) for value in (7, 8, 9, 10)])

    def test_tail_calls(self):
        events = self.in_main("values", functions="jumps,inner,ping,pong")
        self.assertEqual(chains(events), [("jumps", "inner")])
        self.assertEqual([r[0] for r in returns(events)], ["inner", "jumps"])
        self.assertFalse([r for r in returns(events) if r[2]], "both return")
        # Two that jump to each other for ever would open scopes without end.
        trace = self.path("all.json")
        self.run_tool([CASES, "values"], "-a", "-B", "ping,pong", "-b", "json", "-o", trace)
        calls = [e for e in harness.read_json(trace) if e["type"] == "call"]
        self.assertEqual(len(calls), 10)
        self.assertLessEqual(max(c["depth"] for c in calls), 1)

    def test_several_threads_in_one_function(self):
        for _ in range(3 * harness.SOAK):
            events = self.in_main("threads", functions="inner")
            each = collections.Counter(e["tid"] for e in syscalls(events))
            self.assertEqual(sorted(each.values()), [250] * 4, "every entry of every thread is seen")
            self.assertEqual(set(chains(events)), {("inner",)})

    def test_left_by_longjmp_and_exceptions(self):
        events = self.in_main("leap", functions="leaps,after_leap")
        self.assertEqual(chains(events), [("leaps",), ("after_leap",)])
        self.assertIn(("leaps", None, True), [(f, None, u) for f, _, u in returns(events)])
        events = self.in_main("exception", functions="throws,inner")
        self.assertEqual(chains(events), [("throws",), ("inner",)])
        self.assertIn(("throws", True), [(f, u) for f, _, u in returns(events)])

    def test_children(self):
        events = self.in_main("children", functions="inner")
        self.assertEqual(chains(events), [("inner",)] * 3, "fork, vfork, the parent")
        self.assertEqual(len({e["pid"] for e in syscalls(events)}), 3)
        # Not followed, they run without our breakpoints in their text.
        events = self.in_main_not_followed("children")
        self.assertEqual(chains(events), [("inner",)])

    def in_main_not_followed(self, case):
        return self.cases(case, functions="inner", options=["--no-follow", "--scope=main"])

    def test_signals_on_breakpoints(self):
        for _ in range(3 * harness.SOAK):
            events = self.in_main("signals", functions="inner")
            calls = [e for e in events if e["type"] == "call"]
            self.assertEqual(len(calls), 400, "no entry is counted twice or lost")
            self.assertEqual(len([r for r in returns(events) if not r[2]]), 400)
            inside = [e for e in syscalls(events) if "signal" not in e]
            self.assertEqual(len(inside), 400)

    def test_the_programs_own_traps(self):
        events = self.in_main("traps", functions="own_trap,inner")
        self.assertEqual(chains(events), [("inner",)])
        native = self.run_plain([CASES, "traps"])
        self.assertEqual(native.out, b"traps 3\n")
        killed = [program("own_traps")]
        self.assertEqual(self.run_tool(killed, "-B", "main").status, self.run_plain(killed).status)

    def test_all_signals_blocked(self):
        self.assertEqual(chains(self.in_main("blocked", functions="inner")), [("inner",)])

    # ---- what is no call, and returns that nobody can see

    def odd(self, case, functions):
        """The calls and returns of one case of odd_entries, the same for the program as natively."""
        binary = program("odd_entries")
        native = self.run_plain([binary, case])
        self.assertEqual(native.status, 0, native)
        result, events = self.events([binary, case], "-a", "-B", functions)
        self.assertEqual((result.status, result.out, result.err), (native.status, native.out, native.err))
        calls = [e["function"] for e in events if e["type"] == "call"]
        return calls, [name for name, _, unwound in returns(events) if not unwound], events

    def test_a_cold_part_is_not_called(self):
        calls, ended, events = self.odd("cold", "parse*")
        self.assertEqual((calls, ended), (["parse"] * 3, ["parse"] * 3))
        self.assertEqual(chains(events, "getppid"), [("parse",)] * 3)
        refused = self.run_tool([program("odd_entries")], "-B", "parse.cold")
        self.assertEqual(refused.status, 125)
        self.assertIn(b"'parse.cold': no such function", refused.err)

    def test_a_jump_with_data_on_the_stack_is_no_call(self):
        calls, ended, _ = self.odd("jumped", "part,split")
        self.assertEqual((calls, ended), (["split"] * 3, ["split"] * 3))

    def test_the_rounds_of_a_loop_to_the_entry_are_one_call(self):
        calls, ended, _ = self.odd("loops", "round_about")
        self.assertEqual((calls, ended), (["round_about"], ["round_about"]))

    def test_generated_code_gets_no_breakpoints(self):
        calls, ended, events = self.odd("generated", "target")
        self.assertEqual((calls, ended), (["target"] * 4, []))
        self.assertEqual(chains(events, "getppid"), [("target",)] * 4)

    def test_handlers_return_to_the_kernel(self):
        calls, ended, _ = self.odd("handlers", "user,trapped")
        self.assertEqual((calls, ended), (["user", "trapped", "trapped"] * 2,) * 2)

    def test_what_makecontext_starts(self):
        calls, ended, _ = self.odd("contexts", "of_context,target")
        self.assertEqual(calls, ["of_context", "target"] * 3)
        self.assertEqual(ended, ["target"] * 3)

    def test_every_function_of_the_loader(self):
        argv = ["ls", "-d", "/", "/etc"]
        result = self.run_tool(argv, "-b", "none", "-B", "*@ld-linux-x86-64.so.2", limit=60)
        self.assertEqual((result.status, result.out), (0, self.run_plain(argv).out), result)

    # ---- names

    def test_names_of_c_plus_plus(self):
        def adds(*names):
            return chains(self.in_main("plus_plus", functions=" ".join(names)))
        both = [("shop::Basket::add",)] * 2
        self.assertEqual(adds("Basket::add"), both)
        self.assertEqual(adds("shop::*add*"), both)
        self.assertEqual(adds("_ZN4shop6Basket3addEi"), both[:1])
        self.assertEqual(adds("shop::Basket::add(int)"), both[:1])
        self.assertEqual(adds("twice"), [("shop::twice<int>",)])
        self.assertEqual(adds("Basket::*", "!Basket::add(int)"), both[:1])

    def test_source_files_and_globs(self):
        self.assertEqual(chains(self.in_main("nested", functions="break_cases.cpp:inner")), [("inner",)] * 2)
        self.assertEqual(set(chains(self.in_main("leap", functions="*leap*,!leap"))),
                         {("leaps",), ("after_leap",)})
        result = self.run_tool([CASES], "-B", "other.c:inner")
        self.assertEqual(result.status, 125)
        self.assertIn(b"other.c:inner", result.err)

    def test_unknown_names(self):
        result = self.run_tool([CASES], "-B", "innre")
        self.assertEqual((result.status, result.out), (125, b""))
        self.assertRegex(result.err, rb"^wc-preload: breakpoint 'innre': .*did you mean 'inner'")

    # ---- kinds of programs

    def test_static_not_pie_and_stripped(self):
        for name, flags in (("static", ["-static"]), ("static-pie", ["-static-pie"]), ("fixed", ["-no-pie"])):
            with self.subTest(name):
                binary = self.compiled(name, *flags)
                events = self.in_main("nested", "values", "exception", "threads", binary=binary,
                                      functions="inner,outer,descend,throws")
                counted = collections.Counter(chains(events))
                self.assertEqual(counted[("outer", "inner")], 1)
                self.assertEqual(counted[("descend",) * 4], 1)
                self.assertEqual(counted[("throws",)], 1)
                self.assertEqual(counted[("inner",)], 1 + 1 + 1 + 1000)

    def test_separate_debug_file(self):
        binary = self.compiled("split")
        self.run_plain(["objcopy", "--only-keep-debug", binary, binary + ".debug"])
        self.run_plain(["objcopy", "--strip-all", "--add-gnu-debuglink=" + binary + ".debug", binary])
        self.assertEqual(chains(self.in_main("nested", binary=binary, functions="break_cases.cpp:inner")),
                         [("inner",)] * 2)
        os.remove(binary + ".debug")
        result = self.run_tool([binary], "-B", "inner")
        self.assertIn(b"stripped", result.err)

    LIBRARY = "#include <unistd.h>\nvoid deep(void) { (void)!write(2, \"\", 0); }\n" \
              "__attribute__((visibility(\"hidden\"))) void hidden(void) { deep(); }\n" \
              "void plugin(void) { hidden(); }\n"
    LOADER = "#include <dlfcn.h>\nint main(int c, char **v) {\n" \
             "  for (int i = 0; i < 3; i++) {\n    void *l = dlopen(v[1], RTLD_NOW);\n" \
             "    ((void (*)(void))dlsym(l, \"plugin\"))();\n    dlclose(l);\n  }\n  return c - 2;\n}\n"

    def test_library_that_comes_by_dlopen(self):
        library = self.compiled("libplugin.so", "-shared", "-fPIC", source=self.write("plugin.c", self.LIBRARY))
        loader = self.compiled("loader", source=self.write("loader.c", self.LOADER))
        for functions in ("plugin@libplugin.so hidden@libplugin", "plugin@lib* hidden@libplugin.so"):
            result, events = self.events([loader, library], "-B", functions)
            self.assertEqual(result.status, 0, result)
            self.assertEqual(chains(events), [("plugin", "hidden")] * 3, "loaded, unloaded and loaded again")

    def test_library_functions(self):
        events = self.in_main("nested", functions="write@libc.so.6")
        self.assertEqual(set(chains(events)), {("write",)})
        self.assertEqual({e["library"] for e in events if e["type"] == "call"}, {"libc.so.6"})
        # Errors and arguments as for wrapped functions.
        _, events = self.events(["cat", "/nonexistent"], "-B", "open@libc")
        call = [e for e in events if e["type"] == "call" and "/nonexistent" in e["args"]]
        self.assertTrue(call, events)

    # ---- both kinds

    def test_mixed_chains(self):
        for gate in ("dispatch", "trap", "socket"):
            with self.subTest(gate):
                events = self.cases("nested", "exception", "children", functions="inner,outer,throws",
                                    options=["-F", "write", "--scope=main"], gate=gate)
                # A wrapped call inside a function of the program.
                self.assertEqual(chains(events),
                                 [("outer", "write"), ("outer", "inner", "write"), ("outer", "write"), ("write",),
                                  ("inner", "write"), ("throws", "write"), ("write",), ("inner", "write"),
                                  ("inner", "write"), ("inner", "write"), ("inner", "write")])
                # The reverse: its function inside a wrapped call.
                source = self.write("sort.c", '#include <stdlib.h>\n#include <unistd.h>\n'
                                    'int compare(const void *a, const void *b) {\n (void)!write(2, "", 0);\n'
                                    ' return *(const char *)a - *(const char *)b; }\n'
                                    'int main(void) { char t[] = "ba"; qsort(t, 2, 1, compare); return 0; }\n')
                binary = self.compiled("sort", source=source)
                _, events = self.events([binary], "-B", "compare", "-F", "qsort,write", gate=gate)
                self.assertEqual(chains(events), [("qsort", "compare", "write")])
                _, events = self.events([binary], "-B", "compare", "-F", "qsort", gate=gate)
                self.assertEqual(chains(events), [("qsort", "compare")])

    def test_text_and_summary(self):
        trace = self.path("trace.txt")
        self.run_tool([CASES, "nested"], "--scope=main", "-B", "outer,inner", "-o", trace)
        with open(trace, encoding="ascii") as file:
            lines = [re.sub(r"\(.*", "", line) for line in file.read().splitlines()]
        self.assertEqual(lines, ["outer", "  write", "  inner", "    write", "  write", "inner", "  write",
                                 "+++ exited with 0 +++"])
        result = self.run_tool([CASES, "nested"], "--scope=main", "-B", "outer,inner,quiet", "-c")
        self.assertEqual(sorted((name, int(count)) for count, name in
                                re.findall(rb"(?m)^ +(\d+) +\d+ +\d+ .* (outer|inner)$", result.err)),
                         [(b"inner", 2), (b"outer", 1)])
        self.assertIn(b"1 function (1 call) made no system call", result.err)  # quiet

    def test_full_process_mode(self):
        _, events = self.events([CASES, "nested"], "--scope=process", "-B", "inner,outer")
        self.assertEqual(chains(events), [("inner",), ("outer",), ("outer", "inner"), ("outer",), (), ("inner",),
                                          ("inner",)])
        self.assertIn("execve", [e["name"] for e in events if e["type"] == "syscall"])

    # ---- real programs

    @need("git", "python3")
    def test_real_programs(self):
        for argv, functions in ((["python3", "-c", "import json, ssl, threading; print(json.dumps([1]))"],
                                 "*open*@libc.so.6 read@libc.so.6"),
                                (["git", "--version"], "write@libc.so.6"),
                                (["bash", "-c", "for i in 1 2 3; do echo $(echo $i); done"], "fork@libc write@libc")):
            with self.subTest(argv[0]):
                self.compare(argv, options=["-B", functions], limit=60)


class ScopeMain(Case):
    """Nothing of start-up and exit."""

    def writes(self, *options, binary=CASES, gate="auto", words=("nested",)):
        _, events = self.events([binary, *words], "--scope=main", *options, gate=gate)
        return chains(events)

    def test_constructors_and_destructors_are_left_out(self):
        for gate in ("dispatch", "trap", "socket", "inproc"):
            with self.subTest(gate):
                self.assertEqual(self.writes("-F", "write", gate=gate), [("write",)] * 5)
        self.assertEqual(self.writes("-B", "inner"), [("inner",)] * 2)

    def test_left_by_exit(self):
        for words in (("nested",), ("nested", "exits")):
            self.assertEqual(self.writes("-F", "write,open", words=words), [("write",)] * 5)

    def test_kinds_of_programs(self):
        for name, flags in (("fixed", ["-no-pie"]), ("static", ["-static"]), ("stripped", ["-s"])):
            with self.subTest(name):
                binary = Breakpoints.compiled(self, name, *flags)
                option = ["-B", "outer"] if name == "static" else ["-F", "write"]
                expected = [("outer",)] * 3 if name == "static" else [("write",)] * 5
                self.assertEqual(self.writes(*option, binary=binary), expected)

    def test_static_and_stripped_is_told(self):
        binary = Breakpoints.compiled(self, "both", "-static", "-s")
        result = self.run_tool([binary, "nested"], "--scope=main", "-B", "x@liby.so")
        self.assertEqual(result.status, 0)
        self.assertRegex(result.err, rb"wc-preload: .*both: is statically linked and stripped, so that main")

    def test_counts_are_those_of_main(self):
        result = self.run_tool([CASES, "nested"], "--scope=main", "-F", "write", "-c")
        self.assertRegex(result.err, rb"(?m)^ +5 +5 +5 .* write$")

    def test_counts_of_a_main_that_is_killed(self):
        result = self.run_tool([program("die_by"), "segv"], "--scope=main", "-F", "fflush", "-c")
        self.assertEqual(result.status, -11, result)
        self.assertRegex(result.err, rb"(?m)^ +1 +1 +1 .* fflush$")

    def test_children_of_main(self):
        _, events = self.events(["sh", "-c", "/bin/echo one; /bin/echo two"], "--scope=main", functions="write")
        self.assertEqual(chains(events), [], "echo writes when it exits")
        _, events = self.events(["sh", "-c", "(echo one); echo two"], "--scope=main", functions="write")
        self.assertEqual(chains(events), [("write",)] * 2)


class TracerKilled(Case):
    """kill -9 at any moment: a breakpoint that stays in the text would kill the program."""

    PROGRAMS = {"steady": ("fopen@libc open@libc read@libc malloc@libc", ["4"]),
                "break_cases": ("inner,outer", ["threads", "nested", "threads", "values"])}

    def check(self, binary, words, functions, turns):
        expected = self.run_plain([binary, *words])
        chance = random.Random(len(words))
        for turn in range(turns):
            out = self.path("out")
            with open(out, "wb") as file:
                trace = self.path(f"{os.path.basename(binary)}-{turn}.json")
                running = self.start(self.tool_argv([binary, *words], "-B", functions, "-b", "json", "-o", trace,
                                                    gate="auto"), stdout=file)
                # From the first event on: the moments before are told of in docs/limitations.md.
                harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 1000, 20, "events")
                time.sleep(chance.uniform(0, 0.15))
                family = processes.descendants(running.pid)
                running.popen.kill()
                running.popen.wait()
            self.wait_for_end(running, family)
            self.finish(running)
            with open(out, "rb") as file:
                self.assertEqual(file.read(), expected.out, f"turn {turn}")

    def wait_for_end(self, running, family):
        def is_over():
            processes.reap_orphans([running.pid])
            return not [p for p in family if processes.is_running(p)]
        harness.wait_until(is_over, 20, "the program and the guardian to end")

    def test_dynamic(self):
        for name, (functions, words) in self.PROGRAMS.items():
            with self.subTest(name):
                self.check(program(name), words, functions, 8 * harness.SOAK)

    def test_more_places_than_there_is_room_for(self):
        """None is set that would outlive the tracer; how many is one line."""
        result = self.run_tool([program("many_places"), "0"], "-B", "place_*", "-b", "none", gate="auto", limit=60)
        self.assertEqual((result.status, result.out), (0, b"ready\ndone\n"), result)
        refused, unrecorded = result.err.splitlines()
        self.assertRegex(refused, rb"many_places: \d+ of the 270000 selected functions have no breakpoint, .* 262144 ")
        self.assertRegex(unrecorded, rb"^wc-preload: \d+ calls of functions with breakpoints were not recorded: ")
        self.assertGreater(int(refused.split()[2]), 270000 - 262144 - 1)

    def test_a_full_table(self):
        """Every one of its breakpoints is passed without a tracer, and leaves the text."""
        out = self.path("out")
        with open(out, "wb") as file:
            running = self.start(self.tool_argv([program("many_places"), "4"], "-B", "place_*", "-b", "none",
                                                gate="auto"), stdout=file)
            harness.wait_until(lambda: os.path.getsize(out) != 0, 60, "the program to be ready")
            family = processes.descendants(running.pid)
            running.popen.kill()
            running.popen.wait()
        self.wait_for_end(running, family)
        self.finish(running)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), b"ready\ndone\n")

    def test_static(self):
        binary = Breakpoints.compiled(self, "static", "-static")
        self.check(binary, ["threads", "nested", "threads", "values"], "inner,outer,descend", 8 * harness.SOAK)

    def test_text_is_put_back(self):
        """While the program lives on, nothing is left of the breakpoints."""
        source = self.write("waits.c", '#include <stdio.h>\n#include <unistd.h>\n'
                            'void f(void) {}\nint main(void) { char c; f(); printf("%d\\n", *(volatile unsigned char *)f != 0xcc);\n'
                            ' fflush(stdout); (void)!read(0, &c, 1); f();\n'
                            ' printf("%d\\n", *(volatile unsigned char *)f != 0xcc); return 0; }\n')
        binary = Breakpoints.compiled(self, "waits", source=source)
        read_end, write_end = os.pipe()
        running = self.start(self.tool_argv([binary], "-B", "f", gate="auto"), stdin=read_end)
        running.wait_for_output(b"0\n")
        family = processes.descendants(running.pid)
        running.popen.kill()
        running.popen.wait()
        guardians = [p for p in family if (processes.stat_fields(p) or ("",))[0] == "wc-guardian"]
        self.assertTrue(guardians)
        self.wait_for_end(running, guardians)
        os.write(write_end, b"x")
        self.wait_for_end(running, family)
        self.assertEqual(self.finish(running).out, b"0\n1\n")
        os.close(read_end)
        os.close(write_end)


if __name__ == "__main__":
    harness.main()
