"""wc-ctl's subscribe: what a watcher is sent is what was counted since it asked; one that does not read, or goes,
is nobody's loss but its own."""
import json
import os
import socket
import subprocess
import time

import harness
from harness import BUILD, Controlled, program


class Subscribe(Controlled):
    def begin(self, *options, threads=2, functions="access", backends=("-b", "json")):
        self.control, self.over, self.trace = self.path("control"), self.path("over"), self.path("trace.json")
        argv = [program("numbered_calls"), self.over, str(threads)]
        output = ("-o", self.trace) if backends else ("-b", "none")
        self.running = self.start(self.tool_argv(argv, "--control", self.control, *backends, *output, *options,
                                                 functions=functions))
        harness.wait_until(lambda: os.path.exists(self.control), 20, "the control socket")

    def connect(self):
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.control)
        peer.settimeout(30)
        return peer, peer.makefile("r", encoding="utf-8")

    def subscribe(self, words):
        peer, lines = self.connect()
        peer.sendall(f"subscribe {words}\n".encode())
        return peer, lines, json.loads(lines.readline())

    def end(self):
        with open(self.over, "w", encoding="utf-8"):
            pass
        result = self.finish(self.running, 60)
        self.assertEqual((result.status, result.err), (0, b""), result)
        return result

    def events(self):
        with open(self.trace, encoding="utf-8") as file:
            return [json.loads(line) for line in file][1:]

    def test_every_count_is_that_of_the_events(self):
        self.begin()
        time.sleep(0.2)
        _, lines, answer = self.subscribe("interval=100 by=function,syscall,thread,caller")
        self.assertTrue(answer["ok"], answer)
        seen = [json.loads(lines.readline()) for _ in range(5)]
        self.end()
        rest = [json.loads(line) for line in lines]
        self.assertEqual([line["last"] for line in rest].count(True), 1)
        last = rest[-1]
        self.assertTrue(last["last"])
        events = [event for event in self.events()[answer["from"] - 1:] if event["type"] == "syscall"]
        self.assertGreater(len(events), 100)
        for view, rows in (("function", "functions"), ("syscall", "syscalls"), ("thread", "threads"),
                           ("caller", "callers")):
            self.assertEqual(last[view]["total"]["syscalls"], len(events), view)
            self.assertEqual(sum(row["syscalls"] for row in last[view][rows]), len(events), view)
            self.assertEqual(last[view]["total"]["errors"], sum("error" in event for event in events), view)
        totals = [line["function"]["total"]["syscalls"] for line in (*seen, *rest)]
        self.assertEqual(totals, sorted(totals))
        self.assertGreater(totals[4], totals[0])
        row, = last["function"]["functions"]
        # Of calls that were open when it asked, and when the run ended.
        self.assertLessEqual(abs(row["calls"] - len(events)), 4)

    def test_calls_without_system_calls_are_counted(self):
        self.begin(functions="access,snprintf", backends=())
        time.sleep(0.3)
        _, lines, _ = self.subscribe("interval=100")
        first = json.loads(lines.readline())["function"]
        second = json.loads(lines.readline())["function"]

        def calls(view):
            return {row["function"]: row["calls"] for row in view["functions"]}.get("snprintf", 0)
        self.assertGreater(calls(second), calls(first))
        self.end()

    def test_recent_system_calls(self):
        self.begin("-k")
        _, lines, _ = self.subscribe("interval=100 recent=7 function=access")
        harness.wait_until(lambda: len(json.loads(lines.readline())["recent"]) == 7, 20, "seven system calls")
        for one in json.loads(lines.readline())["recent"]:
            self.assertEqual(one["function"], "access")
            self.assertRegex(one["text"], r'^access\(".*", F_OK\) = ')
            self.assertTrue(any("numbered_calls" in frame for frame in one["stack"]), one)
        _, lines, _ = self.subscribe("interval=100 recent=7 function=open")
        self.assertEqual(json.loads(lines.readline())["recent"], [])
        self.end()

    def test_one_that_does_not_read(self):
        self.begin()
        peer, lines, answer = self.subscribe("interval=100 recent=1000 by=function,caller,path")
        self.assertTrue(answer["ok"])
        time.sleep(3)
        begun = time.monotonic()
        self.assertEqual(self.ctl("status").returncode, 0)
        self.assertLess(time.monotonic() - begun, 5 * harness.SLOWNESS)
        missed = [json.loads(lines.readline())["missed"] for _ in range(8)]
        self.assertGreater(max(missed), 0, missed)
        peer.close()
        self.end()

    def test_the_last_line_is_whole_though_it_is_long(self):
        self.begin()
        _, lines, _ = self.subscribe("interval=3600000 recent=1000 by=function,caller,path top=10000")
        time.sleep(2)
        with open(self.over, "w", encoding="utf-8"):
            pass
        last = json.loads(lines.readline())
        self.end()
        self.assertTrue(last["last"])
        self.assertGreater(len(json.dumps(last)), 300_000)  # more than a socket holds

    def test_the_interval_is_changed_and_counting_continues(self):
        self.begin()
        peer, lines, _ = self.subscribe("interval=3600000")
        peer.sendall(b"interval 100\n")
        self.assertTrue(json.loads(lines.readline())["ok"])
        first, second = json.loads(lines.readline()), json.loads(lines.readline())
        self.assertEqual(first["function"]["since"], second["function"]["since"])
        self.assertLess(second["ts"] - first["ts"], 5e9)
        for words, wrong in (("1", "from 100 to"), ("x", "from 100 to"), ("100", "no subscription on this connection")):
            refused = self.ctl("interval", words)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(wrong, refused.stderr.decode())
        self.end()

    def test_one_that_says_no_more_is_served_and_one_that_goes_is_forgotten(self):
        self.begin()
        peer, lines, _ = self.subscribe("interval=100")
        peer.shutdown(socket.SHUT_WR)
        for _ in range(3):
            self.assertEqual(json.loads(lines.readline())["type"], "totals")
        peers = [self.subscribe("interval=100")[0] for _ in range(15)]
        *_, answer = self.subscribe("interval=100")
        self.assertEqual(answer, {"ok": False, "error": "there are 16 subscriptions already"})
        for one in peers:
            one.shutdown(socket.SHUT_RDWR)
            one.close()
        harness.wait_until(lambda: self.subscribe("interval=60000")[2]["ok"], 20, "room for another one")
        self.end()

    def test_its_words(self):
        self.begin()
        for words, wrong in (("interval=1", "a number from 100 to 3600000"), ("by=colour", "there are function,"),
                             ("by=", "names nothing"), ("often", "there are interval=MS"),
                             ("function=x", "is for recent=N"), ("top=0", "from 1 to")):
            refused = self.ctl("subscribe", words)
            self.assertEqual(refused.returncode, 1, words)
            self.assertIn(wrong, refused.stderr.decode())
        watcher = subprocess.Popen([os.path.join(BUILD, "bin/wc-ctl"), self.control, "subscribe", "interval=100"],
                                   stdout=subprocess.PIPE)
        self.assertTrue(json.loads(watcher.stdout.readline())["ok"])
        self.assertFalse(json.loads(watcher.stdout.readline())["last"])
        self.end()
        rest, _ = watcher.communicate(timeout=30)
        self.assertTrue(json.loads(rest.splitlines()[-1])["last"])
        self.assertEqual(watcher.returncode, 0)


if __name__ == "__main__":
    harness.main()
