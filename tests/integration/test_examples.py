"""The examples work as their documentation says. The commands are read from where users read them
(examples/README.md and the comments of the INI files) and run in a folder that looks like a checkout
after the build, so a command that rots fails here."""
import glob
import json
import os
import re
import signal
import unittest

import harness
from harness import Case, need

FOLDER = os.path.join(harness.ROOT, "examples")


def documented_commands():
    found = []
    for path in [os.path.join(FOLDER, "README.md"), *glob.glob(FOLDER + "/**/*.ini", recursive=True)]:
        with open(path) as file:
            for line in file:
                # Indented in the README, behind the comment sign in INI files; "./" left out or not.
                match = re.match(r"[#; ] +(?:\./)?(wc-preload [^#]*)", line)
                if match:
                    found.append("./" + " ".join(match.group(1).split()))
    return found


class Examples(Case):
    def setUp(self):
        super().setUp()
        self.checkout = self.path("checkout")
        os.makedirs(os.path.join(self.checkout, "build"))
        for name, target in (("examples", FOLDER), ("wc-preload", self.tool),
                             ("backends", os.path.join(harness.ROOT, "backends")),
                             ("build/release", harness.BUILD)):
            os.symlink(target, os.path.join(self.checkout, name))

    def example(self, fragment, replace=None, status=0):
        """Runs the documented command in which `fragment` occurs."""
        commands = [c for c in documented_commands() if fragment in c]
        self.assertTrue(commands, f"no documented command has {fragment}")
        command = commands[0].replace(*replace) if replace else commands[0]
        result = self.run_plain(["sh", "-c", command], cwd=self.checkout)
        self.assert_nothing_left()
        self.assertEqual(result.status, status, f"{command}: {result}")
        return result.out.decode(), result.err.decode()

    def test_breakpoints_on_hello(self):
        out, err = self.example("examples/hello.ini")
        self.assertEqual(out, "before\nhello 1\nhello 2\nhello 1\nhello 2\nhello 1\nafter\n")
        # Its own functions, nested and recursive; what main writes by itself is in none of them.
        shape = re.sub(r"\(.*?\)( = .*)?$", "", err, flags=re.M).splitlines()
        self.assertEqual(shape, ["hello1", "  write",
                                 "hello3", "  hello3", "    hello2", "      write", "      hello1",
                                 "        write", "  hello2", "    write", "    hello1", "      write",
                                 "+++ exited with 0 +++"])
        self.assertRegex(err, r"(?m)^hello1\(\) = <void> +<main\+0x\w+ at hello\.c:\d+>$")

    def test_own_rand(self):
        out, err = self.example("own_rand.ini")
        lines = out.splitlines()
        values = [int(re.fullmatch(r"rand gives (\d+)", line).group(1)) for line in lines[0::2]]
        self.assertEqual(len(values), 10)
        self.assertEqual(lines[1::2], [str(v % 100) for v in values])
        # The output is a file here: ten pairs of calls fill a buffer, and the calls that made a system
        # call are those that are reported. The library's printf comes first and from its rand.
        self.assertRegex(err, rf'(?m)^printf\("rand gives %d\\n", {values[0]}\) = \d+ +<rand\+0x\w+ at own_rand\.c:\d+>$')
        result = self.run_plain([self.tool, "-a", "--config", "examples/own_rand.ini",
                                 "build/release/examples/random"], cwd=self.checkout)
        self.assertEqual(result.out.decode(), out)
        calls = re.findall(r"(?m)^ *(rand|printf)\(", result.err.decode())
        # The program's rand is the library's: it stands before the stubs, which are last (docs/architecture.md).
        self.assertEqual((calls.count("rand"), calls.count("printf")), (0, 20), result)

    def test_random_without_it(self):
        native = self.run_plain([os.path.join(harness.EXAMPLES, "random")])
        self.assertEqual(len(native.out.split()), 10)
        self.compare([os.path.join(harness.EXAMPLES, "random")], functions="@all")

    def test_threads(self):
        native = self.run_plain([os.path.join(harness.EXAMPLES, "threads")])
        out, err = self.example("examples/threads")
        self.assertEqual(out.encode(), native.out)
        callers = set(re.findall(r"^\[pid +(\d+)\] \w+\(", err, re.M))
        self.assertGreater(len(callers), 1, err)

    def test_scopes(self):
        _, err = self.example("examples/scopes")
        self.assertRegex(err, r"(?m)^count lines\(\) = <void>")
        self.assertRegex(err, r'(?m)^  fopen\("/etc/passwd", "r"\)')
        self.assertRegex(err, r'(?m)^    openat\(AT_FDCWD, "/etc/passwd"')

    def test_fork_exec(self):
        out, err = self.example("examples/fork_exec")
        self.assertEqual(sorted(out.splitlines()), ["hello from the child", "the child ended with 0"])
        self.assertRegex(err, r'\[pid +\d+\] execve\("/bin/echo", \["echo", "hello from the child"')
        # In spite of its empty environment the child's program is traced.
        self.assertIn('write(1, "hello from the child\\n", 21) = 21', err)

    def test_notes(self):
        """The one failure that it does not look at is found, and the words that repeat it do so."""
        out, _ = self.example("examples/notes", status=1)
        row = re.search(r"(?m)^write in rewind from main\+0x\w+ at notes\.c:\d+ +ENOSPC +signal SIGSEGV +(--inject \S+)$\n"
                        r"    at .*\n(?:      from .*\n)*?      from main\+0x\w+ at notes\.c:\d+$", out)
        repeated = self.run_plain(["./wc-preload", *row.group(1).split(), "build/release/examples/notes"],
                                  cwd=self.checkout)
        self.assertEqual(repeated.status, -signal.SIGSEGV)

    def test_sample_backend(self):
        _, err = self.example("sample_backend.so")
        self.assertRegex(err, r"^ +written +read +function\n( +\d+ +\d+ +\w+\n)+$")

    def test_read_only(self):
        _, err = self.example("read_only.so", ("/tmp/new", self.path("new")), status=1)
        self.assertRegex(err, r"(?m)^touch: .*Read-only file system$")
        self.assertFalse(os.path.exists(self.path("new")))

    def test_script(self):
        if b"no such backend" in self.run_plain([self.tool, "-b", "lua", "--", "true"]).err:
            self.skipTest("built without lua")
        _, err = self.example("first_failure.lua", status=2)
        self.assertRegex(err, r"(?m)^first failure in \w+: \w+\(.*\) = -1 E[A-Z]+")

    @need("cc")
    def test_sample_backend_compiles_as_its_comment_says(self):
        with open(os.path.join(FOLDER, "sample_backend.c")) as file:
            command = re.search(r"^ \*   (cc .*)$", file.read(), re.M).group(1)
        built = self.run_plain(["sh", "-c", command.replace("-o sample.so", "-o " + self.path("s.so"))],
                               cwd=self.checkout)
        self.assertEqual((built.status, built.err), (0, b""), built)
        result = self.run_tool(["ls", "/"], "-b", self.path("s.so") + ":top=2", functions="@stdio")
        self.assertEqual(result.status, 0)
        self.assertIn(b"written", result.err)
        self.assertLessEqual(result.err.count(b"\n"), 3)

    def test_hello_configuration(self):
        _, err = self.example("config/hello.ini", ("./prog", "echo hello"))
        self.assertRegex(err, r'(?m)^fputs\w*\("hello", ')
        # All keys have their defaults.
        self.assertRegex(err, r'(?m)^fflush\(')
        self.assertRegex(err, r'(?m)^  write\(1, "hello')

    def test_files_configuration(self):
        self.example("files.ini", ("/tmp/x.tar .", self.path("x.tar") + " examples/"))
        with open(os.path.join(self.checkout, "files.jsonl")) as file:
            events = [json.loads(line) for line in file]
        names = {e["name"] for e in events if e["type"] == "syscall"}
        self.assertIn("openat", names)
        self.assertFalse(names & {"read", "write", "close"}, "these are not of %file")

    @need("getent")
    def test_network_configuration(self):
        # The documented command needs curl and a server; getent asks the same library.
        _, err = self.example("network.ini", ("curl -s http://localhost/", "getent ahosts localhost"))
        self.assertRegex(err, r"(?m)^(\[pid +\d+\] )? *socket\(AF_")  # the trace
        self.assertRegex(err, r"(?m)^ *calls +all +own +errors ")  # and the totals

    def test_library_off_the_network(self):
        spied = "uploader: has sent its data\n", "libmetrics: cannot report: Operation not permitted\n"
        out, err = self.example("-b policy:by=library")
        self.assertEqual((out, err), (spied[0], ""))
        for command in ("--config metrics.ini", "--deny"):
            out, err = self.example(command)
            self.assertEqual(out, spied[0])
            self.assertIn(spied[1], err)
        native = self.run_plain([os.path.join(harness.EXAMPLES, "uploader"), "spy"])
        self.assertIn(b"libmetrics: has reported 'upload'", native.err)

    def test_every_command_is_tested(self):
        tested = ("own_rand.ini", "examples/threads", "examples/scopes", "examples/fork_exec", "examples/notes", "sample_backend.so", "read_only.so", "first_failure.lua",
                  "hello.ini", "files.ini", "network.ini", "examples/uploader")
        self.assertEqual([c for c in documented_commands() if not any(t in c for t in tested)], [])


if __name__ == "__main__":
    harness.main()
