"""-b policy: a run under the rules that it has written is as before, and a program that does something else is denied it."""
import ctypes
import ctypes.util
import glob
import json
import os
import re
import unittest

import harness
from harness import Case, main, need, program, read_json

UPLOADER = os.path.join(harness.EXAMPLES, "uploader")

# Started behind a seccomp filter: the profile, then the command.
CONFINED = """
import ctypes, json, os, sys
library = ctypes.CDLL(sys.argv[1])
library.seccomp_init.restype = ctypes.c_void_p
profile = json.load(open(sys.argv[2]))
context = ctypes.c_void_p(library.seccomp_init(0x00050000 | profile["defaultErrnoRet"]))
for entry in profile["syscalls"]:
    for name in entry["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        assert number >= 0, name
        assert library.seccomp_rule_add(context, 0x7fff0000, number, 0) == 0, name
assert library.seccomp_load(context) == 0
os.execvp(sys.argv[3], sys.argv[3:])
"""


class PolicyCase(Case):
    def learn(self, argv, *options, spec="policy", **more):
        """The policy's path, and what the program did meanwhile."""
        path = self.path("policy.ini")
        run = self.run_tool(argv, *options, "-b", spec, "-o", path, **more)
        return path, run

    def rules(self, path):
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.startswith("deny")]

    def under(self, path, argv, *options, **more):
        """A run under a policy, and the system calls that it denied."""
        trace = self.path("trace.json")
        run = self.run_plain([self.tool, "--config", path, *options, "-b", "json", "-o", trace, "--", *argv], **more)
        self.assert_nothing_left()
        return run, [event["text"] for event in read_json(trace) if "injected" in event]

    def round_trip(self, argv, *options, prepare=lambda: None, **more):
        for spec in ("policy:by=function", "policy:by=library"):
            with self.subTest(argv=argv, options=options, spec=spec):
                prepare()
                path, learnt = self.learn(argv, *options, spec=spec, **more)
                prepare()
                run, denied = self.under(path, argv, **more)
                self.assertEqual(denied, [], path)
                # Nothing of the tool is in the error output, either.
                self.assertEqual((run.status, run.out, run.err), (learnt.status, learnt.out, learnt.err))


class AsBefore(PolicyCase):
    def test_coreutils(self):
        target = self.path("copy")
        for argv in (["ls", "-l", "/etc"], ["sort", "/etc/passwd"], ["cp", "/etc/passwd", target], ["wc", "/etc/passwd"],
                     ["ls", "/nonexistent"]):
            self.round_trip(argv, prepare=lambda: os.path.exists(target) and os.unlink(target))

    def test_all_functions(self):
        self.round_trip(["ls", "/etc"], "-F", "@all")
        self.round_trip(["sort", "/etc/passwd"], "-F", "@all,!@memory")

    def test_all_system_calls(self):
        for argv in (["ls", "/etc"], ["sh", "-c", "sort /etc/passwd | wc -l"]):
            self.round_trip(argv, "--scope=process")
            self.round_trip(argv, "--scope=process", "-F", "@default")

    def test_several_processes_and_programs(self):
        self.round_trip(["sh", "-c", "sort /etc/passwd | wc -l; ls /etc; echo done"])
        self.round_trip([os.path.join(harness.EXAMPLES, "threads")])

    @need("python3")
    def test_python(self):
        script = "import json, os, subprocess; print(json.dumps(sorted(os.listdir('/etc')))); " \
                 "subprocess.run(['echo', 'done'])"
        self.round_trip(["python3", "-B", "-c", script])

    @need("git")
    def test_git(self):
        folder = self.fresh_folder()
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        for words in (["init", "-q"], ["add", "f"], ["commit", "-qm", "first"]):
            self.write(os.path.join(folder, "f"), "content")
            self.assertEqual(self.run_plain(["git", *identity, *words], cwd=folder).status, 0)
        for words in (["log", "--stat"], ["show"], ["ls-files", "-s"]):
            self.round_trip(["git", *words], cwd=folder)

    def test_own_scopes(self):
        self.round_trip([program("own_scopes")], "-F", "qsort,raise,write")
        path, _ = self.learn([program("own_scopes")], "-F", "qsort,raise,write")
        self.assertIn("deny = !futex,restart_syscall,write@scope:by?hand", self.rules(path))

    def test_breakpoints(self):
        argv = [os.path.join(harness.EXAMPLES, "hello")]
        self.round_trip(argv, "-B", "hello1,hello2,hello3")
        path, _ = self.learn(argv, "-B", "hello1,hello2,hello3")
        self.assertIn("deny = !write@::hello1", self.rules(path))

    def test_learnt_twice_and_learnt_under_itself(self):
        argv = ["ls", "/etc"]
        path, _ = self.learn(argv, "-F", "@all")
        first = self.rules(path)
        path, _ = self.learn(argv, "-F", "@all")
        self.assertEqual(self.rules(path), first)
        self.assertEqual(first[:-2], sorted(first[:-2], key=lambda rule: rule.split("@", 1)[1]))
        again = self.path("again.ini")
        self.run_plain([self.tool, "--config", path, "-b", "policy", "-o", again, "--", *argv])
        self.assertEqual(self.rules(again), first)

    def test_engine_inproc_learns_the_same(self):
        if harness.gate_unavailable("inproc"):
            self.skipTest("no engine inproc here")
        argv = ["ls", "/etc"]
        path, _ = self.learn(argv)
        by_ptrace = self.rules(path)
        path, _ = self.learn(argv, gate="inproc")
        self.assertEqual(self.rules(path), by_ptrace)

    def test_a_file_for_each_process(self):
        self.run_tool(["sh", "-c", "sort /etc/passwd >/dev/null; true"], "-ff", "-b", "policy", "-o", self.path("p"))
        programs = []
        for path in glob.glob(self.path("p.*")):
            with open(path, encoding="utf-8") as file:
                programs.append(re.search(r"(?m)^# Programs: (.*)$", file.read()).group(1))
        self.assertEqual(len(programs), 2)
        self.assertTrue(any("sort" in names for names in programs), programs)
        self.assertTrue(any("sort" not in names for names in programs), programs)


