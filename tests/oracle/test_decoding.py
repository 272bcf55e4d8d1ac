"""strace and the full-process mode, line by line, on real programs and on small ones that exercise one
family of structs each (programs/).

By hand, every difference of one command:
    WC_BUILD_DIR=/path/to/build python3 -B test_decoding.py --show ls -l /usr
"""
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import harness  # noqa: E402
from harness import Case, need  # noqa: E402
import traces  # noqa: E402

PROGRAMS = os.path.join(harness.BUILD, "tests/oracle/programs")
ENOUGH = 0.98
LIMIT = 20

HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
SHELL = """
for i in 1 2; do echo line $i; done | sort -r | head -1
x=$(echo inner); echo "$x" > out; cat < out; test -f out && rm out
"""
SQL = "create table t(a,b); insert into t values(1,'x'),(2,'y'); select * from t; drop table t;"
IMPORTS = "import json, subprocess, socket, threading; print(json.dumps([1]))"
REPOSITORY = """
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE='@1 +0' GIT_COMMITTER_DATE='@1 +0'
git init -q . && echo text > file && git add file &&
git -c user.name=n -c user.email=e commit -q -m message
"""

REDIS = """
redis-server --port 0 --unixsocket s --save "" >/dev/null &
for i in 1 2 3 4 5 6 7 8 9; do test -S s && break; sleep 0.2; done
redis-benchmark -s s -c 1 -n 100 -t set,get -q >/dev/null; redis-cli -s s shutdown nosave; wait
"""


def tree(folder):
    for i in range(6):
        os.makedirs(os.path.join(folder, f"d{i}/e"))
        for name in ("one", "two"):
            with open(os.path.join(folder, f"d{i}/e/{name}"), "w", encoding="ascii") as file:
                file.write(f"line {i}\n" * 50)


class Decoding(Case):
    comparisons = {}

    def run_both(self, argv, prepare=None, options=(), compare=traces.compare):
        self.env["PYTHONHASHSEED"] = "0"
        texts, pid = [], None
        for tool in ("strace", "wc"):
            folder = self.path("work")  # of the same name for both: it stands in their lines
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            if prepare:
                prepare(folder)
            trace = self.path(tool + ".trace")
            if tool == "strace":
                self.run_plain(["strace", "-f", *options, "-o", trace, "--", *argv], LIMIT, cwd=folder)
            else:
                events = self.path("events.json")
                self.run_tool(argv, "--scope=process", *options, "-b", f"text:output={trace}",
                              "-b", f"json:output={events}", limit=LIMIT, cwd=folder)
                pid = harness.read_json(events)[0]["pid"]
            with open(trace, encoding="ascii") as file:
                texts.append(file.read())
        return compare(*texts, pid)

    def check(self, name, argv, *more, **options):
        result = self.run_both(argv, *more, **options)
        self.comparisons[name] = result
        print(f"  {name}: {result.share:.2%} of {result.total} lines", flush=True)
        self.assertGreater(result.total, 10, "hardly anything traced")
        return result

    def shell(self, text):
        def prepare(folder):
            self.run_plain(["sh", "-c", text], cwd=folder)
        return prepare

    # ---- programs that nobody here wrote

    def test_ls(self):
        self.check("ls", ["ls", "-l", "/usr"])

    def test_cat(self):
        self.check("cat", ["cat", "/etc/passwd", "/no/such/file"])

    @need("bash")
    def test_bash(self):
        self.check("bash", ["bash", "-c", SHELL])

    def test_python(self):
        self.check("python3", ["/usr/bin/python3", "-S", "-c", IMPORTS])

    @need("git")
    def test_git(self):
        self.check("git log", ["git", "--no-pager", "log"], self.shell(REPOSITORY))
        self.check("git status", ["git", "status"], self.shell(REPOSITORY))

    @need("gcc")
    def test_gcc(self):
        def prepare(folder):
            with open(os.path.join(folder, "hello.c"), "w", encoding="ascii") as file:
                file.write(HELLO)
        self.check("gcc", ["gcc", "-c", "hello.c"], prepare)

    @need("tar")
    def test_tar(self):
        self.check("tar", ["tar", "cf", "all.tar", "."], tree)

    @need("sqlite3")
    def test_sqlite(self):
        self.check("sqlite3", ["sqlite3", "data.db", SQL])

    def test_find(self):
        self.check("find", ["find", ".", "-name", "one", "-size", "+1"], tree)

    def test_grep(self):
        self.check("grep", ["grep", "-r", "line 3", "."], tree)

    # ---- programs that are never the same twice: by kinds of lines

    @need("redis-server", "redis-benchmark", "redis-cli")
    def test_redis(self):
        self.check("redis", ["sh", "-c", REDIS], compare=traces.compare_kinds)

    def test_many_threads(self):
        self.check("many_threads", [harness.program("many_threads")],
                   compare=traces.compare_kinds)

    # ---- small programs

    def test_families(self):
        for name in sorted(os.listdir(PROGRAMS)):
            with self.subTest(name):
                self.check(name, [os.path.join(PROGRAMS, name)])

    # ---- options that change the lines

    def test_options(self):
        for option in ("-y", "-T", "-s7", "-tt", "-r"):
            with self.subTest(option):
                self.check("ls " + option, ["ls", "-l", "/usr"], options=[option])
        for name in ("sockets_unix", "polls", "copies"):
            with self.subTest(name):
                self.check(name + " -y", [os.path.join(PROGRAMS, name)], options=["-y"])

    # ---- all of them together; unittest runs this one last

    def test_zz_share(self):
        comparisons = self.comparisons.values()
        for shape, count, theirs, ours in traces.shapes(comparisons):
            print(f"{count:4} {shape}\n     strace: {theirs}\n     wc:     {ours}")
        total = sum(c.total for c in comparisons)
        share = sum(c.equal for c in comparisons) / total
        print(f"{share:.2%} of {total} lines of {len(self.comparisons)} commands are equal")
        self.assertGreaterEqual(share, ENOUGH)


def show(argv):
    options = [word for word in argv[:1] if word.startswith("-")]
    case = Decoding("run_both")
    case.setUp()
    try:
        result = case.run_both(argv[len(options):], options=options)
    finally:
        case.tearDown()
    for theirs, ours in result.differences:
        print("\n".join(["-" + line for line in theirs] + ["+" + line for line in ours]))
    print(f"{result.share:.2%} of {result.total}")


if __name__ == "__main__":
    if shutil.which("strace") is None:
        print("SKIP: strace is not installed")
        sys.exit(harness.SKIPPED)
    if sys.argv[1:2] == ["--show"]:
        show(sys.argv[2:])
    else:
        harness.main()
