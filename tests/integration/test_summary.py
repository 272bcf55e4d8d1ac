"""`-c`: what the summary counts, on real programs, and how it is shown."""
import csv
import io
import json
import os
import re
import signal
import subprocess
import time
import unittest

import harness
from harness import Case, need, program

# Calls save() three times, which writes and syncs, and look() twice, whose second fopen fails.
SOURCE = r"""
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) void save(int fd) { if (write(fd, "x", 1) == 1) fsync(fd); }
__attribute__((noinline)) void look(void) {
  FILE *f = fopen("/etc/passwd", "r");
  char line[10];
  if (f != NULL && fgets(line, sizeof line, f) != NULL) fclose(f);
  fopen("/nonexistent", "r");
}
int main(void) {
  int fd = open("out", O_CREAT | O_RDWR, 0600);
  for (int i = 0; i < 3; i++) save(fd);
  for (int i = 0; i < 2; i++) look();
  return 0;
}
"""

# Its constructor sleeps; so does the program's, which runs before main but after its entry point.
SLOW_LIBRARY = r"""
#include <unistd.h>
__attribute__((constructor)) static void slow(void) { usleep(60000); }
int answer(void) { return 42; }
"""
SLOW_PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int answer(void);
static void at_exit(void) { usleep(20000); }
__attribute__((constructor)) static void own(void) { usleep(30000); }
int main(void) {
  atexit(at_exit);
  usleep(40000);
  printf("%d\n", answer());
  return 0;
}
"""
MS = 1_000_000


class Summaries(Case):
    def build(self, name, source, *flags):
        file = self.write(name + ".c", source)
        subprocess.run(["cc", "-g", "-O1", "-o", self.path(name), file, "-L", self.dir, *flags], check=True)
        return self.path(name)

    def summary(self, argv, *options, spec="summary:format=json", **more):
        path = self.path("summary.json")
        result = self.run_tool(argv, "-b", spec, "-o", path, *options, **more)
        self.assertEqual(result.status, 0, result)
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    @staticmethod
    def rows(parsed, array="functions", key="function"):
        return {row[key]: row for row in parsed[array]}


@need("cc")
class Counting(Summaries):
    def setUp(self):
        super().setUp()
        self.program = self.build("places", SOURCE)

    ENGINES = ((), ("-E", "inproc"), ("-g", "trap"))

    def test_functions(self):
        for options in self.ENGINES:
            with self.subTest(options=options):
                parsed = self.summary([self.program], *options, functions="fopen,fclose,fsync,write,malloc,fgets")
                rows = self.rows(parsed)
                fopen = rows["fopen"]
                opened = {s["name"]: s for s in fopen["by_syscall"]}["openat"]
                self.assertEqual((fopen["calls"], fopen["errors"], opened["count"], opened["own"]), (4, 2, 4, 4))
                self.assertEqual((rows["fsync"]["calls"], rows["fsync"]["syscalls"], rows["fsync"]["measured"]), (3, 3, 3))
                self.assertLessEqual(rows["fsync"]["p50_ns"], rows["fsync"]["p99_ns"])
                self.assertLessEqual(rows["fsync"]["p99_ns"], rows["fsync"]["max_ns"])
                self.assertGreaterEqual(rows["fsync"]["ns"], rows["fsync"]["max_ns"])
                own = sum(row["own"] for row in parsed["functions"])
                self.assertEqual(parsed["total"]["syscalls"], own, "each syscall is one function's own")
                self.assertLessEqual(parsed["total"]["ns"], parsed["total"]["lived_ns"])

    def test_syscalls_of_nested_calls_are_the_outer_ones_too(self):
        for options in self.ENGINES:
            rows = self.rows(self.summary([self.program], *options, functions="fopen,malloc"))
            self.assertGreater(rows["fopen"]["syscalls"], rows["fopen"]["own"], options)
            nested = rows["fopen"]["syscalls"] - rows["fopen"]["own"]
            self.assertEqual(rows["malloc"]["own"], nested, options)

    def test_functions_with_breakpoints(self):
        rows = self.rows(self.summary([self.program], "-B", "save", "-F", "fsync,write"))
        self.assertEqual((rows["save"]["calls"], rows["save"]["syscalls"], rows["save"]["own"]), (3, 6, 0))

    def test_callers(self):
        for options in self.ENGINES:
            with self.subTest(options=options):
                parsed = self.summary([self.program], *options, spec="summary:by=caller,format=json",
                                      functions="fopen,fsync,write")
                rows = self.rows(parsed, "callers", "caller")
                save = next(row for name, row in rows.items() if name.startswith("save at places.c:"))
                self.assertEqual((save["calls"], save["syscalls"]), (6, 6))
                self.assertEqual({p["name"] for p in save["by_function"]}, {"fsync", "write"})

    def test_paths(self):
        parsed = self.summary([self.program], spec="summary:by=path,format=json", functions="@default", cwd=self.dir)
        rows = self.rows(parsed, "paths", "path")
        out = rows[os.path.join(os.path.realpath(self.dir), "out")]
        self.assertEqual({p["name"] for p in out["by_syscall"]}, {"openat", "write", "fsync"})
        self.assertEqual(rows["/nonexistent"]["errors"], 2)

    def test_syscalls_and_threads(self):
        parsed = self.summary([self.program], "--scope=process", spec="summary:by=syscall,format=json")
        rows = self.rows(parsed, "syscalls", "syscall")
        self.assertEqual(rows["fsync"]["syscalls"], 3)
        self.assertEqual(sum(row["syscalls"] for row in rows.values()), parsed["total"]["syscalls"])
        parsed = self.summary([program("many_threads")], spec="summary:by=thread,format=json", functions="@default")
        self.assertGreater(len(parsed["threads"]), 2)

    def test_csv(self):
        result = self.run_tool([self.program], "-b", "summary:format=csv", functions="fsync")
        rows = list(csv.DictReader(io.StringIO(result.err.decode())))
        self.assertEqual([(r["function"], r["part"], r["syscalls"]) for r in rows],
                         [("fsync", "", "3"), ("fsync", "fsync", "3"), ("total", "", "3")])

    def test_table_fits_the_screen_and_has_no_empty_rows(self):
        for spec in ("summary", "summary:histogram", "summary:by=caller", "summary:by=path", "summary:by=thread"):
            result = self.run_tool([self.program], "-b", spec, functions="@all")
            lines = result.err.decode().splitlines()
            self.assertTrue(lines, spec)
            self.assertEqual([line for line in lines if len(line) > 80], [], spec)
        result = self.run_tool([self.program], "-c", functions="fsync,strlen,malloc")
        self.assertNotIn(b"strlen", result.err)
        result = self.run_tool(["/bin/ls", "/"], "-c", "-a", functions="@all")
        self.assertRegex(result.err, rb"(?m)^ +\d+ +0 +0 .* strlen$|strlen \*$")


@need("cc")
class StartUp(Summaries):
    def setUp(self):
        super().setUp()
        self.build("libslow.so", SLOW_LIBRARY, "-shared", "-fPIC", "-Wl,-soname,libslow.so")

    def phases(self, *flags, argv=None, options=()):
        binary = self.build("slow", SLOW_PROGRAM, *flags)
        parsed = self.summary(argv or [binary], "--scope=process", *options)
        return {phase["phase"]: phase for phase in parsed["outside"]["phases"]}, parsed

    def check(self, phases, constructor):
        self.assertEqual(set(phases) - {"exec, tracer"}, {"loader", "constructors", "before main", "main", "exit"})
        for phase, least in (("constructors", constructor), ("before main", 30), ("main", 40), ("exit", 20)):
            self.assertGreaterEqual(phases[phase]["ns"], least * MS, phase)
            self.assertLess(phases[phase]["ns"], (least + 500 * harness.SLOWNESS) * MS, phase)
        sleeps = {name: sum(s["count"] for s in phase["by_syscall"] if s["name"] == "clock_nanosleep")
                  for name, phase in phases.items()}
        self.assertEqual({n: c for n, c in sleeps.items() if c},
                         {"constructors": 1, "before main": 1, "main": 1, "exit": 1})

    def test_time_outside_of_calls(self):
        for flags in (["-lslow"], ["-lslow", "-no-pie"], ["-lslow", "-Wl,-z,now"]):
            with self.subTest(flags=flags):
                phases, parsed = self.phases(*flags, "-Wl,-rpath," + self.dir)
                self.check(phases, 60)
                libraries = {x["name"]: x for x in phases["constructors"]["by_library"]}
                self.assertGreaterEqual(libraries["libslow.so"]["ns"], 60 * MS)
                self.assertEqual(libraries["libslow.so"]["count"], 1)
                loaded = {x["name"]: x for x in phases["loader"]["by_library"]}
                self.assertGreaterEqual(loaded["libslow.so"]["count"], 4)
                self.assertIn("relocation", loaded)
                total = sum(p["ns"] for p in phases.values() if "percent" in p)
                self.assertAlmostEqual(total, parsed["total"]["lived_ns"], delta=MS)

    def test_static_program(self):
        source = SLOW_PROGRAM.replace("int answer(void);", "static int answer(void) { return 42; }")
        binary = self.path("slow_static")
        file = self.write("slow_static.c", source)
        subprocess.run(["cc", "-static", "-o", binary, file], check=True)
        parsed = self.summary([binary], "--scope=process")
        phases = {phase["phase"] for phase in parsed["outside"]["phases"]}
        self.assertEqual(phases - {"exec, tracer"}, {"before main", "main", "exit"})
        subprocess.run(["strip", binary], check=True)
        parsed = self.summary([binary], "--scope=process")  # nobody knows where main is
        phases = {phase["phase"] for phase in parsed["outside"]["phases"]}
        self.assertEqual(phases - {"exec, tracer"}, {"before main"})

    def test_children(self):
        phases, _ = self.phases("-lslow", "-Wl,-rpath," + self.dir,
                                argv=["sh", "-c", f"{self.path('slow')}; {self.path('slow')} >&2"])
        self.assertEqual(sum(s["count"] for s in phases["constructors"]["by_syscall"] if s["name"] == "clock_nanosleep"), 2)

    def test_program_is_not_disturbed(self):
        self.build("slow", SLOW_PROGRAM, "-lslow", "-Wl,-rpath," + self.dir)
        self.compare([self.path("slow")], options=("--scope=process", "-b", "summary:output=/dev/null"))
        self.compare([program("own_traps")], options=("--scope=process", "-b", "summary:output=/dev/null"))

    def test_one_screen(self):
        self.build("slow", SLOW_PROGRAM, "-lslow", "-Wl,-rpath," + self.dir)
        result = self.run_tool([self.path("slow")], "--scope=process", "-c")
        lines = result.err.decode().splitlines()
        self.assertLessEqual(len(lines), 50)
        self.assertTrue(any(re.search(r"libslow\.so$", line) for line in lines), lines)


@need("cc")
class Live(Summaries):
    PROGRAM = r"""
