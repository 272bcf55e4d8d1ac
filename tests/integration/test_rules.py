"""--inject, --fault, --deny: for a whole process as strace does it, line by line; inside of functions; both stops,
restarts, threads, children."""
import re

from harness import Case, main, need, program, read_json

NUMBERS = re.compile(r"0x[0-9a-f]+")
IDS_TOO = re.compile(r"0x[0-9a-f]+|\b[0-9]{4,}\b")

# Each is given to strace and to this tool as it is.
LIKE_STRACE = (
    "inject=write:error=EIO", "inject=write:error=ENOSPC:when=1", "inject=write:error=5:when=2",
    "inject=write:error=EIO:when=2+", "inject=write:error=EIO:when=1+2", "inject=write:error=EIO:when=2..3",
    "inject=write:error=EIO:when=1..3+2", "inject=write:error=EIO:when=9",
    "inject=write:retval=0:when=1", "inject=write:retval=3:when=2", "inject=write:retval=1:when=3+",
    "inject=write:retval=0x10:when=1", "inject=read:retval=0", "inject=read:error=EAGAIN:when=1",
    "inject=read:error=EINTR:when=1", "inject=read:error=EIO:when=2",
    "fault=write", "fault=write:when=2", "fault=write:error=EACCES", "fault=write:error=EACCES:when=3",
    "fault=read:error=EBADF:when=1", "fault=getpid", "fault=getpid:error=EPERM", "fault=openat:error=ENOENT:when=2",
    "inject=getpid:retval=42", "inject=getpid:retval=1:when=2", "inject=getppid:error=EPERM",
    "inject=write:signal=SIGUSR1:when=1", "inject=write:signal=USR1:when=2", "inject=write:signal=10:when=1+2",
    "inject=getpid:signal=SIGUSR1", "inject=write:error=EIO:signal=USR1:when=1",
    "inject=write:retval=3:signal=USR1:when=2", "inject=write:signal=SIGTERM:when=2",
    "inject=write:delay_enter=1000:when=1", "inject=write:delay_exit=1000:when=2",
    "inject=write:delay_enter=1ms:when=2", "inject=write:delay_exit=2000us:when=1",
    "inject=write:delay_enter=1000:delay_exit=1000:when=1", "inject=write:error=EIO:delay_exit=1000:when=1",
    # strace 6.1 loses a signal that it delays: delay_enter= and signal= are compared one by one.
    "inject=read:poke_exit=@arg2=4142:when=1", "inject=read:poke_enter=@arg2=4142:when=1",
    "inject=read:retval=2:poke_exit=@arg2=4142:when=1", "inject=write:poke_enter=@arg2=5859:when=1",
    "inject=read:retval=4:poke_exit=@arg2=41424344:when=1", "inject=write:error=EIO:poke_enter=@arg2=58:when=2",
    "inject=read,write:error=EIO:when=2", "inject=read,write:retval=1:when=2", "inject=write,getpid:retval=7:when=2",
    "inject=%desc:error=EBADF:when=5", "inject=/^get.*pid:retval=9", "inject=lseek:error=ESPIPE",
    "inject=lseek:retval=12345", "inject=close:error=EIO:when=1", "inject=close:error=EINTR:when=2",
    "inject=openat:error=EMFILE:when=1", "inject=openat:error=EACCES:when=2", "inject=openat:retval=77:when=2",
    "inject=dup:error=EMFILE", "inject=dup:retval=500", "inject=pipe2:error=ENFILE", "inject=uname:error=EFAULT",
    "inject=getpid:syscall=getppid:error=EIO", "inject=write:syscall=getpid:retval=3:when=1",
)


def lines_of(path):
    """What both print for the program's own syscalls, without addresses and process ids."""
    kept = []
    with open(path, encoding="utf-8") as trace:
        lines = trace.read().splitlines()
    for line in lines:
        line = re.sub(r"^(\[pid +\d+\] |\d+ +)", "", line)
        line = re.sub(r"(si_pid|getp+id\(\) +=) *=? *\d+( |$|,)", r"\1 N\2", line)
        if re.match(r"(write|read|getpid|getppid|lseek|close|dup|pipe2|uname|---|\+\+\+)", line) or "target" in line:
            kept.append(NUMBERS.sub("P", re.sub(r" {2,}=", " =", line)))
    return kept


class AsStrace(Case):
    """The table: same lines, same output, same end."""

    @need("strace")
    def test_rules(self):
        self.assertGreaterEqual(len(LIKE_STRACE), 60)
        argv = [program("tampered"), self.write("target", "target of reads")]
        for rule in LIKE_STRACE:
            with self.subTest(rule=rule):
                strace = self.run_plain(["strace", "-f", "-o", self.path("strace"), "-e", rule, *argv])
                tool = self.run_tool(argv, "--scope=process", "-o", self.path("tool"), "-e", rule)
                self.assertEqual((lines_of(self.path("strace")), strace.out, strace.status),
                                 (lines_of(self.path("tool")), tool.out, tool.status))


