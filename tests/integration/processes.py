"""Finding, showing and ending the processes that a test started, and no others.

The test process makes itself a child subreaper: whatever it starts, however often that forks,
daemonises or changes its session, stays below it in the tree of parents. So "everything that this
run left behind" is a question with an exact answer, and nothing is ever found or killed by name.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def read_text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError as error:
        return f"({error.strerror})\n"


def stat_fields(pid):
    """Name, state and parent of a process, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            line = file.read()
    except OSError:
        return None
    name_end = line.rindex(")")
    state, parent = line[name_end + 2:].split()[:2]
    return line[line.index("(") + 1:name_end], state, int(parent)


def is_running(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[1] != "Z"


def descendants(root=None):
    """All processes below `root` (default: this one), parents before children."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(entry)
            if fields:
                children.setdefault(fields[2], []).append(int(entry))
    found, queue = [], [root or os.getpid()]
    while queue:
        for child in sorted(children.get(queue.pop(0), [])):
            found.append(child)
            queue.append(child)
    return found


def wake_ups(pid):
    """How often the threads of a process have waited for something so far."""
    count = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        text = read_text(f"/proc/{pid}/task/{tid}/status") or ""
        count += sum(int(line.split()[1]) for line in text.splitlines()
                     if line.startswith("voluntary_ctxt_switches:"))
    return count


def reap_orphans(keep=()):
    """Collects the zombies that were re-parented to us; those in `keep` are somebody's to wait for."""
    for pid in descendants():
        fields = stat_fields(pid)
        if pid not in keep and fields and fields[1] == "Z" and fields[2] == os.getpid():
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def describe(pid):
    command = read_text(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    return f"{pid} {stat_fields(pid)} {command}"


def dump_stacks(pids, out=sys.stdout):
    """What every thread is doing, as far as /proc and gdb tell."""
    for pid in pids:
        print(f"--- process {describe(pid)}", file=out)
        status = read_text(f"/proc/{pid}/status")
        wanted = ("State", "PPid", "TracerPid", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")
        print("\n".join(l for l in status.splitlines() if l.split(":")[0] in wanted), file=out)
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for tid in threads:
            task = f"/proc/{pid}/task/{tid}"
            print(f"  thread {tid} {read_text(task + '/comm').strip()}"
                  f" wchan={read_text(task + '/wchan').strip()}"
                  f" syscall={read_text(task + '/syscall').strip()}", file=out)
            print(read_text(task + "/stack"), end="", file=out)
        gdb_stack(pid, out)
    out.flush()


def gdb_stack(pid, out):
    if not shutil.which("gdb"):
        print("  (no gdb)", file=out)
        return
    fields = stat_fields(pid)
    if not fields or fields[1] == "Z":
        return
    try:
        got = subprocess.run(
            ["gdb", "-batch", "-nx", "-p", str(pid), "-ex", "thread apply all bt 30"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=20, env=dict(os.environ, DEBUGINFOD_URLS=""))
        print(got.stdout.decode(errors="replace"), file=out)
    except subprocess.TimeoutExpired:
        print("  (gdb did not end)", file=out)


def dump_and_kill(root=None, out=sys.stdout):
    """Stacks of all parties, then the end of them. The tracer is shown and killed first: only then
    can gdb look into the programs that it traced."""
    pids = descendants(root)
    tracers = [p for p in pids if (stat_fields(p) or ("",))[0] == "wc-tracerd"]
    dump_stacks(tracers, out)
    for pid in pids:
        if pid not in tracers:
            print(f"--- traced or bystander {describe(pid)}", file=out)
            for name in ("stack", "wchan", "syscall"):
                print(f"  {name}: {read_text(f'/proc/{pid}/{name}').strip()}", file=out)
    for pid in tracers:
        kill(pid)
    time.sleep(0.1)
    dump_stacks([p for p in pids if p not in tracers], out)
    kill_all(root)


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def kill_all(root=None):
    # Again and again, because a process that forks while we look has a new child.
    for _ in range(50):
        alive = [p for p in descendants(root) if (stat_fields(p) or ("", "Z"))[1] != "Z"]
        if not alive:
            return
        for pid in alive:
            kill(pid)
        time.sleep(0.02)
