"""Runs that are recorded and replayed: what comes of a replay is, byte for byte, what the run itself
has written; files that end early or are damaged; what was not recorded is refused."""
import os
import json
import random
import shutil
import signal
import time

import harness
from harness import Case, need, program

LOOP = "import time\nend = time.time() + 2.5\nwhile time.time() < end: open('/etc/hosts').close()"
BACKENDS = ("text", "json", "summary", "folded")


class Replay(Case):
    def replay(self, raw, *options, limit=30):
        return self.finish(self.start([self.tool, "--replay", raw, *options]), limit)

    def record(self, argv, *options, backends=BACKENDS, functions=None, limit=60, **more):
        """The files of a run, by back end, and its raw one."""
        folder = self.fresh_folder()
        paths = {name: os.path.join(folder, name) for name in ("raw", *backends)}
        specs = [word for name, path in paths.items() for word in ("-b", f"{name}:output={path}")]
        result = self.run_tool(argv, *specs, *options, functions=functions, limit=limit, **more)
        return result, paths

    def assert_same(self, argv, *options, backends=BACKENDS, least=2, **more):
        result, paths = self.record(argv, *options, backends=backends, **more)
        for name in backends:
            again = paths[name] + ".again"
            replayed = self.replay(paths["raw"], "-b", f"{name}:output={again}")
            self.assertEqual((replayed.status, replayed.err), (0, b""), name)
            with open(paths[name], "rb") as live, open(again, "rb") as played:
                lines, played_lines = live.read().splitlines(), played.read().splitlines()
            self.assertEqual(lines, played_lines, f"{name} of {argv} {options}")
            self.assertGreaterEqual(len(lines), least, f"{name} of {argv}: {result}")
        return result, paths

    def test_real_programs(self):
        script = self.write("a.sh", "for i in 1 2 3; do /bin/true; done; ls /nonexistent | cat; kill -TERM $$")
        for argv in (["ls", "-l", "/"], ["python3", "-c", "import json, subprocess; subprocess.run(['true'])"],
                     ["sh", script], ["cat", "/etc/hosts"], ["date"], ["find", "/etc", "-name", "*.conf"],
                     ["tar", "-cf", self.path("a.tar"), "/etc/hosts"], ["sort", "/etc/passwd"],
                     ["sed", "-n", "1p", "/etc/passwd"], ["awk", "BEGIN{print 1}"], ["env"]):
            with self.subTest(argv=argv):
                self.assert_same(argv)

    def test_git(self):
        need("git")
        folder = self.fresh_folder()
        self.assert_same(["git", "init", "-q", folder])

    def test_what_programs_do(self):
        for words in (["nested", "errors", "values"], ["threads"], ["children"], ["signal"], ["unwound"]):
            with self.subTest(words=words):
                self.assert_same([program("sequence"), *words], functions="@all")
        self.assert_same([program("die_by"), "segv"], functions="@all")
        # Under inproc a signal's stop reports what the shim has not recorded yet, with a stack.
        self.assert_same(["bash", "-c", 'trap "echo t" USR1; kill -USR1 $$; ls / | wc -l; true'], "-k")

    def test_options_of_the_run_hold(self):
        argv = [program("sequence"), "nested", "errors"]
        for options in (["-k"], ["-a"], ["-T", "-tt"], ["-r"], ["-s", "4"], ["-e", "%file"], ["-z"], ["-Z"],
                        ["--every", "2"], ["-q"]):
            with self.subTest(options=options):
                self.assert_same(argv, *options, functions="@all", least=1)

    def test_other_back_ends(self):
        others = ("ledger", "perfetto", "speedscope", "html")
        self.assert_same([program("sequence"), "nested", "errors"], "-k", functions="@all", backends=others, least=1)

    def test_compressed(self):
        plain, packed = self.path("plain"), self.path("packed")
        out = self.path("out")
        self.run_tool(["find", "/etc"], "-b", f"raw:output={plain}", "-b", f"raw:output={packed},compress=zstd")
        self.assertLess(os.path.getsize(packed), 0.8 * os.path.getsize(plain))

        def played(raw):
            replayed = self.replay(raw, "-b", "json", "-o", out)
            with open(out, "rb") as file:
                return replayed.status, replayed.err.decode(), file.read()
        self.assertEqual(played(packed), played(plain))
        with open(packed, "rb") as file:
            data = bytearray(file.read())
        # The first chunk behind that of the run says less than it holds, or more than may be.
        first = 16 + 40 + int.from_bytes(data[32:36], "little")
        for size, words in ((77, "cannot be unpacked"), (1 << 24, "1 MiB at most")):
            data[first + 20:first + 24] = size.to_bytes(4, "little")
            stored = int.from_bytes(data[first + 16:first + 20], "little")
            data[first + 28:first + 32] = bytes(4)
            data[first + 28:first + 32] = crc32c(data[first:first + 40 + stored]).to_bytes(4, "little")
            lying = self.path("lying")
            with open(lying, "wb") as file:
                file.write(data)
            status, said, _ = played(lying)
            self.assertEqual(status, 125)
            self.assertIn(words, said)
        refused = self.finish(self.start([self.tool, "-b", "raw:output=x,compress=lzma", "true"]))
        self.assertEqual((refused.status, b"only zstd is known" in refused.err), (125, True), refused)

    def test_claims(self):
        claims = [word for one in ("write@fflush <= 2", "calls:fputs == 3", "bytes:write == 20", "time:fsync <= 1ns")
                  for word in ("--expect", one)]
        raw = self.path("raw")
        live = self.run_tool([program("claimed"), self.path("notes"), "fault"], "--record", raw, "-b", "none", *claims)
        self.assertEqual((live.status, live.err.count(b"does not hold: ")), (123, 3))
        self.assertIn(b"does not hold: 3; by note at claimed.c:", live.err)
        played = self.replay(raw, "-b", "none", *claims)
        self.assertEqual((played.status, played.err), (live.status, live.err))

    @harness.only_under("dispatch", "trap", "socket")
    def test_what_a_back_end_has_decided(self):
        judges = ("judge.so:syscall=write,verdict=1,value=28,function=puts", "judge.so:verdict=5,function=printf")
        folder = os.path.dirname(program("steady"))
        for judge in judges:
            words = ["-b", os.path.join(folder, judge)]
            _, paths = self.assert_same([program("tampered_functions")], *words, backends=("text", "json", "summary"))
        replayed = self.replay(paths["raw"], *words)
        self.assertEqual((replayed.status, replayed.out), (125, b""))
        self.assertIn(b"wants to decide about system calls, which have happened already", replayed.err)

    def test_names_from_elsewhere(self):
        here, there = self.fresh_folder(), self.fresh_folder()
        own = shutil.copy(program("claimed"), here)
        _, paths = self.record([own, self.path("notes")], "-k", backends=("text",))
        with open(paths["text"], "rb") as file:
            live = file.read()
        self.assertIn(b"note", live)

        def again(*options):
            replayed = self.replay(paths["raw"], "-b", "text", "-o", self.path("again"), *options)
            with open(self.path("again"), "rb") as file:
                return replayed.err.decode(), file.read()
        os.unlink(own)
        said, text = again()
        self.assertRegex(said, r"^wc-preload: 1 of the program's files are not here, or are other builds: .*claimed")
        self.assertIn(b"claimed+0x", text)
        moved = there + here
        os.makedirs(moved)
        for mapped in ("/lib", "/lib64", "/usr"):
            os.symlink(os.path.realpath(mapped), there + mapped)
        shutil.copy(program("sequence"), os.path.join(moved, "claimed"))
        said, text = again("--sysroot", there)
        self.assertIn("other builds", said)
        self.assertIn(b"claimed+0x", text)
        shutil.copy(program("claimed"), moved)
        self.assertEqual(again("--sysroot", there), ("", live))

    @harness.only_under("auto", "dispatch", "trap", "socket")
    def test_options_of_engine_ptrace(self):
        self.assert_same(["cat", "/etc/hosts"], "-y")
        self.assert_same(["cat", "/etc/hosts"], "-P", "/etc/hosts")
        self.assert_same(["ls", "/"], "--objects", backends=("text", "json"))
        self.assert_same(["sh", "-c", "echo a; echo b"], "--inject", "write:error=EIO:when=2")
        if harness.GATE == "auto" or harness.GATE == "dispatch":
            self.assert_same(["ls", "/"], "--scope=process")
            self.assert_same([program("typed_values")], "-B", "*", backends=("text", "json"))

    def test_filters(self):
        _, paths = self.record([program("sequence"), "nested", "errors"], functions="@all", backends=("text",))
        raw = paths["raw"]
        out = self.path("filtered")

        def lines(*options):
            replayed = self.replay(raw, "-b", "json", "-o", out, *options)
            self.assertEqual((replayed.status, replayed.err), (0, b""), options)
            with open(out, encoding="utf-8") as file:
                return [json.loads(line) for line in file][1:]
        every = lines()
        of = lambda events, kind: [event for event in events if event["type"] == kind]
        failed = lines("-Z")
        self.assertEqual(len(of(failed, "syscall")),
                         len([event for event in of(every, "syscall") if "error" in event]))
        self.assertGreater(len(of(failed, "syscall")), 0)
        opened = lines("-F", "fopen")
        self.assertEqual({event["function"] for event in of(opened, "call")}, {"fopen"})
        self.assertEqual({event["function"] for event in of(opened, "syscall")}, {"fopen"})
        self.assertEqual({event["depth"] for event in of(opened, "call")}, {0})
        calls = {event["call"] for event in of(opened, "call")}
        self.assertEqual({event["call"] for event in of(opened, "syscall")} - calls, set())
        closed = lines("-e", "openat")
        self.assertEqual({event["name"] for event in of(closed, "syscall")}, {"openat"})

    def test_what_was_not_recorded_is_refused(self):
        _, paths = self.record(["true"], backends=())
        raw = paths["raw"]
        for options, words in ((["-k"], "stacks were not recorded"),
                               (["-b", "folded"], "stacks were not recorded"), (["-a"], "were not recorded"),
                               (["-y"], "were not recorded"), (["-s", "99"], "32 bytes of each string"),
                               (["-b", "raw:output=x"], "would write what is there"),
                               (["-E", "ptrace"], "has no effect with --replay"), (["true"], "runs no program"),
                               (["-p", "1"], "runs nothing")):
            replayed = self.replay(raw, *options)
            self.assertEqual(replayed.status, 125, options)
            self.assertIn(words, replayed.err.decode(), options)
        for path, words in ((self.path("none"), "No such file"), ("/dev/null", "no regular file"),
                            (self.write("text", "hello " * 9), "no raw file"), (self.write("no", ""), "is empty")):
            replayed = self.replay(path)
            self.assertEqual(replayed.status, 125)
            self.assertIn(words, replayed.err.decode())

    def test_recording_is_refused_where_it_would_not_be_whole(self):
        for options, words in ((["-b", "raw"], "give it a file"), (["-b", "raw", "-o", "x", "-ff"], "without -ff"),
                               (["-b", "raw", "-o", "x", "-A"], "without -A"),
                               (["--record", "x", "-s", "999999"], "smaller -s"), (["--record", "a,b"], "comma")):
            result = self.finish(self.start([self.tool, *options, "true"]))
            self.assertEqual(result.status, 125, options)
            self.assertIn(words, result.err.decode())

    def test_another_version(self):
        _, paths = self.record(["true"], backends=())
        with open(paths["raw"], "rb") as file:
            head = bytearray(file.read(16))
        later = self.path("later")
        with open(later, "wb") as file:
            head[8:10] = (2).to_bytes(2, "little")
            head[12:16] = crc32c(head[:12]).to_bytes(4, "little")
            file.write(head)
        replayed = self.replay(later)
        self.assertEqual(replayed.status, 125)
        self.assertIn("version 2.0", replayed.err.decode())

    def test_full_disk(self):
        result = self.run_tool(["sh", "-c", "ls -l /; true"], "-b", "raw:output=/dev/full")
        self.assertIn("No space left", result.err.decode())

    def test_killed_tracer(self):
        chances = random.Random(7)
        for _ in range(3 if harness.SOAK == 1 else 200):
            raw = self.path("killed")
            running = self.start([*self.tool_argv(["python3", "-c", LOOP], "--record", raw)])
            time.sleep(0.3 + chances.random() * 1.5)
            os.kill(running.pid, signal.SIGKILL)
            running.wait(20)
            self.assert_nothing_left(grace=10)  # the program runs on, and ends
            if not os.path.exists(raw) or os.path.getsize(raw) == 0:
                continue
            replayed = self.replay(raw, "-b", "json", "-o", self.path("out"))
            self.assertEqual(replayed.status, 125)
            self.assertRegex(replayed.err.decode(), "was not finished|ends within a chunk")


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


if __name__ == "__main__":
    harness.main()
