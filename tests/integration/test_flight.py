"""The flight recorder: nothing is written until there is a reason; then the last events of each thread
are a raw file, which replays."""
import glob
import json
import os
import signal
import time

import harness
from harness import Case, program

LOOP = "import os, time\nprint('ready', flush=True)\nend = time.time() + {}\nwhile time.time() < end: open('/etc/hosts').close()"


class Flight(Case):
    def replay(self, raw):
        out = self.path("replayed")
        result = self.run_plain([self.tool, "--replay", raw, "-b", "json", "-o", out])
        self.assertEqual((result.status, result.err), (0, b""))
        with open(out, encoding="utf-8") as file:
            return [json.loads(line) for line in file][1:]

    def run_with(self, argv, *options, **more):
        """A run whose files go to a folder of their own: (result, files)."""
        folder = self.fresh_folder()
        result = self.run_tool(argv, "-o", os.path.join(folder, "flight"), *options, **more)
        return result, sorted(glob.glob(os.path.join(folder, "*")))

    def test_nothing_is_written_without_a_reason(self):
        result, files = self.run_with(["true"], "--flight")
        self.assertEqual((result.status, result.err, files), (0, b"", []))

    def test_an_error_status(self):
        result, files = self.run_with(["sh", "-c", "ls /nonexistent; exit 3"], "--flight")
        self.assertEqual((result.status, len(files)), (3, 1), result)
        self.assertIn(b"ended with status 3", result.err)
        events = self.replay(files[0])
        self.assertIn("/nonexistent", [event.get("path") for event in events])
        self.assertEqual([event["status"] for event in events if event.get("event") == "exit"][-1], 3)

    def test_a_signal(self):
        result, files = self.run_with([program("die_by"), "segv"], "--flight", functions="@all")
        self.assertEqual((result.status, len(files)), (-signal.SIGSEGV, 1), result)
        self.assertIn(b"SIGSEGV", result.err)

    def test_the_last_events_only(self):
        script = "for i in " + " ".join(map(str, range(300))) + "; do test -e /$i; done; exit 1"
        _, files = self.run_with(["sh", "-c", script], "--flight=50")
        paths = [event["path"] for event in self.replay(files[0]) if event.get("path", "").startswith("/")]
        self.assertEqual(paths[-1], "/299")
        self.assertLessEqual(len(paths), 80)
        self.assertGreaterEqual(len(paths), 15)
        numbers = [int(path[1:]) for path in paths if path[1:].isdigit()]
        self.assertEqual(numbers, list(range(300 - len(numbers), 300)), "without gaps")

    def test_errors_and_slow_ones(self):
        _, files = self.run_with(["ls", "/nonexistent"], "--flight", "--flight-on", "errno=ENOENT")
        self.assertEqual(len(files), 1)
        _, files = self.run_with(["sleep", "0.2"], "--flight", "--flight-on", "slow=100ms", functions="@all")
        self.assertEqual(len(files), 1)
        _, files = self.run_with(["sleep", "0.01"], "--flight", "--flight-on", "slow=10s,errno=EIO")
        self.assertEqual(files, [])

    def test_what_is_wrong_is_said(self):
        for options, words in ((["--flight=0"], "from 1 to"), (["--flight", "--flight-on", "slow=x"], "slow=10ms"),
                               (["--flight", "--flight-on", "errno=EFOO"], "errno=EIO"),
                               (["--flight", "--flight-on", "exti"], "exit"), (["-b", "flight"], "--flight keeps"),
                               (["--flight", "--record", "x"], "one of them")):
            result = self.run_plain([self.tool, *options, "true"])
            self.assertEqual(result.status, 125, options)
            self.assertIn(words, result.err.decode(), options)

    def test_usr2_and_snapshot(self):
        folder = self.fresh_folder()
        control, raw, asked = (os.path.join(folder, name) for name in ("control", "flight", "asked"))
        running = self.start(self.tool_argv(["python3", "-c", LOOP.format(4)], "--flight=200", "-o", raw,
                                            "--control", control))
        running.wait_for_output(b"ready")
        time.sleep(0.5)
        os.kill(running.pid, signal.SIGUSR2)
        harness.wait_until(lambda: os.path.exists(raw) and b"SIGUSR2" in running.output(1), 10, "a file")
        ctl = os.path.join(os.path.dirname(self.tool), "wc-ctl")
        answer = self.run_plain([ctl, control, "snapshot", asked])
        self.assertEqual(answer.status, 0, answer)
        self.assertEqual(json.loads(answer.out)["file"], asked)
        refused = self.run_plain([ctl, control, "snapshot", "/nonexistent/x"])
        self.assertEqual(refused.status, 1, refused)
        self.assertEqual(self.finish(running).status, 0)
        for path in (raw, asked):
            opened = [event for event in self.replay(path) if event.get("path") == "/etc/hosts"]
            self.assertGreater(len(opened), 10, path)

    def test_snapshot_needs_a_recorder(self):
        folder = self.fresh_folder()
        control = os.path.join(folder, "control")
        running = self.start(self.tool_argv(["python3", "-c", LOOP.format(2)], "-b", "none", "--control", control))
        running.wait_for_output(b"ready")
        ctl = os.path.join(os.path.dirname(self.tool), "wc-ctl")
        answer = self.run_plain([ctl, control, "snapshot", os.path.join(folder, "x")])
        self.assertEqual((answer.status, b"start the run with --flight" in answer.err), (1, True), answer)
        self.finish(running)


if __name__ == "__main__":
    harness.main()
