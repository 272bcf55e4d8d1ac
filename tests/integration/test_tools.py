"""Transparency on programs that nobody here wrote, with all functions wrapped and with the default
ones, under the gate of this run. Sizes are chosen so that the gates that stop at every call
(trap, socket: 20 to 60 microseconds) stay within seconds."""
import os
import shutil
import socket
import subprocess
import unittest

import harness
from harness import Case, GATE, need

FAST = GATE in ("inproc", "dispatch", "auto")

BASH = r"""
trap 'echo exit trap $?' EXIT
trap 'echo got USR1' USR1
kill -USR1 $$
for i in 1 2 3; do echo line $i; done | tr a-z A-Z | { read -r first; echo "first: $first"; cat; }
(cd /; pwd; exit 3) || echo subshell $?
x=$(printf '%s ' {1..20} | wc -w)
echo words $x
set -o pipefail
false | true; echo pipefail $?
cat <(echo process substitution); cat <<< 'here string'
sleep 5 & job=$!
sleep 0.3; kill $job; { wait $job; } 2>/dev/null; echo job $?
coproc { read -r l; echo "co $l"; }
echo hello >&${COPROC[1]}; read -r answer <&${COPROC[0]}; echo $answer
ulimit -c 0; { (kill -SEGV $BASHPID); } 2>/dev/null; echo died $?
exit 9
"""

PYTHON_SMALL = r"""
import subprocess, threading
out = []
threads = [threading.Thread(target=lambda n=n: out.append(n * n)) for n in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out), subprocess.run(['echo', 'child'], capture_output=True).stdout)
"""

PYTHON = PYTHON_SMALL + r"""
import asyncio, ssl, json, tempfile, os, signal
context = ssl.create_default_context()
print(context.verify_mode, len(ssl.RAND_bytes(16)))
async def serve(reader, writer):
    writer.write((await reader.readline()).upper()); await writer.drain(); writer.close()
async def main():
    path = os.path.join(os.getcwd(), 'asyncio.socket')
    server = await asyncio.start_unix_server(serve, path)
    answers = []
    for i in range(5):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'hello %d\n' % i)
        answers.append(await reader.readline())
        writer.close()
    server.close()
    child = await asyncio.create_subprocess_exec('sh', '-c', 'echo async; exit 3', stdout=-1)
    print(answers, await child.communicate(), child.returncode)
    print(await asyncio.get_running_loop().run_in_executor(None, sum, range(100)))
asyncio.run(main())
signal.signal(signal.SIGALRM, lambda *_: print('alarm'))
signal.setitimer(signal.ITIMER_REAL, 0.02); signal.pause()
with tempfile.TemporaryDirectory() as d:
    json.dump({'a': [1, 2]}, open(d + '/x', 'w')); print(open(d + '/x').read())
raise SystemExit(4)
"""

SQL = """
create table t(a integer primary key, b text);
begin;
with recursive n(i) as (select 1 union all select i+1 from n where i < 20000)
  insert into t select i, 'text ' || i from n;
commit;
select count(*), sum(a), max(b) from t;
insert into t values(1, 'twice');
"""


def tree(folder):
    """Names and contents below a folder."""
    seen = {}
    for path, _, files in os.walk(folder):
        for name in files:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                seen[os.path.relpath(full, folder)] = file.read()
    return seen


