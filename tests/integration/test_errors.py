"""Bad input: one line on standard error that begins "wc-preload: " and says what to do, the right
exit status, the program unharmed or never started, and nothing left in the file system."""
import os
import re
import shutil
import stat
import unittest

import harness
from harness import Case, need, program


class Refusals(Case):
    def refused(self, argv, *options, status=125, says=(), functions=None):
        """The tool ends with `status` and one line in which all of `says` occur."""
        result = self.run_tool(argv, *options, functions=functions)
        self.assertEqual(result.status, status, result)
        self.assertEqual(result.out, b"", result)
        lines = result.err.decode().splitlines()
        self.assertEqual(len(lines), 1, result)
        self.assertTrue(lines[0].startswith("wc-preload: "), result)
        for words in says:
            self.assertIn(words, lines[0])
        return lines[0]

    # ---- options and files

    def test_unknown_function(self):
        self.refused(["true"], says=["'fopne'", "did you mean", "fopen"], functions="fopne")
        self.refused(["true"], says=["nosuch"], functions="@nosuch")

    def test_unknown_options_and_values(self):
        self.refused(["true"], "--bogus", says=["--bogus", "--help"])
        self.refused(["true"], "-b", "nosuch", says=["nosuch", "text, json"])
        self.refused(["true"], "-b", "text:nosuch=1", says=["nosuch"])
        self.refused(["true"], "-b", "./nosuch.so", says=["nosuch.so"])
        self.refused(["true"], "-e", "opnat", says=["opnat", "did you mean", "openat"])
        self.refused(["true"], "-s", "x", says=["'x'"])
        self.refused(["true"], "-E", "bfp", says=["bfp", "did you mean bpf"])
        for option in ("--scope=process", "--scope=main", "--deny=write", "-y", "--objects", "--every=10"):
            self.refused(["true"], "-E", "bpf", option, says=["engine bpf", "-E ptrace" if "main" not in option else "-B main"])
        self.refused(["true"], "-B", "main", says=["breakpoint 'main'", "stripped"])
        self.refused(["true"], "-B", "f:12", says=["f:12", "function of the file"])
        self.refused(["true"], "-B", "nosuch@libc", says=["nosuch@libc", "no such function"])
        self.refused(["true"], "-E", "inproc", "-B", "write@libc", says=["inproc", "-E ptrace"])
        result = self.run_plain([self.tool, "-g", "bogus", "true"])
        self.assertEqual((result.status, result.err.count(b"\n")), (125, 1))
        for gate in (b"socket", b"trap", b"dispatch"):
            self.assertIn(gate, result.err)
        result = self.run_plain([self.tool])
        self.assertEqual((result.status, result.err.count(b"\n")), (125, 1))

    def test_ini_files(self):
        def refused(text, *says):
            path = self.write("bad.ini", text)
            self.refused(["true"], "--config", path, says=says)
        path = self.path("bad.ini")
        refused("[functions]\nwarp = x\n", f"{path}:2", "warp", "wrap")
        refused("# comment\n\ngate = dispach\n", f"{path}:3", "dispach", "dispatch")
        refused("[functoins]\nwrap = x\n", f"{path}:1", "functoins", "functions")
        refused("[functions]\nwrap\n", f"{path}:2")
        refused("[breakpoint]\nfunction = hello1 hello2\n", "breakpoint")
        refused("[functions]\nwrap = fopne\n", "fopne", "fopen")
        self.refused(["true"], "--config", self.path("none.ini"), says=["none.ini"])

    # ---- programs

    def test_program_not_there(self):
        self.refused(["wc-no-such-program"], status=127, says=["wc-no-such-program"])
        self.refused([self.path("nothing")], status=127, says=["nothing"])
        self.refused(["/etc/passwd/x"], status=127)

    def test_program_not_executable(self):
        self.refused([self.write("plain", "text", 0o644)], status=126, says=["not executable"])
        self.refused([self.dir], status=126, says=["folder"])
        script = self.write("script", "#!/nonexistent/interpreter\n", 0o755)
        self.refused([script], status=127, says=["/nonexistent/interpreter"])

    def test_truncated(self):
        with open("/bin/ls", "rb") as file:
            content = file.read()
        self.refused([self.write("cut", content[:100], 0o755)], status=126)

    @need("gcc")
    def test_static(self):
        source = self.write("s.c", "int main(void) { return 0; }\n")
        built = self.run_plain(["gcc", "-static", "-o", self.path("static"), source])
        self.assertEqual(built.status, 0, built)
        self.refused([self.path("static")], says=["static"])
        built = self.run_plain(["gcc", "-static-pie", "-o", self.path("pie"), source])
        self.assertEqual(built.status, 0, built)
        self.refused([self.path("pie")], says=["static"])

    def altered(self, name, change):
        """A copy of a dynamic program with some bytes changed."""
        with open(program("die_by"), "rb") as file:
            content = bytearray(file.read())
        change(content)
        return self.write(name, bytes(content), 0o755)

    def test_musl(self):
        def change(content):
            loader = b"/lib64/ld-linux-x86-64.so.2\0"
            at = content.index(loader)
            content[at:at + len(loader)] = b"/lib/ld-musl-x86_64.so.1".ljust(len(loader), b"\0")
        self.refused([self.altered("musl", change)], says=["musl"])

    @need("musl-gcc")
    def test_musl_as_its_compiler_makes_it(self):
        source = self.write("m.c", "int main(void) { return 0; }\n")
        built = self.run_plain(["musl-gcc", "-o", self.path("musl"), source])
        self.assertEqual(built.status, 0, built)
        self.refused([self.path("musl")], says=["musl"])

    def test_other_architectures(self):
        def is_32(content):
            content[4] = 1                # EI_CLASS: 32 bits
            content[18:20] = b"\x03\x00"  # e_machine: 80386

        def is_arm(content):
            content[18:20] = b"\xb7\x00"  # AArch64
        self.refused([self.altered("i386", is_32)], says=["not a 64-bit"])
        self.refused([self.altered("arm", is_arm)])

    @unittest.skipUnless(os.geteuid() == 0, "only root can make another user's set-user-ID program")
    def test_set_user_id(self):
        path = self.path("suid")
        shutil.copy("/bin/true", path)
        os.chown(path, 65534, 65534)
        os.chmod(path, 0o4755)
        if os.statvfs(self.dir).f_flag & os.ST_NOSUID:
            self.skipTest("mounted nosuid: set-user-ID means nothing here")
        self.refused([path], says=["set-user-ID"])
        # One's own changes nobody's identity: it is a program like others.
        os.chown(path, 0, 0)
        os.chmod(path, 0o4755)
        result = self.run_tool([path], "-o", "/dev/null")
        self.assertIn(result.status, (0, 125), result)

    # ---- permission to trace

    def test_without_root_ones_own_programs_work(self):
        result = self.run_plain(self.as_nobody(*self.tool_argv(["echo", "hello"], functions="@all")))
        self.assertEqual((result.status, result.out), (0, b"hello\n"), result)
        self.assertIn(b'write(1, "hello\\n", 6) = 6', result.err)
        self.assert_nothing_left()

    def test_set_user_id_without_root(self):
        path = self.path("suid")
        shutil.copy("/bin/true", path)
        os.chmod(path, 0o4755)
        result = self.run_plain(self.as_nobody(*self.tool_argv([path])))
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err, rb"^wc-preload: .*set-user-ID.*\n$")
        self.assert_nothing_left()

    @need("strace")
    def test_already_traced(self):
        result = self.run_plain(["strace", "-f", "-o", "/dev/null",
                                 *self.tool_argv([program("die_by"), "exit", "3"])])
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err, rb"^wc-preload: .*traced.*\n$")
        self.assertEqual(os.listdir(self.runtime), [])

    def test_ptrace_forbidden(self):
        result = self.run_plain([program("forbid"), "ptrace", *self.tool_argv([program("die_by"), "exit", "3"])])
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err, rb"^wc-preload: .*(ptrace|trace).*\n$")
        self.assertEqual(os.listdir(self.runtime), [])


    def test_dispatch_forbidden(self):
        """An old kernel or a policy: the next gate, and one line that says so where it is asked for."""
        result = self.run_plain([program("forbid"), "dispatch", self.tool, "-v", "-b", "text:merge=off", "-F", "access",
                                 program("sequence"), "repeated"])
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.err.count(b"  access("), 1000)
        self.assertRegex(result.err, rb"(?m)^wc-preload: gate trap: Syscall User Dispatch is refused")
        self.assert_nothing_left()
        refused = self.run_plain([program("forbid"), "dispatch", self.tool, "-g", "dispatch", "true"])
        self.assertEqual(refused.status, 125, refused)