#include <signal.h>
#include <unistd.h>
static volatile sig_atomic_t hits;
static void hit(int number) { (void)number; hits++; }
int main(void) {
  signal(SIGUSR1, hit);
  for (char c; read(0, &c, 1) == 1;) { char now = '0' + hits; write(1, &now, 1); usleep(1000); }
  return 0;
}
"""

    def begin(self, *options):
        reading, self.writing = os.pipe()
        binary = self.build("turns", self.PROGRAM, "-Wno-unused-result")
        running = self.start(self.tool_argv([binary], *options, "-o", self.path("table"), functions="write,getpid"),
                             stdin=reading)
        os.close(reading)
        os.write(self.writing, b"a")
        running.wait_for_output(b"0")
        return running

    def text(self):
        with open(self.path("table"), encoding="utf-8") as file:
            return file.read()

    def end(self, running):
        os.close(self.writing)
        return self.finish(running)

    def test_usr1_prints_what_there_is_so_far(self):
        for options in ((), ("-E", "inproc"), ("-g", "socket")):
            with self.subTest(options=options):
                running = self.begin("-c", *options)
                for turn in range(2):
                    os.kill(running.pid, signal.SIGUSR1)
                    harness.wait_until(lambda n=turn + 1: self.text().count("until now") == n, 10, "the table")
                self.assertRegex(self.text(), r"(?m)^ +1 +1 +1 .* write$")
                os.write(self.writing, b"b")
                running.wait_for_output(b"00")  # none of the signals has reached the program
                result = self.end(running)
                self.assertEqual((result.status, result.out), (0, b"00"))
                self.assertRegex(self.text().split("until now")[-1], r"(?m)^ +2 +2 +2 .* write$")

    def test_usr1_is_the_programs_where_nobody_can_answer(self):
        running = self.begin("-b", "json")
        os.kill(running.pid, signal.SIGUSR1)
        time.sleep(0.5)
        os.write(self.writing, b"b")
        running.wait_for_output(b"01")
        self.end(running)

    def test_intervals(self):
        running = self.begin("-b", "summary:interval=0.3")
        harness.wait_until(lambda: self.text().count("the last") >= 3, 10, "tables")
        self.end(running)
        parts = self.text().split("all together:")
        self.assertEqual(len(parts), 2)
        windows = re.findall(r"(?m)^ +1 +1 +1 .* write$", parts[0])
        self.assertEqual(len(windows), 1, "the call is in the window in which it was, and in no other")
        self.assertRegex(parts[1], r"(?m)^ +1 +1 +1 .* write$")


@need("cc")
class OwnScopes(Summaries):
    SCOPES = r"""
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "wc/scope.h"
int main(int argc, char **argv) {
  for (int i = 0; i < 3; i++) { WC_SCOPE("quiet"); }
  { WC_SCOPE("silent"); }
  if (argc < 2) return 0;
  if (strcmp(argv[1], "exec") == 0) execl(argv[0], argv[0], (char *)0);
  if (strcmp(argv[1], "kill") == 0) kill(getpid(), SIGKILL);
  _exit(0);
}
"""

    def test_names_without_a_system_call(self):
        binary = self.build("scopes", self.SCOPES, "-I", os.path.join(harness.ROOT, "preload_lib"))
        for options in ((), ("-E", "inproc"), ("-g", "trap"), ("-g", "socket")):
            for how, times in (("", 1), ("exit", 1), ("kill", 1), ("exec", 2)):
                with self.subTest(options=options, how=how):
                    path = self.path("summary.json")
                    self.run_tool([binary, how] if how else [binary], "-a", *options, "-b", "summary:format=json", "-o", path,
                                  functions="getppid")
                    with open(path, encoding="utf-8") as file:
                        calls = {row["function"]: row["calls"] for row in json.load(file)["functions"]}
                    self.assertEqual({n: c for n, c in calls.items() if n != "getppid"},
                                     {"quiet": 3 * times, "silent": times})

    # The rows of a program's names are given anew by the one that it execs.
    def test_a_new_program_has_other_names(self):
        other = self.build("other", self.SCOPES.replace('"quiet"', '"loud"').replace('"silent"', '"louder"')
                           .replace("if (argc < 2) return 0;", "write(1, argv[0], 1); return 0;"),
                           "-I", os.path.join(harness.ROOT, "preload_lib"), "-Wno-unused-result")
        first = self.build("first", self.SCOPES.replace("execl(argv[0], argv[0], (char *)0)", f'execl("{other}", "other", (char *)0)'),
                           "-I", os.path.join(harness.ROOT, "preload_lib"))
        rows = self.rows(self.summary([first, "exec"], "-a", functions="getppid"))
        self.assertEqual({n: rows[n]["calls"] for n in rows}, {"quiet": 3, "silent": 1, "loud": 3, "louder": 1})


if __name__ == "__main__":
    harness.main()
