"""A standing tracer, which programs that are started elsewhere attach to through its socket."""
import os
import signal
import stat
import subprocess
import time
import unittest

import harness
from harness import BUILD, Controlled, program


class Serve(Controlled):
    def serve(self, *options, functions="@all"):
        self.control = self.path("control")
        self.trace = self.path("served.json")
        self.server = self.start([self.tool, "serve", "--control", self.control, "-b", "json", "-o",
                                  self.trace, "-F", functions, *options])
        harness.wait_until(lambda: os.path.exists(self.control) or self.server.popen.poll() is not None,
                           10, "the control socket")

    def stop(self, number=signal.SIGTERM):
        self.server.popen.send_signal(number)
        result = self.finish(self.server)
        self.assertEqual((result.status, result.out, result.err), (0, b"", b""), result)
        self.assertFalse(os.path.exists(self.control), "the socket was left behind")
        self.assert_nothing_left()
        return harness.read_json(self.trace)

    def connected(self, *argv):
        return [self.tool, "--connect", self.control, *argv]

    def test_one_program(self):
        self.serve()
        native = self.run_plain([program("sequence"), "errors", "values"])
        result = self.run_plain(self.connected(program("sequence"), "errors", "values"))
        self.assertEqual((result.status, result.out, result.err), (0, native.out, b""))
        result = self.run_plain(self.connected(program("die_by"), "exit", "9"))
        self.assertEqual((result.status, result.err), (9, b""))
        result = self.run_plain(self.connected(program("die_by"), "raise", "10"))
        self.assertEqual(result.status, -10)
        events = self.stop()
        self.assertIn("openat", [e.get("name") for e in events if e.get("function") == "open"])
        exits = [e for e in events if e["type"] == "process" and e["event"] == "exit"]
        self.assertEqual([e.get("status") for e in exits], [0, 9, None])
        self.assertTrue(exits[2]["killed"])

    def test_idle(self):
        """It sleeps while it serves nobody, wakes for who comes, and sleeps again."""
        for options in (), ("-g", "socket"):
            with self.subTest(options):
                self.serve(*options)
                self.assert_rests(self.server.pid)
                begin = time.monotonic()
                self.assertEqual(self.run_plain(self.connected(program("sequence"), "errors")).status, 0)
                self.assertLess(time.monotonic() - begin, 10 * harness.SLOWNESS)
                self.assert_rests(self.server.pid)
                self.assertIn("open", [e.get("function") for e in self.stop()])

    def test_only_from_the_program_on(self):
        """What wc-preload itself did before it became the program is not the program's."""
        self.serve(functions="execve,connect,socket,access")
        self.run_plain(self.connected(program("sequence"), "repeated"))
        names = {e["name"] for e in self.stop() if e["type"] == "syscall"}
        self.assertEqual(names, {"access"})

    def test_goes_on_when_a_program_cannot_be_wrapped(self):
        """A selection that does not fit the first program is said, and does not end the server later."""
        self.serve(functions="access,no_such_function")
        for _ in range(2):
            result = self.run_plain(self.connected(program("sequence"), "repeated"))
            self.assertEqual((result.status, result.err), (0, b""))
        self.server.popen.send_signal(signal.SIGTERM)
        result = self.finish(self.server)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(len(result.err.splitlines()), 1, result)
        self.assertRegex(result.err, rb"1 program was not wrapped: .*/sequence \(.*no_such_function")

    def test_several_at_once(self):
        self.serve()
        started = [self.start(self.connected(program(name), *words))
                   for name, words in (("sequence", ["repeated", "children"]), ("many_threads", ["8", "2"]),
                                       ("many_children", ["20"]), ("sequence", ["repeated", "threads"]),
                                       ("spawn_kinds", []))]
        results = [self.finish(s, 30) for s in started]
        self.assertEqual([(r.status, r.err) for r in results][:4], [(0, b"")] * 4)
        self.assertEqual(results[4].status, 0)
        self.assertIn(b"threads 16", results[1].out)
        self.assertIn(b"20 children", results[2].out)
        events = self.stop()
        counts = {}
        for event in events:
            if event.get("function") == "access" and event["type"] == "syscall":
                counts[event["pid"]] = counts.get(event["pid"], 0) + 1
        self.assertEqual(sorted(counts.values())[-2:], [1000, 1000])

    def test_stopped_while_a_program_runs(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.serve()
            reading, writing = os.pipe()
            running = self.start(self.connected(program("die_by"), "wait-inside"), stdin=reading)
            running.wait_for_output(b"ready")
            self.server.popen.send_signal(number)
            result = self.finish(self.server)
            self.assertEqual(result.status, 0, result)
            self.assertFalse(os.path.exists(self.control))
            self.assertIsNone(running.popen.poll(), "the program ended with the tracer")
            os.write(writing, b"A")
            result = self.finish(running)
            os.close(reading), os.close(writing)
            self.assertEqual((result.status, result.err), (ord("A"), b""))
            self.assert_nothing_left()

    def test_socket_is_the_owners(self):
        self.serve()
        self.assertEqual(stat.S_IMODE(os.stat(self.control).st_mode), 0o600)
        self.stop()

    def test_only_its_own_users_programs(self):
        """Not even root's, though root could: who serves is not who asks."""
        place = self.path("nobodys")
        os.mkdir(place)
        os.chmod(place, 0o777)
        self.control = os.path.join(place, "control")
        self.server = self.start(self.as_nobody(self.tool, "serve", "--control", self.control, "-o",
                                                os.path.join(place, "trace")))
        harness.wait_until(lambda: os.path.exists(self.control) or self.server.popen.poll() is not None,
                           10, "the control socket")
        self.refused(self.connected("true"), "belongs to another user")
        own = self.run_plain(self.as_nobody(*self.connected("echo", "mine")))
        self.assertEqual((own.status, own.out, own.err), (0, b"mine\n", b""))
        self.server.popen.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(self.server).status, 0)

    def refused(self, argv, says):
        result = self.run_plain(argv)
        self.assertEqual((result.status, result.out), (125, b""), result)
        self.assertRegex(result.err.decode(), rf"^wc-preload: .*{says}.*\n$")

    def test_nobody_serves(self):
        self.refused([self.tool, "--connect", self.path("none"), "true"], "none")
        self.refused([self.tool, "--connect", self.write("plain", ""), "true"], "plain")

    def test_controlled(self):
        """wc-ctl changes a standing tracer: for programs that run, and for those that come later."""
        self.serve("--prepare", "access,open", functions="access")
        over = [self.path("over1"), self.path("over2")]
        first = self.start(self.connected(program("numbered_calls"), over[0], "1"))
        harness.wait_until(lambda: self.ask("status")["events"] > 50, 20, "events")
        self.assertEqual(self.ask("status")["processes"], 1)
        refused = self.ctl("functions", "add", "readlink")
        self.assertEqual((refused.returncode, refused.stdout), (1, b""))
        self.ask("inject", "add", "access:error=EIO")
        second = self.start(self.connected(program("numbered_calls"), over[1], "1"))
        harness.wait_until(lambda: self.ask("status")["processes"] == 2, 20, "the second program")
        hits = self.ask("inject", "list")["rules"][0]["hits"]
        harness.wait_until(lambda: self.ask("inject", "list")["rules"][0]["hits"] > hits + 50, 20, "hits")
        self.ask("inject", "clear")
        cleared = self.ask("functions", "set", "open")["from"]
        extra = self.path("extra")
        self.ask("backend", "add", f"text:output={extra}")
        for path in over:
            with open(path, "w", encoding="utf-8"):
                pass
        for running in first, second:
            result = self.finish(running)
            self.assertEqual((result.status, result.err), (0, b""), result)
        self.ask("pause")
        self.assertEqual(self.run_plain(self.connected(program("numbered_calls"), over[0], "1")).status, 0)
        self.ask("resume")
        with open(self.trace, encoding="utf-8") as file:
            self.assertGreater(len(file.readlines()), cleared)
        events = self.stop()
        by_pid = {}
        for event in events:
            if event.get("injected") and event["type"] == "syscall":
                by_pid.setdefault(event["pid"], []).append(event)
        self.assertEqual(len(by_pid), 2, "the rule was for both programs")
        with open(extra, encoding="utf-8") as file:
            self.assertIn("open(", file.read())

    def test_control_stops_it(self):
        """The programs run on, and the tracer ends."""
        self.serve(functions="access")
        over = self.path("over")
        running = self.start(self.connected(program("numbered_calls"), over, "2"))
        harness.wait_until(lambda: self.ask("status")["events"] > 50, 20, "events")
        self.ask("stop")
        result = self.finish(self.server)
        self.assertEqual((result.status, result.out, result.err), (0, b"", b""), result)
        self.assertEqual(self.ctl("status").returncode, 2)
        with open(over, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.finish(running).status, 0)

    def test_control_is_its_owners(self):
        """A root tracer serves programs of all users, and is changed by root only."""
        if os.geteuid() != 0:
            self.skipTest("needs root, to be another user")
        self.serve()
        os.chmod(self.dir, 0o755)
        os.chmod(self.control, 0o666)
        answer = subprocess.run(self.as_nobody(os.path.join(BUILD, "bin/wc-ctl"), self.control, "status"),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertEqual((answer.returncode, answer.stdout), (1, b""), answer)
        self.assertIn(b"belongs to another user", answer.stderr)
        self.assertEqual(self.ask("status")["processes"], 0)
        self.stop()

    def test_place_is_taken(self):
        self.serve()
        self.refused([self.tool, "serve", "--control", self.control], "control")
        self.assertTrue(os.path.exists(self.control), "the other tracer's socket is gone")
        self.run_plain(self.connected("true"))
        self.stop()
        self.refused([self.tool, "serve", "--control", "/nonexistent/x"], "/nonexistent/x")
        self.refused([self.tool, "serve", "--control", self.path("x" * 120)], "at most 107")

    def test_programs_that_cannot_be(self):
        self.serve()
        result = self.run_plain(self.connected("wc-no-such-program"))
        self.assertEqual((result.status, result.err.count(b"\n")), (127, 1), result)
        result = self.run_plain(self.connected("/etc/passwd"))
        self.assertEqual((result.status, result.err.count(b"\n")), (126, 1), result)
        self.stop()


if __name__ == "__main__":
    harness.main()
