"""Two traces of the same command, made comparable: split by thread, cut lines joined, and what differs
between any two runs replaced.

A thread's name is its path in the tree of children ("0", "0.1", "0.1.0"), so that threads are matched
whatever their ids are.
"""
import collections
import dataclasses
import difflib
import re

# System calls of whose arguments and result some are process ids.
WITH_PIDS = {
    "clone", "clone3", "fork", "vfork", "wait4", "waitid", "getpid", "gettid", "getppid", "getpgid",
    "getpgrp", "getsid", "setpgid", "setsid", "set_tid_address", "kill", "tkill", "tgkill", "futex",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "prlimit64", "pidfd_open", "kcmp", "process_vm_readv",
    "process_vm_writev", "fcntl", "ioctl", "timer_create", "getsockopt", "sendmsg", "recvmsg",
    "sched_getaffinity", "sched_setaffinity", "get_robust_list", "bind", "getsockname"}
CHILDREN = ("clone(", "clone3(", "fork(", "vfork(")

CUT = re.compile(r" ?<unfinished \.\.\.>$")
# What -t, -tt, -ttt and -r put in front, the shape of it.
STAMP = re.compile(r"^(?:(\d\d:\d\d:\d\d)(\.\d{6})?|( *\d+\.\d{6})) (?=\S)")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>")
# What no two runs have in common, in this order.
VOLATILE = [(re.compile(pattern), replacement) for pattern, replacement in (
    (r"\)\s+= ", ") = "),                                  # strace aligns results
    (r"0x[0-9a-f]{6,16}\b", "ADDRESS"),
    (r"/\* \d{4}-\d\d-\d\dT[^*]*\*/", "/* DATE */"),
    (r"\((\d{4}-\d\d-\d\dT[^)]*)\)", "(DATE)"),
    (r"(ru_[us]time)=\{[^}]*\}", r"\1=TIME"),
    (r"(tv_sec|tv_nsec|tv_usec|\w+_[acdrs]time)=-?\d{4,}", r"\1=TIME"),
    (r"(si_[us]time)=\d+( /\*[^*]*\*/)?", r"\1=TIME"),
    (r"^(time\(\[)\d+", r"\1TIME"),
    (r"^(time|times|alarm)\((.*) = \d+", r"\1(\2 = TIME"),
    (r"^(times)\(\{.*\}\)", r"\1({...})"),
    (r"^(getrandom\()\"[^\"]*\"", r'\1"..."'),
    (r"htons\([3-6]\d{4}\)", "htons(PORT)"),
    (r"/cc\w{6}\b", "/ccXXXXXX"),                         # gcc's temporary files
    (r"(socket|pipe):\[\d+\]", r"\1:[INODE]"),
    (r" <\d+\.\d{6}>", " <TIME>"),
    (r"^sysinfo\(\{.*\}", "sysinfo({...}"),
    (r"(f_\w*(?:free|avail))=\d+", r"\1=FREE"),
    (r"([sl]pid|pid)=\d{2,}", r"\1=PID"),
    (r"^(getp?s?g?rp|getsid|getpgid|setsid)(\(.*\)) = \d+", r"\1\2 = GROUP"),
    (r"^((?:shm|msg|sem)(?!get)\w+\()\d+", r"\1ID"),
    (r"^((?:shm|msg|sem)get\(.*\)) = \d+", r"\1 = ID"),
    (r"^((?:add_key|keyctl)\(.*\)) = \d+", r"\1 = KEY"),
    # Contents that hold times, random bytes or addresses: git's index and its checksum, /proc/PID/maps.
    (r'"(DIRC)[^"]*"(\.\.\.)?', r'"\1..."'),
    (r'"[0-9a-f]{12}-[0-9a-f]{12} [^"]*"\.\.\.', '"MAPS..."'),
    (r'^(pread64|write)(\(\d+, )"[^"]*", 20\b', r"\1\2CHECKSUM, 20"),
)]


@dataclasses.dataclass
class Comparison:
    equal: int
    total: int
    differences: list  # (strace's lines, our lines)

    @property
    def share(self):
        return self.equal / self.total if self.total else 1.0


