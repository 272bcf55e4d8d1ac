"""--expect: claims hold or do not, with the number and the places, as the events of the same run say."""
import os
import re
import signal
import unittest
import xml.etree.ElementTree

import harness
from harness import Case, GATE, main, need, only_under, program, read_json

BROKEN = 123
# Of "claimed FILE" and of "claimed FILE fault".
NUMBERS = {
    "write@fflush": (3, 3), "count:write@fflush": (3, 3), "write": (3, 3), "fsync": (0, 3), "fsync@@file": (0, 3),
    "write,fsync@fflush,fsync": (3, 6), "errors:close": (0, 1), "errors:%desc": (0, 1), "bytes:write": (21, 21),
    "bytes:%desc@@stdio": (21, 21), "calls:fputs": (3, 3), "calls:fflush,fclose": (4, 4), "calls:fsync": (0, 3),
    "clock_nanosleep": (1, 1),
}


class Expect(Case):
    def claimed(self, *claims, fault=False, status=None, options=("-b", "none"), argv=None, **more):
        words = [word for claim in claims for word in ("--expect", claim)]
        argv = argv or [program("claimed"), self.path("notes"), *(["fault"] if fault else []),
                        *([str(status)] if status is not None else [])]
        return self.run_tool(argv, *options, *words, **more)

    def lines(self, run):
        return run.err.decode().splitlines()

    def test_what_holds_is_not_said_but_with_v(self):
        claims = [f"{what} == {number}" for what, (number, _) in NUMBERS.items()]
        run = self.claimed(*claims)
        self.assertEqual((run.status, run.err), (0, b""), run)
        run = self.claimed(*claims, options=("-b", "none", "-v"))
        self.assertEqual(run.status, 0)
        said = [line for line in self.lines(run) if "claim" in line]
        self.assertEqual(said, [f"wc-preload: claim '{claim}' holds: {claim.split()[-1]}" for claim in claims])

    def test_numbers_with_a_fault(self):
        claims = [f"{what} > 1000" for what in NUMBERS]
        run = self.claimed(*claims, fault=True)
        self.assertEqual(run.status, BROKEN, run)
        found = re.findall(r"wc-preload: claim '(.*) > 1000' does not hold: (\d+)", run.err.decode())
        self.assertEqual(found, [(what, str(number)) for what, (_, number) in NUMBERS.items()], run)

    def test_each_operator(self):
        for sign, holds in (("==", (False, True, False)), ("!=", (True, False, True)), ("<=", (False, True, True)),
                            (">=", (True, True, False)), ("<", (False, False, True)), (">", (True, False, False))):
            claims = [f"write@fflush {sign} {number}" for number in (2, 3, 4)]
            run = self.claimed(*claims)
            said = [claim for claim in claims if f"claim '{claim}' does not hold: 3" in run.err.decode()]
            self.assertEqual(said, [claim for claim, is_so in zip(claims, holds) if not is_so], run)
            self.assertEqual(run.status, BROKEN if said else 0)

    def test_a_claim_names_the_places(self):
        run = self.claimed("fsync==0", "errors:close == 0", "write <= 2", fault=True)
        self.assertEqual(self.lines(run), [
            "wc-preload: claim 'fsync==0' does not hold: 3; by sync_note at claimed.c:18 (3)",
            "wc-preload: claim 'errors:close == 0' does not hold: 1; by main at claimed.c:30 (1)",
            "wc-preload: claim 'write <= 2' does not hold: 3; by note at claimed.c:13 (3)"])
        self.assertEqual(run.status, BROKEN)

    @only_under("dispatch", "trap", "socket")
    def test_functions_of_the_program(self):
        run = self.claimed("fsync@::sync_note < 3", "write@::note,fopen < 3", "calls::note != 3", fault=True)
        self.assertEqual(self.lines(run), [
            "wc-preload: claim 'fsync@::sync_note < 3' does not hold: 3; by main at claimed.c:27 (3)",
            "wc-preload: claim 'write@::note,fopen < 3' does not hold: 3; by main at claimed.c:26 (3)",
            "wc-preload: claim 'calls::note != 3' does not hold: 3; by main at claimed.c:26 (3)"])
        run = self.claimed("fsync@sync_note < 3", fault=True, options=("-b", "none", "-B", "sync_note", "-F", "fsync"))
        self.assertEqual(self.lines(run), ["wc-preload: claim 'fsync@sync_note < 3' does not hold: 3; by main at claimed.c:27 (3)"])

    def test_times(self):
        run = self.claimed("time:clock_nanosleep >= 20 ms", "max:clock_nanosleep >= 20ms", "max:all < 10min",
                           "time:clock_nanosleep < 20 ms", "max:clock_nanosleep <= 1us")
        self.assertEqual(run.status, BROKEN)
        said = self.lines(run)
        self.assertEqual(len(said), 2, run)
        for line, kind in zip(said, ("time", "max")):
            self.assertRegex(line, rf"claim '{kind}:.*' does not hold: \d+(\.\d+)? ms; by main at claimed.c:31 \(.* ms\)$")

    def test_numbers_are_those_of_json(self):
        trace = self.path("trace.json")
        argv = ["sh", "-c", "ls /etc /nonexistent; sort /etc/passwd; wc /etc/group | cat"]
        names = ["openat", "read", "write", "close", "mmap", "newfstatat", "wait4"]
        claims = [*(f"{name} > 99999" for name in names), *(f"errors:{name} > 99999" for name in names),
                  "bytes:%desc > 99999999", "calls:@stdio > 9999999", "read,write@@stdio > 99999"]
        run = self.claimed(*claims, argv=argv, options=("-a", "-b", f"json:output={trace}"))
        found = dict(re.findall(r"claim '(.*) > 9+' does not hold: (\d+)", run.err.decode()))
        self.assertEqual(len(found), len(claims), run)
        events = read_json(trace)
        of = [e for e in events if e["type"] == "syscall"]
        for name in names:
            self.assertEqual(found[name], str(sum(e["name"] == name for e in of)), name)
            self.assertEqual(found[f"errors:{name}"], str(sum(e["name"] == name and "error" in e for e in of)), name)
        moved = sum(e["ret"] for e in of if e["name"] in ("read", "write", "pread64", "copy_file_range", "sendfile", "splice")
                    and "error" not in e)
        self.assertEqual(found["bytes:%desc"], str(moved))
        self.assertEqual(found["calls:@stdio"], str(sum(e["type"] == "call" and e["function"] in self.stdio() for e in events)))

    def stdio(self):
        run = self.run_plain([self.tool, "--list-functions", "@stdio"])
        names = {line.split()[0] for line in run.out.decode().splitlines()}
        return names | {line.split("(as ")[1].rstrip(")") for line in run.out.decode().splitlines() if "(as " in line}

    def test_the_programs_own_status_says_more(self):
        run = self.claimed("fsync == 0", fault=True, status=3)
        self.assertEqual(run.status, 3)
        self.assertIn(b"claim 'fsync == 0' does not hold: 3", run.err)
        run = self.claimed("fsync == 0", fault=True, status=-1)
        self.assertEqual(run.status, -signal.SIGTERM)
        self.assertIn(b"claim 'fsync == 0' does not hold: 3", run.err)

    def test_an_injected_fault_breaks_a_claim(self):
        if GATE == "inproc":
            return  # its rules are the tracer's
        run = self.claimed("errors:write == 0", options=("-b", "none", "--fault", "write@fflush:error=ENOSPC:when=2"))
        self.assertEqual(run.status, BROKEN)
        self.assertIn(b"claim 'errors:write == 0' does not hold: 1; by note at claimed.c:13 (1)", run.err)

    def test_the_functions_of_claims_are_wrapped(self):
        run = self.claimed("fsync@fsync == 0", "calls:strcmp == 0", fault=True, options=("-b", "none", "-F", "fopen"))
        self.assertEqual(run.status, BROKEN)
        self.assertEqual([line.split("; by")[0] for line in self.lines(run)],
                         ["wc-preload: claim 'fsync@fsync == 0' does not hold: 3",
                          "wc-preload: claim 'calls:strcmp == 0' does not hold: 1"])

    @need("make")
    def test_many_processes_under_make(self):
        count = 12
        rules = "".join(f"n{i}:\n\t{program('claimed')} {self.path('')}n{i} {'fault' if i % 3 == 0 else ''}\n"
                        for i in range(count))
        self.write("Makefile", f"all: {' '.join(f'n{i}' for i in range(count))}\n{rules}")
        argv = ["make", "-B", "-s", "-j4", "-f", self.path("Makefile")]
        numbers = {"write@fflush": 36, "calls:fsync": 12, "fsync@fsync": 12, "errors:close@close": 4, "bytes:write@fflush": 252}
        claims = [f"{what} == {number}" for what, number in numbers.items()]
        functions = ("-b", "none", "-F", "fflush,fsync,close")
        run = self.claimed(*claims, argv=argv, options=functions, limit=60)
        self.assertEqual(run.status, 0, run)
        run = self.claimed("fsync == 0", "write@fflush < 36", argv=argv, options=functions, limit=60)
        self.assertEqual(run.status, BROKEN)
        self.assertEqual(self.lines(run), [
            "wc-preload: claim 'fsync == 0' does not hold: 12; by sync_note at claimed.c:18 (12)",
            "wc-preload: claim 'write@fflush < 36' does not hold: 36; by note at claimed.c:13 (36)"])

    def test_a_file_for_each_process_changes_nothing(self):
        run = self.claimed("fsync == 0", "write@fflush == 3", fault=True,
                           options=("-b", "text", "-ff", "-o", self.path("trace")))
        self.assertEqual(self.lines(run), ["wc-preload: claim 'fsync == 0' does not hold: 3; by sync_note at claimed.c:18 (3)"])
        self.assertEqual(run.status, BROKEN)

    def test_a_file_of_claims_and_junit(self):
        claims = self.write("claims.txt", "# of the notes\n\nwrite@fflush == 3\n  fsync == 0  \r\nerrors:close != 1")
        report = self.path("report.xml")
        run = self.claimed(f"@{claims}", "write > 0", fault=True, options=("-b", "none", "--expect-junit", report))
        self.assertEqual(run.status, BROKEN)
        self.assertEqual([line.split(" does")[0] for line in self.lines(run)],
                         [f"wc-preload: {claims}:4: claim 'fsync == 0'", f"wc-preload: {claims}:5: claim 'errors:close != 1'"])
        root = xml.etree.ElementTree.parse(report).getroot()
        suite = root.find("testsuite")
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")),
                         ("claimed", "4", "2", "0"))
        cases = [(case.get("classname"), case.get("name"), [child.tag for child in case]) for case in suite]
        self.assertEqual(cases, [(f"{claims}:3", "write@fflush == 3", []), (f"{claims}:4", "fsync == 0", ["failure"]),
                                 (f"{claims}:5", "errors:close != 1", ["failure"]), ("--expect", "write > 0", [])])
        self.assertIn("3; by sync_note at claimed.c:18 (3)", suite.find(".//failure").get("message"))


