"""-k: the stack of each call and syscall, the same under every gate and engine, and what is made of it."""
import os
import re
import unittest

import harness
from harness import Case, program

WORDS = {
    "demangled": ["say(char const*)", "shapes::Box<int>::open(int)", "main"],
    "callback": ["say(char const*)", "compare(void const*, void const*)", ..., "callback()", "main"],
    "recursion": ["say(char const*)", *["recurse(int)"] * 21, "main"],
    "alloca": ["say(char const*)", "with_alloca(unsigned long)", "main"],
    "thread": ["say(char const*)", "in_thread(void*)", ...],
    "handler": ["say(char const*)", "handler(int)", "__restore_rt", ..., "interrupted()", "on_alternate_stack()",
                "main"],
    "caught": ["say(char const*)", "catcher()", "main"],
    "coroutine": ["say(char const*)", "coroutine()", ...],
    "deep": ["say(char const*)", *["deep_frame(int)"] * 13, "main"],
}


def names(stack):
    return [frame.get("symbol", "?") for frame in stack]


def leads_from(expected, found):
    """Whether the names follow one another; `...` stands for any."""
    pattern = "".join("(?:.*\n)*?" if name is ... else re.escape(name) + "\n" for name in expected)
    return re.match(pattern, "".join(name + "\n" for name in found))


