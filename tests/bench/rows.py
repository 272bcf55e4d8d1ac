"""What is measured: one function makes one row, or a few of a kind."""

import os
import shutil
import subprocess

from plan import Row, Variant

PROGRAMS = ("call", "raw_write", "libc_write", "limit", "buffered_printf", "breakpoint", "threads", "backend_event")
GATES = ("dispatch", "trap", "socket")


class Tools:
    """How to run something native, traced by us, traced by strace."""

    def __init__(self, launcher, programs, folder, share):
        self.launcher = launcher
        self.programs = programs
        self.folder = folder
        self.share = share  # of the iterations of a full run
        self.strace = shutil.which("strace")
        self.cpu = max(os.sched_getaffinity(0))

    def program(self, name, iterations):
        return [os.path.join(self.programs, name), str(max(1, int(iterations * self.share)))]

    def native(self, command):
        return Variant("native", command)

    def ours(self, name, options, command):
        return Variant(name, [self.launcher, *options, "--", *command])

    def peer(self, command):
        variant = Variant("strace -f", ["strace", "-f", "-o", "/dev/null", *command])
        if not self.strace:
            variant.skipped = "strace is not installed"
        return variant

    def bound(self, variants):
        """The tracer and what it traces on one CPU."""
        for variant in variants:
            variant.command = ["taskset", "-c", str(self.cpu), *variant.command]
        return variants


    def beside_busy(self, variants):
        """Each while another program spins on the first CPU."""
        spin = ('taskset -c 0 sh -c "while :; do :; done" & spinner=$!; "$@"; status=$?; '
                "kill $spinner; exit $status")
        for variant in variants:
            variant.command = ["sh", "-c", spin, "sh", *variant.command]
        return variants


LIMIT = "limit row"
TEXT = ["-b", "text", "-o", "/dev/null"]
IN_PROCESS = ["-E", "inproc"]


def calls_without_syscalls(tools, function, what, slow):
    """`slow`: the gates that pay two stops or round trips for such a call."""
    call = [*tools.program("call", 20e6), function]
    few = [*tools.program("call", 10e3), function]
    summary = ["-c", "-o", "/dev/null"]
    variants = [tools.native(call)]
    for name, options in (("dispatch, `-b none`", ["-g", "dispatch", "-b", "none"]),
                          ("dispatch, `-b text`", ["-g", "dispatch", *TEXT]),
                          ("dispatch, `-c`", ["-g", "dispatch", *summary]),
                          ("inproc, `-b none`", [*IN_PROCESS, "-b", "none"]),
                          ("trap, `-b none`", ["-g", "trap", "-b", "none"]),
                          ("socket, `-b none`", ["-g", "socket", "-b", "none"])):
        is_slow = options[1] in slow
        variants.append(tools.ours(name, ["-F", function, *options], few if is_slow else call))
    return Row(f"wrapped call without syscalls, `{function}`: {what}", "ns", variants,
               {"dispatch, `-b none`": ("over", 20), "dispatch, `-b text`": ("over", 20)})


def outside_of_scopes(tools):
    command = tools.program("raw_write", 500e3)
    variants = [tools.native(command)]
    for gate in GATES:
        variants.append(tools.ours(gate, ["-F", "fopen", "-b", "none", "-g", gate], command))
    variants.append(tools.peer(tools.program("raw_write", 2e3)))
    # The same loop takes 137 or 190 ns in one process and the next, by where the kernel put them:
    # the best of several says what the gate costs. 1.03 for 1.00: what is left of that noise.
    return Row("syscall outside of scopes (write of one byte), best of 5", "ns", variants,
               {"trap": ("times", 1.03), "socket": ("times", 1.03), "dispatch": ("over", 60)},
               runs=5, pick="best")


def outside_at_patched_site(tools):
    command = tools.program("libc_write", 500e3)
    return Row("syscall outside of scopes at a patched site (libc's write), best of 5", "ns",
               [tools.native(command),
                tools.ours("inproc", [*IN_PROCESS, "-F", "fopen", "-b", "none"], command)],
               {"inproc": ("over", 5)}, runs=5, pick="best")


