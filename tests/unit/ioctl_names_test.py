"""Compares the requests in decode/ioctls_*.def with the kernel's installed headers: each name that a header
defines with _IO, _IOR, _IOW or _IOWR must have the number that a compiler gives it.

Arguments: the folder of the .def files, a C compiler.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
HEADERS = pathlib.Path("/usr/include")
FOLDERS = ("linux", "mtd", "sound", "scsi", "misc", "video", "rdma")
# What some of them need and do not include themselves.
BEFORE = "".join(f"#include <{name}>\n" for name in (
    "stddef.h", "stdint.h", "sys/types.h", "sys/socket.h", "time.h", "linux/types.h", "linux/ioctl.h",
    "linux/if.h"))
ROW = re.compile(r"[WPN]\((0x[0-9a-f]+), (\w+)\)")
MACRO = re.compile(r"^#\s*define\s+([A-Z]\w*)\s+_IO(?:R|W|WR)?\s*\(", re.M)
TRIES = 4


def values(compiler, header, names):
    """Name to number of those that compile."""
    dropped = set()
    for _ in range(TRIES):
        lines = [f'#line {i + 1} "names"\nprintf("{name} %lx\\n", (unsigned long)({name}));'
                 for i, name in enumerate(names) if i not in dropped]
        source = (f"{BEFORE}#include <{header}>\n#include <stdio.h>\nint main(void) {{\n" + "\n".join(lines)
                  + "\nreturn 0; }\n")
        with tempfile.TemporaryDirectory() as folder:
            program = folder + "/numbers"
            built = subprocess.run([compiler, "-w", "-x", "c", "-", "-o", program], input=source, text=True,
                                   capture_output=True, check=False)
            if built.returncode == 0:
                said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
                return {name: int(number, 16) for name, number in (line.split() for line in said.splitlines())}
        wrong = {int(line) - 1 for line in re.findall(r"^names:(\d+):\d+: (?:error|note)", built.stderr, re.M)}
        if not wrong - dropped:
            return {}
        dropped |= wrong
    return {}


def main():
    folder, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
    rows = {}
    for path in folder.glob("ioctls_*.def"):
        for number, name in ROW.findall(path.read_text()):
            rows.setdefault(name, set()).add(int(number, 16))
    if not (HEADERS / "linux/ioctl.h").exists():
        print("SKIP: the kernel's headers are not installed")
        return SKIPPED
    compared, wrong, missing = 0, [], []
    for part in FOLDERS:
        for path in sorted((HEADERS / part).rglob("*.h")):
            names = list(dict.fromkeys(MACRO.findall(path.read_text(errors="replace"))))
            if not names:
                continue
            for name, number in values(compiler, path.relative_to(HEADERS), names).items():
                compared += 1
                if name not in rows:
                    missing.append(name)
                elif number not in rows[name]:
                    wrong.append(f"{name} is {number:#x}, not {sorted(rows[name])}")
    print(f"{compared} requests compared, {len(missing)} of the headers are not in the tables")
    print("\n".join(wrong))
    most_missing = compared // 10
    return 1 if wrong or compared < 1000 or len(missing) > most_missing else 0


sys.exit(main())
