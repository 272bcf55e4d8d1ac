"""--compare: its rows, with peers that work, fail, hang and lie; servers; files; what is refused."""
import json
import os
import pty

import harness
from harness import Case, need, program

# A stand-in for a tracer that takes "-o FILE ... -- PROGRAM": writes two system calls, runs PROGRAM.
WORKING = """#!/bin/sh
while [ "$1" != -- ]; do
  [ "$1" != -o ] || trace=$2
  shift
done
shift
echo '7 openat(AT_FDCWD, "/", 0) = 3' >"$trace"
echo '7 close(3) = 0' >>"$trace"
"$@"
"""
FAILING = "#!/bin/sh\necho \"$0: no way\" >&2\nexit 5\n"
HANGING = "#!/bin/sh\nsetsid sleep 1000 &\nexec sleep 1000\n"
LYING = WORKING + "echo more\n"

SERVER = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c, _ = s.accept()
    while c.recv(1):
        c.sendall(b'x')
    c.close()
"""
CLIENT = """
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
begin = time.monotonic()
for _ in range(50):
    s.sendall(b'x')
    s.recv(1)
s.close()
os.unlink(sys.argv[1])
print(50 / (time.monotonic() - begin), sys.argv[2])
"""


class Compare(Case):
    def setUp(self):
        super().setUp()
        self.fakes = self.fresh_folder()
        self.env["PATH"] = self.fakes + ":" + os.environ["PATH"]
        for name in ("strace", "ltrace", "perf", "bpftrace"):
            self.fake(name, FAILING)

    def fake(self, name, script):
        path = os.path.join(self.fakes, name)
        with open(path, "w") as file:
            file.write(script)
        os.chmod(path, 0o755)

    def compare_argv(self, argv, *options, runs=1):
        return [self.tool, f"--compare={runs}", *options, "--", *argv]

    def rows(self, argv, *options, runs=1, status=0, limit=60, **more):
        """The variants by name, the head, and what was printed."""
        figures = self.path("figures.json")
        result = self.run_plain(self.compare_argv(argv, "--compare-output", figures, *options, runs=runs),
                                limit, **more)
        self.assertEqual(result.status, status, result)
        self.assert_nothing_left()
        with open(figures) as file:
            document = json.load(file)
        rows = {variant["name"]: variant for variant in document["row"]["variants"]}
        return rows, document["head"], result.out.decode()

    def refused(self, argv, *options, says, status=125):
        result = self.run_plain(self.compare_argv(argv, *options))
        self.assertEqual(result.status, status, result)
        last = result.err.decode().splitlines()[-1]
        self.assertTrue(last.startswith("wc-preload: "), last)
        self.assertIn(says, last)
        self.assertEqual(result.out, b"")
        self.assert_nothing_left()

    # ---- rows

    def test_peers_that_fail_hang_and_lie_are_rows_that_say_so(self):
        self.fake("strace", "#!/bin/sh\ncase \"$*\" in\n"
                  f"*--seccomp-bpf*) exec {self.write('lying', LYING, 0o755)} \"$@\" ;;\n"
                  f"*-k*) exec {self.write('hanging', HANGING, 0o755)} ;;\n"
                  f"*) exec {self.write('working', WORKING, 0o755)} \"$@\" ;;\nesac\n")
        self.fake("perf", "#!/bin/sh\nkill -SEGV $$\n")
        self.fake("bpftrace", "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" != -o ] || trace=$2\n"
                  "[ \"$1\" != -c ] || program=$2; shift; done\n"
                  "echo '7 uprobe:/lib/libc.so.6:write 1' >\"$trace\"\n$program\necho\necho\n")
        rows, _, table = self.rows(["sh", "-c", "echo hello"], "-F", "write",
                                   f"--compare-limit={5 * harness.SLOWNESS}", runs=2)
        self.assertIsNone(rows["strace -f"]["failure"])
        self.assertEqual(len(rows["strace -f"]["samples"]), 2)
        self.assertEqual((rows["strace -f"]["events"], rows["strace -f"]["attributed"]), (2, 0))
        for name, words in {
                "strace -f --seccomp-bpf, same calls": "differs from native's at byte 6 (11 bytes",
                "strace -f -k": "no end after",
                "ltrace -f -S": "exit status 5 (native: exit status 0): ",
                "perf trace": "killed by SIGSEGV"}.items():
            self.assertIn(words, rows[name]["failure"])
            self.assertEqual(rows[name]["samples"], [])
            self.assertIn(f"failed: {rows[name]['failure']}", table)
        self.assertIn("no way", rows["ltrace -f -S"]["failure"])
        if os.geteuid() == 0:
            probes = rows["bpftrace: uprobes, raw_syscalls"]
            self.assertIsNone(probes["failure"])
            self.assertEqual((probes["events"], probes["attributed"]), (1, 1))

    def test_our_rows_count_and_attribute(self):
        rows, head, table = self.rows(["sh", "-c", "echo hello"], "-F", "write", runs=3)
        gates = ["inproc", *(f"ptrace, gate {gate}" for gate in ("dispatch", "trap", "socket"))]
        for gate in gates if not harness.gate_unavailable("dispatch") else gates[2:]:
            row = rows[f"scoped: {gate}"]
            self.assertEqual((row["failure"], row["events"], row["attributed"]), (None, 1, 1), row)
            self.assertEqual(len(row["samples"]), 3)
            self.assertEqual(sorted(row["times"]), ["high", "low", "median"])
            self.assertGreater(row["cpu"]["median"], 0)
        whole = rows["--scope=process"]
        self.assertGreater(whole["events"], 20)
        self.assertEqual(whole["attributed"], 0)
        self.assertEqual(rows["--scope=process -F LIST"]["attributed"], 1)
        self.assertIn("same output and status as native", table)
        self.assertIn("others used", table)
        self.assertIn("Linux", head["kernel"])

    def test_a_program_that_fails_alike_is_no_failure(self):
        rows, _, _ = self.rows(["sh", "-c", "exit 3"], "-F", "write", "-E", "ptrace", "-g", "trap")
        self.assertEqual(sorted(rows)[:4], ["--scope=process", "--scope=process -F LIST",
                                            "bpftrace: uprobes, raw_syscalls", "ltrace -f -S"])
        for name in ("native", "scoped: ptrace, gate trap", "--scope=process"):
            self.assertIsNone(rows[name]["failure"])

    def test_input_from_a_file_is_read_by_every_run(self):
        with open(self.write("input", "some\nlines\n")) as file:
            rows, _, table = self.rows(["cat"], "-E", "inproc", stdin=file)
        self.assertIsNone(rows["scoped: inproc"]["failure"])
        self.assertIn("same output", table)

    def test_output_that_varies_is_not_compared(self):
        rows, _, table = self.rows(["sh", "-c", "echo $$"], "-E", "inproc")
        self.assertIsNone(rows["scoped: inproc"]["failure"])
        self.assertIn("differs from run to run", table)

    def test_a_static_program_has_full_process_rows_only(self):
        rows, _, table = self.rows([program("static_hello")])
        self.assertIn("static", rows["scoped: ptrace, gate trap"]["skipped"])
        self.assertIsNone(rows["--scope=process"]["failure"])
        self.assertIn("skipped: ", table)

    def test_breakpoints_leave_one_engine_out(self):
        """What engine inproc can never do is no failure of a run; a static program can have them, too."""
        for argv, function in ([program("break_cases"), "nested"], "inner"), ([program("static_hello")], "main"):
            rows, _, table = self.rows(argv, "-B", function)
            self.assertIn("breakpoints (-B)", rows["scoped: inproc"]["skipped"])
            self.assertIsNone(rows["scoped: inproc"]["failure"])
            self.assertIsNone(rows["scoped: ptrace, gate trap"]["failure"])
            self.assertIsNone(rows["scoped: ptrace, gate trap"]["skipped"])
            self.assertIn("skipped: breakpoints (-B)", table)
        rows, _, _ = self.rows(["true"], "-y")
        self.assertIn("-y", rows["scoped: inproc"]["skipped"])

    def test_figure_that_the_program_prints(self):
        rows, _, _ = self.rows(["sh", "-c", "echo took 250 us"], "-E", "inproc",
                               "--compare-figure", "less:took ([0-9]+) us")
        self.assertEqual(rows["native"]["figure"]["median"], 250)
        self.assertEqual(rows["scoped: inproc"]["times"]["median"], 1)

    @need("strace")
    def test_real_strace(self):
        os.unlink(os.path.join(self.fakes, "strace"))
        rows, _, _ = self.rows(["sh", "-c", "echo hello"], "-E", "inproc", "-F", "write")
        self.assertIsNone(rows["strace -f"]["failure"])
        self.assertEqual(rows["strace -f"]["events"], rows["--scope=process"]["events"])
        self.assertEqual(rows["strace -f --seccomp-bpf, same calls"]["events"], 1)
        stacks = rows["strace -f -k"]
        self.assertEqual((stacks["failure"], stacks["attributed"] > 0), (None, True), stacks)

    # ---- servers

    def test_server_under_load(self):
        server, client = self.write("server.py", SERVER), self.write("client.py", CLIENT)
        socket = self.path("socket")
        load = f"{harness.sys.executable} {client} {socket} 'requests per second'"
        rows, _, table = self.rows([harness.sys.executable, server, socket], "-F", "recv,send",
                                   "--compare-load", load)
        for name in ("native", "scoped: inproc", "scoped: ptrace, gate trap", "--scope=process"):
            self.assertIsNone(rows[name]["failure"], rows[name])
            self.assertGreater(rows[name]["figure"]["median"], 0)
        self.assertGreaterEqual(rows["scoped: inproc"]["events"], 100)
        self.assertIn("more is better", table)
        # A load that prints nothing known: how long it takes is compared.
        _, _, table = self.rows([harness.sys.executable, server, socket], "-E", "inproc",
                                "--compare-load", load.replace("requests per second", "apples"))
        self.assertNotIn("more is better", table)

    def test_server_that_does_not_come_up(self):
        self.refused(["sleep", "100"], "--compare-load", "true", "--compare-limit", "1",
                     says="listens on no socket")
        self.refused(["sh", "-c", "exit 4"], "--compare-load", "true", says="exit status 4")

    def test_program_that_does_not_end(self):
        self.refused(["sleep", "100"], "--compare-limit", "1", says="--compare-load")

    # ---- files, progress, the end

    def test_chart_and_page(self):
        files = [self.path(name) for name in ("a.svg", "a.html")]
        words = [word for file in files for word in ("--compare-output", file)]
        self.rows(["true"], "-E", "inproc", *words)
        for file in files:
            with open(file) as opened:
                text = opened.read()
            self.assertIn("<svg", text)
            self.assertIn("scoped: inproc", text)
            self.assertNotIn("<script", text)

    def test_progress(self):
        argv = self.compare_argv(["true"], "-E", "inproc", runs=2)
        lines = self.run_plain(argv).err.decode().splitlines()
        self.assertEqual(lines, ["wc-preload: comparing, warm-up", "wc-preload: comparing, round 1 of 2",
                                 "wc-preload: comparing, round 2 of 2"])
        controller, terminal = pty.openpty()
        try:
            result = self.run_plain(argv, stderr=terminal)
            said = os.read(controller, 1 << 16).decode()
        finally:
            os.close(controller)
            os.close(terminal)
        self.assertEqual(result.status, 0)
        self.assertRegex(said, r"\r\x1b\[K\[#*-+\] \d+ of \d+, warm-up: native")
        self.assertNotIn("comparing", said)
        self.assertTrue(said.endswith("\r\x1b[K"), said[-80:])

    def test_interrupted(self):
        self.fake("strace", HANGING)
        running = self.start(self.compare_argv(["true"], "-v", "-E", "inproc"))
        self.assert_interrupted(running, b"strace -f: ", rb"/tmp/wc-compare-\w+")

    def test_time_for_all(self):
        # How far it comes depends on the machine; that it ends does not.
        result = self.run_plain(self.compare_argv(["sleep", "0.1"], "--compare-limit=20,2", runs=1000), 60)
        self.assertIn(b"stopped after 2 s", result.out)
        self.assert_nothing_left()

    # ---- refusals

    def test_refused(self):
        self.refused(["wc-no-such-program"], says="not found", status=127)
        self.refused(["true"], "-F", "fopne", says="did you mean")
        self.refused(["true"], "-b", "nosuch", says="nosuch")
        self.refused(["true"], "--compare-figure", "[0-9]", says="no group")
        self.refused(["true"], "--compare-output", "/nonexistent/a.svg", says="/nonexistent/a.svg")
        self.refused(["true"], "--compare-output", "a.png", says=".svg or .html")
        self.refused(["true"], "-o", "trace", says="--compare-output")
        self.refused(["true"], "--scope=process", says="exclude each other")


if __name__ == "__main__":
    harness.main()
