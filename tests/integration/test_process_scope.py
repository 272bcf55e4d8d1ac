"""Full-process mode: everything from exec to exit, also where nothing can be preloaded; with -F what is
inside a call still belongs to it."""
import re
import unittest

import harness
from harness import Case, need, program


def syscalls(events):
    return [e for e in events if e["type"] == "syscall"]


def attributed(events):
    """What happened inside calls, thread by thread."""
    return [(e["function"], e["name"], e.get("error")) for e in syscalls(events) if "call" in e]


class ProcessScope(Case):
    def whole(self, argv, *options, **more):
        return self.events(argv, "--scope=process", *options, **more)

    def text(self, argv, *options):
        trace = self.path("trace.txt")
        self.run_tool(argv, "--scope=process", *options, "-o", trace)
        with open(trace, encoding="ascii") as file:
            return file.read().splitlines()

    def test_from_exec_to_exit(self):
        lines = self.text(["/bin/echo", "word"])
        self.assertRegex(lines[0], r'^execve\("/bin/echo", \["/bin/echo", "word"\], '
                                   r'0x[0-9a-f]+ /\* \d+ vars \*/\) = 0$')
        self.assertIn('write(1, "word\\n", 5) = 5', lines)
        self.assertEqual(lines[-2:], ["exit_group(0) = ?", "+++ exited with 0 +++"])
        self.assertFalse([line for line in lines if line.startswith(" ")], "nothing is indented")

    def test_wraps_nothing_of_itself(self):
        result, events = self.whole(["sh", "-c", "env; cat /proc/self/maps"])
        self.assertNotIn(b"wc_preload", result.out)
        self.assertNotIn(b"LD_PRELOAD", result.out)
        self.assertFalse([e for e in events if e["type"] == "call"])
        self.assertFalse([e for e in syscalls(events) if "call" in e or "function" in e])

    def test_static_program_with_threads_and_children(self):
        result, events = self.whole([program("static_hello")])
        self.assertEqual((result.status, result.out), (0, b"thread\nchild\nparent 3\n"))
        writes = [e for e in syscalls(events) if e["name"] == "write"]
        self.assertEqual([e["text"] for e in writes],
                         ['write(1, "thread\\n", 7) = 7', 'write(1, "child\\n", 6) = 6',
                          'write(1, "parent 3\\n", 9) = 9'])
        self.assertEqual(len({e["tid"] for e in writes}), 3)
        self.assertEqual(len({e["pid"] for e in writes}), 2)
        ends = [e["status"] for e in events if e.get("event") == "exit"]
        self.assertEqual(sorted(ends), [0, 0, 3])

    def test_static_program_cannot_be_wrapped(self):
        result = self.run_tool([program("static_hello")], "--scope=process", functions="write")
        self.assertEqual(result.status, 125)
        self.assertIn(b"statically linked", result.err)

    @need("musl-gcc")
    def test_musl(self):
        source = self.write("m.c", '#include <stdio.h>\nint main(void) { puts("musl"); return 4; }\n')
        self.run_plain(["musl-gcc", "-o", self.path("m"), source])
        result, events = self.whole([self.path("m")])
        self.assertEqual((result.status, result.out), (4, b"musl\n"))
        self.assertIn("execve", [e["name"] for e in syscalls(events)])

    def test_script(self):
        script = self.write("script", "#!/bin/sh\necho out\nexit 5\n", 0o755)
        result, events = self.whole([script])
        self.assertEqual((result.status, result.out), (5, b"out\n"))
        self.assertIn(f'"{script}"', syscalls(events)[0]["text"])

    def test_what_is_inside_calls_is_attributed(self):
        argv = [program("sequence"), "nested", "outside", "errors", "values", "unwound", "repeated"]
        for functions in ("@default", "fopen,malloc", "read"):
            with self.subTest(functions):
                _, whole = self.whole(argv, functions=functions)
                _, scoped = self.events(argv, functions=functions, gate="trap")
                self.assertEqual(attributed(whole), attributed(scoped))
                self.assertTrue([e for e in syscalls(whole) if "call" not in e], "those outside")

    def test_the_shims_own_syscalls_are_hidden(self):
        _, events = self.whole([program("sequence"), "nested", "threads", "children"],
                               functions="@default")
        shown = [e["text"] for e in syscalls(events)]
        self.assertFalse([text for text in shown if "SOCK_SEQPACKET" in text or "/socket" in text])

    def test_other_threads_lines_cut_a_line_in_two(self):
        lines = self.text(["sh", "-c", "(sleep 0.2; exit 3) & wait $!"])
        cut = [re.match(r"\[pid (\d+)\] (\w+)\(.*<unfinished \.\.\.>$", line) for line in lines]
        resumed = [re.match(r"\[pid (\d+)\] <\.\.\. (\w+) resumed>.*= ", line) for line in lines]
        cut = sorted(m.groups() for m in cut if m)
        resumed = sorted(m.groups() for m in resumed if m)
        self.assertIn("wait4", [name for _, name in cut])
        self.assertEqual(cut, resumed)

    def test_stopped_and_continued(self):
        stops = "sh -c 'kill -STOP $$; exit 2' & sleep 0.3; kill -CONT $!; wait $!"
        text = "\n".join(self.text(["sh", "-c", stops]))
        self.assertIn("--- stopped by SIGSTOP ---", text)
        self.assertIn("--- SIGCONT {si_signo=SIGCONT, si_code=SI_USER,", text)

    def test_interrupted_and_restarted(self):
        # Each attempt is a line: the shell waits in sigsuspend, which SIGCHLD ends.
        text = "\n".join(self.text(["sh", "-c", "sleep 0.3 & wait $!"]))
        self.assertIn("= ? ERESTARTNOHAND (To be restarted if no handler)", text)
        self.assertRegex(text, r"rt_sigreturn\(\{mask=.*\}\) = -1 EINTR")

    def test_filter(self):
        _, events = self.whole(["cat", "/dev/null"], "-e", "openat,close")
        self.assertEqual({e["name"] for e in syscalls(events)}, {"openat", "close"})

    def test_killed(self):
        lines = self.text(["sh", "-c", "kill -9 $$"])
        self.assertEqual(lines[-1], "+++ killed by SIGKILL +++")


if __name__ == "__main__":
    harness.main()
