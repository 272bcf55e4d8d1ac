"""-p: a running process comes under the tracer, and is left as it was."""
import collections
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import Case, need, processes, program

CYCLES = 25 if harness.SOAK == 1 else 1000


def syscalls(events):
    return [e for e in events if e["type"] == "syscall"]


def status_field(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"(?m)^{name}:\s*(.*)$", file.read()).group(1)


def text_of(pid):
    """Where code is mapped, and what it is."""
    found = {}
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, rights, *_, name = line.split(None, 5) if len(line.split()) > 5 else [*line.split(), ""]
            if "x" not in rights or name.strip() in ("[vsyscall]", "[vdso]"):
                continue
            begin, end = (int(word, 16) for word in span.split("-"))
            memory.seek(begin)
            try:
                found[span] = memory.read(end - begin)
            except OSError as error:
                raise AssertionError(f"{pid}: {line}: {error}") from error
    return found


class Server:
    """The program serves under load, with a pipe to its standard input."""

    def __init__(self, case, threads=8, argv=None, does=""):
        self.case = case
        self.popen = subprocess.Popen(argv or [program("serves"), str(threads), does], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, env=case.env)
        case.addCleanup(self.kill)
        assert self.popen.stdout.readline() == b"ready\n"
        self.pid = self.popen.pid

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
        elif self.popen.returncode != 0:
            print(f"the server ended by itself, with status {self.popen.returncode}", file=sys.stderr)
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()

    def turns(self):
        self.popen.stdin.write(b"turns\n")
        self.popen.stdin.flush()
        return int(self.popen.stdout.readline().split()[1])

    def stop(self):
        self.popen.stdin.write(b"stop\n")
        self.popen.stdin.flush()
        out = self.popen.stdout.read()
        return out, self.popen.wait()