def reported_syscall(tools, bound):
    command = tools.program("libc_write", 2e6)
    slow = tools.program("libc_write", 10e3)
    variants = [tools.native(command), tools.peer(slow)]
    for gate in GATES:
        for backend, options in (("text", TEXT), ("none", ["-b", "none"])):
            variants.append(tools.ours(f"{gate}, `-b {backend}`",
                                       ["-F", "write", "-g", gate, *options], slow))
    for backend, options in (("text", TEXT), ("none", ["-b", "none"])):
        variants.append(tools.ours(f"inproc, `-b {backend}`",
                                   [*IN_PROCESS, "-F", "write", *options],
                                   tools.program("libc_write", 500e3)))
    if bound:
        tools.bound(variants)
    where = f"all on CPU {tools.cpu}" if bound else "unbound"
    return Row(f"reported syscall, one a call (write of one byte), {where}", "ns", variants,
               {"dispatch, `-b text`": ("share", 1.2 if bound else 0.35),
                "inproc, `-b text`": ("over", 45), "inproc, `-b none`": ("over", 45)})


def recorded_syscall(tools, where):
    """Of the limit row: the least that recording costs (limit.c). Hosts differ by a factor of three in what a cache
    line costs that another CPU has touched, so this is judged, and not nanoseconds."""
    count = 2e6
    command = tools.program("libc_write", count)
    inproc = [*IN_PROCESS, "-F", "write"]
    raw = os.path.join(tools.folder, "limit.raw")
    variants = [tools.native(command), Variant(LIMIT, tools.program("limit", count)),
                tools.ours("inproc, `-b none`", [*inproc, "-b", "none"], command),
                tools.ours("inproc, `--record`", [*inproc, "--record", raw], tools.program("libc_write", 500e3)),
                tools.ours("inproc, a rule for another call", [*inproc, "-b", "none", "--inject", "read:error=EIO"], command),
                tools.ours("inproc, `--control`", [*inproc, "-b", "none", "--control", os.path.join(tools.folder, "c")],
                           command)]
    if where == "bound":
        tools.bound(variants)
    if where == "busy":
        tools.beside_busy(variants)
    places = {"bound": f"all on CPU {tools.cpu}", "unbound": "unbound", "busy": "another program busy on CPU 0"}
    return Row(f"recorded syscall, one a call (write of one byte), {places[where]}", "ns", variants,
               {"inproc, `-b none`": ("share", 1.8), "inproc, `--record`": ("share", 2.2),
                "inproc, a rule for another call": ("share", 1.98)}, reference=LIMIT)


def switched_off(tools):
    """A call of a function that --prepare wraps and nobody has switched on, or that is not sampled."""
    call = [*tools.program("call", 20e6), "feof"]
    control = ["--control", os.path.join(tools.folder, "c")]
    return Row("wrapped call without syscalls, `feof`, switched off or not sampled", "ns",
               [tools.native(call),
                tools.ours("on", ["-F", "feof", "-b", "none", *IN_PROCESS], call),
                tools.ours("on, `--control`", ["-F", "feof", "-b", "none", *IN_PROCESS, *control], call),
                tools.ours("prepared, off", ["-F", "fopen", "--prepare", "feof", "-b", "none", *IN_PROCESS, *control], call),
                tools.ours("`--every 1000000`", ["-F", "feof", "--every", "1000000", "-b", "none", *IN_PROCESS], call)],
               {"prepared, off": ("over", 3)})


def scaling(tools):
    """What a thread pays must not depend on how many there are; the time is each thread's own."""
    for threads in (1, 2, 8, 32):
        command = [*tools.program("threads", 100e3), str(threads)]
        where = f"{threads} threads" if threads > 1 else "one thread"
        yield Row(f"reported syscall, {where}, 100,000 each: processor time of a thread", "ns",
                  [tools.native(command),
                   tools.ours("inproc, `-b none`", [*IN_PROCESS, "-F", "write", "-b", "none"], command),
                   tools.ours("inproc, `-b text`", [*IN_PROCESS, "-F", "write", *TEXT], command)])