class Denied(PolicyCase):
    """What the run has not done."""

    def test_a_library_that_connects(self):
        path, learnt = self.learn([UPLOADER], spec="policy:by=library")
        rule = next(rule for rule in self.rules(path) if rule.endswith(":from=@libmetrics.so"))
        for options in ((), ("--scope=process",)):
            run, denied = self.under(path, [UPLOADER, "spy"]) if not options else self.under(
                self.write("empty.ini", "# no rules\n"), [UPLOADER, "spy"], *options, "-F", "@default",
                "--deny", rule.removeprefix("deny = "))
            self.assertEqual((run.status, run.out), (0, learnt.out))
            self.assertIn(b"libmetrics: cannot report: Operation not permitted\n", run.err)
            self.assertIn("socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = -1 EPERM (Operation not permitted) (INJECTED)",
                          denied)

    def test_a_function_that_was_never_called(self):
        path, _ = self.learn(["ls", "/etc"])
        run, denied = self.under(path, ["mkdir", self.path("folder")])
        self.assertEqual(run.status, 1)
        self.assertIn(b"Operation not permitted", run.err)
        self.assertEqual(len([text for text in denied if text.startswith("mkdir(")]), 1)

    def test_a_function_that_does_something_else(self):
        source = "import os, sys; os.getppid(); sys.argv[1:] and os.sched_yield()"
        path, _ = self.learn(["python3", "-c", source], "-F", "getppid,sched_yield")
        run, denied = self.under(path, ["python3", "-c", source, "more"])
        self.assertEqual(run.status, 1)
        self.assertIn(b"PermissionError", run.err)
        self.assertEqual(len(denied), 1)

    def test_what_was_denied_is_not_learnt(self):
        path, _ = self.learn([UPLOADER, "spy"], "--deny", "socket:from=@libmetrics.so", spec="policy:by=library")
        _, denied = self.under(path, [UPLOADER, "spy"])
        self.assertEqual([text.split("(")[0] for text in denied], ["socket"])


class Seccomp(PolicyCase):
    def profile(self, argv, *options):
        path, _ = self.learn(argv, *options, spec="policy:format=seccomp")
        with open(path, encoding="utf-8") as file:
            return path, json.load(file)

    def test_by_object(self):
        _, profile = self.profile([UPLOADER])
        self.assertEqual((profile["defaultAction"], profile["defaultErrnoRet"], profile["architectures"]),
                         ("SCMP_ACT_ERRNO", 1, ["SCMP_ARCH_X86_64"]))
        objects = {name: entry["comment"] for entry in profile["syscalls"] for name in entry["names"]}
        self.assertEqual((objects["connect"], objects["openat"], objects["write"]),
                         ("uploader", "libmetrics.so", "libmetrics.so, uploader"))
        names = [name for entry in profile["syscalls"] for name in entry["names"]]
        self.assertEqual(len(names), len(set(names)))

    @unittest.skipUnless(ctypes.util.find_library("seccomp"), "not installed: libseccomp")
    @need("python3")
    def test_the_kernel_enforces_it(self):
        path, _ = self.profile(["ls", "/etc"], "--scope=process")
        confined = ["python3", "-c", CONFINED, ctypes.util.find_library("seccomp"), path]
        native = self.run_plain(["ls", "/etc"])
        run = self.run_plain([*confined, "ls", "/etc"])
        self.assertEqual((run.status, run.out), (0, native.out), run)
        run = self.run_plain([*confined, "mkdir", self.path("folder")])
        self.assertNotEqual(run.status, 0)
        self.assertFalse(os.path.exists(self.path("folder")))


class Refused(PolicyCase):
    def test_options(self):
        for words, message in ((["-b", "policy:by=foo"], b"backend 'policy': option 'by' takes function or library\n"),
                               (["-b", "policy:format=xml"], b"option 'format' takes ini or seccomp\n"),
                               (["-b", "policy:format=seccomp,by=function"], b"a seccomp filter knows no functions"),
                               (["-b", "policy", "-e", "read"], b"-b policy would deny the system calls that -e"),
                               (["-b", "policy", "--scope=main"], b"leave out --scope=main\n")):
            run = self.run_tool(["ls"], *words)
            self.assertEqual((run.status, run.out, run.err.count(b"\n")), (125, b"", 1))
            self.assertIn(message, run.err)

    def test_lines_of_a_policy(self):
        for line, message in (("deny = !nosuch@fopen", "p.ini:2: [policy] deny '!nosuch@fopen': unknown syscall"),
                              ("deny = !read@", "p.ini:2: [policy] deny '!read@': no function is named behind '@'"),
                              ("deny = read:from", "p.ini:2: [policy] deny 'read:from': unknown part 'from'"),
                              ("deny =", "p.ini:2: [policy] deny: the value is empty"),
                              ("dny = read", "p.ini:2: unknown key 'dny' in [policy]; did you mean deny?"),
                              ("deny read", "p.ini:2: expected KEY=VALUE or [SECTION], found 'deny read'")):
            path = self.write("p.ini", f"[policy]\n{line}\n")
            run = self.run_plain([self.tool, "--config", path, "--", "ls"])
            self.assertEqual((run.status, run.out, run.err.count(b"\n")), (125, b"", 1))
            self.assertIn(message.encode(), run.err)


if __name__ == "__main__":
    main()