class Attach(Case):
    def tearDown(self):
        self.doCleanups()
        super().tearDown()

    def attach(self, pid, *options):
        return self.start([self.tool, "--quiet=attach", "-p", str(pid), *options])

    def detach(self, running, how=signal.SIGINT):
        if running.popen.poll() is not None:
            self.fail(f"ended before it was asked to: {self.finish(running)}")
        os.kill(running.pid, how)
        return self.finish(running)

    def traced(self, server, *options, until=lambda events: len(syscalls(events)) > 50, how=signal.SIGINT):
        """Attached until the trace has something; the events."""
        trace = self.path(f"attached{len(os.listdir(self.dir))}.json")
        running = self.attach(server.pid, "-b", "json", "-o", trace, *options)

        def enough():
            if running.popen.poll() is not None:
                return True
            try:
                with open(trace) as file:
                    lines = file.read().splitlines()
                return until([harness.json.loads(line) for line in lines[:-1]])
            except FileNotFoundError:
                return False
        harness.wait_until(enough, 20, "events of an attached process")
        result = self.detach(running, how)
        self.assertEqual((result.status, result.err), (0, b""), result)
        return harness.read_json(trace)

    def assert_untouched(self, server, text):
        self.assertEqual(status_field(server.pid, "TracerPid"), "0")
        self.assertTrue(text_of(server.pid) == text, "its text and its mappings are as they were")
        out, status = server.stop()
        self.assertEqual((out, status), (b"wrong 0 interrupted 0\n", 0))

    def test_idle(self):
        """A tracer sleeps as long as its process does."""
        sleeper = self.start(["sleep", "1000"])
        tool = self.start([self.tool, "-B", "getppid", "-o", self.path("trace"), "-p", str(sleeper.pid)])
        harness.wait_until(lambda: status_field(sleeper.pid, "TracerPid") == str(tool.pid), 20, "the tracer")
        self.assert_rests(tool.pid)
        tool.popen.send_signal(signal.SIGINT)
        self.finish(tool)
        self.assertEqual(status_field(sleeper.pid, "TracerPid"), "0")

    def test_idle_run(self):
        for options in ("-B", "getppid"), ("-g", "trap"), ("-g", "socket"), ("--scope=process",):
            with self.subTest(options):
                running = self.start([self.tool, *options, "-o", self.path("trace"), "--", "sleep", "1000"])
                self.assert_rests(running.pid)
                running.popen.send_signal(signal.SIGTERM)
                self.assertEqual(self.finish(running).status, -signal.SIGTERM)

    def test_functions_of_libc_and_of_the_program(self):
        server = Server(self)
        text, caught = text_of(server.pid), status_field(server.pid, "SigCgt")
        events = self.traced(server, "-F", "open,read,close", "-B", "work", until=lambda events:
                             len(syscalls(events)) > 50 and len({e["pid"] for e in syscalls(events)}) > 1)
        chains = collections.Counter(tuple(e.get("chain", [e.get("function")])) for e in syscalls(events))
        self.assertGreater(chains[("work", "open")], 0, chains)
        self.assertGreater(chains[("work", "read")], 0, chains)
        self.assertGreater(len({e["tid"] for e in syscalls(events)}), 1)
        self.assertGreater(len({e["pid"] for e in syscalls(events)}), 1, "children that it makes")
        self.assertEqual(status_field(server.pid, "SigCgt"), caught)
        self.assert_untouched(server, text)

    def test_default_functions(self):
        server = Server(self)
        text = text_of(server.pid)
        events = self.traced(server)
        self.assertIn("open", {e["function"] for e in syscalls(events)})
        self.assert_untouched(server, text)

    def test_full_process_mode(self):
        server = Server(self)
        text = text_of(server.pid)
        # epoll_wait is interrupted, as by strace; that is not to be seen.
        names = lambda events: {e["name"] for e in syscalls(events)}
        events = self.traced(server, "--scope=process",
                             until=lambda events: {"openat", "epoll_wait", "clone3"} <= names(events))
        self.assertFalse([e for e in events if e["type"] == "call"])
        self.assert_untouched(server, text)

    def test_every_way_to_leave(self):
        server = Server(self)
        text = text_of(server.pid)
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.traced(server, "-B", "work", how=how)
        self.assert_untouched(server, text)

    def test_the_process_ends_first(self):
        server = Server(self)
        trace = self.path("end.json")
        running = self.attach(server.pid, "-B", "work", "-b", "json", "-o", trace)
        harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 500, 20, "events")
        self.assertEqual(server.stop(), (b"wrong 0 interrupted 0\n", 0))
        self.assertEqual(self.finish(running).status, 0)
        self.assertEqual([e["status"] for e in harness.read_json(trace)
                          if e.get("event") == "exit" and e["pid"] == server.pid and not e.get("thread")], [0])

    def test_again_and_again_under_load(self):
        """1,000 times with WC_SOAK; what is left behind would pile up."""
        server = Server(self, threads=12)
        text, maps = text_of(server.pid), len(text_of(server.pid))
        for turn in range(CYCLES):
            running = self.attach(server.pid, *(["-F", "@file", "-B", "work"] if turn % 2 else ["-B", "work"]),
                                  "-b", "none")
            if turn % 3:
                wait = lambda: running.popen.poll() is not None or status_field(server.pid, "TracerPid") != "0"
                harness.wait_until(wait, 20, "attachment")
            result = self.detach(running)
            if result.status != -signal.SIGINT:  # it was not there yet
                self.assertEqual((result.status, result.err), (0, b""), f"turn {turn}: {result}")
            if turn % 10 == 0:
                before = server.turns()
                harness.wait_until(lambda: server.turns() > before, 10, "the server to go on")
        self.assertEqual(len(text_of(server.pid)), maps)
        self.assert_untouched(server, text)

    def test_leaving_threads_that_have_just_met_a_breakpoint(self):
        """Interrupted behind the int3 and before its signal, a thread would die of that signal later."""
        server = Server(self, threads=8, does="calls")
        text = text_of(server.pid)
        for turn in range(CYCLES):
            running = self.attach(server.pid, "-B", "step", "-b", "none")
            harness.wait_until(lambda: status_field(server.pid, "TracerPid") != "0", 10, "attachment")
            time.sleep(turn % 10 / 200)
            self.assertEqual(self.detach(running).status, 0, f"turn {turn}")
        self.assert_untouched(server, text)

    def test_speed_afterwards(self):
        """Not one system call costs more than before: nothing of ours is met any more."""
        server = Server(self, threads=1)

        def rate():
            before, start = server.turns(), time.monotonic()
            time.sleep(0.3)
            return (server.turns() - before) / (time.monotonic() - start)
        before = max(rate() for _ in range(3))
        self.traced(server, "-B", "work")
        after = max(rate() for _ in range(3))
        self.assertGreater(after, before / 3, "a breakpoint would make it a hundred times slower")
        server.stop()

    def test_stopped_by_job_control(self):
        server = Server(self)
        text = text_of(server.pid)
        os.kill(server.pid, signal.SIGSTOP)
        harness.wait_until(lambda: status_field(server.pid, "State").startswith("T"), 5, "the stop")
        running = self.attach(server.pid, "-B", "work", "-b", "none")
        harness.wait_until(lambda: status_field(server.pid, "TracerPid") != "0", 10, "attachment")
        time.sleep(0.3)
        self.assertIn(status_field(server.pid, "State")[0], "tT")
        self.assertEqual(self.detach(running).status, 0)
        self.assertEqual(status_field(server.pid, "State")[0], "T")
        os.kill(server.pid, signal.SIGCONT)
        self.assert_untouched(server, text)

    def test_tracer_killed(self):
        for turn in range(4 * harness.SOAK):
            server = Server(self, threads=(4, 12)[turn % 2])
            trace = self.path(f"trace{turn}.json")
            running = self.attach(server.pid, "-F", "@file", "-B", "work", "-b", "json", "-o", trace)
            harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 1000, 20, "events")
            time.sleep(0.03 * turn)
            running.popen.kill()
            running.popen.wait()
            before = server.turns()
            harness.wait_until(lambda: server.turns() > before, 10, "the server to go on")
            # A thread that attaching has interrupted in epoll_wait is sent back there at its stop; a tracer that
            # is killed before it comes to that leaves the thread its EINTR (docs/limitations.md).
            out, status = server.stop()
            self.assertRegex(out, rb"^wrong 0 interrupted [01]\n$", f"turn {turn}")
            self.assertIn(status, (0, 1), f"turn {turn}")
            self.finish(running)

    def test_one_tracer_killed_after_the_other(self):
        """The same process, other functions each time: it lives, and keeps nothing of any of them."""
        server = Server(self, threads=6)
        text, caught = text_of(server.pid), status_field(server.pid, "SigCgt")
        wanted = ("work", "open*@libc.so.6", "work,read@libc.so.6", "w*", "close@libc.so.6", "fork@libc.so.6,work")
        for turn in range(12 * harness.SOAK):
            trace = self.path(f"killed{turn}.json")
            running = self.attach(server.pid, "-B", wanted[turn % len(wanted)], "-a", "-b", "json", "-o", trace)
            harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 1000, 20, "events")
            running.popen.kill()
            running.popen.wait()
            before = server.turns()
            harness.wait_until(lambda: server.turns() > before, 10, f"the server after kill {turn}")
            self.assertEqual(b"", self.finish(running).err)
        self.assertNotEqual(status_field(server.pid, "SigCgt"), caught, "nothing was left to take over")
        # One that ends in order takes away what all of them have left.
        self.traced(server, "-B", "work")
        self.assertEqual(status_field(server.pid, "SigCgt"), caught)
        self.assert_untouched(server, text)

    @need("gcc")
    def test_static_program(self):
        binary = self.path("static")
        source = os.path.join(harness.HERE, "programs/serves.c")
        self.run_plain(["gcc", "-static", "-O1", "-o", binary, source, "-lpthread"], limit=60)
        server = Server(self, argv=[binary, "8"])
        text = text_of(server.pid)
        events = self.traced(server, "-B", "work")
        self.assertEqual({e["function"] for e in syscalls(events)}, {"work"})
        self.assert_untouched(server, text)

    def test_python_with_eight_threads(self):
        script = ("import threading, os, sys\n"
                  "def f():\n  while True: os.stat('/etc/passwd'); os.listdir('/proc/self/task')\n"
                  "for i in range(8): threading.Thread(target=f, daemon=True).start()\n"
                  "print('ready', flush=True)\nsys.stdin.readline(); print('wrong 0 interrupted 0', flush=True)\n"
                  "os._exit(0)\n")
        server = Server(self, argv=["python3", "-c", script])
        text = text_of(server.pid)
        events = self.traced(server, "-F", "@file,@directory",
                             until=lambda events: len({e["tid"] for e in syscalls(events)}) >= 8)
        self.assertIn("stat", {name for e in syscalls(events) for name in e.get("chain", [e.get("function")])})
        self.assert_untouched(server, text)


