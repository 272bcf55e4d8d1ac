"""The measures that docs/contributing.md promises: no source file over 500 lines, no function over
60, no class with more than 25 member functions, and a README in each folder that says what lives
there. Programs that tests trace are lists of calls in an order, and may be longer.

Argument: the project's root. The parsing knows the project's formatting (.clang-format): functions
and classes end with a brace in the column in which they begin.
"""
import pathlib
import re
import subprocess
import sys

MOST_LINES, MOST_FUNCTION, MOST_MEMBERS = 500, 60, 25
# Classes that are still to be cut up; they must not grow.
STILL_LARGER = {"BackendSet": 46, "Pipeline": 53}
root = pathlib.Path(sys.argv[1])
failures = []

FOLDERS = ["protocol", "preload_lib", "backends", "tracer_daemon", "examples", "tests"]
sources = [path for folder in FOLDERS for path in (root / folder).rglob("*")
           if path.suffix in (".c", ".cpp", ".h", ".S")]


def functions(lines):
    """(first line, last line, name) of what begins in column 0 and has a body."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if line.endswith("}") and "{" in line:
                continue  # a function on one line
            if re.match(r"[A-Za-z_].*\(", line) and not line.startswith(("namespace", "extern", "struct", "class")):
                start = number
        if start is None:
            continue
        if line.endswith(";") and not line.startswith((" ", "}")):
            start = None  # a declaration, or a function on one line
        elif line.startswith("}"):
            yield start, number, lines[start - 1].split("(")[0].split()[-1]
            start = None


def classes(lines):
    """(name, number of member functions) of each class and struct."""
    open_classes = []
    for line in lines:
        begin = re.match(r"( *)(?:class|struct) (\w+)[^;]*\{$", line)
        if begin:
            open_classes.append([begin.group(1), begin.group(2), 0])
            continue
        if not open_classes:
            continue
        indent, name, count = open_classes[-1]
        if line.startswith(indent + "}") and line.rstrip().endswith(";"):
            yield name, count
            open_classes.pop()
            continue
        # A member function begins two columns further in; not a field, a comment, a macro.
        inner = line[len(indent) + 2:]
        if line.startswith(indent + "  ") and re.match(r"[A-Za-z_\[~]", inner) and "(" in inner:
            head = inner.split("(")[0]
            if "=" in head.replace("operator=", "") or head.startswith(("using", "static_assert", "return", "if", "for")):
                continue
            if head.endswith("::") or "= delete" in line:
                continue
            open_classes[-1][2] = count + 1


for path in sources:
    name = path.relative_to(root)
    lines = path.read_text(errors="replace").splitlines()
    if len(lines) > MOST_LINES:
        failures.append(f"{name}: {len(lines)} lines")
    if path.suffix in (".c", ".cpp") and path.parent.name != "programs":
        failures += [f"{name}:{first}: {function} has {last - first + 1} lines"
                     for first, last, function in functions(lines) if last - first + 1 > MOST_FUNCTION]
    if path.suffix in (".h", ".cpp"):
        failures += [f"{name}: {cls} has {count} member functions"
                     for cls, count in classes(lines) if count > STILL_LARGER.get(cls, MOST_MEMBERS)]

for folder in [root / name for name in FOLDERS] + sorted((root / "tracer_daemon").iterdir()):
    if folder.is_dir() and not (folder / "README.md").exists():
        failures.append(f"{folder.relative_to(root)} has no README.md")

print("\n".join(failures) or f"{len(sources)} files within the measures")
sys.exit(1 if failures else 0)
