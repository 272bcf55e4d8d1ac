"""What a machine forbids to the tool itself: resource limits, seccomp filters around it, ptrace denied. The
tracer gets by or says in one line what stands in its way, and the program never notices the difference."""
import os
import re
import subprocess
import unittest

import harness
from harness import Case, need, program


class Limited(Case):
    def under(self, limits, *argv, **options):
        """`limits`: words of prlimit(1). Output goes through pipes: files have limits here."""
        ran = subprocess.run(["prlimit", *limits, "--", *argv], env=self.env, cwd=self.dir, capture_output=True,
                             stdin=subprocess.DEVNULL, timeout=20 * harness.SLOWNESS, check=False, **options)
        return harness.Result(ran.returncode, ran.stdout, ran.stderr)

    def refused(self, result, *words):
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err, rb"^wc-preload: [^\n]*\n$")
        for word in words:
            self.assertIn(word, result.err)
        self.assertEqual(os.listdir(self.runtime), [])


class ResourceLimits(Limited):
    LIMITS = (["--nofile=100:4096"], ["--nofile=64"], ["--data=100000000:"], ["--data=8000000"], ["--stack=131072"],
              ["--stack=131072:8388608"], ["--fsize=1000000:"], ["--fsize=0:"], ["--as=600000000:"], ["--cpu=100:200"],
              ["--core=0:", "--memlock=65536", "--nproc=5000:", "--nofile=200:300", "--stack=300000:900000"])

    @need("prlimit")
    def test_the_program_has_those_that_were_given(self):
        show = ["cat", "/proc/self/limits"]
        for limits in self.LIMITS:
            native = self.under(limits, *show)
            self.assertEqual(native.status, 0, native)
            for options in ([], ["-E", "inproc"], ["--scope=process"]):
                with self.subTest(limits=limits, options=options):
                    traced = self.under(limits, self.tool, *options, "-b", "none", "--", *show)
                    self.assertEqual((traced.status, traced.out, traced.err), (0, native.out, b""))

    @need("prlimit")
    def test_connected_programs_have_theirs(self):
        socket = self.path("socket")
        server = self.start([self.tool, "serve", "--control", socket, "-o", self.path("trace")])
        harness.wait_until(lambda: os.path.exists(socket), 10, "the server's socket")
        limits, show = ["--nofile=100:4096", "--stack=1000000:"], ["cat", "/proc/self/limits"]
        native = self.under(limits, *show)
        traced = self.under(limits, self.tool, "--connect", socket, "--", *show)
        self.assertEqual((traced.status, traced.out), (0, native.out), traced)
        os.kill(server.pid, 15)
        self.finish(server)

    @need("prlimit")
    def test_actions_for_large_files_are_the_programs(self):
        """The tracer survives SIGXFSZ; the program dies of it as it would without, or ignores it."""
        for ignored in ("", "trap '' XFSZ;"):
            script = f"{ignored} exec prlimit --fsize=1000: \"$@\""
            write = ["/usr/bin/python3", "-S", "-c", "import os, signal; "
                     "print(signal.getsignal(signal.SIGXFSZ)); os.write(os.open('big', 66, 0o644), bytes(5000))"]
            native = self.run_plain(["sh", "-c", script, "sh", *write], cwd=self.fresh_folder())
            traced = self.run_plain(["sh", "-c", script, "sh", self.tool, "-b", "none", "--", *write],
                                    cwd=self.fresh_folder())
            self.assertEqual((traced.status, traced.out), (native.status, native.out), traced)
            self.assertNotEqual(self.run_plain(["cat", "/proc/self/status"]).out, b"")

    @need("prlimit")
    def test_file_size_of_nothing(self):
        """Where the hard limit is as low, too, there is no writing the shim: words, no signal, no file."""
        result = self.under(["--fsize=0"], self.tool, "-o", "/dev/null", "true")
        self.refused(result, b"File too large")
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith("wc-")], [])
        result = self.under(["--fsize=0"], self.tool, "--scope=process", "-b", "none", "echo", "done")
        self.assertEqual((result.status, result.out, result.err), (0, b"done\n", b""), result)

    @need("prlimit")
    def test_trace_beyond_the_largest_file(self):
        result = self.under(["--fsize=20000"], self.tool, "-o", self.path("o"), "--scope=process",
                            program("sequence"), "repeated")
        self.refused(result, b"File too large", b"the rest of the trace is lost")
        self.assertEqual(os.path.getsize(self.path("o")), 20000)

    @need("prlimit")
    def test_small_stack(self):
        for limit in (65536, 131072, 200000):
            for options in (["-F", "@all"], ["-k"], ["-B", "main"], ["--scope=process", "-k"]):
                with self.subTest(limit=limit, options=options):
                    result = self.under([f"--stack={limit}"], self.tool, *options, "-o", self.path("o"),
                                        program("sequence"), "repeated")
                    self.assertEqual((result.status, result.err), (0, b""), result)
                    self.assertGreater(os.path.getsize(self.path("o")), 100)

    @need("prlimit")
    def test_little_memory_is_said(self):
        """From the least that the tool starts with: it works, or one line says that there is no memory."""
        worked = 0
        for size in (4, 5, 6, 8, 10, 14, 20, 40):
            for kind in ("data", "as"):
                limits = [f"--{kind}={size * 1_000_000}"]
                if self.under(limits, self.tool, "--version").status != 0:
                    continue  # not even its libraries can be loaded
                for options in (["-F", "@file"], ["-B", "main"]):
                    result = self.under(limits, self.tool, *options, "-o", self.path("o"),
                                        program("die_by"), "exit", "3")
                    native = self.under(limits, program("die_by"), "exit", "3")
                    if (result.status, result.err) == (3, b"") or native.status != 3:
                        worked += result.status == 3
                        continue
                    what = f"{kind} {size} MB {options}: {result}"
                    self.assertEqual(result.status, 125, what)
                    self.assertRegex(result.err, rb"^wc-preload: [^\n]*\n$", what)
        self.assertGreater(worked, 4)

    @need("prlimit")
    def test_more_processes_than_the_soft_limit_of_descriptors(self):
        result = self.under(["--nofile=64:2048"], self.tool, "-F", "access", "-o", self.path("o"), program("crowd"), "300")
        self.assertEqual((result.status, result.out, result.err), (0, b"300 of 300\n", b""), result)
        with open(self.path("o"), "rb") as file:
            self.assertEqual(len(re.findall(rb'(?m)^(\[pid +\d+\] )?access\("/marker"', file.read())), 300)


