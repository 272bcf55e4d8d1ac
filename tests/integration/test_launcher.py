"""The launcher and the first moments of the tracer: the environment that the program gets, descriptors and
folders that are missing or full, and that nothing is left behind whatever happens."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import Case, need, program

# execve(2) with an environment that no dict can hold: "execute.py PROGRAM ARG... < NUL-terminated strings".
EXECUTE = """
import ctypes, sys
words = sys.stdin.buffer.read().split(b"\\0")[:-1]
def array(strings): return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)
argv = [word.encode() for word in sys.argv[1:]]
ctypes.CDLL(None).execve(argv[0], array(argv), array(words))
"""
SHELLS = {
    "sh": ["/bin/sh"],
    "bash": ["/bin/bash", "--posix"],
    # Before version 5.1, and so today where it is asked to, bash makes a file of a here-document.
    "bash-5.0": ["/bin/bash", "--posix", "-O", "compat44"],
}


def root_only(test):
    return unittest.skipUnless(os.geteuid() == 0, "only root can set this up")(test)


class Launcher(Case):
    def refused(self, result, *words):
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err, rb"^wc-preload: [^\n]*\n$")
        for word in words:
            self.assertIn(word, result.err)

    def nothing_left_in(self, *folders):
        for folder in folders:
            left = [n for n in os.listdir(folder) if n.startswith(("wc-intercept", "wc-environment"))]
            self.assertEqual(left, [], folder)


class Environment(Launcher):
    def given(self, strings, *argv, **options):
        data = self.write("given", b"".join(s + b"\0" for s in strings))
        with open(data, "rb") as file:
            return self.run_plain([sys.executable, "-c", EXECUTE, *argv], stdin=file, **options)

    def same(self, strings, shell, **options):
        plain = self.given(strings, "/usr/bin/env", "-0")
        tool = [*shell, self.tool, "-b", "none", "--", "/usr/bin/env", "-0"]
        traced = self.given(strings, *tool, **options)
        self.assertEqual((traced.status, traced.err), (0, b""), str(traced)[:1000])
        self.assertTrue(traced.out == plain.out, f"{len(strings)} strings, {shell}: not the same")
        self.assertEqual(traced.out.count(b"\0"), len(strings))

    def ordinary(self):
        return [b"PATH=/usr/bin:/bin", b"XDG_RUNTIME_DIR=" + self.runtime.encode(),
                b"TMPDIR=" + self.dir.encode()]

    def test_is_what_the_launcher_was_given(self):
        odd = [b"ZZ=last", b"not.a-name=1", b"BASH_FUNC_f%%=() { :\n}", b"PWD=/nowhere", b"A=", b"twice=1",
               b"twice=2", b"no equals sign", b"=begins", b"", b"OLDPWD=/old", b"_=me", b"SHLVL=07",
               b"\xff\xfe=\x80", b"IFS=x", b"PS1=$(touch /tmp/never)", b"WC_LAUNCHER=1:0:0"]
        for name, shell in SHELLS.items():
            if os.path.exists(shell[0]):
                with self.subTest(name):
                    self.same(self.ordinary() + odd, shell)

    def test_of_one_mebibyte(self):
        head = self.ordinary() + [b"PWD=/nowhere"]
        for size in (65535, 65536, 300_000, (1 << 20) - 64):
            rest = size - sum(len(s) + 1 for s in head)
            words = [b"V%06d=" % i + b"x" * 91 for i in range(rest // 100)]
            for name, shell in SHELLS.items():
                if os.path.exists(shell[0]):
                    with self.subTest(size=size, shell=name):
                        self.same(head + words, shell)

    def test_that_does_not_fit_is_the_shells(self):
        """Nothing waits, nothing fails: the program gets all that a shell passes on."""
        words = [b"V%06d=" % i + b"x" * 991 for i in range(1200)]
        result = self.given(self.ordinary() + words, self.tool, "-b", "none", "/usr/bin/env", "-0")
        self.assertEqual((result.status, result.err), (0, b""), str(result)[:1000])
        self.assertEqual(sum(s.startswith(b"V0") for s in result.out.split(b"\0")), 1200)
        self.assertNotIn(b"WC_LAUNCHER", result.out)

    def test_goes_through_no_file(self):
        """Others may have made any name in /tmp, FIFOs too: they neither read the secrets nor stop the tool."""
        last = self.start(["true"]).pid
        for pid in range(last, last + 400):
            os.mkfifo(self.path(f"wc-environment-{pid}"), 0o666)
        result = self.run_plain([self.tool, "-b", "none", "true"])
        self.assertEqual((result.status, result.err), (0, b""), result)

    def test_is_left_nowhere_by_a_killed_launcher(self):
        randomly = random.Random(11)
        for _ in range(30):
            running = self.start([self.tool, "-b", "none", "true"])
            time.sleep(randomly.uniform(0, 0.01))
            os.kill(running.pid, signal.SIGKILL)
            self.finish(running)
        self.assertEqual([n for n in os.listdir(self.dir) if "environment" in n], [])

    def test_a_descriptor_of_the_users_is_not_taken(self):
        reading, writing = os.pipe()
        os.write(writing, b"\nA=forged\0")
        for value in (str(reading), f"{os.getpid()}:{reading}:", "", ":::", "9", f"{reading}:9:9",
                      "99999999999:1:1"):
            with self.subTest(value):
                env = dict(self.env, WC_LAUNCHER=value)
                for tool in ([self.tool], [os.path.join(harness.BUILD, "bin/wc-tracerd"), "run"]):
                    result = self.run_plain([*tool, "-b", "none", "sh", "-c", f"echo $A; [ -e /proc/self/fd/{reading} ]"],
                                            env=env, pass_fds=(reading,))
                    self.assertEqual((result.status, result.out, result.err), (0, b"\n", b""), result)
        os.set_blocking(reading, False)
        self.assertEqual(os.read(reading, 100), b"\nA=forged\0")
        os.close(reading), os.close(writing)

    def test_a_forged_descriptor_does_not_hang(self):
        """Somebody who executes the tracer from a shell can name that shell's own descriptors."""
        tracer = os.path.join(harness.BUILD, "bin/wc-tracerd")
        for file in (r"exec 5<>f; rm f; printf '\nA=1' >&5", "exec 5</", "exec 5</dev/zero", "exec 5<&-"):
            script = f"mkfifo f; {file}; export WC_LAUNCHER=$$:5:5; exec {tracer} run -b none true"
            result = self.run_plain(["sh", "-c", script])
            self.assertEqual((result.status, result.err), (0, b""), (file, result))
            subprocess.run(["rm", "-f", self.path("f")], check=True)

    def test_open_descriptors_stay_the_programs(self):
        """Also where no number below ten is free."""
        script = "import os; names = [f'/proc/self/fd/{n}' for n in range(40)]; " \
                 "print([(name, os.readlink(name)) for name in names if os.path.lexists(name)][3:])"
        held = os.open("/", os.O_RDONLY)
        for taken in (range(3, 10), range(4, 10), (9,), ()):
            redirections = " ".join(f"{n}<&{held}" for n in taken)
            for shell in SHELLS.values():
                if os.path.exists(shell[0]):
                    native, traced = (self.run_plain(
                        ["sh", "-c", f"exec {' '.join(argv)} {sys.executable} -c \"{script}\" {redirections}"],
                        pass_fds=(held,)) for argv in ([], [*shell, self.tool, "-b", "none", "--"]))
                    self.assertEqual(native.out.count(b"'/'"), len(taken) + (held not in taken), native)
                    self.assertEqual((traced.status, traced.out, traced.err), (0, native.out, b""), (taken, shell))
        os.close(held)

    @root_only
    @need("unshare")
    def test_another_namespaces_proc_gives_nobody_elses(self):
        """The launcher's pid names somebody else there, whose environment root could read."""
        tool = [self.tool, "-F", "@all", "-b", "none", "--", "env"]
        for options in ([], ["--scope=process"]):
            result = self.run_plain(["unshare", "--pid", "--fork", self.tool, *options, "env"])
            self.refused(result, b"/proc", b"--mount-proc")
        env = {"PATH": "/usr/bin:/bin", "TMPDIR": self.dir, "MINE": "1", "PWD": "/nowhere"}
        result = self.run_plain(["unshare", "--pid", "--fork", "--mount-proc", *tool], env=env)
        self.assertIn(b"MINE=1\nPWD=/nowhere\n", result.out + b"\n")
        # The launcher alone, in front of a tracer that cannot refuse.
        script = self.path("launch/wc-preload")
        os.mkdir(self.path("launch"))
        shutil.copy(self.tool, script)
        shutil.copy(os.path.join(harness.BUILD, "bin/wc-copy"), self.path("launch"))
        self.write("launch/wc-tracerd", "#!/bin/sh\nIFS=:; set -- $WC_LAUNCHER\ntr '\\0' '\\n' <&$2\n", 0o755)
        result = self.run_plain(["unshare", "--pid", "--fork", script], env=env)
        self.assertIn(b"\nMINE=1\nPWD=/nowhere\n", result.out, result)


