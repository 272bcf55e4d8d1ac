"""wc-top, driven as people drive it: in a terminal (tmux), by keys, looking at the screen."""
import os
import re
import signal
import subprocess
import time
import unittest

import harness
from harness import BUILD, Case, need, program

TOP = os.path.join(BUILD, "bin/wc-top")
HAS_TOP = unittest.skipUnless(os.access(TOP, os.X_OK), "wc-top is not built: no libncurses-dev")


@need("tmux")
@HAS_TOP
class Top(Case):
    def setUp(self):
        super().setUp()
        self.opened, self.over, self.control = 0, self.path("over"), self.path("control")
        self.addCleanup(lambda: self.opened and self.tmux("kill-server", check=False))

    def tmux(self, *words, check=True):
        done = subprocess.run(["tmux", "-S", self.tmux_socket, "-f", "/dev/null", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.env, timeout=30, check=False)
        if check and done.returncode != 0:
            self.fail(f"tmux {words}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def open(self, command, width=80, height=24):
        """A terminal in which the command runs; then its status and the state of the terminal are printed."""
        self.opened += 1
        self.tmux_socket = self.path(f"tmux{self.opened}")
        self.saved = self.path(f"stty{self.opened}")
        script = self.write("pane.sh", f"stty -g >{self.saved}.before\n{command}\necho \"status=$?\"\n"
                                       f"stty -g >{self.saved}.after\nexec sleep 1000\n")
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", script)

    def open_top(self, *words, env="", **size):
        self.open(f"{env} {TOP} " + " ".join(words), **size)

    def numbered(self, threads=2):
        return f"{program('numbered_calls')} {self.over} {threads}"

    def begin(self, *options, functions="access,open,usleep,snprintf"):
        argv = program("numbered_calls"), self.over, "2"
        self.running = self.start(self.tool_argv(argv, "--control", self.control, "-b", "none", *options,
                                                 functions=functions))
        harness.wait_until(lambda: os.path.exists(self.control), 20, "the control socket")

    def end(self):
        self.write("over", "")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, pattern, limit=20):
        """A screen on which this is."""
        seen = [""]

        def is_there():
            seen[0] = self.screen()
            return re.search(pattern, seen[0], re.M)
        end = time.monotonic() + limit * harness.SLOWNESS
        while not is_there():
            if time.monotonic() > end:
                self.fail(f"no {pattern!r} on the screen:\n{seen[0]}")
            time.sleep(0.05)
        return seen[0]

    def assert_terminal_is_sane(self, status):
        self.wait_for(rf"^status={status}$")
        harness.wait_until(lambda: os.path.exists(self.saved + ".after") and self.read(self.saved + ".after").endswith("\n"),
                           20, "what stty says")
        self.assertEqual(self.read(self.saved + ".before"), self.read(self.saved + ".after"))
        self.assertEqual(self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").split(), ["0", "1"])

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def top_pid(self):
        pane = int(self.tmux("display-message", "-p", "#{pane_pid}"))
        with open(f"/proc/{pane}/task/{pane}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def calls_of(self, screen, name):
        row = re.search(rf"^{name} +(\S+) +(\S+)", screen, re.M)
        return int(row.group(2).replace(",", "")) if row else None

    def test_a_program_of_its_own(self):
        self.open_top("-F access,open,usleep,snprintf --interval 200 --", self.numbered())
        screen = self.wait_for(r"^access +[1-9]")
        for word in ("wc-top", "Functions", "TIMEv", "P99", "q quit"):
            self.assertIn(word, screen)
        self.end()
        screen = self.wait_for("ended with status 0")
        self.keys("v")
        # It has counted itself: nothing was missed, neither the start nor the end.
        output = self.wait_for(r"^1 \d+$")
        made = sum(int(one) for one in re.findall(r"^[01] (\d+)$", output, re.M))
        self.assertEqual(self.calls_of(screen, "access"), made, screen + output)
        self.keys("q")
        self.assert_terminal_is_sane(0)

    def test_a_run_that_goes_on(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        self.keys("F10")
        self.assert_terminal_is_sane(0)
        self.end()
        self.assertEqual(self.finish(self.running, 60).status, 0)

    def test_tables_sort_and_filter(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        for key, row in (("s", r"^openat +[1-9]"), ("t", r"^\d+ \(.*thread of"), ("c", r"numbered_calls.c:2\d +[1-9]"),
                         ("p", r"^/[01]/\d+ "), ("Tab", r"^snprintf +[1-9]"), ("BTab", r"^\(no path\)")):
            self.keys(key)
            self.wait_for(row)
        self.keys("f", "<", "<", "<")
        self.wait_for("CALLSv")
        self.keys("r")
        self.wait_for(r"CALLS\^")
        self.keys("/")
        self.type("SNPR")
        self.wait_for("filter: SNPR_")
        screen = self.wait_for("  1 rows")
        self.assertIsNone(re.search("^access", screen, re.M))
        self.keys("Enter", "Escape")
        self.wait_for("^access")

    def test_drill_down_to_a_stack(self):
        self.begin("-k")
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        self.keys("/")
        self.type("access")
        self.keys("Enter", "Enter")
        self.wait_for(r"last system calls of access")
        self.wait_for(r'access\("/[01]/\d+", F_OK\) = -1 ENOENT')
        self.keys("Down", "Enter")
        screen = self.wait_for("stack, the innermost first")
        self.assertRegex(screen, r"(?m)^ +\d+ .*numbered_calls")
        self.keys("Escape", "Escape")
        self.wait_for("NAME")

    def test_pause_interval_and_switching(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        self.keys("Space")
        held = self.wait_for("PAUSED")
        time.sleep(0.5)
        self.assertEqual(self.calls_of(self.screen(), "access"), self.calls_of(held, "access"))
        self.keys("Space", "+")
        self.wait_for("every 200 ms")
        harness.wait_until(lambda: self.calls_of(self.screen(), "access") > self.calls_of(held, "access"), 20, "more")
        self.keys("/")
        self.type("access")
        self.keys("Enter", "o")
        self.wait_for(r"functions remove access: done, from event \d+ on")
        screen = self.wait_for(r"^access \(off\) +0 ")
        self.keys("o")
        self.wait_for(r"functions add access: done")
        harness.wait_until(lambda: (self.calls_of(self.screen(), "access") or 0) >
                           int(re.search(r"^access \(off\) +\S+ +(\S+)", screen, re.M).group(1).replace(",", "")),
                           20, "calls again")

    @harness.only_under("auto", "dispatch", "trap", "socket")
    def test_rules_sampling_and_refusals(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        self.keys("S")
        self.type("every=nothing")
        self.keys("Enter")
        self.wait_for("sample every=nothing: ")
        self.keys("S")
        self.type("every=10 access")
        self.keys("Enter")
        self.wait_for("sample every=10 access: done")
        self.keys("R")
        self.wait_for("no rules")
        self.keys("a")
        self.type("open:error=EMFILE")
        self.keys("Enter")
        self.wait_for(r"^ +\d+ +[\d,]+ open:error=EMFILE|^.*inject add")
        self.keys("R", "d")
        self.wait_for("no rules")
        self.keys(":")
        self.type("backend list")
        self.keys("Enter")
        self.wait_for(r'backend list: .*"spec":"none"')

    def test_sizes(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        for width, height in ((120, 40), (40, 10), (15, 5), (80, 24)):
            self.tmux("resize-window", "-x", str(width), "-y", str(height))
            screen = self.wait_for("too small" if width < 20 else r"^access +[\d?]")
            self.assertLessEqual(max(map(len, screen.splitlines())), width)
        self.wait_for("q quit")

    def test_the_tracer_is_killed(self):
        self.begin()
        self.open_top("--interval 100", self.control)
        self.wait_for(r"^access +[1-9]")
        os.kill(self.running.pid, signal.SIGKILL)
        self.wait_for("the tracer has gone")
        self.wait_for("TRACER GONE")
        self.keys("o", "S", "Escape", "q")
        self.assert_terminal_is_sane(0)

    def test_signals_put_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.open_top("-F access --interval 100 --", self.numbered())
                self.wait_for(r"^access +[1-9]")
                os.kill(self.top_pid(), number)
                self.assert_terminal_is_sane(128 + number)
                self.tmux("kill-server")

    def test_stopped_and_continued(self):
        self.begin()
        self.open("set -m\n" f"{TOP} --interval 100 {self.control}\necho stopped; stty -g >{self.path('stopped')}\nfg")
        self.wait_for(r"^access +[1-9]")
        self.keys("C-z")
        harness.wait_until(lambda: os.path.exists(self.path("stopped")), 20, "the shell")
        self.wait_for(r"^access +[1-9]")
        self.keys("q")
        self.assert_terminal_is_sane(0)
        self.assertEqual(self.read(self.path("stopped")), self.read(self.saved + ".before"))

    def test_quitting_asks(self):
        self.open_top("-F access --interval 100 --", self.numbered())
        self.wait_for(r"^access +[1-9]")
        self.keys("q")
        self.wait_for("still runs: k ends it")
        self.keys("Escape", "q", "k")
        self.assert_terminal_is_sane(128 + signal.SIGTERM)
        self.tmux("kill-server")
        self.open_top("-F access --interval 100 --", self.numbered())
        self.wait_for(r"^access +[1-9]")
        self.keys("q", "w")
        self.end()
        self.wait_for(r"^1 \d+$")
        self.assert_terminal_is_sane(0)

    def test_what_the_program_reads_and_writes(self):
        self.open_top("-F @default -- sh -c 'read line; printf \"<%s> \\033[31mred\\033[0m\\n\" \"$line\"; exit 7'")
        self.wait_for("^read ")
        self.keys("v")
        self.wait_for("what the program has written")
        self.keys("i")
        self.type("some words")
        self.keys("Enter")
        self.wait_for("^<some words> red$")
        self.wait_for("ended with status 7")
        self.keys("q")
        self.assert_terminal_is_sane(7)

    def test_hostile_names(self):
        name = "\033]0;owned\007\033[2J\u202e\u6f22"
        folder = self.fresh_folder()
        self.open_top(f"-F open --table path -- sh -c \": >'{folder}/$(printf '\\033[2J\\007\\346\\274\\242\\377')'\"")
        screen = self.wait_for("ended with status 0")
        self.tmux("resize-window", "-x", "200")
        screen = self.wait_for(re.escape("\\x1b[2J\\x07\u6f22"))
        self.assertNotIn(name, screen)

    def test_colours_and_none(self):
        self.begin()
        for env, has_colour in (("TERM=screen-256color", True), ("TERM=screen-256color NO_COLOR=1", False),
                                ("TERM=vt100", False)):
            with self.subTest(env):
                self.open_top("--interval 100", self.control, env=env)
                self.wait_for(r"^access +[1-9]")
                styled = self.tmux("capture-pane", "-pe")
                self.assertEqual(bool(re.search("\033\\[[0-9;]*3[0-7]m", styled)), has_colour, repr(styled))
                self.assertIn("\033[", styled)
                self.keys("q")
                self.wait_for("^status=0$")
                self.tmux("kill-server")

    def test_terminals_that_are_none(self):
        for env, said in (("TERM=dumb", "cannot be drawn on"), ("TERM=nonsense", "unknown here"), ("TERM=", "not set")):
            self.open_top("-- true", env=env)
            self.wait_for("^status=2$")
            self.assertIn(said, re.sub("\n", "", self.screen()))
            self.tmux("kill-server")

    def test_what_cannot_be_watched(self):
        for words, status, said in (("/nowhere", 2, "no tracer at /nowhere"), ("-F open ./p", 2, "-- PROGRAM"),
                                    ("-- /nowhere", 127, "/nowhere"), ("-F nosuchfunction -- true", 125, "nosuchfunction"),
                                    ("-p 99999999", 125, "99999999")):
            with self.subTest(words):
                self.open_top(words, width=200)
                self.wait_for(rf"^status={status}$")
                self.assertIn(said, self.screen())
                self.tmux("kill-server")

    def test_a_process_that_runs(self):
        running = self.start([program("numbered_calls"), self.over, "2"])
        self.open_top("--interval 100 -F access -p", str(running.pid))
        self.wait_for(r"^access +[1-9]")
        self.keys("q")
        self.assert_terminal_is_sane(0)
        self.end()
        self.assertEqual(self.finish(running, 60).status, 0)

    def test_many_functions_at_speed(self):
        self.open_top(f"--rows 10000 --interval 500 -E inproc -F 'many_*@libmany_functions.so' --",
                      program("many_functions"), self.over)
        self.wait_for("  10,000 rows", 60)
        self.keys("End", "Home")
        self.keys("/")
        self.type("many_9999")
        self.keys("Enter")
        self.wait_for(r"^many_9999 +\S+ +[1-9]", 60)
        self.end()
        self.wait_for("ended with status 0", 60)
        self.keys("Escape", "v")
        made = int(re.search(r"^made (\d+)$", self.wait_for(r"^made \d+$"), re.M).group(1))
        self.keys("Escape")
        screen = self.wait_for("^calls ")
        self.assertEqual(int(re.search(r"syscalls ([\d,]+)", screen).group(1).replace(",", "")), made, screen)
        self.keys("q")
        self.assert_terminal_is_sane(0)


if __name__ == "__main__":
    harness.main()
