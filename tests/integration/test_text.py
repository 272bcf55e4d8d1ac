"""The text that people read, the other backends, and where the output goes."""
import json
import os
import re
import unittest

import harness
from harness import Case, program


def settled(text):
    """Addresses, ids and padding replaced by what does not change from run to run."""
    text = re.sub(r"0x[0-9a-f]{5,}", "ADDRESS", text)
    text = re.sub(r"^\[pid +\d+\]", "[pid N]", text, flags=re.M)
    text = re.sub(r"getppid\(\) = \d+", "getppid() = N", text)
    text = re.sub(r"<(\w+)\+0x[0-9a-f]+", r"<\1+OFFSET", text)
    text = re.sub(r"getrandom\(\".*?\", ", 'getrandom("RANDOM", ', text)
    text = re.sub(r"(sequence\.c):\d+", r"\1:LINE", text)
    text = re.sub(r"st_size=\d+", "st_size=N", text)
    text = re.sub(r'"[^"]*"\.\.\., (\d+)\) = \d+', r'"TEXT"..., \1) = N', text)
    text = re.sub(r'fgets\("[^"]*"(\.\.\.)?', 'fgets("TEXT"', text)
    return re.sub(r" {2,}<", "  <", text)


GOLDEN = """\
getppid() = N  <main+OFFSET at sequence.c:LINE>
  getppid() = N
fopen("/etc/passwd", "r") = ADDRESS  <nested+OFFSET at sequence.c:LINE>
  malloc(472) = ADDRESS  <__fopen_internal+OFFSET at iofopen.c:65>
    getrandom("RANDOM", 8, GRND_NONBLOCK) = 8
    brk(NULL) = ADDRESS
    brk(ADDRESS) = ADDRESS
  openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 5
fclose(ADDRESS) = 0  <nested+OFFSET at sequence.c:LINE>
  close(5) = 0
getppid() = N  <main+OFFSET at sequence.c:LINE>
  getppid() = N
getppid() = N  <main+OFFSET at sequence.c:LINE>
  getppid() = N
open("/nonexistent/file", O_RDONLY) = -1 ENOENT (No such file or directory)  <errors+OFFSET at sequence.c:LINE>
  openat(AT_FDCWD, "/nonexistent/file", O_RDONLY) = -1 ENOENT (No such file or directory)
getppid() = N  <main+OFFSET at sequence.c:LINE>
  getppid() = N
+++ exited with 0 +++
"""
# getppid(3) is its own system call, and its only one.
MERGED = GOLDEN.replace("  getppid() = N\n", "")
# Without libc's debug information (a package of its own) that one caller is an offset in libc.
INNER_CALLER = re.compile(r"(  malloc\(472\) = ADDRESS)  <.*>")


