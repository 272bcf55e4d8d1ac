"""Back ends that decide (WC_WANT_VERDICTS): each verdict, under every gate and for a whole process, with what is
reported of it; a judge that is added, replaced and removed while the program runs."""
import json
import os
import signal

import harness
from harness import Case, main, program

JUDGE = os.path.join(os.path.dirname(program("steady")), "judge.so")
GO_ON, FAIL, RETURN, CHANGE, KILL, STOP_SCOPE = range(6)
ENOSPC = 28


def judge(syscall, verdict, value=0, **more):
    options = {"syscall": syscall, "verdict": verdict, "value": value, **more}
    return JUDGE + ":" + ",".join(f"{key}={word}" for key, word in options.items())


class Verdicts(Case):
    def judged(self, *judges, options=(), gate=harness.GATE):
        """What the program says, and the events, when judges decide over tampered_functions."""
        specs = [word for one in judges for word in ("-b", one)]
        run = self.run_tool([program("tampered_functions")], "-b", "json:output=" + self.path("events"), *specs,
                            *options, gate=gate)
        with open(self.path("events")) as file:
            self.events = [json.loads(line) for line in file]
        return run

    def syscalls(self, name, function):
        return [e for e in self.events if e["type"] == "syscall" and (e["name"], e["function"]) == (name, function)]

    def test_fail(self):
        for gate in ("auto", "dispatch", "trap", "socket"):
            with self.subTest(gate=gate):
                self.check_fail(gate)

    def check_fail(self, gate):
        run = self.judged(judge("write", FAIL, ENOSPC, function="puts"), gate=gate)
        self.assertIn(b"puts -1 No space left on device\n", run.out)
        self.assertIn(b"write 6 ok\n", run.out)
        for failed in self.syscalls("write", "puts"):
            self.assertEqual((failed["ret"], failed["error"]), (-1, "ENOSPC"))
            self.assertEqual(failed["injected"], {"backend": 1, "action": "error=ENOSPC"})
            self.assertTrue(failed["text"].endswith(" (INJECTED)"), failed["text"])
        self.assertEqual([e for e in self.syscalls("write", "write") if "injected" in e], [])
        self.assertEqual((run.status, run.err), (0, b""))

    def test_return(self):
        run = self.judged(judge("write", RETURN, 2, function="write"))
        self.assertIn(b"write 2 ok\n", run.out)
        self.assertEqual({e["injected"]["action"] for e in self.syscalls("write", "write")}, {"retval=2"})

    def test_change(self):
        for gate in ("auto", "dispatch", "trap", "socket"):
            with self.subTest(gate=gate):
                run = self.judged(judge("read", CHANGE, 3, function="read", place=2), gate=gate)
                self.assertIn(b"read 3 abc\n", run.out)
                reads = [(e["args"][2], e["ret"], e["injected"]["action"]) for e in self.syscalls("read", "read")]
                self.assertEqual(reads, [(6, 3, "args")], "the program's own argument is shown, as by rules")

    def test_kill(self):
        run = self.judged(judge("write", KILL, function="puts"))
        self.assertEqual((run.status, run.out), (-signal.SIGKILL, b""))

    def test_stop_scope(self):
        """After the syscall nothing of the call but its end; other calls as before."""
        self.judged(judge("newfstatat", STOP_SCOPE, function="fgets"), options=("-F", "fopen,fgets,read,open"))
        names = [e["name"] for e in self.events if e["type"] == "syscall" and e["function"] == "fgets"]
        self.assertEqual(names, ["newfstatat"], "and no read, which follows")
        ends = [e for e in self.events if e["type"] == "return"]
        self.assertEqual(len(ends), sum(e["type"] == "call" for e in self.events))
        self.assertEqual(len(self.syscalls("read", "read")), 1)

    def test_calls_within_a_stopped_one(self):
        self.judged(judge("openat", STOP_SCOPE, function="fopen"), options=("-F", "fopen,malloc,close", "-a"))
        opened = next(e["call"] for e in self.events if e.get("function") == "fopen")
        inside = [e for e in self.events if e.get("parent") == opened or e.get("call") == opened]
        self.assertEqual([e["type"] for e in inside if e["type"] != "call"][-2:], ["syscall", "return"])
        self.assertEqual(inside[-1]["type"], "return")

    def test_the_first_that_decides(self):
        run = self.judged(judge("write", GO_ON), judge("write", RETURN, 1, function="write"),
                          judge("write", FAIL, ENOSPC, function="write"))
        self.assertIn(b"write 1 ok\n", run.out)
        self.assertEqual({e["injected"]["backend"] for e in self.syscalls("write", "write")}, {2})

    def test_a_rule_goes_first(self):
        run = self.judged(judge("write", RETURN, 1, function="write"),
                          options=("--fault", "write@write:error=EIO:when=1:count=run"))
        self.assertIn(b"write -1 Input/output error\n", run.out)
        actions = [e["injected"]["action"] for e in self.syscalls("write", "write")]
        self.assertEqual((actions[0], set(actions[1:])), ("error=EIO", {"retval=1"}))

    def test_what_is_no_verdict(self):
        for verdict, value, why in ((9, 0, "9, which is no verdict"), (-1, 0, "-1, which is no verdict"),
                                    (FAIL, 0, "WC_FAIL with 0, which is no errno"),
                                    (FAIL, 4096, "WC_FAIL with 4096, which is no errno")):
            with self.subTest(verdict=verdict, value=value):
                run = self.judged(judge("write", verdict, value, function="write"))
                self.assertIn(b"write 6 ok\n", run.out)
                self.assertEqual(run.err.decode().count("syscall_enter of write returned " + why), 1, run)

    def test_a_whole_process(self):
        run = self.judged(judge("openat", FAIL, 2), options=("--scope=process",))
        self.assertEqual(run.status, 127, "ld.so finds no library")
        self.assertIn(b"cannot open shared object file", run.err)

    def test_children_and_threads(self):
        run = self.judged(judge("write", FAIL, ENOSPC, function="write"))
        self.assertIn(b"threads 2 failed\n", run.out)

    def test_one_process_each(self):
        run = self.run_tool([program("tampered_functions")], "-b", "json", "-b",
                            judge("write", FAIL, ENOSPC, function="write"), "-ff", "-o", self.path("ff"))
        self.assertIn(b"write -1 No space left on device\n", run.out)

    def test_engine_inproc_refuses(self):
        run = self.run_tool(["true"], "-E", "inproc", "-b", judge("write", FAIL, 1))
        self.assertEqual((run.status, run.out), (125, b""))
        self.assertIn(b"wants to decide over syscalls, which engine inproc cannot do: use -E ptrace", run.err)
        run = self.run_tool([program("tampered_functions")], "-E", "auto", "-v", "-b",
                            judge("write", FAIL, ENOSPC, function="write"))
        self.assertIn(b"engine ptrace: a backend decides over syscalls", run.err)
        self.assertIn(b"write -1 No space left on device\n", run.out)


if __name__ == "__main__":
    main()
