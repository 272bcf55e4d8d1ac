"""Where two mechanisms meet: how a process reaches its tracer whatever it has given up, memory that is no
more reached by the process's id, what the program can see of all that."""
import os
import re
import struct
import subprocess
import unittest

import harness
from harness import Case, need, program

ROOT = os.geteuid() == 0
FUNCTIONS = "fork,write,pthread_create"


def number(name):
    """Of a syscall."""
    return str({"madvise": 28, "socket": 41, "connect": 42, "sendto": 44, "recvmsg": 47, "getpid": 39,
                "gettid": 186, "setsockopt": 54, "memfd_create": 319, "prctl": 157}[name])


class Reaching(Case):
    """Children that could not reach a socket by its path were untraced, without a word."""

    def check(self, *how):
        plain = self.run_plain([program("estranged"), *how])
        self.assertEqual(plain.status, 3, plain)
        trace = self.fresh_folder() + "/trace"
        traced = self.run_tool([program("estranged"), *how], "-b", "text:merge=off", "-o", trace,
                               functions=FUNCTIONS)
        self.assertEqual((traced.status, sorted(traced.out), traced.err),
                         (plain.status, sorted(plain.out), b""), traced)
        with open(trace, encoding="utf-8", errors="replace") as file:
            text = file.read()
        for what in ("child", "thread of child", "thread"):
            self.assertEqual(text.count(f'  write(1, "{what}\\n"'), 1, text)

    def test_nothing_given_up(self):
        self.check("plain")

    def test_no_descriptor_left(self):
        self.check("descriptors")

    def test_undumpable(self):
        self.check("undumpable")

    @unittest.skipUnless(ROOT, "only root can become another user, or see other folders")
    def test_another_user_or_root_folder(self):
        for how in ("setuid", "seteuid", "chroot"):
            with self.subTest(how=how):
                self.check(how)

    @unittest.skipUnless(ROOT, "only root can make a mount namespace")
    def test_other_mounts(self):
        if self.run_plain(["unshare", "-m", "true"]).status != 0:
            self.skipTest("mount namespaces are not allowed here")
        self.check("mounts")

    def test_a_filter_that_denies(self):
        for name in ("socket", "connect", "sendto", "recvmsg", "setsockopt", "madvise", "getpid", "gettid",
                     "memfd_create", "prctl"):
            with self.subTest(name=name):
                if harness.GATE == "socket" and name in ("sendto", "recvmsg", "getpid"):
                    continue  # the gate's own messages: it runs native after that, which -v says
                if name == "memfd_create" and not ROOT:
                    continue  # anonymous memory of others takes CAP_SYS_ADMIN
                self.check("deny", number(name))

    # Gate socket's own messages need some of these.
    @harness.only_under("dispatch", "inproc", "trap")
    def test_a_filter_that_kills(self):
        for name in ("socket", "connect", "sendto", "recvmsg", "setsockopt", "getpid", "gettid"):
            with self.subTest(name=name):
                self.check("kill", number(name))
        if ROOT:
            self.check("kill", number("memfd_create"))

    def test_a_leader_that_has_ended(self):
        trace = self.path("trace")
        plain = self.run_plain([program("leader_ends")])
        traced = self.run_tool([program("leader_ends")], "-b", "text:merge=off", "-o", trace,
                               functions="fork,write")
        self.assertEqual((traced.status, traced.out, traced.err), (plain.status, plain.out, b""), traced)
        with open(trace, encoding="utf-8", errors="replace") as file:
            text = file.read()
        for what in ("child", "inner", "outer"):
            self.assertEqual(text.count(f'  write(1, "{what}\\n"'), 1, text)

    @unittest.skipUnless(ROOT, "only root's tracer follows other users")
    @need("setpriv")
    def test_a_program_of_another_user(self):
        trace = self.path("trace")
        traced = self.run_tool(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", "/etc/hostname"],
                               "-o", trace, functions="open,read,write")
        self.assertEqual((traced.status, traced.err), (0, b""), traced)
        with open(trace, encoding="utf-8", errors="replace") as file:
            self.assertIn('openat(AT_FDCWD, "/etc/hostname"', file.read())

    @unittest.skipUnless(ROOT, "only root's tracer follows other users")
    @need("setpriv")
    def test_others_cannot_read_what_is_copied_for_a_user(self):
        """While it runs: the folder cannot be listed, and the stub library is its user's alone."""
        look = ("import os; m = open('/proc/self/maps').read(); import re; "
                "p = re.search(r'/\\S+stubs-\\d+\\.so', m).group(); s = os.stat(p); "
                "print(s.st_uid, oct(s.st_mode & 0o777)); "
                "print(os.access(os.path.dirname(os.path.dirname(p)), os.R_OK))")
        traced = self.run_tool(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                "/usr/bin/python3", "-S", "-c", look], "-b", "none", functions="open")
        self.assertEqual((traced.status, traced.out), (0, b"65534 0o400\nFalse\n"), traced)
        self.assert_nothing_left()


class Footprint(Case):
    def test_what_the_program_sees(self):
        env = dict(self.env, CPUS=str(len(os.sched_getaffinity(0))))
        traced = self.run_tool([program("footprint")], "-b", "none", functions="write,fork,waitpid", env=env)
        self.assertEqual((traced.status, traced.out, traced.err), (0, b"", b""), traced)

    def test_little_is_mapped_at_first(self):
        """And no more than its threads need afterwards."""
        script = ("import threading, sys; n = int(sys.argv[1]); b = threading.Barrier(max(n, 1));"
                  "w = lambda: (b.wait(), open('/dev/null').close(), b.wait());"
                  "t = [threading.Thread(target=w) for _ in range(n)]; [x.start() for x in t]; [x.join() for x in t];"
                  "print(open('/proc/self/maps').read())")
        for threads, most in ((0, 1 << 20), (40, 64 << 20)):
            traced = self.run_tool(["/usr/bin/python3", "-S", "-c", script, str(threads)], "-b", "none",
                                   functions="open,close")
            self.assertEqual(traced.status, 0, traced)
            size = sum(int(end, 16) - int(begin, 16) for begin, end in
                       re.findall(r"^(\w+)-(\w+) rw-s .*(?:wc-shared|/dev/zero)", traced.out.decode(), re.M))
            self.assertGreater(size, 0)
            self.assertLessEqual(size, most, threads)

    @need("gdb")
    def test_core_that_a_debugger_can_unwind(self):
        """Small, and with a backtrace from the wrapped call to main."""
        import resource
        if open("/proc/sys/kernel/core_pattern", encoding="utf-8").read().startswith(("|", "/")):
            self.skipTest("core dumps do not go to the current folder here (core_pattern)")

        def allow():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        folder = self.fresh_folder()
        argv = [program("dumps_core")]
        subprocess.run(self.tool_argv(argv, "-b", "none", functions="qsort,abort,raise"), cwd=folder, env=self.env,
                       preexec_fn=allow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                       timeout=30 * harness.SLOWNESS)
        cores = [name for name in os.listdir(folder) if name.startswith("core")]
        self.assertEqual(len(cores), 1)
        core = os.path.join(folder, cores[0])
        self.assertLess(os.stat(core).st_blocks * 512, 4 << 20)
        shown = subprocess.run(["gdb", "-q", "-batch", "-ex", "bt", argv[0], core], capture_output=True, check=False,
                               timeout=60 * harness.SLOWNESS).stdout.decode(errors="replace")
        for frame in ("(?:__GI_)?abort", "compare", "main"):
            self.assertRegex(shown, rf"(?m)^#\d+ .*\b{frame} \(")


if __name__ == "__main__":
    harness.main()
