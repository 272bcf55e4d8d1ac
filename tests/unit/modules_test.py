"""That an include of a module that is not linked does not compile, for every pair of modules.

Arguments: the compiler, a file with a line `module|include folders` for each module from the bottom
to the top, and the project's root.
"""
import pathlib
import subprocess
import sys

compiler, table, root = sys.argv[1:]
root = pathlib.Path(root)
lines = [line.split("|") for line in pathlib.Path(table).read_text().splitlines() if line]
order = [module for module, _ in lines]
failures = []


def header_of(module):
    headers = sorted((root / "tracer_daemon" / module).glob("*.h"))
    return f"{module}/{headers[0].name}" if headers else None


def found(folders, headers):
    """Those of `headers` that the preprocessor finds."""
    text = "".join(f'#if __has_include("{header}")\nfound {header}\n#endif\n' for header in headers)
    run = subprocess.run([compiler, "-E", "-P", "-x", "c++", "-", *[f"-I{folder}" for folder in folders]],
                         input=text, capture_output=True, text=True, check=True)
    return {line.split()[1] for line in run.stdout.splitlines() if line.startswith("found ")}


def includes(module):
    """The modules whose headers its files name."""
    names = set()
    for path in (root / "tracer_daemon" / module).iterdir():
        if path.suffix not in (".h", ".cpp"):
            continue
        for line in path.read_text().splitlines():
            if line.startswith('#include "') and "/" in line:
                names.add(line.split('"')[1].split("/")[0])
    return names & set(order) - {module}


headers = {module: header_of(module) for module in order}
known = [header for header in headers.values() if header]
for place, (module, folders) in enumerate(lines):
    seen = found([folder for folder in folders.split(";") if folder], known)
    for other in order[place + 1:]:
        if headers[other] in seen:
            failures.append(f"{module} finds {headers[other]}, which is above it")
    for other in includes(module):
        if order.index(other) > place:
            failures.append(f"{module} includes a header of {other}, which is above it")
    if headers[module] and headers[module] not in seen:
        failures.append(f"{module} does not find its own {headers[module]}")

# The trial itself: a file of the lowest module that includes one of the highest does not compile.
lowest = [folder for folder in lines[0][1].split(";") if folder]
trial = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", "-",
                        *[f"-I{folder}" for folder in lowest]],
                       input=f'#include "{headers["engine"]}"\n', capture_output=True, text=True)
if trial.returncode == 0 or "No such file" not in trial.stderr:
    failures.append(f"a file of {order[0]} can include {headers['engine']}")

print("\n".join(failures) or f"{len(order)} modules: each finds only what it links")
sys.exit(1 if failures else 0)