class Text(Case):
    def trace(self, argv, *options, functions=None, name="trace.txt", merge="on"):
        path = self.path(name)
        # However slow the machine: no line is cut in two because its call takes long.
        result = self.run_tool(argv, "-b", f"text:hold=60000,merge={merge},output={path}", *options,
                               functions=functions)
        with open(path) as file:
            return result, file.read()

    def test_golden(self):
        words = [program("sequence"), "nested", "errors"]
        for merge, golden in ("on", MERGED), ("off", GOLDEN):
            with self.subTest(merge=merge):
                result, text = self.trace(words, functions="getppid,fopen,malloc,fclose,open", merge=merge)
                self.assertEqual((result.status, result.out, result.err), (0, b"", b""))
                plain = INNER_CALLER.sub(r"\1  <>", settled(text))
                self.assertEqual(plain, INNER_CALLER.sub(r"\1  <>", golden))
        # The callers stand in one column where there is room.
        columns = {line.index("<") for line in text.splitlines() if re.search(r" {3,}<", line)}
        self.assertEqual(columns, {72})

    def test_standard_error_is_the_default(self):
        _, text = self.trace([program("sequence"), "errors"], functions="open")
        result = self.run_tool([program("sequence"), "errors"], "-b", "text:hold=60000", functions="open")
        self.assertEqual((result.out, settled(result.err.decode())), (b"", settled(text)))

    def test_pid_only_with_more_than_one_thread(self):
        _, text = self.trace([program("sequence"), "errors"], functions="@all")
        self.assertNotIn("[pid", text)
        for part in ("threads", "children"):
            _, text = self.trace([program("sequence"), part], functions="@all")
            lines = text.splitlines()
            first = next(i for i, line in enumerate(lines) if line.startswith("[pid"))
            self.assertGreater(first, 0)  # what came before the second one has none
            self.assertTrue(all(re.match(r"\[pid +\d+\] ", line) for line in lines[first:]), text)

    def test_last_lines(self):
        for words, last in ((["exit", "7"], "+++ exited with 7 +++"),
                            (["raise", "15"], "+++ killed by SIGTERM +++"),
                            (["segv"], "+++ killed by SIGSEGV +++")):
            _, text = self.trace([program("die_by"), *words], functions="@all")
            self.assertEqual(text.splitlines()[-1], last)
        self.assertIn("--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---", text)

    def test_options_of_strace(self):
        words = [program("sequence"), "errors"]
        _, text = self.trace(words, "-T", functions="open")
        self.assertRegex(text, r"openat\(.*\) = -1 ENOENT .* <\d+\.\d{6,9}>")
        for option, pattern in (("-t", r"\d\d:\d\d:\d\d "), ("-tt", r"\d\d:\d\d:\d\d\.\d{6} "),
                                ("-ttt", r"\d{10}\.\d{6} "), ("-r", r" *\d+\.\d{6} ")):
            _, text = self.trace(words, option, functions="open")
            for line in text.splitlines():
                self.assertRegex(line, "^" + pattern, option)
        # Buffers are cut, paths are not.
        _, text = self.trace([program("sequence"), "values", "errors"], "-s", "4",
                             functions="fflush,open")
        self.assertIn('write(1, "text"..., 8) = 8', text)
        self.assertIn('openat(AT_FDCWD, "/nonexistent/file", O_RDONLY)', text)
        _, text = self.trace([program("sequence"), "outside"], "-y", functions="read")
        self.assertIn("read(5</dev/zero>, ", text)

    def test_strings_are_escaped(self):
        _, text = self.trace(["printf", r"a\033[31m\001\377\n"], functions="@all")
        self.assertRegex(text, r'write\(1, "a\\(33|x1b|033)\[31m')
        self.assertFalse(any(ord(c) < 32 and c != "\n" for c in text))

    def test_call_lines_are_decoded_as_syscalls(self):
        """So that a call that is its own system call is one line, whatever it was given."""
        thin = "socket,setsockopt,getsockopt,poll,close,fcntl,uname"
        _, text = self.trace([program("thin_wrappers")], functions=thin)
        lines = [re.sub(r" +<main.*|  +<.*>$", "", line) for line in text.splitlines()]
        for line in ("socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = ", "setsockopt(N, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0",
                     "setsockopt(N, SOL_TCP, TCP_NODELAY, [1], 4) = 0",
                     "getsockopt(N, SOL_SOCKET, SO_REUSEADDR, [1], [4]) = 0", "fcntl(1, F_GETFD) = 0",
                     "fcntl(100, F_SETFD, FD_CLOEXEC) = 0", "fcntl(100, F_GETFD) = 0x1 (flags FD_CLOEXEC)",
                     'uname({sysname="Linux", '):
            self.assertTrue(any(re.sub(r"opt\(\d+", "opt(N", one).startswith(line) for one in lines), (line, text))
        self.assertFalse([line for line in lines if line.startswith("  ")], "each is one line")
        _, text = self.trace([program("thin_wrappers")], functions="sigaction,signal")
        self.assertRegex(text, r"sigaction\(SIGUSR2, \{sa_handler=0x\w+, sa_mask=\[USR1\], sa_flags=SA_RESTART\}, "
                               r"\{sa_handler=SIG_DFL, sa_mask=\[\], sa_flags=0\}\) = 0")
        self.assertIn("signal(SIGINT, SIG_IGN) = SIG_DFL", text)
        self.assertIn("signal(SIGINT, SIG_DFL) = SIG_IGN", text)

    def test_a_call_that_ends_because_it_succeeds_is_not_unwound(self):
        for functions, words, begin, value in (("execl", ["x"], "execl(", "0"), ("_exit", [], "_exit(", "?"),
                                               ("@process", ["x"], "execl(", "0")):
            for gate in "auto", "inproc":
                with self.subTest(functions=functions, gate=gate):
                    path = self.path("ends.txt")
                    self.run_tool([program("thin_wrappers"), *words], "-o", path, functions=functions, gate=gate)
                    with open(path) as file:
                        text = file.read()
                    self.assertNotIn("unwound", text)
                    line = next(line for line in text.splitlines() if line.startswith(begin))
                    self.assertRegex(line, rf"\) = {re.escape(value)} +<main")

    def test_interleaved_threads_keep_their_order(self):
        _, text = self.trace([program("sequence"), "threads"], functions="pread")
        offsets = {}
        for pid, offset in re.findall(r"^\[pid +(\d+)\]   pread64\(.*, (\d+)\) = ", text, re.M):
            offsets.setdefault(pid, []).append(int(offset))
        self.assertEqual(list(offsets.values()), [list(range(1, 11))] * 4)

    def test_a_blocked_call_is_shown_while_it_blocks(self):
        reading, writing = os.pipe()
        path = self.path("live.txt")
        running = self.start(self.tool_argv([program("die_by"), "wait-inside"], "-o", path,
                                            functions="getchar"), stdin=reading)

        def text():
            with open(path) as file:
                return file.read()
        running.wait_for_output(b"ready")
        harness.wait_until(lambda: "getchar( <unfinished ...>" in text(), 5, "the unfinished line")
        os.write(writing, b"A")
        self.finish(running)
        os.close(reading), os.close(writing)
        self.assertRegex(text(), r"<\.\.\. getchar resumed>\) = 65")


