"""What the pages say about the tree is true: files and folders that they name exist, links lead somewhere,
options in their commands are in --help, pages are reachable from README.md. And they keep to plain words.

Argument: the project's root.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
pages = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
help_text = (root / "tracer_daemon/config/help.cpp").read_text()
modules = {folder.name for folder in (root / "tracer_daemon").iterdir() if folder.is_dir()}
top = {"protocol", "preload_lib", "backends", "tracer_daemon", "examples", "tests", "docs"}
failures = []

# What a reader must read twice, and what is better.
WORDS = {r"\btold of\b": "reported", r"\bof ours\b": "name whose it is", r"\bgo(es)? on (in|by|through|untraced|with)\b": "continue",
         r"\brefused in words\b": "prints an error", r"/work/|/home/|/root/": "no paths of one machine"}


def exists(name):
    """A path as the pages write them: below the root or tracer_daemon/, with or without its ending."""
    return any(list(base.glob(name + ending)) for base in (root, root / "tracer_daemon", root / "docs")
               for ending in ("", ".h", ".cpp", ".c", ".S", "*.cpp"))


def named_paths(text):
    for word in re.findall(r"`([^`\s]+)`|\b(docs/[\w./-]+\w)", text):
        name = (word[0] or word[1]).rstrip("/:")
        first = name.split("/")[0]
        if "/" in name and (first in top or first in modules) and re.fullmatch(r"[\w./*-]+", name):
            # What the build makes is not there before it. `NAME` stands for a name.
            if not re.search(r"[A-Z]{4}", name.replace("README", "").replace("CHANGELOG", "").replace("SECURITY", "")):
                yield name


def commands(text):
    """Command lines of the tool in code blocks, without the traced program and comments."""
    for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", text):
        for line in block.splitlines():
            match = re.match(r"(?:\$ )?(?:\./)?wc-preload (.*)", line)
            if match:
                yield re.split(r" (?:\./\w|python3|ls|redis|bwrap)|  ", match.group(1))[0]


linked = set()
for page in pages:
    name, text = page.relative_to(root), page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        linked.add((page.parent / target).resolve())
        if not (page.parent / target).exists():
            failures.append(f"{name}: link to {target}, which does not exist")
    failures += [f"{name}: names {path}, which does not exist" for path in named_paths(text) if not exists(path)]
    for command in commands(text):
        for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]+|-[A-Za-z])(?![a-z])", command):
            if not re.search(rf"(?<![\w-]){re.escape(option)}(?![a-z-])", help_text):
                failures.append(f"{name}: `{command}` has {option}, which --help does not know")
    for number, line in enumerate(text.splitlines(), 1):
        failures += [f"{name}:{number}: \"{pattern}\": better {better}" for pattern, better in WORDS.items()
                     if re.search(pattern, line)]

architecture = (root / "docs/architecture.md").read_text()
failures += [f"docs/architecture.md: does not name tracer_daemon/{module}/" for module in sorted(modules)
             if f"{module}/" not in architecture]
failures += [f"README.md: has no link to {page.relative_to(root)}" for page in pages[1:]
             if page.resolve() not in linked]

print("\n".join(failures) or f"{len(pages)} pages are true")
sys.exit(1 if failures else 0)
