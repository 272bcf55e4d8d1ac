"""Lines of backend json: against the schema that the documentation has, and what they say."""
import datetime
import json
import os
import platform
import time
import unittest

import harness
import json_schema
from harness import Case, program

with open(os.path.join(harness.ROOT, "docs/json.schema.json"), encoding="utf-8") as file:
    SCHEMA = json_schema.Schema(json.load(file))

# On purpose wrong, each in one way.
WRONG = ({"type": "lost", "ts": 1, "pid": 1}, {"type": "lost", "ts": 1, "pid": 1, "count": "1"},
         {"type": "lost", "ts": True, "pid": 1, "count": 1}, {"type": "found", "ts": 1, "pid": 1, "count": 1},
         {"type": "lost", "ts": 1, "pid": 1, "count": 1, "more": 1},
         {"type": "object", "ts": 1, "pid": 1, "event": "load", "base": 4096}, [], None)


class Json(Case):
    def lines(self, argv, *options, functions=None):
        """All lines of a run, each of which fits the schema."""
        path = self.path(f"trace{len(os.listdir(self.dir))}.json")
        result = self.run_tool(argv, "-b", f"json:output={path}", *options, functions=functions)
        with open(path, encoding="utf-8") as trace:
            lines = [json.loads(line) for line in trace]
        for line in lines:
            self.assertEqual(SCHEMA.problems(line), [], line)
            order = SCHEMA.keys_of(line["type"])
            self.assertEqual(sorted(line, key=order.index), list(line), "the order of keys")
        return result, lines

    def test_the_schema_refuses(self):
        for line in WRONG:
            self.assertNotEqual(SCHEMA.problems(line), [], line)

    def test_runs_fit_the_schema(self):
        for argv, functions in (([program("sequence"), "nested", "errors", "values", "unwound", "signal"], "@all"),
                                ([program("sequence"), "threads", "children"], "@all"),
                                (["sh", "-c", "ls -l /dev | wc -l; exit 3"], None),
                                ([program("die_by"), "segv"], "@all"),
                                (["printf", r"a\033\001\377\n"], "@all")):
            with self.subTest(argv=argv):
                self.lines(argv, functions=functions)

    def test_runs_with_options_fit_the_schema(self):
        self.lines([program("sequence"), "nested"], "-k", functions="fopen,fclose")
        self.lines([program("sequence"), "nested"], "-a", "-T", functions="@all")
        if harness.GATE != "inproc":
            self.lines([program("sequence"), "nested", "threads"], "--scope=process")
            self.lines([program("typed_values")], "-B", "*")
            self.lines(["true"], "--objects")

    def test_the_run(self):
        before = time.time()
        argv = [program("sequence"), "errors", "word \u00e9"]
        _, lines = self.lines(argv, functions="open")
        self.assertEqual([line["type"] == "run" for line in lines], [True] + [False] * (len(lines) - 1))
        run = lines[0]
        self.assertEqual(list(run), ["type", "version", "argv", "time", "realtime_offset", "host", "kernel"])
        self.assertEqual((run["argv"], run["host"], run["kernel"]), (argv, platform.node(), platform.release()))
        self.assertIn(run["version"], self.run_plain([self.tool, "--version"]).out.decode())
        at = datetime.datetime.fromisoformat(run["time"][:26] + "+00:00").timestamp()
        self.assertTrue(before - 1 < at < time.time() + 1, run)
        call = next(line for line in lines if line["type"] == "call")
        self.assertTrue(before - 1 < (call["ts"] + run["realtime_offset"]) / 1e9 < time.time() + 1, call)

    def test_addresses_are_strings(self):
        source = self.write("map.c", '#include <sys/mman.h>\n#include <unistd.h>\n#include <stdlib.h>\n'
                                     'int main(void) { void *p = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n'
                                     'munmap(p, 4096); mmap(0, 0, 3, MAP_PRIVATE, -1, 0); return !malloc(1 << 20); }\n')
        binary = self.path("map")
        self.assertEqual(self.run_plain(["cc", "-o", binary, source]).status, 0)
        _, lines = self.lines([binary], functions="mmap,munmap,malloc")
        rets = {}
        for line in lines:
            if line["type"] == "syscall":
                rets.setdefault(line["name"], []).append(line["ret"])
        self.assertRegex(rets["mmap"][0], "^0x[0-9a-f]+$")
        self.assertIn(-1, rets["mmap"])
        self.assertEqual(rets["munmap"], [0])

    def test_paths(self):
        _, lines = self.lines(["sh", "-c", "cat < /etc/passwd > /dev/null; test -e /nonexistent/x"])
        syscalls = [line for line in lines if line["type"] == "syscall"]
        opened = {line.get("path") for line in syscalls if line["name"] == "openat"}
        self.assertIn("/etc/passwd", opened)
        self.assertIn("/nonexistent/x", {line.get("path") for line in syscalls if "error" in line})
        if harness.GATE == "inproc":
            self.assertFalse([line for line in syscalls if line["name"] == "read" and "fd_path" in line],
                             "it would be another file's by then")
            return
        self.assertIn("/etc/passwd", {line.get("fd_path") for line in syscalls if line["name"] == "read"})
        closed = [line.get("fd_path") for line in syscalls if line["name"] == "close" and line["ret"] == 0]
        self.assertTrue(closed and all(closed), "as it was before the call")

    def test_unused_words_are_absent(self):
        _, lines = self.lines([program("sequence"), "errors"], functions="open")
        call = next(line for line in lines if line["type"] == "call")
        self.assertEqual(call["args"], ["/nonexistent/file", 0])
        syscall = next(line for line in lines if line["type"] == "syscall")
        self.assertEqual((len(syscall["args"]), syscall["args"][0]), (3, -100))

    def test_a_call_that_never_returns(self):
        _, lines = self.lines([program("die_by"), "exit", "7"], functions="exit,_exit")
        ends = [line for line in lines if line["type"] == "return"]
        self.assertTrue(ends)
        self.assertFalse([line for line in ends if "unwound" in line or "ret" in line], ends)
        _, lines = self.lines(["sh", "-c", "exec true"], functions="execve")
        ends = [line for line in lines if line["type"] == "return"]
        self.assertEqual(ends[-1].get("ret"), 0, "after those that were not found")
        self.assertFalse([line for line in ends if "unwound" in line], ends)


if __name__ == "__main__":
    harness.main()