class Backends(Case):
    def test_summary(self):
        result = self.run_tool([program("sequence"), "repeated", "errors"], "-c",
                               functions="access,open,strlen")
        rows = [line.split() for line in result.err.decode().splitlines()]
        self.assertTrue(any("access" in r and "1000" in r for r in rows), result)
        path = self.path("summary.json")
        self.run_tool([program("sequence"), "repeated", "errors"], "-b", "summary:format=json", "-o",
                      path, functions="access,open,getppid,strlen")
        with open(path) as file:
            summary = json.load(file)
        functions = {f["function"]: f for f in summary["functions"]}
        self.assertEqual((functions["access"]["calls"], functions["access"]["syscalls"],
                          functions["access"]["errors"]), (1000, 1000, 0))
        self.assertEqual(functions["access"]["by_syscall"][0]["count"], 1000)
        self.assertEqual((functions["open"]["calls"], functions["open"]["errors"]), (1, 1))
        self.assertEqual(functions["getppid"]["calls"], 4)
        self.assertEqual(summary["lost"], 0)

    def test_calls_without_syscalls_are_counted(self):
        path = self.path("summary.json")
        self.run_tool([program("sequence"), "values"], "-b", "summary:format=json", "-o", path,
                      functions="strlen,printf,puts")
        with open(path) as file:
            functions = {f["function"]: f for f in json.load(file)["functions"]}
        self.assertEqual((functions["strlen"]["calls"], functions["strlen"]["syscalls"]), (1, 0))

    def test_several_at_once_see_the_same(self):
        paths = [self.path(n) for n in ("a.json", "b.txt", "c.json")]
        self.run_tool([program("sequence"), "repeated", "nested"], "-b", f"json:output={paths[0]}",
                      "-b", f"text:merge=off,output={paths[1]}", "-b", "none", "-b", f"json:output={paths[2]}",
                      functions="@all")
        with open(paths[0]) as a, open(paths[1]) as b, open(paths[2]) as c:
            one, text, other = a.read(), b.read(), c.read()
        run, _, one = one.partition("\n")
        self.assertEqual(one, other.partition("\n")[2])
        self.assertIn('"type":"run"', run)
        texts = [e["text"] for e in map(json.loads, one.splitlines()) if e["type"] == "syscall"]
        shown = [line.strip() for line in text.splitlines() if line.startswith("  ")]
        self.assertEqual([t for t in texts if t.startswith("access")],
                         [t for t in shown if t.startswith("access(\"/dev/null\", F_OK) = 0") and "<" not in t])
        self.assertEqual(len([t for t in texts if t.startswith("access")]), 1000)

    def test_a_backend_of_the_users(self):
        sample = os.path.join(harness.BUILD, "lib/sample_backend.so")
        path = self.path("sample.txt")
        self.run_tool([program("sequence"), "values", "outside"], "-b", f"{sample}:top=2", "-o", path,
                      functions="@all")
        with open(path) as file:
            lines = [line.split() for line in file]
        self.assertEqual(lines[0], ["written", "read", "function"])
        self.assertEqual(lines[1:], [["13", "0", "fflush"], ["0", "3", "read"]])


if __name__ == "__main__":
    harness.main()