def buffered_printf(tools, buffer, what):
    command = [*tools.program("buffered_printf", 1e6), str(buffer)]
    gate = ["-g", "dispatch"]
    return Row(
        f"a million buffered `printf`, each, {what}", "ns",
        [tools.native(command),
         tools.ours("dispatch, `-F printf`", [*gate, "-F", "printf", *TEXT], command),
         tools.ours("dispatch, default functions", [*gate, *TEXT], command),
         tools.ours("inproc, `-F printf`", [*IN_PROCESS, "-F", "printf", *TEXT], command),
         tools.peer(command)],
        {"dispatch, `-F printf`": ("times", 1.5), "inproc, `-F printf`": ("times", 1.3)})


# ---- real programs, default functions


def real_row(tools, title, command, before=None):
    return Row(title, "ms",
               [tools.native(command),
                tools.ours("dispatch", ["-g", "dispatch", *TEXT], command),
                tools.ours("inproc", [*IN_PROCESS, *TEXT], command),
                tools.peer(command)],
               {"dispatch": ("share", 0.5), "inproc": ("times", 1.1)}, timed_by="wall", before=before or [])


def skipped_row(title, why):
    return Row(title, "ms", [Variant("native", [], skipped=why)])


def make_repository(folder):
    """Twenty folders of twenty files, committed."""
    os.mkdir(folder)
    for number in range(400):
        path = os.path.join(folder, f"folder{number % 20}", f"file{number}.txt")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(f"line of file {number}\n" * 50)
    git = ["git", "-C", folder, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "files"]):
        subprocess.run([*git, *words], check=True, stdout=subprocess.DEVNULL, timeout=60)


SQL = """create table t(id integer primary key, name text, value real);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
  insert into t select i, 'name ' || i, i * 0.5 from n;
commit;
create index by_name on t(name);
"""


GDB_SCRIPT = """python
class Passed(gdb.Breakpoint):
    def stop(self):
        return False
Passed("scope")
end
run
"""


def breakpoint_scope(tools):
    """Entry and return seen, by two stops here, by the kernel's uprobes with bpftrace; the entry
    alone by gdb, with the cheapest handler that it has."""
    few = tools.program("breakpoint", 10e3)
    script = os.path.join(tools.folder, "passed.gdb")
    with open(script, "w") as file:
        file.write(GDB_SCRIPT)
    at = f"{few[0]}:scope"
    gdb = Variant("gdb, entry only", ["gdb", "-q", "-batch", "-nx", "-x", script, "--args", *few])
    bpftrace = Variant("bpftrace, uprobe and uretprobe", [
        "bpftrace", "-e", f"uprobe:{at} {{ @in = count(); }} uretprobe:{at} {{ @out = count(); }}",
        "-c", " ".join(tools.program("breakpoint", 500e3))])
    for peer, command in ((gdb, "gdb"), (bpftrace, "bpftrace")):
        if not shutil.which(command):
            peer.skipped = f"{command} is not installed"
    if os.geteuid() != 0:
        bpftrace.skipped = "needs root"
    variants = [tools.native(tools.program("breakpoint", 20e6)),
                tools.ours("`-B`, `-b none`", ["-B", "scope", "-b", "none"], few), gdb, bpftrace]
    return Row("function with a breakpoint, no syscalls", "ns", variants)


COUNTING = """local count = 0
function call(e) count = count + 1 end
function syscall_exit(e) count = count + 1 end
function ret(e) count = count + 1 end
"""
READING = """local open, by_name = {}, {}
function call(e) open[e.call] = e["function"] end
function syscall_exit(e) by_name[e.name] = (by_name[e.name] or 0) + e.dur end
function ret(e) open[e.call] = nil end
"""
ALL_KEYS = COUNTING + "function unused(e) for key in pairs(e) do end end\n"