class Stacks(Case):
    def writes(self, *options, **more):
        _, events = self.events([program("stacks")], "-k", *options, **more)
        return {e["text"].split('"')[1].removesuffix("\\n"): e for e in events
                if e["type"] == "syscall" and e["name"] == "write"}

    def test_every_shape_of_stack(self):
        writes = self.writes(functions="write")
        for word, expected in WORDS.items():
            with self.subTest(word):
                found = names(writes[word]["stack"])
                self.assertIn(found[0], ("write", "__write"))
                self.assertTrue(leads_from(expected, found[1:]), found)

    def test_code_that_the_program_has_made_and_named(self):
        options = ("-E", "ptrace") if harness.GATE in ("auto", "inproc") else ()
        _, events = self.events([program("jit_names")], "-k", *options, functions="access")
        made = [[f["symbol"] for f in e["stack"] if "/perf-" in f["object"]] for e in events
                if e["type"] == "syscall" and "/made" in e["text"]]
        self.assertEqual(made, [["JS:*first /a b.js:1:2"], ["second"], ["renamed"]])
        behind = [names(e["stack"])[-4] for e in events if e["type"] == "syscall" and "/made" in e["text"]]
        self.assertEqual(behind, ["main"] * 3, "the stack leads on behind it")

    def test_nothing_of_the_tool_is_in_it(self):
        _, events = self.events([program("stacks")], "-k", functions="@all")
        frames = [f for e in events for f in e.get("stack", ())]
        self.assertGreater(len(frames), 500)
        for frame in frames:
            self.assertNotIn("wc_preload", frame["object"])
            self.assertNotIn("wc-intercept", frame["object"])

    def test_a_calls_stack_is_the_end_of_its_syscalls_stacks(self):
        _, events = self.events([program("stacks")], "-k", functions="@all")
        calls = {e["call"]: e for e in events if e["type"] == "call"}
        compared = 0
        for event in events:
            # These two have no unwind information behind them: as with strace, the stack ends there.
            if event["type"] != "syscall" or event["name"] in ("clone3", "rt_sigreturn"):
                continue
            outer = calls[event["call"]]["stack"]
            self.assertEqual(outer, event["stack"][-len(outer):], event["text"])
            self.assertEqual(outer[0].get("symbol"), calls[event["call"]]["caller"].get("symbol"))
            compared += 1
        self.assertGreater(compared, 30)

    def test_calls_without_syscalls_have_one(self):
        _, events = self.events([program("stacks")], "-k", "-a", functions="qsort,strlen")
        sorts = [e for e in events if e["type"] == "call" and e["function"] == "qsort"]
        self.assertEqual([names(e["stack"])[:2] for e in sorts], [["callback()", "main"]])
        lengths = [names(e["stack"]) for e in events if e["type"] == "call" and e["function"] == "strlen"]
        self.assertTrue(any(leads_from(["say(char const*)", *["deep_frame(int)"] * 13, "main"], one)
                            for one in lengths))
        self.assertTrue(any(leads_from(["say(char const*)", "coroutine()"], one) for one in lengths))

    def test_what_dlopen_does_belongs_to_its_caller(self):
        _, events = self.events([program("stacks")], "-k", functions="dlopen,dlclose")
        for name in ("openat", "mmap", "munmap"):
            stacks = [names(e["stack"]) for e in events if e["type"] == "syscall" and e["name"] == name]
            self.assertTrue(stacks, name)
            for stack in stacks:
                self.assertTrue(leads_from([..., "loads()", "main"], stack), stack)
        # Once: the place to which dlopen returns under the tool is no frame.
        self.assertEqual([stack.count("loads()") for stack in stacks], [1] * len(stacks))

    def test_a_call_has_its_stack_also_where_its_syscall_has_none(self):
        _, events = self.events([program("stacks")], "-k", "-e", "clone3", functions="pthread_create")
        calls = [names(e["stack"]) for e in events if e["type"] == "call"]
        self.assertEqual([stack[:2] for stack in calls], [["thread()", "main"]])
        _, events = self.events([program("stacks")], "--stack-depth", "2", functions="dlopen")
        calls = [names(e["stack"]) for e in events if e["type"] == "call"]
        self.assertEqual(calls, [["loads()", "main"]])

    def test_file_and_line(self):
        frames = self.writes(functions="write")["alloca"]["stack"]
        source = os.path.join(harness.HERE, "programs/stacks.cpp")
        with open(source, encoding="ascii") as file:
            line = 1 + next(n for n, text in enumerate(file) if 'say("alloca' in text)
        place = next(f for f in frames if f.get("symbol", "").startswith("with_alloca"))
        self.assertEqual((place["file"], place["line"]), ("stacks.cpp", line))
        self.assertEqual(place["object"], program("stacks"))

    def test_depth(self):
        full = self.writes(functions="write")["recursion"]["stack"]
        few = self.writes("--stack-depth", "3", functions="write")["recursion"]["stack"]
        self.assertEqual([f["object_offset"] for f in few], [f["object_offset"] for f in full[:3]])

    def test_only_when_asked_for(self):
        _, events = self.events([program("stacks")], functions="write")
        self.assertFalse([e for e in events if "stack" in e])

    def test_a_killed_reader_has_its_stack(self):
        reading, writing = os.pipe()
        running = self.start(self.tool_argv(["cat"], "-k", "-b", "json", "-o", self.path("trace"), functions="read"),
                             stdin=reading)
        harness.wait_until(lambda: self.blocked_in_read(running.pid), 20, "cat to wait in read")
        os.kill(self.child(running.pid), 9)
        self.finish(running)
        os.close(reading)
        os.close(writing)
        last = [e for e in harness.read_json(self.path("trace")) if e["type"] == "syscall"][-1]
        self.assertEqual((last["name"], last.get("ret")), ("read", None))
        self.assertIn(names(last["stack"])[0], ("read", "__read", "__GI___libc_read"))
        self.assertGreater(len(last["stack"]), 3)

    @staticmethod
    def child(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            words = file.read().split()
        return int(words[0]) if words else 0

    def blocked_in_read(self, pid):
        child = self.child(pid)
        try:
            with open(f"/proc/{child}/stat", encoding="ascii") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{child}/syscall", encoding="ascii") as file:
                return file.read().split()[:2] == ["0", "0x0"] and state == "S"
        except OSError:
            return False

    def test_text_is_as_strace_has_it(self):
        trace = self.path("trace.txt")
        self.run_tool([program("stacks")], "-k", "-b", "text:merge=off", "-o", trace, functions="write")
        with open(trace, encoding="ascii") as file:
            lines = file.read().splitlines()
        at = next(n for n, line in enumerate(lines) if line.lstrip().startswith('write(1, "alloca')
                  and line.startswith("  "))
        path = re.escape(program("stacks"))
        self.assertRegex(lines[at + 1], r"^   > /\S*libc\.so\.6\((__)?write\+0x[0-9a-f]+\) \[0x[0-9a-f]+\]")
        self.assertRegex(lines[at + 2], rf"^   > {path}\(say\(char const\*\)\+0x[0-9a-f]+\) "
                                        r"\[0x[0-9a-f]+\] stacks\.cpp:\d+$")
        # The call's own stack begins with its caller.
        self.assertRegex(lines[at - 1], r"^ > ")
        call = max(n for n in range(at) if lines[n].startswith('write(1, "alloca'))
        self.assertEqual(lines[call + 1].strip(), lines[at + 2].strip())

    def test_folded(self):
        trace = self.path("folded.txt")
        self.run_tool([program("stacks")], "-b", "folded", "-o", trace, functions="write")
        with open(trace, encoding="ascii") as file:
            rows = [line.rsplit(" ", 1) for line in file.read().splitlines()]
        counts = {path: int(count) for path, count in rows}
        self.assertEqual(list(counts), sorted(counts))
        found = {path.split(";main;", 1)[1]: count for path, count in counts.items() if ";main;" in path}
        self.assertEqual(found["with_alloca;say;write;write"], 1)
        self.assertEqual(found["recurse;" * 21 + "say;write;write"], 1)
        self.assertTrue(all(path.startswith("stacks;") for path in counts))
        self.assertEqual(sum(counts.values()), 9)

    def test_folded_time_and_all_frames(self):
        trace = self.path("folded.txt")
        self.run_tool([program("stacks")], "-b", "folded:weight=time,frames=all", "-o", trace, functions="dlopen")
        with open(trace, encoding="ascii") as file:
            rows = [line.rsplit(" ", 1) for line in file.read().splitlines()]
        opened = [int(time) for path, time in rows if path.endswith(";openat")]
        self.assertTrue(any(time > 500 for time in opened), rows)
        self.assertTrue(any(";_dl_" in path or ";[ld-linux" in path for path, _ in rows), rows)


if __name__ == "__main__":
    harness.main()