class Programs(Case):
    """Unusual, and traced all the same."""

    def test_script(self):
        script = self.write("script", "#!/bin/sh\necho from $0 $1\nexit 4\n", 0o755)
        self.compare([script, "argument"], functions="@all")
        script = self.write("nested", f"#!{script}\n", 0o755)
        self.compare([script], functions="@all")

    def test_script_without_first_line(self):
        # execvp(3), and so env(1), gives it to the shell.
        script = self.write("bare", "echo bare $#\nexit 5\n", 0o755)
        native = self.run_plain(["env", script, "a", "b"])
        traced = self.run_tool([script, "a", "b"], "-o", "/dev/null")
        self.assertEqual((native.status, native.out), (traced.status, traced.out))
        self.assertEqual(native.status, 5)

    def test_found_in_path(self):
        os.mkdir(self.path("bin"))
        self.write("bin/own-program", "#!/bin/sh\necho own\n", 0o755)
        self.env["PATH"] = self.path("bin") + ":" + self.env["PATH"]
        self.assertEqual(self.run_tool(["own-program"], "-o", "/dev/null").out, b"own\n")

    def test_arguments_are_the_programs(self):
        result = self.run_plain([self.tool, "-o", "/dev/null", "echo", "-F", "--help", "", "a b"])
        self.assertEqual(result.out, b"-F --help  a b\n")

    def test_runtime_folder_not_usable(self):
        self.env["XDG_RUNTIME_DIR"] = "/nonexistent"
        result = self.run_tool(["echo", "done"], "-o", "/dev/null")
        self.assertEqual((result.status, result.out, result.err), (0, b"done\n", b""))


