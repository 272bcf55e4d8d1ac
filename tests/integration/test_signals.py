"""Signals: those that the gates use themselves, those that reach the tracer, and those that interrupt
what the program waits for. Each as without a tracer."""
import os
import signal
import subprocess
import time

import harness
from harness import Case, need, program

# Engine inproc has no full-process mode.
WHOLE = ("--scope=process",) if harness.GATE != "inproc" else ()


class GateSignals(Case):
    """SIGTRAP and SIGSYS ignored, blocked, handled, refused by a filter, handed on."""

    def test_as_the_program_has_them(self):
        for options in ((), ("-F", "@all"), WHOLE, (*WHOLE, "-F", "@default")):
            with self.subTest(options=options):
                self.compare([program("gate_signals")], options=options, limit=60,
                             check_events=False)

    def test_where_signal_functions_are_not_wrapped(self):
        for _ in range(10):  # races between threads: one of ten once ended the program
            self.compare([program("gate_signals"), "brief"], functions="getppid,getpgrp", limit=60,
                         check_events=False)

    def test_still_ignored_when_a_ring_was_full(self):
        self.compare([program("ignored_trap")])

    def test_inherited(self):
        for ignored in (("SYS",), ("TRAP",), ("SYS", "TRAP"), ("SYS", "TRAP", "CHLD", "USR1", "HUP")):
            shell = " ".join(ignored)
            outer = ["sh", "-c", f"trap '' {shell}; exec \"$@\"", "sh"]
            shown = ["grep", "Sig[BI][lg]", "/proc/self/status"]
            native = self.run_plain([*outer, *shown])
            for options in ((), WHOLE):
                traced = self.run_plain([*outer, *self.tool_argv(shown, "-b", "none", *options)])
                self.assertEqual(native.out, traced.out, f"{shell} {options} {traced}")
                self.assertEqual(traced.err, b"")

    def test_blocked_at_the_start(self):
        blocked = {signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD}
        shown = ["grep", "SigBlk", "/proc/self/status"]

        def run(argv):
            return subprocess.run(argv, env=self.env, stdout=subprocess.PIPE, timeout=20, check=True,
                                  preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
                                  ).stdout
        self.assertEqual(run(shown), run(self.tool_argv(shown, "-b", "none")))


class Interrupted(Case):
    def test_time_limits(self):
        argv = [program("limited_waits")]
        for how in ("winch", "child", "stop", "term"):
            for options in ((), WHOLE):
                with self.subTest(how=how, options=options):
                    self.same_lines([*argv, how], options)

    def test_time_limits_of_what_is_not_wrapped(self):
        # Nobody has seen when these began: they may take one disturbance longer.
        self.same_lines([program("limited_waits"), "winch"], ("-F", "getppid"))

    def same_lines(self, argv, options):
        native = self.run_plain(argv)
        traced = self.run_tool(argv, "-b", "none", *options, limit=30)
        self.assertEqual(sorted(native.out.splitlines()), sorted(traced.out.splitlines()), traced)


class ToTheTracer(Case):
    NUMBERS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGALRM,
               signal.SIGUSR1, signal.SIGUSR2, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS,
               signal.SIGSEGV, signal.SIGPIPE, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO,
               signal.SIGXCPU, signal.SIGRTMIN + 3, signal.SIGRTMAX]

    def begin(self, argv, *options):
        """In a session of its own: its group is not this test's."""
        return subprocess.Popen(self.tool_argv(argv, "-b", "none", *options), env=self.env,
                                cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def end(self, running, limit=20):
        try:
            rest = running.communicate(timeout=limit * harness.SLOWNESS)[0]
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            self.fail(f"does not end: {running.communicate()[0]}")
        self.assertEqual(os.listdir(self.runtime), [], "left in XDG_RUNTIME_DIR")
        return rest.decode().split(), running.returncode

    def test_the_program_sends_to_its_group(self):
        for how in ("self", "child"):
            begun = [(number, self.begin([program("count_signal"), str(int(number)), how]))
                     for number in self.NUMBERS]
            ends = [(number, running.communicate(timeout=60 * harness.SLOWNESS)[0], running.returncode)
                    for number, running in begun]
            for number, out, status in ends:
                self.assertEqual((out, status), (b"ready\n1\n", 0), f"{how} {number!r}")
        self.assertEqual(os.listdir(self.runtime), [], "left in XDG_RUNTIME_DIR")

    def send_and_count(self, number, send, *options):
        running = self.begin([program("count_signal"), str(int(number)), "wait"], *options)
        self.assertEqual(running.stdout.readline(), b"ready\n")
        send(running.pid, number)
        self.assertEqual(self.end(running), (["1"], 0), f"{send.__name__} {number!r} {options}")

    def test_somebody_sends_to_the_tracer(self):
        for number in self.NUMBERS:
            self.send_and_count(number, os.kill)
        self.send_and_count(signal.SIGTERM, os.kill, *WHOLE)

    def test_somebody_sends_to_the_group(self):
        for number in self.NUMBERS:
            self.send_and_count(number, os.killpg)
        self.send_and_count(signal.SIGTERM, os.killpg, *WHOLE)

    def test_a_manager_sends_to_each(self):
        def to_each(pid, number):
            for process in [*harness.processes.descendants(pid), pid]:
                os.kill(process, number)
        for number in (signal.SIGTERM, signal.SIGUSR2):
            self.send_and_count(number, to_each)

    def test_timeout(self):
        need("timeout")
        argv = [program("count_signal"), str(int(signal.SIGTERM)), "wait"]
        result = self.run_plain(["timeout", "1", *self.tool_argv(argv, "-b", "none")])
        self.assertEqual((result.status, result.out), (124, b"ready\n1\n"), result)
        self.assert_nothing_left()

    def test_after_the_first_programs_end(self):
        running = self.begin([program("count_signal"), str(int(signal.SIGTERM)), "leave"])
        self.assertEqual(running.stdout.readline(), b"ready\n")
        time.sleep(0.2)
        os.kill(running.pid, signal.SIGTERM)
        self.assertEqual(self.end(running), (["1"], 0))

    def test_after_the_first_programs_end_nothing_hangs(self):
        running = self.begin(["sh", "-c", "sleep 60 & sleep 60 & echo ready"])
        self.assertEqual(running.stdout.readline(), b"ready\n")
        time.sleep(0.2)
        os.kill(running.pid, signal.SIGTERM)
        self.assertEqual(self.end(running), ([], 0))


if __name__ == "__main__":
    harness.main()
