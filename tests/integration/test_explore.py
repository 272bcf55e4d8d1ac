"""--explore: each point fails once, each ending is told apart, each row repeats; limits, what is left, what is refused."""
import json
import os
import re
import shlex
import signal

import harness
from harness import Case, need, program

FUNCTIONS = "fopen,read,lseek,access,dup2,chdir,unlink,write,close,getpid"


class Explore(Case):
    def explore_argv(self, argv, *options, errors=""):
        return [self.tool, "--explore" + (errors and "=" + errors), *options, "--", *argv]

    def explore(self, argv, *options, errors="", status=0, limit=120, **more):
        """The rows, by syscall and line of the caller; the head; what was said."""
        result = self.run_plain(self.explore_argv(argv, "-b", "json", *options, errors=errors), limit, **more)
        self.assertEqual(result.status, status, result)
        self.assert_nothing_left()
        lines = [json.loads(line) for line in result.out.decode().splitlines()]
        self.assertEqual(lines[0]["type"], "explore")
        self.assertEqual(lines[0]["argv"], argv)
        self.assertTrue(all(line["type"] == "point" for line in lines[1:]))
        return lines[1:], lines[0], result.err.decode()

    def refused(self, argv, *options, says, status=125, errors=""):
        result = self.run_plain(self.explore_argv(argv, *options, errors=errors), 60)
        self.assertEqual(result.status, status, result)
        last = result.err.decode().splitlines()[-1]
        self.assertTrue(last.startswith("wc-preload: "), last)
        self.assertIn(says, last)
        self.assertEqual(result.out, b"")
        self.assert_nothing_left()

    def repeat(self, argv, row, *options):
        """The row's rule in a run of its own: how it ended, and the call that failed."""
        trace = self.path("repeated.json")
        result = self.run_plain([self.tool, "--inject", row["inject"], "-b", "json", "-o", trace, *options,
                                 "--", *argv])
        events = harness.read_json(trace)
        calls = {e["call"]: e for e in events if e["type"] == "call"}
        failed = [(e, calls[e["call"]]) for e in events if "injected" in e]
        return result, failed

    # ---- how runs end

    def test_each_ending(self):
        argv = [program("explored"), "all"]
        rows, head, _ = self.explore(argv, "-F", FUNCTIONS, f"--compare-limit={3 * harness.SLOWNESS}", status=1)
        seen = {row["syscall"] if row["syscall"] != "write" else f"write {i}": row for i, row in enumerate(rows)}
        self.assertEqual(head["points"], len(rows))
        for syscall, outcome in {"openat": "signal", "read": "hang", "lseek": "other status",
                                 "access": "output differs", "dup2": "output differs",
                                 "chdir": "same output and status", "close": "same output and status"}.items():
            self.assertEqual(seen[syscall]["outcome"], outcome, seen[syscall])
        self.assertEqual(seen["openat"]["signal"], "SIGSEGV")
        self.assertRegex(seen["openat"]["stack"][0], r"^crash\+0x\w+ at explored\.c:\d+$")
        self.assertEqual(seen["lseek"]["status"], 3)
        self.assertIn("standard error only", seen["dup2"]["text"])
        writes = [row for row in rows if row["syscall"] == "write"]
        self.assertEqual([(row["status"], row["times"]) for row in writes], [(4, 1), (5, 2)])
        self.assertNotEqual(writes[0]["caller"]["offset"], writes[1]["caller"]["offset"])

    def test_each_row_repeats(self):
        argv = [program("explored"), "all"]
        options = ["-F", FUNCTIONS, "-e", "!read"]
        rows, head, _ = self.explore(argv, *options, status=1)
        self.assertEqual(head["options"], ["--functions=" + FUNCTIONS, "--syscalls=!read"])
        for row in rows:
            if row["outcome"] == "skipped":
                continue
            with self.subTest(inject=row["inject"]):
                result, failed = self.repeat(argv, row, *head["options"])
                self.assertEqual(len(failed), 1)
                syscall, call = failed[0]
                self.assertEqual((syscall["name"], syscall["error"], call["caller"]),
                                 (row["syscall"], row["error"], row["caller"]))
                expected = row.get("status", -signal.SIGSEGV if row["outcome"] == "signal" else 0)
                self.assertEqual(result.status, expected)

    def test_the_table_has_the_words_that_repeat_a_row(self):
        argv = [program("explored"), "all"]
        result = self.run_plain(self.explore_argv(argv, "-F", "lseek,fopen", "-e", "lseek,openat"), 60)
        self.assertEqual(result.status, 1)
        table = result.out.decode()
        again = re.search(r"(?m)^- to repeat a row: wc-preload (.*) --inject RULE -- (.*)$", table)
        self.assertEqual(shlex.split(again.group(1)), ["--functions=lseek,fopen", "--syscalls=lseek,openat"])
        self.assertEqual(shlex.split(again.group(2)), argv)
        row = re.search(r"(?m)^lseek in lseek from other_status\+0x\w+ at explored\.c:\d+ +\w+ +other status 3 +(.*)$", table)
        repeated = self.run_plain([self.tool, *shlex.split(again.group(1)), *shlex.split(row.group(1)), "--", *argv])
        self.assertEqual(repeated.status, 3)
        self.assertRegex(table, r"(?m)^    at crash\+0x\w+ at explored\.c:\d+\n      from all\+.*\n      from main\+.*\n\S")
        self.assertRegex(table, r"\n\n1 other status; 1 signal\n$")

    def test_child_that_crashes(self):
        rows, _, _ = self.explore([program("explored"), "child"], "-F", "chdir", status=1)
        self.assertEqual([(row["outcome"], row["text"]) for row in rows],
                         [("signal", "signal SIGABRT of a child")])

    def test_threads(self):
        rows, _, _ = self.explore([program("explored"), "threads"], "-F", "write", status=1)
        self.assertEqual([(row["syscall"], row["times"], row["signal"]) for row in rows], [("write", 3, "SIGABRT")])
        self.assertIn(":count=run", rows[0]["inject"])
        self.assertTrue(any(frame.startswith("abort+") for frame in rows[0]["stack"]), rows)

    def test_runs_that_disturb_each_other_are_run_alone(self):
        rows, _, _ = self.explore([program("explored"), "alone", self.path("own")], "-F", "open,chdir")
        outcomes = {row["syscall"]: row["outcome"] for row in rows}
        self.assertEqual(outcomes["chdir"], "same output and status")
        self.assertEqual(outcomes["openat"], "output differs")

    def test_output_that_varies_is_not_compared(self):
        rows, head, _ = self.explore([program("explored"), "pid"], "-F", "chdir,puts")
        self.assertEqual(rows[0]["outcome"], "other status")
        self.assertTrue(any("differs from run to run" in fact for fact in head["facts"]), head)

    def test_a_first_run_that_makes_its_files_is_not_like_the_others(self):
        script = f"mkdir {self.path('made')} 2>/dev/null && echo made || echo there; cd ."
        rows, head, _ = self.explore(["sh", "-c", script], "-F", "chdir,mkdir")
        self.assertFalse(any("differs from run to run" in fact for fact in head["facts"]), head)
        self.assertEqual({row["outcome"] for row in rows if row["syscall"] == "chdir"}, {"other status"})
        state = self.path("state")
        turns = f"if [ -e {state} ]; then rm {state}; exit 1; else : >{state}; fi"
        self.refused(["sh", "-c", turns], says="ends in one way and another")

    def test_output_that_changes_meanwhile_is_said(self):
        count = self.write("count", "0")
        script = f"read n <{count}; echo $((n + 1)) >{count}; [ $n -lt 2 ] && echo early || echo late; cd ."
        _, head, _ = self.explore(["sh", "-c", script], "-F", "chdir,dup2")
        self.assertTrue(any("has changed meanwhile" in fact for fact in head["facts"]), head)

    def test_a_program_that_dies_anyway(self):
        rows, _, _ = self.explore([program("explored"), "dies"], "-F", "chdir", status=1)
        self.assertEqual(rows[0]["text"], "other status 2")

    def test_breakpoints_full_process_and_no_point(self):
        rows, _, _ = self.explore([program("explored"), "all"], "-B", "other_status", "-e", "lseek")
        self.assertEqual([(row["function"], row["text"]) for row in rows], [("other_status", "other status 3")])
        self.assertNotIn("@other_status", rows[0]["inject"])
        rows, _, _ = self.explore([program("static_hello")], "--scope=process", "-e", "write")
        self.assertEqual({(row["syscall"], row["inject"].split(":")[0]) for row in rows}, {("write", "write")})
        rows, _, said = self.explore(["true"], "-F", "listen")
        self.assertEqual(rows, [])
        self.assertIn("nothing to explore", said)

    # ---- errors

    def test_errors(self):
        argv = [program("explored"), "all"]
        rows, _, _ = self.explore(argv, "-F", "lseek,unlink", errors="EIO,ENOENT")
        self.assertEqual([(row["syscall"], row["error"], row["outcome"]) for row in rows], [
            ("lseek", "EIO", "other status"), ("lseek", "ENOENT", "other status"),
            ("unlink", "EIO", "same output and status"), ("unlink", "ENOENT", "skipped")])
        self.assertEqual(rows[3]["text"], "skipped: it fails so anyway")
        rows, _, _ = self.explore(argv, "-F", "lseek", errors="all")
        self.assertEqual({row["error"] for row in rows} & {"EBADF", "EINVAL", "ESPIPE", "EIO"},
                         {"EBADF", "EINVAL", "ESPIPE"})
        rows, _, _ = self.explore([program("explored"), "pid"], "-F", "getpid")
        self.assertEqual([(row["outcome"], row.get("inject")) for row in rows], [("skipped", None)])

    # ---- input, files, limits, the end

    def test_each_run_reads_the_input(self):
        with open(self.write("input", "some\nlines\n")) as file:
            rows, head, _ = self.explore([program("explored"), "input"], "-F", "read", stdin=file)
        self.assertEqual([row["text"] for row in rows], ["other status 7"])
        self.assertIn("with no error: exit status 0", head["facts"])

    def test_output_file(self):
        out = self.path("report")
        argv = self.explore_argv([program("explored"), "all"], "-F", "lseek", "-o", out)
        result = self.run_plain(argv, 60)
        self.assertEqual((result.status, result.out), (0, b""))
        with open(out) as file:
            self.assertIn("other status 3", file.read())
        result = self.run_plain(argv[:2] + ["-o", "/dev/full"] + argv[2:3] + argv[3:4] + argv[6:], 60)
        self.assertEqual(result.status, 125)
        self.assertIn(b"/dev/full", result.err)

    def test_first_run_without_an_end(self):
        self.refused(["sleep", "100"], "--compare-limit", "1", says="no end after 1 s")

    def test_time_for_all(self):
        rows, head, _ = self.explore(["sh", "-c", "sleep 1; cd /; cd /tmp; cd /"], "-F", "chdir",
                                     "--compare-limit=30,1", errors="all")
        self.assertTrue(all(row["outcome"] == "not run" for row in rows), rows)
        self.assertTrue(any("not run: the time for all was over" in fact for fact in head["facts"]), head)

    def test_interrupted(self):
        running = self.start(self.explore_argv([program("explored"), "all"], "-v", "-F", "read",
                                               "--compare-limit=100"))
        self.assert_interrupted(running, b"exploring, 1 runs", rb"/tmp/wc-explore-\w+")

    def test_killed(self):
        """Not even its watchers are told: they, the tracers and the programs end by themselves."""
        running = self.start(self.explore_argv([program("explored"), "all"], "-v", "-F", "read",
                                               "--compare-limit=100"))
        harness.wait_until(lambda: b"exploring, 1 runs" in running.output(1), 30, "the run that hangs")
        folder = re.search(rb"/tmp/wc-explore-\w+", running.output(1)).group()
        os.kill(running.pid, signal.SIGKILL)
        self.finish(running)
        self.assert_nothing_left()
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder.decode(), name.decode()))
        os.rmdir(folder)

    @need("taskset")
    def test_one_processor_is_one_run_at_a_time(self):
        result = self.run_plain(["taskset", "-c", str(min(os.sched_getaffinity(0))),
                                 *self.explore_argv([program("explored"), "all"], "-F", "lseek")], 60)
        self.assertEqual(result.status, 0)
        self.assertIn(b", 1 at a time, ", result.out)

    def test_progress(self):
        result = self.run_plain(self.explore_argv([program("explored"), "all"], "-F", "lseek"), 60)
        self.assertEqual(result.err.decode().splitlines(),
                         ["wc-preload: exploring, 1 runs", "wc-preload: looking again, 1 runs"])

    # ---- refusals

    def test_refused(self):
        self.refused(["wc-no-such-program"], says="not found", status=127)
        self.refused(["true"], "-F", "fopne", says="did you mean")
        self.refused(["true"], says="'EFOO'", errors="EFOO")
        self.refused(["true"], says="the list of errors is empty", errors=",")
        self.refused(["true"], "-b", "summary", says="valid: one of text, json")
        self.refused(["true"], "--inject", "read:error=EIO", says="exclude each other")
        self.refused(["true"], "-P", "/etc", says="exclude each other")
        self.refused(["true"], "-E", "inproc", says="use -E ptrace")
        self.refused(["true"], "-o", "/nonexistent/out", says="/nonexistent/out")
        self.refused([program("static_hello")], says="static")
        self.refused(["true"], "--compare", says="exclude each other")


if __name__ == "__main__":
    harness.main()