def split(text, first):
    """Lines by thread id, cut lines joined. strace writes "PID text", we "[pid PID] text" or, until
    there is a second thread, the text alone: it is that of thread `first`."""
    threads = collections.OrderedDict()
    for line in text.splitlines():
        found = re.match(r"(?:\[pid )?(\d+)\]?\s+(.*)", line)
        tid, said = found.groups() if found else (first, line)
        threads.setdefault(tid, []).append(said)
    return {tid: join(lines) for tid, lines in threads.items()}


def join(lines):
    joined, begun = [], None
    for line in lines:
        if RESUMED.match(line) and begun is not None:
            line, begun = begun + RESUMED.sub("", line), None
        if CUT.search(line):
            begun = CUT.sub("", line)
        else:
            joined.append(line)
    if begun is not None:
        joined.append(begun + " <unfinished ...>")
    return joined


def name_threads(threads):
    """Thread ids to names: the n-th child of thread T is T.n."""
    if not threads:
        return {}
    root = next(iter(threads))
    names, todo = {root: "0"}, [root]
    while todo:
        parent = todo.pop()
        count = 0
        for line in threads.get(parent, ()):
            found = re.search(r"= (\d+)$", line) if line.startswith(CHILDREN) else None
            if found and found.group(1) not in names:
                names[found.group(1)] = f"{names[parent]}.{count}"
                todo.append(found.group(1))
                count += 1
    return names


def normalise(line, names):
    stamp = STAMP.match(line)
    if stamp:
        line = f"{line[stamp.end():]} @{re.sub('[0-9]', '9', stamp.group().strip())[-15:]}"
    call = line.split("(", 1)[0]
    line = re.sub(r"(?<=/proc/)\d+", lambda m: named(m.group(), names), line)
    line = re.sub(r"(si_pid|si_tid)=(\d+)", lambda m: f"{m[1]}={named(m[2], names)}", line)
    if call in WITH_PIDS:
        line = re.sub(r"(?<![\w.])\d+\b", lambda m: named(m.group(), names), line)
    if call == "getppid":
        line = re.sub(r"= \d+$", "= PARENT", line)
    for pattern, replacement in VOLATILE:
        line = pattern.sub(replacement, line)
    return line


def named(number, names):
    return f"P{names[number]}" if number in names else number


def by_name(text, first):
    threads = split(text, first)
    names = name_threads(threads)
    return {names.get(tid, "?" + str(tid)): [normalise(line, names) for line in lines]
            for tid, lines in threads.items()}


def compare(strace_text, our_text, our_pid):
    """`our_pid`: of the program in our trace."""
    return compare_lines(by_name(strace_text, None), by_name(our_text, str(our_pid)))


def compare_lines(theirs, ours):
    result = Comparison(0, 0, [])
    for name in theirs.keys() | ours.keys():
        a, b = theirs.get(name, []), ours.get(name, [])
        matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
        result.equal += sum(block.size for block in matcher.get_matching_blocks())
        result.total += max(len(a), len(b))
        for tag, i, j, k, m in matcher.get_opcodes():
            if tag != "equal":
                result.differences.append((a[i:j], b[k:m]))
    return result


def kind_of(line):
    """The line without its numbers and strings."""
    return re.sub(r"\d+", "N", re.sub(r'"(?:[^"\\]|\\.)*"(\.\.\.)?', "S", line))


def compare_kinds(strace_text, our_text, our_pid):
    """For programs whose lines come in another order and number each time: which kinds of lines
    there are at all."""
    kinds = [{kind_of(line) for lines in trace.values() for line in lines}
             for trace in (by_name(strace_text, None), by_name(our_text, str(our_pid)))]
    theirs, ours = kinds
    differences = [([kind], []) for kind in sorted(theirs - ours)]
    differences += [([], [kind]) for kind in sorted(ours - theirs)]
    return Comparison(len(theirs & ours), len(theirs | ours), differences)


def shapes(comparisons):
    """How often lines of which system call differ, with one example each: most frequent first."""
    counts, examples = collections.Counter(), {}
    for comparison in comparisons:
        for theirs, ours in comparison.differences:
            for i in range(max(len(theirs), len(ours))):
                left = theirs[i] if i < len(theirs) else "(no line)"
                right = ours[i] if i < len(ours) else "(no line)"
                shape = re.split(r"[ (]", left if left != "(no line)" else right, maxsplit=1)[0]
                counts[shape] += 1
                examples.setdefault(shape, (left, right))
    return [(shape, count, *examples[shape]) for shape, count in counts.most_common()]