class Small(Case):
    def test_ls(self):
        # Access times and sizes in / may change under us; those of a folder of our own do not.
        def prepare(folder):
            for name in ("b", "a", "c"):
                path = os.path.join(folder, name)
                with open(path, "w") as file:
                    file.write(name * 100)
                os.utime(path, (1000000000, 1000000000))
            os.symlink("a", os.path.join(folder, "link"))
        self.compare_both(["ls", "-lR", "--time-style=full-iso", "/etc/apt"])
        self.compare_both(["ls", "-l", "a", "b", "c"], prepare=prepare)
        self.assertEqual(self.compare_both(["ls", "/nonexistent"]).status, 2)

    def test_env_shows_nothing_of_the_tool(self):
        native = self.compare_both(["env"])
        self.assertNotIn(b"LD_PRELOAD", native.out)
        self.env["LD_PRELOAD"] = "libm.so.6"  # the user's own stays, alone
        self.assertIn(b"LD_PRELOAD=libm.so.6\n", self.compare_both(["env"]).out)

    @need("gcc")
    def test_a_program_under_address_sanitizer(self):
        """Its run-time library must be the first of all, and it knows what a call may read and write."""
        source = self.write("heap.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                            "int main(int n, char **v) { char *p = strdup(v[0]); puts(n > 1 ? \"over\" : \"in\");\n"
                            "  fflush(stdout); memset(p, 0, n > 1 ? strlen(v[0]) + 2 : 1); free(p); return 5; }\n")
        heap = self.path("heap")
        self.assertEqual(self.run_plain(["gcc", "-g", "-fsanitize=address", "-o", heap, source]).status, 0)
        # LeakSanitizer traces its own process, which somebody does already.
        self.env["ASAN_OPTIONS"] = "detect_leaks=0"
        self.assertEqual(self.compare_both([heap]).status, 5)
        found = self.run_tool([heap, "more"], "-o", "/dev/null", functions="@all")
        self.assertIn(b"heap-buffer-overflow", found.err)

    def test_another_preload_comes_first(self):
        self.env["LD_PRELOAD"] = os.path.join(harness.EXAMPLES, "own_rand.so")
        native = self.compare_both([os.path.join(harness.EXAMPLES, "random")])
        self.assertIn(b"rand gives", native.out)

    def test_find(self):
        self.compare(["find", "/usr/include", "-maxdepth", "2", "-name", "*.h", "-newer", "/etc/passwd"],
                     functions="@all", limit=40)
        self.compare(["find", "/usr/share/doc", "-maxdepth", "2", "-type", "f"] if FAST else
                     ["find", "/usr/share/perl", "-type", "d"], limit=60)

    @need("tar")
    def test_tar(self):
        def prepare(folder):
            os.mkdir(os.path.join(folder, "in"))
            for i in range(60):
                path = os.path.join(folder, "in", f"file{i}")
                with open(path, "wb") as file:
                    file.write(bytes([i]) * (i * 311))
                os.utime(path, (1000000000 + i, 1000000000 + i))
            os.utime(os.path.join(folder, "in"), (1000000000, 1000000000))
        # To a file: GNU tar does not read what it writes to /dev/null.
        self.compare_both(["tar", "--sort=name", "-cf", "out.tar", "in"], prepare=prepare, look=tree)
        self.compare_both(["tar", "-czf", "out.tgz", "in"], prepare=prepare,
                          look=lambda folder: sorted(tree(folder)))


class Interpreters(Case):
    @need("bash")
    def test_bash(self):
        script = self.write("script.sh", BASH)
        native = self.compare_both(["bash", script], limit=40)
        self.assertEqual(native.status, 9)
        for line in (b"first: LINE 1", b"subshell 3", b"words 20", b"pipefail 1", b"job 143",
                     b"co hello", b"died 139", b"exit trap 9"):
            self.assertIn(line, native.out)

    def test_python_all_functions(self):
        # With every malloc wrapped, an import costs seconds under the gates that stop each time.
        source, status = (PYTHON, 4) if FAST else (PYTHON_SMALL, 0)
        words = ["/usr/bin/python3", "-I", "-S", "-c", source]
        self.assertEqual(self.compare(words, functions="@all", limit=60).status, status)

    def test_python_default_functions(self):
        native = self.compare(["/usr/bin/python3", "-I", "-c", PYTHON], limit=60)
        self.assertEqual(native.status, 4)
        self.assertIn(b"alarm", native.out)


class Development(Case):
    @need("git")
    def test_git_log(self):
        repository = self.path("repository")
        os.mkdir(repository)
        self.env.update(GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a",
                        GIT_COMMITTER_EMAIL="a@b", GIT_CONFIG_NOSYSTEM="1", GIT_PAGER="cat",
                        GIT_AUTHOR_DATE="1000000000 +0000", GIT_COMMITTER_DATE="1000000000 +0000")
        def git(*words):
            subprocess.run(["git", *words], cwd=repository, env=self.env, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
        git("init")
        for i in range(15):
            with open(os.path.join(repository, f"file{i % 5}"), "a") as file:
                file.writelines(f"line {i} {n}\n" for n in range(20))
            git("add", ".")
            git("commit", "-m", f"commit {i}")
        native = self.compare_both(["git", "-C", repository, "log", "-p"], limit=40)
        self.assertEqual(native.out.count(b"\ncommit "), 14)
        self.compare_both(["git", "-C", repository, "status"], limit=40)

    @need("gcc")
    def test_gcc(self):
        # A file of this project when all is cheap, else one that is smaller.
        source = os.path.join(harness.ROOT, "examples/sample_backend.c")
        words = ["gcc", "-O2", "-c", "-I", os.path.join(harness.ROOT, "backends"), source, "-o", "o.o"]
        self.compare(words, functions="@all" if FAST else "@all,!@memory,!@string", limit=80,
                     look=tree)
        self.compare(words, limit=60, look=tree)
        broken = self.write("broken.c", "int main(void) { return undeclared; }\n")
        self.assertEqual(self.compare(["gcc", "-c", broken], limit=60).status, 1)


class Databases(Case):
    @need("sqlite3")
    def test_sqlite_bulk_insert(self):
        words = ["sqlite3", "data.db", SQL if FAST else SQL.replace("20000", "2000")]
        native = self.compare(words, functions="@all", limit=60)
        self.assertIn(b"UNIQUE constraint failed", native.err)
        self.compare(words, limit=40)

    @need("redis-server", "redis-benchmark", "redis-cli")
    def test_redis_under_benchmark(self):
        for functions, requests in (("@all", "1000" if FAST else "100"), (None, "500")):
            with self.subTest(functions=functions):
                self.redis(functions, requests)

    def redis(self, functions, requests):
        path = os.path.join(self.fresh_folder(), "redis")
        words = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", self.dir]
        options = ["-b", "json", "-o", self.path("trace.json")]
        server = self.start(self.tool_argv(words, *options, functions=functions))
        harness.wait_until(lambda: os.path.exists(path) or server.popen.poll() is not None, 30,
                           "redis-server's socket")
        for turn in range(harness.SOAK):
            bench = self.run_plain(["redis-benchmark", "-s", path, "-n", requests, "-c", "10", "-q",
                                    "-t", "set,get,lpush,lrange_100"], limit=60)
            self.assertEqual(bench.status, 0, bench)
            self.assertEqual(bench.out.count(b"requests per second"), 5, bench)
        self.run_plain(["redis-cli", "-s", path, "set", "k", "v"])
        self.assertEqual(self.run_plain(["redis-cli", "-s", path, "get", "k"]).out, b"v\n")
        self.run_plain(["redis-cli", "-s", path, "shutdown", "nosave"])
        result = self.finish(server, 20)
        self.assertEqual(result.status, 0, result)
        self.assert_nothing_left()
        self.assertIn(b"bye bye", result.out)
        self.assertTrue(any(e["type"] == "syscall" for e in harness.read_json(self.path("trace.json"))))


if __name__ == "__main__":
    harness.main()