def scripts(tools):
    """The tracer's part, measured without one: an event handed to a script that fills in what it reads."""
    def event(name, *words):
        return Variant(name, [*tools.program("backend_event", 500e3), *words])

    def script(name, text):
        path = os.path.join(tools.folder, f"{len(text)}.lua")
        with open(path, "w") as file:
            file.write(text)
        return event(name, "lua", f"script={path}")
    variants = [event("`-b none`", "none"), event("`-b json`", "json"), script("script that counts", COUNTING),
                script("script that reads two keys", READING), script("script that gets all keys", ALL_KEYS)]
    if subprocess.run([*tools.program("backend_event", 1), *variants[2].command[2:]], capture_output=True).returncode != 0:
        for variant in variants[2:]:
            variant.skipped = "built without lua"
    return Row("one event (call, system call or return) to a back end", "ns", variants,
               {variant.name: ("over", 1000) for variant in variants[2:]})


def real_programs(tools, source):
    folder = tools.folder

    def inside(name):
        return os.path.join(folder, name)

    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else shutil.which("python3")
    yield real_row(tools, "`python3 -c 'import json, ssl, asyncio, unittest'`",
                   [python, "-c", "import json, ssl, asyncio, unittest"])

    if shutil.which("git"):
        make_repository(inside("repository"))
        yield real_row(tools, "`git status`, 400 files",
                       ["git", "-C", inside("repository"), "status"])
    else:
        yield skipped_row("`git status`", "git is not installed")

    scope = os.path.join(source, "preload_lib", "scope.c")
    yield real_row(tools, "`gcc -O2 -c` (preload_lib/scope.c)",
                   ["gcc", "-O2", "-I", source, "-c", scope, "-o", inside("scope.o")])

    tree = "/usr/include/linux"
    yield real_row(tools, f"`tar cf FILE {tree}`",
                   ["tar", "cf", inside("archive.tar"), "-C", "/", tree[1:]])

    if shutil.which("sqlite3"):
        forget = ["rm", "-f", inside("bulk.db"), inside("bulk.db-journal")]
        yield real_row(tools, "`sqlite3`, bulk insert with an index",
                       ["sqlite3", inside("bulk.db"), SQL.format(rows=int(100e3 * tools.share))],
                       before=forget)
    else:
        yield skipped_row("`sqlite3` bulk insert", "sqlite3 is not installed")


def redis(tools):
    """A server under load: its rate is what counts, not how long it lives."""
    title = "`redis-server`, set and get by `redis-benchmark`"
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        return skipped_row(title, "redis-server or redis-benchmark is not installed")
    socket = os.path.join(tools.folder, "redis.sock")
    row = real_row(tools, title, ["redis-server", "--port", "0", "--unixsocket", socket,
                                  "--save", "", "--daemonize", "no"])
    requests = max(1000, int(100e3 * tools.share))
    row.load = f"redis-benchmark -s {socket} -q -n {requests} -t set,get"
    row.timed_by, row.unit = "load", "requests/s"
    row.figure = {"pattern": "([0-9.]+) requests per second", "better": "more"}
    return row


def start_up(tools):
    row = real_row(tools, "start-up: `/bin/true`, tracer included", ["/bin/true"])
    row.runs = 5
    row.targets = {}
    return row


def further_processes(tools):
    count = 20
    loop = f"i=0; while [ $i -lt {count} ]; do /bin/true; i=$((i + 1)); done"
    row = real_row(tools, f"each further process (`sh` runs `/bin/true` {count} times)",
                   ["/bin/sh", "-c", loop])
    row.per = count
    row.targets = {"dispatch": ("over", 5)}
    return row


def all_rows(tools, source):
    yield calls_without_syscalls(tools, "feof", "opens the gate", ("trap", "socket"))
    yield calls_without_syscalls(tools, "labs", "known never to enter the kernel", ())
    yield outside_of_scopes(tools)
    yield outside_at_patched_site(tools)
    yield reported_syscall(tools, bound=True)
    yield reported_syscall(tools, bound=False)
    for where in ("bound", "unbound", "busy"):
        yield recorded_syscall(tools, where)
    yield switched_off(tools)
    yield from scaling(tools)
    yield buffered_printf(tools, 0, "stdio's buffer of 4 KiB")
    yield buffered_printf(tools, 64 << 10, "buffer of 64 KiB")
    yield breakpoint_scope(tools)
    yield scripts(tools)
    yield from real_programs(tools, source)
    yield redis(tools)
    yield start_up(tools)
    yield further_processes(tools)
