"""The options that hands used to strace type, held against strace itself where it is installed."""
import collections
import glob
import os
import re
import signal
import subprocess
import sys
import unittest

import harness
from harness import Case, need, program

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
LOOP = ["sh", "-c", "for i in 1 2 3; do /bin/true; done; exit 5"]
TALKS = """
import socket
listens = socket.socket()
listens.bind(("127.0.0.1", 0))
listens.listen()
asks = socket.create_connection(listens.getsockname())
answers, _ = listens.accept()
asks.send(b"tcp")
a, b = socket.socketpair()
a.send(b"unix")
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.sendto(b"udp", u.getsockname())
"""


def engines():
    return (("-E", "ptrace"), ("-E", "inproc")) if not harness.gate_unavailable("inproc") else (("-E", "ptrace"),)


class Lines(Case):
    def trace(self, argv, *options, **more):
        """The lines of a text trace."""
        path = self.path("trace.txt")
        self.result = self.run_plain([self.tool, *options, "-o", path, "--", *argv], **more)
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def strace(self, argv, *options):
        path = self.path("strace.txt")
        self.run_plain(["strace", *options, "-o", path, "--", *argv])
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    @staticmethod
    def ends(lines):
        """(system call, what it returned) of lines as both tools have them."""
        found = (re.match(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\(.*\) += (\?|-?\d+ E\w+|\S+)", line) for line in lines)
        return [(m[1], m[2] if m[2].startswith("-") else "") for m in found if m]


class Quiet(Lines):
    def test_exits_then_signals(self):
        lines = self.trace(LOOP, "-F", "fopen")
        self.assertEqual(sum("+++ exited" in line for line in lines), 4)
        self.assertEqual(sum("SIGCHLD" in line for line in lines), 3)
        lines = self.trace(LOOP, "-q", "-F", "fopen")
        self.assertEqual([line for line in lines if "SIGCHLD" not in line], [])
        self.assertEqual(len(lines), 3)
        self.assertEqual(self.trace(LOOP, "-qq", "-F", "fopen"), [])
        self.assertEqual(self.result.status, 5)

    def test_json(self):
        trace = self.path("trace")
        self.run_tool(LOOP, "-qq", "-b", "json", "-o", trace, functions="fopen")
        events = [e for e in harness.read_json(trace) if e["type"] == "process"]
        self.assertEqual({e["event"] for e in events} & {"exit", "signal"}, set())

    def test_signals(self):
        dies = ["sh", "-c", "/bin/true; kill -USR1 $$"]
        def shown(*options):
            return [re.search(r"SIG\w+", line)[0] for line in self.trace(dies, "-F", "fopen", *options) if "SIG" in line]
        self.assertEqual(shown(), ["SIGCHLD", "SIGUSR1", "SIGUSR1"])
        self.assertEqual(shown("--signals=!chld"), ["SIGUSR1", "SIGUSR1"])
        self.assertEqual(shown("--signals", "SIGCHLD"), ["SIGCHLD"])
        self.assertEqual(shown("-e", "signal=none"), [])
        self.assertEqual(self.result.status, -signal.SIGUSR1)

    @need("strace")
    def test_signals_as_strace(self):
        for wanted in ("none", "all", "SIGUSR1", "!SIGUSR1"):
            argv = ["sh", "-c", "/bin/true; kill -USR1 $$"]
            def marks(lines):
                return [re.search(r"(---|killed by) SIG\w+", line)[0] for line in lines if "SIG" in line]
            self.assertEqual(marks(self.trace(argv, "--scope=process", "--no-follow", "-e", "none", "--signals", wanted)),
                             marks(self.strace(argv, "-e", "trace=none", "-e", "signal=" + wanted)), wanted)


class Status(Lines):
    ARGV = ["cat", "/etc/hostname", "/nonexistent"]

    @need("strace")
    def test_as_strace(self):
        for option in ("-z", "-Z", "--status=!successful"):
            theirs = self.ends(self.strace(self.ARGV, option))
            ours = self.ends(self.trace(self.ARGV, "--scope=process", option))
            self.assertEqual(ours, theirs, option)
            self.assertTrue(ours, option)

    def test_calls_in_which_nothing_failed_are_left_out(self):
        for engine in engines():
            for all_calls in (False, True):
                trace = self.path("trace")
                self.run_tool(self.ARGV, *engine, "-Z", "-k", *(["-a"] if all_calls else []), "-b", "json", "-o", trace,
                              functions="open,read,close", gate="auto")
                events = harness.read_json(trace)
                calls = [e for e in events if e["type"] == "call"]
                failed = [e for e in events if e["type"] == "syscall"]
                self.assertEqual({(e["name"], e["error"]) for e in failed}, {("openat", "ENOENT")}, engine)
                if not all_calls:
                    self.assertEqual({e["call"] for e in calls}, {e["call"] for e in failed}, engine)
                else:
                    self.assertLessEqual({"open", "close"}, {e["function"] for e in calls}, engine)
                returns = [e["call"] for e in events if e["type"] == "return"]
                self.assertEqual(sorted(returns), sorted(e["call"] for e in calls), engine)
                last = next(e for e in calls if e["call"] == failed[-1]["call"])
                self.assertEqual(last["args"][0], "/nonexistent")
                self.assertTrue(last["stack"] and last["caller"], engine)

    def test_nested_calls_come_with_the_innermost_failure(self):
        code = "import ctypes; c = ctypes.CDLL(None); c.fopen(b'/nonexistent', b'r'); c.fopen(b'/dev/null', b'r')"
        for engine in engines():
            lines = self.trace([PYTHON, "-c", code], *engine, "-Z", "-q", "-F", "fopen,malloc", "-P", "*nonexistent*") \
                if engine[1] == "ptrace" else self.trace([PYTHON, "-c", code], *engine, "-Z", "-q", "-F", "fopen,malloc")
            opened = [line for line in lines if "fopen(" in line]
            self.assertTrue(any("/nonexistent" in line and "ENOENT" in line for line in opened), lines)
            self.assertFalse(any("/dev/null" in line for line in opened), lines)

    def test_a_backend_that_looks_before_is_refused(self):
        result = self.run_plain([self.tool, "-Z", "-F", "open", "-b", "none", "true"])
        self.assertIn(b"has no effect", result.err)


class Paths(Lines):
    @need("strace")
    def test_names_and_descriptors_as_strace(self):
        argv = ["cat", "/etc/hostname", "/etc/passwd"]
        theirs = self.ends(self.strace(argv, "-P", "/etc/passwd"))
        ours = self.ends(self.trace(argv, "--scope=process", "-P", "/etc/passwd"))
        self.assertEqual(ours, theirs)
        self.assertLessEqual({"openat", "newfstatat", "close"}, {name for name, _ in ours})

    def test_globs_folders_and_relative_names(self):
        folder = self.fresh_folder()
        for name in ("one.txt", "two.log"):
            with open(os.path.join(folder, name), "w") as file:
                file.write("text")
        def files(*patterns, **more):
            options = [word for pattern in patterns for word in ("-P", pattern)]
            lines = self.trace(["cat", "one.txt", "two.log"], "-q", "-F", "open,read,close", *options, cwd=folder, **more)
            return {re.search(r"\w+\.(?:txt|log)", line)[0] for line in lines if " openat(" in line}
        self.assertEqual(files("*.txt"), {"one.txt"})
        self.assertEqual(files("one.txt"), {"one.txt"})
        self.assertEqual(files(folder + "/*.log"), {"two.log"})
        self.assertEqual(files("*.txt", "*.log"), {"one.txt", "two.log"})
        self.assertEqual(files("/nowhere/*"), set())

    def test_polled_descriptors(self):
        code = "import os, select; r, w = os.pipe(); os.write(w, b'x'); f = os.open('/dev/tty0' if 0 else '/dev/null', 0)\n" \
               "select.select([f], [], [], 0); p = select.poll(); p.register(f, 1); p.poll(0); select.select([r], [], [], 0)"
        lines = self.trace([PYTHON, "-c", code], "-q", "-F", "select,poll", "-P", "/dev/null")
        # poll(2) is its own system call, and one line with it.
        names = collections.Counter(m[1] for m in (re.match(r" *(\w+)\(", line) for line in lines) if m)
        self.assertEqual(names["pselect6"], 1, lines)
        self.assertEqual(sum(names[n] for n in ("poll", "ppoll")), 1, lines)


class Files(Lines):
    def test_a_file_for_each_process(self):
        for backend in ("text", "json", "summary"):
            folder = self.fresh_folder()
            result = self.run_plain([self.tool, "-ff", "-b", backend, "-o", folder + "/t", "-F", "write", "--", "sh", "-c",
                                     "echo $$; sh -c 'echo $$'; sh -c 'echo $$'"])
            pids = result.out.split()
            self.assertEqual((result.status, result.err), (0, b""))
            self.assertEqual(sorted(os.listdir(folder)), sorted("t." + pid.decode() for pid in pids))
            for pid in pids:
                with open(f"{folder}/t.{pid.decode()}") as file:
                    text = file.read()
                self.assertIn("write", text)
                if backend == "text":
                    self.assertNotIn("[pid", text)
                    self.assertEqual(text.count("+++ exited with 0 +++"), 1)
                    self.assertEqual(text.count(f'"{pid.decode()}\\n"') > 0, True)
                if backend == "json":
                    self.assertEqual({e["pid"] for e in harness.read_json(f"{folder}/t.{pid.decode()}")
                                      if "pid" in e}, {int(pid)})

    @need("strace")
    def test_files_as_strace_names_them(self):
        folder = self.fresh_folder()
        argv = ["sh", "-c", "/bin/true; /bin/true"]
        self.run_plain(["strace", "-ff", "-o", folder + "/strace", *argv])
        self.run_plain([self.tool, "-ff", "-o", folder + "/ours", "--scope=process", *argv])
        self.assertEqual(len(glob.glob(folder + "/strace.*")), len(glob.glob(folder + "/ours.*")))

    def test_files_that_cannot_be(self):
        result = self.run_plain([self.tool, "-ff", "-o", "/nowhere/t", "true"])
        self.assertEqual(result.status, 125)
        self.assertIn(b"cannot write /nowhere/t.PID: No such file or directory", result.err)

    def test_append(self):
        path = self.write("kept", "before\n")
        for _ in range(2):
            self.run_plain([self.tool, "-A", "-o", path, "-F", "write", "echo"])
        with open(path) as file:
            text = file.read()
        self.assertTrue(text.startswith("before\n"))
        self.assertEqual(text.count("+++ exited with 0 +++"), 2)


class Shown(Lines):
    @need("strace")
    def test_addresses_of_sockets(self):
        def sent(lines):
            found = (re.search(r"sendto\(\d+<(.*?)>, \"(\w+)\"", line) for line in lines)
            return {m[2]: re.sub(r"\d{4,}", "N", m[1]) for m in found if m}
        ours = sent(self.trace([PYTHON, "-c", TALKS], "-yy", "-F", "send,sendto"))
        theirs = sent(self.strace([PYTHON, "-c", TALKS], "-yy", "-e", "trace=sendto"))
        self.assertEqual(ours, theirs)
        self.assertEqual(ours["tcp"], "TCP:[127.0.0.1:N->127.0.0.1:N]")

    def test_both_time_stamps(self):
        for line in self.trace(["true"], "-tt", "-r", "-F", "exit"):
            self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{6} \(\+ +\d+\.\d{6}\) ")

    def test_summary_beside_the_trace(self):
        text = "\n".join(self.trace(["echo", "x"], "-C"))
        self.assertRegex(text, r'write\(1, "x\\n", 2\) = 2')
        self.assertIn("total", text)

    def test_classes(self):
        result = self.run_plain([self.tool, "--list-classes"])
        rows = {m[1]: int(m[2]) for m in re.finditer(r"(?m)^  ([@%]\S+) +(\d+)  \S", result.out.decode())}
        self.assertEqual(result.status, 0)
        for name in ("@stdio", "@net", "%file", "%network"):
            self.assertGreater(rows[name], 3)
        listed = self.run_plain([self.tool, "--list-syscalls", "%network"]).out.splitlines()
        self.assertEqual(len(listed), rows["%network"])

    def test_library_of_no_program(self):
        result = self.run_plain([self.tool, "--list-functions", "*@libz.so.1"])
        self.assertEqual(result.status, 125)
        self.assertIn(b"which program's library? --list-functions '*@libz.so.1' PROGRAM", result.err)


@unittest.skipIf(os.geteuid(), "only root can run programs as somebody else")
class User(Lines):
    def test_ids_and_groups(self):
        self.as_nobody("true")  # or the test is skipped
        argv = [PYTHON, "-c", "import os; print(os.getresuid(), os.getresgid(), sorted(os.getgroups()))"]
        native = self.run_plain(["setpriv", "--reuid=nobody", "--regid=nogroup", "--init-groups", *argv])
        for options in (("-F", "write"), ("-E", "inproc", "-F", "write"), ("--scope=process",)):
            result = self.run_plain([self.tool, "-u", "nobody", "-o", self.path("t"), *options, "--", *argv])
            self.assertEqual((result.status, result.out, result.err), (0, native.out, b""), options)
            with open(self.path("t")) as file:
                self.assertIn("write(1, ", file.read(), options)

    def test_unknown_user(self):
        result = self.run_plain([self.tool, "-u", "nobodyx", "true"])
        self.assertEqual((result.status, result.out), (125, b""))
        self.assertIn(b"there is no user 'nobodyx'", result.err)


class Running(Lines):
    def waits(self):
        running = self.start([PYTHON, "-c", "import sys, os\nprint('ready', flush=True)\n"
                              "for line in sys.stdin.buffer: os.getppid()\n"], stdin=subprocess.PIPE)
        running.wait_for_output(b"ready")
        return running

    def end(self, running):
        running.popen.stdin.close()
        return self.finish(running)

    def tell(self, running):
        running.popen.stdin.write(b"x\n")
        running.popen.stdin.flush()

    @staticmethod
    def is_traced(pid):
        with open(f"/proc/{pid}/status") as file:
            return "TracerPid:\t0" not in file.read()

    def test_several_at_once(self):
        first, second = self.waits(), self.waits()
        tool = self.start([self.tool, "-F", "getppid", "-b", "json", "-o", self.path("t"), "-p", str(first.pid),
                           "-p", str(second.pid)])
        harness.wait_until(lambda: tool.output(1).count(b" attached") == 2, 20, "both to be attached")

        def seen(pid):
            self.tell(first)
            self.tell(second)
            return any(e["type"] == "syscall" and e["pid"] == pid for e in harness.read_json(self.path("t")))
        for running in (first, second):
            harness.wait_until(lambda pid=running.pid: seen(pid), 20, "its events")
        os.kill(tool.pid, signal.SIGINT)
        result = self.finish(tool)
        said = result.err.decode().splitlines()
        self.assertEqual(result.status, 0, result)
        self.assertEqual(said, [f"wc-preload: Process {one.pid} {what}" for what in ("attached", "detached")
                                for one in (first, second)])
        for running in (first, second):
            self.assertEqual(self.end(running).status, 0)

    def test_quiet(self):
        running = self.waits()
        tool = self.start([self.tool, "-q", "-F", "getppid", "-o", self.path("t"), "-p", str(running.pid)])
        harness.wait_until(lambda: os.path.exists(self.path("t")), 20, "the tracer")
        harness.wait_until(lambda: self.is_traced(running.pid), 20, "it")
        self.end(running)
        result = self.finish(tool)
        self.assertEqual((result.status, result.err), (0, b""))

    def test_what_is_not_there(self):
        running = self.waits()
        for options, words in ((("-F", "fopne"), b"did you mean 'fopen'"),
                               (("-F", "fopen@libnope.so"), b"no library 'libnope.so'"),
                               (("-B", "x@libnope.so"), b"no library 'libnope.so'"),
                               (("-F", "scope:x"), b"started by wc-preload")):
            result = self.run_plain([self.tool, "-c", *options, "-p", str(running.pid)])
            self.assertEqual((result.status, result.err.count(b"\n")), (125, 1), result)  # and no empty table
            self.assertIn(words, result.err)
        self.end(running)

    def test_one_that_is_gone(self):
        running = self.waits()
        result = self.run_plain([self.tool, "-F", "getppid", "-p", f"{running.pid},4194303"])
        self.assertEqual(result.status, 125)
        self.assertIn(b"there is no process 4194303", result.err)
        self.assertNotIn(b"attached", result.err)
        self.end(running)


class Standing(Lines):
    def test_connect_waits_for_the_socket(self):
        socket = self.path("s")
        connected = self.start([self.tool, "--connect", socket, "true"])
        serve = self.start([self.tool, "serve", "--control", socket, "-F", "write", "-o", self.path("t")])
        self.assertEqual(self.finish(connected).status, 0)
        os.kill(serve.pid, signal.SIGTERM)
        self.assertEqual(self.finish(serve).status, 0)

    def test_no_tracer_there(self):
        result = self.run_plain([self.tool, "--connect", self.path("s"), "true"])
        self.assertEqual(result.status, 125)
        self.assertIn(b"start one: wc-preload serve --control", result.err)


class OwnScopes(Lines):
    def names(self, selection, *options):
        trace = self.path("trace")
        result = self.run_plain([self.tool, *options, "-F", selection, "-b", "json", "-o", trace, program("own_scopes")])
        self.assertNotIn(b"wc-preload", result.err)
        events = harness.read_json(trace)
        return {e["function"] for e in events if e["type"] == "call"}, \
            [e for e in events if e["type"] == "syscall"]

    def test_selection(self):
        for engine in engines():
            every = self.names("raise", *engine)[0]
            self.assertIn("outer", every)
            names, syscalls = self.names("scope:outer", *engine)
            self.assertEqual(names, {"outer"}, engine)
            # What an unselected one does belongs to the selected one around it.
            self.assertTrue(any("in inner" in e["text"] and e["function"] == "outer" for e in syscalls), engine)
            self.assertEqual(self.names("scope:*out*", *engine)[0], {n for n in every if "out" in n}, engine)
            self.assertEqual(self.names("scope:[io]?[nt]er", *engine)[0], {"inner", "outer"}, engine)
            self.assertEqual(self.names("scope:*,!scope:[!o]*", *engine)[0], {n for n in every if n[0] == "o"}, engine)
            self.assertEqual(self.names("raise,!scope:*", *engine)[0], {"raise"}, engine)
            self.assertEqual(self.names("raise,!scope:outer", *engine)[0], every - {"outer"}, engine)
            self.assertEqual(self.names("scope:nothing", *engine)[0], set(), engine)


@unittest.skipIf(harness.gate_unavailable("inproc"), "engine inproc does not work here")
class Patches(Lines):
    def test_a_library_that_nothing_has(self):
        result = self.run_plain([self.tool, "-E", "inproc", "--patch", "nosuch.so", "-b", "none", "true"])
        self.assertEqual(result.status, 0)
        self.assertIn(b"--patch nosuch.so had no effect: no program had such a library", result.err)
        result = self.run_plain([self.tool, "-E", "inproc", "--patch", "true", "-b", "none", "true"])
        self.assertEqual(result.err, b"")


class Objects(Lines):
    def test_alone(self):
        lines = self.trace([program("stacks")], "--objects", "-q")
        self.assertTrue(lines)
        self.assertEqual([line for line in lines if not re.match(r"(\[pid \d+\] )?--- ", line)], [])
        loaded = [line for line in lines if " loaded " in line]
        self.assertTrue(all(re.search(r" --- <\d+\.\d{6}>$", line) for line in loaded), loaded)
        self.assertTrue(any("libz" in line for line in loaded), loaded)


if __name__ == "__main__":
    harness.main()