class Outputs(Case):
    def test_cannot_be_opened(self):
        """Found out before the program starts."""
        for path in ("/nonexistent/x", self.dir, "/proc/version/x"):
            result = self.run_tool(["touch", self.path("started")], "-o", path)
            self.assertEqual(result.status, 125)
            self.assertRegex(result.err, rb"^wc-preload: .*" + re.escape(path.encode()) + rb".*\n$")
            self.assertFalse(os.path.exists(self.path("started")))

    def test_disk_full(self):
        native = self.run_plain([program("sequence"), "repeated", "values"])
        for backend in ("text", "json", "summary"):
            result = self.run_tool([program("sequence"), "repeated", "values"], "-b", backend, "-o",
                                   "/dev/full", functions="@all")
            # The program did its work to the end; the tool tells once and by its status.
            self.assertEqual((result.status, result.out), (125, native.out), backend)
            self.assertRegex(result.err, rb"^wc-preload: .*/dev/full.*No space left on device.*\n$")

    def test_reader_is_gone(self):
        """As in `wc-preload ... | head -1`: the program is not disturbed, nobody complains."""
        for backend in ("text", "json"):
            reading, writing = os.pipe()
            marker = self.path("marker." + backend)
            script = f"for i in 1 2 3 4 5 6 7 8 9; do echo $i >> {marker}; /bin/true; done; exit 6"
            running = self.start(self.tool_argv(["sh", "-c", script], "-b", backend, "-o",
                                                f"/dev/fd/{writing}", functions="@all"),
                                 pass_fds=(writing,))
            os.close(writing)
            self.assertTrue(os.read(reading, 10))
            os.close(reading)
            result = self.finish(running)
            self.assert_nothing_left()
            self.assertEqual((result.status, result.out, result.err), (6, b"", b""))
            with open(marker) as file:
                self.assertEqual(len(file.readlines()), 9)

    def test_into_a_fifo(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        reader = self.start(["cat", fifo])
        running = self.start(self.tool_argv([program("sequence"), "repeated"], "-o", fifo, "-b",
                                            "text:merge=off", functions="access"))
        self.assertEqual(self.finish(running).status, 0)
        text = self.finish(reader).out
        self.assertEqual(text.count(b'  access("/dev/null", F_OK) = 0\n'), 1000)
        self.assert_nothing_left()
        self.assertTrue(stat.S_ISFIFO(os.stat(fifo).st_mode), "the FIFO was replaced")

    def test_slow_reader_loses_nothing(self):
        reading, writing = os.pipe()
        running = self.start(self.tool_argv([program("sequence"), "repeated"], "-b", "json", "-o",
                                            f"/dev/fd/{writing}", functions="access"),
                             pass_fds=(writing,))
        os.close(writing)
        data = b""
        # Nobody reads until the pipe is full and the program must wait.
        harness.wait_until(lambda: harness.processes.descendants() != [], 5, "the start")
        while chunk := os.read(reading, 4096):
            data += chunk
        self.assertEqual(self.finish(running).status, 0)
        os.close(reading)
        self.assertEqual(data.count(b'"name":"access"'), 1000)

    def test_file_is_replaced_and_private_folder_is_private(self):
        path = self.write("trace.txt", "old content " * 1000)
        reading, writing = os.pipe()
        running = self.start(self.tool_argv([program("die_by"), "wait-inside"], "-o", path),
                             stdin=reading)
        running.wait_for_output(b"ready")
        folder, = os.listdir(self.runtime)
        self.assertEqual(os.stat(os.path.join(self.runtime, folder)).st_mode & 0o777, 0o700)
        for name in os.listdir(os.path.join(self.runtime, folder)):
            mode = os.stat(os.path.join(self.runtime, folder, name)).st_mode
            self.assertEqual(mode & 0o077, 0, name)
        os.write(writing, b"A")
        self.finish(running)
        os.close(reading), os.close(writing)
        with open(path) as file:
            self.assertNotIn("old content", file.read())
        self.assert_nothing_left()


if __name__ == "__main__":
    harness.main()