class InFunctions(Case):
    """A rule holds while one of its functions is open."""

    def traced(self, *options):
        return self.run_tool([program("tampered_functions")], "-o", self.path("trace"), *options)

    def test_only_one_of_two_callers_fails(self):
        run = self.traced("--fault", "write@puts:error=ENOSPC")
        self.assertIn(b"puts -1 No space left on device\n", run.out)
        self.assertIn(b"write 6 ok\n", run.out)

    def test_deny(self):
        run = self.traced("--deny", "openat@fopen")
        self.assertIn(b"fopen NULL Operation not permitted\n", run.out)
        self.assertIn(b"open ok\n", run.out)

    def test_first_rule_wins(self):
        run = self.traced("--inject", "openat@fopen:error=ENOENT", "--inject", "openat@fopen:error=EIO")
        self.assertIn(b"fopen NULL No such file or directory\n", run.out)
        self.assertIn(b"never applied", run.err)

    def test_redirect(self):
        run = self.traced("--inject", 'openat@fopen:arg2="/dev/null"')
        self.assertIn(b"fopen empty\n", run.out)
        self.assertIn(b"open ok\n", run.out)

    def test_short(self):
        self.assertIn(b"read 3 abc\n", self.traced("--inject", "read@read:short=3").out)

    def test_corrupt_is_repeatable(self):
        rule = "read@read:corrupt=1:p=1,seed=5"
        first = self.traced("--inject", rule).out
        self.assertNotIn(b"read 6 abcdef\n", first)
        self.assertEqual(first, self.traced("--inject", rule).out)

    def test_condition(self):
        run = self.traced("--inject", "write@write:error=EIO:if=size>5")
        self.assertIn(b"write -1 Input/output error\n", run.out)
        run = self.traced("--inject", "write@write:error=EIO:if=size>6")
        self.assertIn(b"write 6 ok\n", run.out)
        run = self.traced("--inject", "openat@@file:error=EIO:if=path=/etc/hostn*")
        self.assertIn(b"fopen NULL Input/output error\n", run.out)

    def test_place_of_the_caller(self):
        run = self.traced("--inject", "openat@fopen:from=use_fopen:error=EIO")
        self.assertIn(b"fopen NULL Input/output error\n", run.out)
        run = self.traced("--inject", "openat@fopen:from=nobody:error=EIO")
        self.assertIn(b"fopen ok\n", run.out)

    def test_threads_count_for_themselves(self):
        run = self.traced("--inject", "write@write:error=EIO:when=1")
        self.assertIn(b"threads 2 failed\n", run.out)
        run = self.traced("--inject", "write@write:error=EIO:when=1:count=run")
        self.assertIn(b"threads 0 failed\n", run.out)

    def test_function_of_the_program(self):
        run = self.traced("--inject", "openat@::use_fopen:error=EIO")
        self.assertIn(b"fopen NULL Input/output error\n", run.out)
        self.assertIn(b"open ok\n", run.out)

    def test_own_scope(self):
        run = self.run_tool([program("own_scopes")], "-b", "none", "--fault", "write@scope:in*r,!scope:inner",
                            functions="raise")
        self.assertNotIn(b"handler\n", run.out)
        self.assertIn(b"in inner\n", run.out)

    def test_wrong_line_of_a_file(self):
        path = self.write("rules.ini", "[policy]\n\ndeny = !read@fo(o\n")
        run = self.traced("--config", path)
        self.assertEqual(run.status, 125)
        self.assertIn(f"{path}:3: [policy] deny '!read@fo(o': ".encode(), run.err)

    def test_wrong_rules_are_refused(self):
        for rule in ("read", "nosuch:error=EIO", "read:error=EFOO", "read:when=1"):
            run = self.traced("--inject", rule)
            self.assertEqual(run.status, 125, rule)
            self.assertIn(b"wc-preload: --inject", run.err)



class InTheProcess(Case):
    """Engine inproc: the same as by stops, and no stop for a system call that no rule is about."""

    def run_by(self, engine, argv, *options):
        trace = self.path(engine)
        run = self.run_tool(argv, "-E", engine, "-F", "@all,!pthread_create,!pthread_join", "-b", "json", "-o", trace, *options, gate=None)
        events = {}  # by thread
        for event in read_json(trace):
            if event["type"] in ("call", "return", "syscall") and event.get("name") != "getrandom":
                text = IDS_TOO.sub("N", str([event.get(key) for key in ("text", "args", "ret_text", "injected")]))
                events.setdefault(event["tid"], []).append((event["type"], event.get("function"), event.get("name"), text))
        return (run.out, run.status), next(iter(events.values()))  # others' descriptors depend on who comes first

    def assert_same(self, argv, *options):
        by_stops, its_events = self.run_by("ptrace", argv, *options)
        recorded, events = self.run_by("inproc", argv, *options)
        self.assertEqual(recorded, by_stops, options)
        self.assertEqual(events, its_events, options)

    def test_the_table(self):
        argv = [program("tampered"), self.write("target", "target of reads")]
        for rule in LIKE_STRACE:
            with self.subTest(rule=rule):
                self.assert_same(argv, "-e", rule)

    def test_in_functions(self):
        for options in (("--fault", "write@puts:error=ENOSPC"), ("--deny", "openat@fopen"),
                        ("--inject", "write@write:short=2"), ("--inject", "read:corrupt=every:seed=7"),
                        ("--inject", "write:p=0.5:seed=3:error=EIO"), ("--deny", "!write,read,close,%memory@printf")):
            with self.subTest(options=options):
                self.assert_same([program("tampered_functions")], *options)

    def test_what_no_rule_is_about_does_not_stop(self):
        run = self.run_tool([program("tampered_functions")], "-E", "inproc", "-F", "read,write,open", "-b", "none", "-v",
                            "--inject", "write@write:short=2", gate=None)
        self.assertIn(b"write 2 ok", run.out)
        stops = re.findall(r"(\d+) (\w+) in \w+ \((\w+)\)", run.err.decode())
        self.assertEqual({syscall for _, syscall, reason in stops if reason == "rule"}, {"write"}, run.err)
        self.assertNotIn("read", {syscall for _, syscall, _ in stops})


if __name__ == "__main__":
    main()