class Filters(Limited):
    def filtered(self, rules, *options, argv=("exit", "3")):
        return self.run_plain([program("filtered"), *rules, "--", self.tool, *options, "-o", self.path("o"),
                               program("die_by"), *argv])

    def test_shared_memory_denied(self):
        """Without memfd_create(2) a file serves: nothing is lost, and -v says what is missing."""
        for action in ("1", "38", "kill"):
            for gate in ("trap", "dispatch", "socket"):
                with self.subTest(action=action, gate=gate):
                    result = self.filtered([f"memfd_create={action}"], "-v", "-g", gate, "-F", "@all", argv=["exit", "3"])
                    self.assertEqual(result.status, 3, result)
                    self.assertRegex(result.err, rb"(?m)^wc-preload: memory is shared by a file in .*cannot be sealed.*\n")
                    with open(self.path("o"), "rb") as file:
                        self.assertIn(b"exit(3", file.read())
                    self.assertEqual(os.listdir(self.runtime), [])
            quiet = self.filtered([f"memfd_create={action}"], "-E", "inproc")
            self.assertEqual((quiet.status, quiet.err), (3, b""), quiet)

    def test_dispatch_kills(self):
        result = self.filtered(["dispatch=kill"], "-v", "-F", "@all")
        self.assertEqual(result.status, 3, result)
        self.assertRegex(result.err, rb"(?m)^wc-preload: gate trap: Syscall User Dispatch is refused \(a seccomp filter kills")
        self.refused(self.filtered(["dispatch=kill"], "-g", "dispatch"), b"kills", b"-g trap")
        self.refused(self.filtered(["dispatch=kill"], "-E", "inproc"), b"inproc")

    def test_ptrace_denied(self):
        for action, words in (("1", (b"no engine works", b"--cap-add=SYS_PTRACE", b"docs/containers.md")),
                              ("38", (b"no engine works", b"docs/containers.md")),
                              ("kill", (b"seccomp filter kills", b"ptrace(2)", b"docs/containers.md"))):
            for options in ([], ["-E", "inproc"], ["--scope=process"], ["-B", "main"]):
                with self.subTest(action=action, options=options):
                    self.refused(self.filtered([f"ptrace={action}"], *options), *words)

    def test_ptrace_denied_for_a_running_process(self):
        running = self.start([program("die_by"), "wait-inside"], stdin=os.pipe()[0])
        running.wait_for_output(b"ready")
        for action, words in (("1", b"seccomp policy"), ("38", b"no engine works"), ("kill", b"kills")):
            with self.subTest(action):
                result = self.run_plain([program("filtered"), f"ptrace={action}", "--", self.tool, "-p", str(running.pid)])
                self.refused(result, words, b"docs/containers.md")
        self.assertIsNone(running.popen.poll(), "the process that could not be attached to is gone")

    @unittest.skipUnless(os.geteuid() == 0, "only root can have less than root")
    @need("setpriv")
    def test_root_of_a_container(self):
        """Root without CAP_SYS_PTRACE traces what it starts; of others' it says which capability is missing."""
        drop = ["setpriv", "--bounding-set", "-sys_ptrace,-sys_admin", "--inh-caps", "-sys_ptrace,-sys_admin"]
        result = self.run_plain([*drop, self.tool, "-F", "@all", "-o", self.path("o"), program("die_by"), "exit", "3"])
        self.assertEqual((result.status, result.err), (3, b""), result)
        running = self.start([*self.as_nobody(), "sleep", "60"])
        harness.wait_until(lambda: self.uid_of(running.pid) == 65534, 5, "the other user")
        self.refused(self.run_plain([*drop, self.tool, "-p", str(running.pid)]), b"CAP_SYS_PTRACE", b"--cap-add=SYS_PTRACE")

    @staticmethod
    def uid_of(pid):
        with open(f"/proc/{pid}/comm", encoding="ascii") as name:
            return os.stat(f"/proc/{pid}").st_uid if name.read() == "sleep\n" else -1

    def test_filters_that_kill(self):
        """As a unit's SystemCallFilter= does: what the tracer cannot do without is tried before it is needed."""
        for call in ("process_vm_readv", "process_vm_writev", "timer_create", "socket", "sendmsg"):
            with self.subTest(call):
                self.refused(self.filtered([f"{call}=kill"]), b"seccomp filter kills", call.encode())
        # What loads nothing into the program needs no socket.
        for options in (["--scope=process"], ["-B", "main"]):
            self.assertEqual(self.filtered(["socket=kill", "sendmsg=kill", "memfd_create=kill"], *options).status, 3)

    def test_socket_denied(self):
        self.refused(self.filtered(["socket=1"]), b"socket")


if __name__ == "__main__":
    harness.main()