@only_under("dispatch")
class Refused(Case):
    def refused(self, *words):
        run = self.run_plain([self.tool, *words, "--", "true"])
        self.assertEqual(run.status, 125, run)
        self.assertEqual(run.err.count(b"\n"), 1, run)
        return run.err.decode()

    def test_claims_that_are_none(self):
        for claim, reason in (
                ("write", "no operator; valid: ==, !=, <=, >=, < and >"), ("write = 3", "'=' is no operator"),
                ("write => 3", "'=>' is no operator"), ("write <= ", "no number stands behind '<='"),
                ("<= 3", "nothing stands in front of '<='"), ("write <= -1", "'-1' is no number"),
                ("write <= many", "'many' is no number"), ("wrote <= 1", "wrote"), ("write@ <= 1", "no function is named"),
                ("size:write <= 1", "'size:' is no kind of claim; valid: errors, bytes, time, max, calls"),
                ("time:write <= 50", "'50' is no time; valid: a number with ns, us, ms, s or min"),
                ("bytes:fsync <= 1", "the result of fsync is no number of bytes"),
                ("bytes:write <= 5 apples", "'5 apples' is no number of bytes"), ("write >= 0", "it holds always"),
                ("write < 0", "it never holds"), ("calls: <= 1", "no function is named"),
                ("write@@nonsense == 1", "nonsense"), ("write@nonsense == 1", "nonsense"),
                ("write <= 99999999999999999999", "is no number")):
            said = self.refused("--expect", claim)
            self.assertIn(reason, said)
            if "@nonsense" not in claim:
                self.assertTrue(said.startswith(f"wc-preload: option --expect: claim '{claim.strip()}': "), said)

    def test_options_that_would_make_numbers_wrong(self):
        for options, reason in ((("--every", "10"), "exclude each other"), (("--first", "2@open"), "exclude each other"),
                                (("-Z",), "goes without -P, -z, -Z"), (("-P", "/etc/*"), "goes without -P, -z, -Z"),
                                (("-e", "read"), "counts write, which -e leaves out")):
            self.assertIn(reason, self.refused("--expect", "write == 0", *options))

    def test_files(self):
        self.assertIn("No such file or directory", self.refused("--expect", "@/nonexistent/claims"))
        empty = self.write("empty", "# nothing\n")
        self.assertIn("no claim stands in", self.refused("--expect", f"@{empty}"))
        wrong = self.write("wrong", "write == 0\n\nwrite ~ 0\n")
        self.assertIn(f"{wrong}:3: claim 'write ~ 0': no operator", self.refused("--expect", f"@{wrong}"))
        self.assertIn("/nonexistent/report", self.refused("--expect", "write == 0", "--expect-junit", "/nonexistent/report"))

    def test_junit_without_claims_has_no_effect(self):
        run = self.run_plain([self.tool, "-b", "none", "--expect-junit", self.path("report"), "--", "true"])
        self.assertEqual(run.status, 0)
        self.assertIn(b"option --expect-junit has no effect without --expect", run.err)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        run = self.run_plain([self.tool, "-b", "none", "--expect", "write >= 99", "--expect-junit", "/dev/full", "--", "true"])
        self.assertIn(b"No space left on device", run.err)
        self.assertEqual(run.status, 125)

    def test_lost_events_decide_nothing(self):
        run = self.run_plain([self.tool, "-E", "inproc", "--overflow=drop", "-b", "none", "--expect", "lseek <= 99999999",
                              "-F", "lseek", "--", program("ring_burst"), "300000", "4"], limit=60)
        if b"lost" not in run.err:
            self.skipTest("this machine has lost no event")
        self.assertIn(b"cannot be checked", run.err)
        self.assertEqual(run.status, BROKEN)

    def test_all_system_calls(self):
        run = self.run_plain([self.tool, "--scope=process", "-b", "none", "--expect", "execve == 1", "--expect", "exit_group != 1",
                              "--expect", "write@fflush == 2", "--", program("claimed"), self.path("notes")])
        self.assertEqual(run.err.decode().splitlines(), [
            "wc-preload: claim 'exit_group != 1' does not hold: 1; by outside of every call (1)",
            "wc-preload: claim 'write@fflush == 2' does not hold: 3; by note at claimed.c:13 (3)"])
        self.assertEqual(run.status, BROKEN)

    def test_a_running_process(self):
        read_end, write_end = os.pipe()
        server = self.start([program("serves"), "2"], stdin=read_end)
        os.close(read_end)
        self.addCleanup(os.close, write_end)
        server.wait_for_output(b"ready")
        trace = self.path("trace")
        tool = self.start([self.tool, "-q", "-b", "text", "-o", trace, "-F", "write,read,open", "--expect",
                           "read,write,openat == 0", "-p", str(server.pid)])
        harness.wait_until(lambda: os.path.exists(trace) and os.path.getsize(trace) > 1000, 20, "a trace")
        os.kill(tool.pid, signal.SIGINT)
        run = self.finish(tool)
        self.assertEqual(run.status, BROKEN, run)
        self.assertRegex(run.err.decode(), r"claim 'read,write,openat == 0' does not hold: [1-9]\d*; by \w+ at serves.c:\d+")


if __name__ == "__main__":
    main()