class Refused(Case):
    def refused(self, pid, *says, env=None):
        result = self.run_plain([self.tool, "-B", "main", "-p", str(pid)], env=env or self.env)
        self.assertEqual((result.status, result.out, result.err.count(b"\n")), (125, b"", 1), result)
        for words in says:
            self.assertIn(words, result.err.decode())

    def test_no_such_process(self):
        self.refused(4194303, "there is no process 4194303")

    def test_unknown_function(self):
        sleeper = self.start(["sleep", "30"])
        self.refused(sleeper.pid, "breakpoint 'main'", "stripped")
        self.assertEqual(status_field(sleeper.pid, "TracerPid"), "0")

    def test_a_thread_is_not_a_process(self):
        server = Server(self)
        self.addCleanup(server.kill)
        tid = [int(t) for t in os.listdir(f"/proc/{server.pid}/task") if int(t) != server.pid][0]
        self.refused(tid, f"thread of process {server.pid}", f"-p {server.pid}")
        server.kill()

    def test_kernel_thread(self):
        self.refused(2, "kernel thread")

    def test_zombie(self):
        child = os.fork()
        if child == 0:
            os._exit(0)
        harness.wait_until(lambda: status_field(child, "State").startswith("Z"), 5, "a zombie")
        self.refused(child, "zombie")
        os.waitpid(child, 0)

    def test_traced_by_another(self):
        sleeper = self.start(["sleep", "30"])
        other = self.start([self.tool, "-p", str(sleeper.pid), "--scope=process", "-b", "none"])
        harness.wait_until(lambda: status_field(sleeper.pid, "TracerPid") != "0", 10, "the other tracer")
        self.refused(sleeper.pid, "wc-tracerd", "traces it already", status_field(sleeper.pid, "TracerPid"))
        os.kill(other.pid, signal.SIGINT)
        self.finish(other)

    @unittest.skipIf(os.geteuid() != 0, "needs root, to become somebody else")
    def test_another_user(self):
        sleeper = self.start(["sleep", "30"])
        result = subprocess.run([os.path.join(harness.BUILD, "bin/wc-tracerd"), "run", "-p", str(sleeper.pid)],
                                user=65534, group=65534, extra_groups=[], capture_output=True, timeout=20,
                                env={"TMPDIR": "/tmp", "PATH": "/usr/bin:/bin"}, check=False)
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"belongs to another user", result.stderr)

    @need("gcc")
    def test_32_bit(self):
        # No compiler for it is needed: an ELF file of one segment that waits for ever.
        import struct
        code = bytes.fromhex("b81d000000cd80ebf7")  # 1: mov $29, %eax (pause); int $0x80; jmp 1b
        base, head = 0x8048000, 52 + 32
        elf = struct.pack("<4s5B7x2H5I6H", b"\x7fELF", 1, 1, 1, 0, 0, 2, 3, 1, base + head, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        elf += struct.pack("<8I", 1, 0, base, base, head + len(code), head + len(code), 5, 4096) + code
        path = self.write("small", elf, 0o755)
        try:
            child = subprocess.Popen([path])
        except OSError as error:
            self.skipTest(f"no 32-bit programs here: {error}")
        try:
            self.refused(child.pid, "64-bit", "strace -f -p")
        finally:
            child.kill()
            child.wait()


if __name__ == "__main__":
    harness.main()
