"""-b ledger: leaked, twice closed, reused and handed on descriptors are found, with function and line, and nothing else is."""
import re

from harness import Case, GATE, main, program, ROOT

# Line numbers by what the comment there says.
LINES = {}
with open(f"{ROOT}/tests/integration/programs/descriptors.c") as file:
    for number, line in enumerate(file, 1):
        if match := re.search(r"/\* ([A-Z][A-Z0-9 ]+) \*/", line):
            LINES[match[1]] = number

CLEAN = "0 descriptors still open at the end, 0 closed twice, 0 used after being closed"


class Ledger(Case):
    def ledger(self, what, *options, **more):
        report = self.path("ledger.txt")
        run = self.run_tool([program("descriptors"), what], "-b", "ledger", "-o", report, *options, **more)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(run.err, b"", run)
        with open(report) as file:
            text = re.sub(r"\[\d+\]", "[PID]", file.read())
        return text.splitlines()

    def at(self, function, what):
        return f"{function} at descriptors.c:{LINES[what]}"

    def test_what_is_left_open(self):
        lines = self.ledger("leak")
        self.assertEqual(lines[0], "4 descriptors still open at the end, 0 closed twice, 0 used after being closed")
        self.assertEqual(lines[1], f"at most 4 open at once, by descriptors[PID]: the last one by open, {self.at('leak', 'LEAK 3')}")
        self.assertEqual(lines[2:4], ["", "still open at the end"])
        self.assertEqual(re.sub(r"\d+", "N", lines[4]), '  descriptors[PID]: N  openat "/etc/passwd"')
        self.assertEqual(lines[5], f"      opened by fopen, {self.at('leak', 'LEAK')}")
        self.assertEqual(re.sub(r"\d+", "N", lines[6]), '  descriptors[PID]: N N N  openat "/etc/group"')
        self.assertEqual(lines[7:], [f"      opened by open, {self.at('leak', 'LEAK 3')}"])

    def test_closed_twice(self):
        lines = self.ledger("twice")
        self.assertEqual(lines[0], CLEAN.replace("0 closed", "1 closed"))
        self.assertEqual(lines[3], "closed twice")
        self.assertEqual(lines[5:], [f"      opened by open, {self.at('twice', 'OPENED')}",
                                     f"      closed by close, {self.at('twice', 'CLOSED')}",
                                     f"      closed again by close, {self.at('twice', 'CLOSED AGAIN')}"], lines)

    def test_a_number_that_was_given_to_somebody_else(self):
        lines = self.ledger("stale")
        self.assertEqual(lines[0], CLEAN.replace("0 used", "1 used"))
        self.assertEqual(lines[3], "used after being closed")
        self.assertEqual(lines[5:], [f"      opened by open, {self.at('stale', 'SECOND')}",
                                     f"      closed by close, {self.at('drop', 'DROPPED')}",
                                     f"      then used by read, {self.at('stale', 'USED')}",
                                     f"      the number was reused: before, it was opened by open, {self.at('first_owner', 'FIRST')}",
                                     f"      and closed by close, {self.at('drop', 'DROPPED')}"], lines)

    def test_nothing_is_wrong(self):
        for what in ("clean", "closefrom"):
            lines = self.ledger(what)
            self.assertEqual(lines[0], CLEAN, lines)
            self.assertLessEqual(len(lines), 2, lines)
        self.assertEqual(self.ledger("nothing"), [CLEAN])

    def test_threads(self):
        for _ in range(3):
            lines = self.ledger("threads", limit=60)
            self.assertEqual(lines[0], CLEAN, lines)
            self.assertEqual(len(lines), 2, lines)
            self.assertLessEqual(int(lines[1].split()[2]), 12)

    def test_exec(self):
        lines = self.ledger("exec")
        self.assertIn("handed on by exec (no O_CLOEXEC)", lines)
        at = lines.index("handed on by exec (no O_CLOEXEC)")
        self.assertRegex(lines[at + 1], r'  descriptors\[PID\] to true: \d+  openat "/etc/passwd"')
        self.assertEqual(lines[at + 2:], [f"      opened by open, {self.at('handed_on', 'HANDED ON')}"], lines)

    def test_children(self):
        lines = self.ledger("child")
        self.assertEqual(lines[0], CLEAN.replace("0 descriptors", "1 descriptor"))
        self.assertIn(f"      opened by open, {self.at('child', 'OF THE CHILD')}", lines)

    def test_never_open(self):
        lines = self.ledger("never")
        self.assertEqual(lines[0], CLEAN)
        self.assertEqual(lines[1:], ["", "closed or used, but never open", "  descriptors[PID]: 900  close",
                                     f"      used by close, {self.at('main', 'NEVER')}"])

    def test_stacks(self):
        lines = self.ledger("leak", "-k")
        self.assertTrue(any(re.match(r" +> .*\(leak\+0x\w+\) \[0x\w+\] descriptors.c:", line) for line in lines), lines)
        self.assertTrue(any("(main+" in line for line in lines), lines)

    def test_all_system_calls(self):
        if GATE != "dispatch":
            return
        lines = self.ledger("leak", "--scope=process", "-F", "@default")
        self.assertIn(f"      opened by fopen, {self.at('leak', 'LEAK')}", lines)

    def test_what_a_ledger_would_not_see_is_refused(self):
        if GATE != "dispatch":
            return
        for options in (("-e", "open"), ("-Z",), ("-P", "/etc/*"), ("--every", "2")):
            run = self.run_plain([self.tool, "-b", "ledger", *options, "--", "true"])
            self.assertEqual(run.status, 125)
            self.assertIn(b"-b ledger would not know", run.err)


if __name__ == "__main__":
    main()