class Missing(Launcher):
    def test_few_descriptors(self):
        tracer = os.path.join(harness.BUILD, "bin/wc-tracerd")
        for limit in range(5, 20):
            for argv in ([tracer, "run"], ["/bin/bash", "--posix", self.tool]):
                with self.subTest(limit=limit, argv=argv[0]):
                    script = f"ulimit -n {limit}; exec \"$@\""
                    result = self.run_plain(["sh", "-c", script, "sh", *argv, "-F", "@all", "-o", self.path("o"), "true"])
                    self.refused(result, b"ulimit -n", str(limit).encode())
                    self.nothing_left_in(self.dir, self.runtime)
        result = self.run_plain(["sh", "-c", "ulimit -n 24; exec \"$@\"", "sh", self.tool, "-F", "@all", "-o", self.path("o"),
                                 "sh", "-c", "/bin/true; /bin/true | cat"])
        self.assertEqual((result.status, result.err), (0, b""), result)

    def test_closed_standard_streams(self):
        script = "import os,sys; os.write(9, repr([os.path.exists(f'/proc/self/fd/{n}') for n in (0, 1, 2)]).encode())"
        for closed in ("2>&-", "<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"):
            with self.subTest(closed):
                seen = []
                for argv in ([], [self.tool, "-F", "@all", "-o", self.path("trace"), "--"]):
                    reading, writing = os.pipe()
                    result = self.run_plain(
                        ["sh", "-c", f"exec \"$@\" 9>&{writing} {writing}>&- {closed}", "sh", *argv, sys.executable, "-c", script],
                        pass_fds=(writing,))
                    os.close(writing)
                    seen.append((result.status, os.read(reading, 100)))
                    os.close(reading)
                self.assertEqual(seen[0], seen[1])
                with open(self.path("trace"), "rb") as trace:
                    self.assertIn(b"exited with 0", trace.read())
                self.nothing_left_in(self.dir, self.runtime)

    def test_trace_to_a_closed_standard_error(self):
        for options in ([], ["-b", "json"], ["-c"]):
            result = self.run_plain(["sh", "-c", "exec \"$@\" 2>&-", "sh", self.tool, *options, "touch", self.path("started")])
            self.assertEqual((result.status, result.err), (125, b""), result)
            self.assertRegex(result.out, rb"^wc-preload: standard error[^\n]*closed[^\n]*-o FILE[^\n]*\n$")
            result = self.run_plain(["sh", "-c", "exec \"$@\" >&- 2>&- <&-", "sh", self.tool, *options, "touch", self.path("started")])
            self.assertEqual((result.status, result.err, result.out), (125, b"", b""), result)
        self.assertFalse(os.path.exists(self.path("started")))
        self.nothing_left_in(self.dir, self.runtime)
        result = self.run_plain(["sh", "-c", "exec \"$@\" 2>&-", "sh", self.tool, "-b", "none", "echo", "done"])
        self.assertEqual((result.status, result.out), (0, b"done\n"), result)

    def test_words_that_nobody_gets(self):
        """What was asked for on standard output and cannot be written there is not a success."""
        for option in ("--help", "--version", "--list-functions", "--list-syscalls"):
            for output in (">&-", ">/dev/full"):
                result = self.run_plain(["sh", "-c", f"exec \"$@\" {output}", "sh", self.tool, option])
                self.refused(result, b"standard output")

    def test_umask(self):
        for mask in ("0777", "0277", "0"):
            for become in ([], self.as_nobody()):
                os.chown(self.runtime, *((65534, 65534) if become else (os.geteuid(), os.getegid())))
                result = self.run_plain(["sh", "-c", f"umask {mask}; exec \"$@\"", "sh", *become, self.tool, "-F", "@all",
                                         "sh", "-c", "umask; exec /bin/true"])
                self.assertEqual((result.status, int(result.out, 8)), (0, int(mask, 8)), result)
                self.assertIn(b"execve(\"/bin/true\"", result.err)
                self.nothing_left_in(self.dir, self.runtime)

    def test_folders_left_by_an_older_version(self):
        """Under umask 0777 it made folders that it could not open again, in each parent."""
        folders = [os.path.join(parent, "wc-intercept-1-abcdef") for parent in (self.runtime, self.dir)]
        for folder in folders:
            os.mkdir(folder, 0)
        result = self.run_plain([*self.as_nobody(), self.tool, "-b", "none", "true"])
        self.assertEqual((result.status, result.err), (0, b""), result)
        for folder in folders:
            os.chown(folder, 65534, 65534)
        os.chmod(self.dir, 0o1777)
        self.run_plain([*self.as_nobody(), self.tool, "-b", "none", "true"])
        self.nothing_left_in(self.dir, self.runtime)

    def mounted(self, script, *argv):
        """In a mount namespace of its own; "$@" is the command."""
        return self.run_plain(["unshare", "-m", "sh", "-c", f"set -e; {script}", "sh", *argv])

    @root_only
    @need("unshare", "mount")
    def test_full_folder(self):
        small = self.fresh_folder()
        for size, kind in (("64k", ""), ("400k", ""), ("4m,nr_inodes=2", ""), ("4m,noexec", ""), ("4m,ro", "")):
            with self.subTest(size):
                self.env["XDG_RUNTIME_DIR"] = small
                result = self.mounted(f"mount -t tmpfs -o size={size} tmpfs {small}; exec \"$@\"", self.tool, "-F", "@all",
                                      "-b", "none", "sh", "-c", "/bin/true; ls -a " + small)
                self.assertEqual((result.status, result.err), (0, b""), result)
                self.assertNotIn(b"wc-", result.out)
                self.nothing_left_in(self.dir)

    @root_only
    @need("unshare", "mount")
    def test_no_folder(self):
        if self.tool.startswith(("/tmp/", "/var/tmp/", "/dev/shm/")):
            self.skipTest(f"the build is in one of the folders that are hidden here: {self.tool}")
        script = "for d in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o noexec tmpfs $d; done; " \
                 "unset XDG_RUNTIME_DIR TMPDIR; cd /; exec \"$@\""
        result = self.mounted(script, self.tool, "true")
        self.refused(result, b"/tmp (mounted noexec)", b"/dev/shm (mounted noexec)", b"XDG_RUNTIME_DIR")
        # What loads nothing into the program needs none.
        for options in (["--scope=process"], ["-B", "main"]):
            result = self.mounted(script, self.tool, *options, program("die_by"), "exit", "3")
            self.assertEqual(result.status, 3, result)
            self.assertIn(b"+++ exited with 3 +++", result.err)

    @root_only
    @need("unshare", "mount")
    def test_no_device_files(self):
        result = self.mounted("mount -t tmpfs -o ro tmpfs /dev; exec \"$@\"", self.tool, "-b", "none", "echo", "done")
        self.assertEqual((result.status, result.out, result.err), (0, b"done\n", b""), result)

    @root_only
    @need("unshare", "mount")
    def test_no_proc(self):
        result = self.mounted("mount -t tmpfs tmpfs /proc; exec \"$@\"", self.tool, "-o", self.path("o"), "echo", "done")
        self.refused(result, b"/proc")
        self.nothing_left_in(self.dir, self.runtime)

    @root_only
    def test_checkout_that_is_not_built(self):
        folder = self.fresh_folder()
        shutil.copy(os.path.join(harness.ROOT, "wc-preload"), folder)
        shutil.copy(os.path.join(harness.ROOT, "CMakeLists.txt"), folder)
        for prepare in (lambda: None, lambda: os.mkdir(os.path.join(folder, "build"), 0o755)):
            prepare()
            os.chmod(folder, 0o555)
            for options in (["true"], ["--build"]):
                result = self.run_plain([*self.as_nobody(), "sh", os.path.join(folder, "wc-preload"), *options])
                self.refused(result, b"not built", b"--build")
            os.chmod(folder, 0o755)

    @need("git")
    def test_nothing_stray_is_tracked(self):
        listed = self.run_plain(["git", "-C", harness.ROOT, "-c", f"safe.directory={harness.ROOT}", "ls-files"])
        if listed.status != 0:
            self.skipTest("not a git checkout")
        top = {line.split("/")[0] for line in listed.out.decode().splitlines()}
        known = {"backends", "docs", "examples", "preload_lib", "protocol", "tests", "tracer_daemon", "wc-preload",
                 "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "CHANGELOG.md"}
        self.assertEqual({name for name in top if not name.startswith(".")} - known, set())


if __name__ == "__main__":
    harness.main()
