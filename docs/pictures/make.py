#!/usr/bin/python3
"""Makes the pictures of README.md: a terminal and a flame graph, both SVG.

    docs/pictures/make.py [WC_PRELOAD]      default: the checkout's own wc-preload

The commands are run for it, so the pictures show what this version prints. Needs Python 3.11 with sqlite3
(the traced program is notes.py beside this file). Nothing else: no terminal recorder, no flamegraph.pl.
"""
import html
import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOOL = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parent.parent / "wc-preload")
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"

# ---------------------------------------------------------------- the terminal
COLUMNS, CELL, LINE = 100, 8.0, 18
PLAIN = ""  # the colour of the whole picture
INKS = {"31": "#f47067", "32": "#8ddb8c", "33": "#f6d06f", "34": "#6cb6ff", "35": "#dcbdfb", "36": "#76e3ea"}


def on_a_terminal(command, folder):
    """What `command` writes on a terminal of COLUMNS columns, with its escape sequences."""
    child, master = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS))
        os.environ.pop("NO_COLOR", None)
        # `stty` sets the size of the terminal before the tool looks at it.
        os.execvp("sh", ["sh", "-c", f"stty cols {COLUMNS} rows 50; exec {command}"])
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the last process has closed the terminal
            break
        if not piece:
            break
        written += piece
    os.waitpid(child, 0)
    return written.decode(errors="replace").replace("\r\n", "\n")


def spans(line):
    """(text, style) of each part of a line with SGR escape sequences."""
    style, found = PLAIN, []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not code:
            if part:
                found.append((part, style))
            continue
        for number in code.group(1).split(";"):
            if number in ("", "0"):
                style = PLAIN
            elif number == "1":
                style += "font-weight:bold;"
            elif number in INKS:
                style += f"fill:{INKS[number]};"
    return found


def terminal_svg(text):
    lines = text.rstrip("\n").split("\n")
    width, height = COLUMNS * CELL + 32, len(lines) * LINE + 52
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" font-family="{FONT}" font-size="13" fill="#adbac7">',
           "<title>A terminal: system calls below the library functions that made them</title>",
           f'<rect width="{width:g}" height="{height}" rx="8" fill="#1c2128"/>']
    out += [f'<circle cx="{20 + 18 * i}" cy="18" r="6" fill="{ink}"/>' for i, ink in enumerate(("#f47067", "#f6d06f", "#8ddb8c"))]
    for number, line in enumerate(lines):
        x, y = 16.0, 48 + number * LINE
        for part, style in spans(line):
            # The length is said, so that columns stand in line whatever font the reader has.
            out.append(f'<text x="{x:g}" y="{y}" textLength="{len(part) * CELL:g}" '
                       f'style="{style}">{html.escape(part).replace(" ", "&#160;")}</text>')
            x += len(part) * CELL
    return "\n".join(out + ["</svg>", ""])


# ---------------------------------------------------------------- the flame graph
GRAPH_WIDTH, ROW = 1000, 18


class Node:
    def __init__(self):
        self.count, self.children = 0, {}


def tree_of(folded):
    root = Node()
    for line in folded.splitlines():
        stack, count = line.rsplit(" ", 1)
        root.count += int(count)
        node = root
        for name in stack.split(";"):
            node = node.children.setdefault(name, Node())
            node.count += int(count)
    return root


def depth_of(node):
    return 1 + max(map(depth_of, node.children.values()), default=0)


def ink_of(name, is_leaf):
    """System calls are red, Python functions (with a file) green, libraries' and the program's yellow."""
    if is_leaf:
        return "#f08c7e"
    return "#a8d5a2" if re.search(r":\d+\)$", name) else "#f5d58a"


def boxes(node, name, left, level, height, scale, out):
    width = node.count * scale
    if level >= 0 and width >= 0.5:
        y = height - 30 - (level + 1) * ROW
        room = int(width / 6.6) - 1
        label = name if len(name) <= room else name[:max(room - 2, 0)] + ".." if room > 4 else ""
        out.append(f'<g><title>{html.escape(name)}: {node.count / 1e6:.2f} ms</title><rect x="{left:.1f}" y="{y}" width="{max(width - 1, 0.5):.1f}" '
                   f'height="{ROW - 1}" rx="2" fill="{ink_of(name, not node.children)}"/>'
                   f'<text x="{left + 4:.1f}" y="{y + 13}">{html.escape(label)}</text></g>')
    for child_name in sorted(node.children):
        child = node.children[child_name]
        boxes(child, child_name, left, level + 1, height, scale, out)
        left += child.count * scale


def flame_svg(folded, title):
    root = tree_of(folded)
    height = (depth_of(root) - 1) * ROW + 70
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GRAPH_WIDTH} {height}" font-family="{FONT}" font-size="11">',
           f"<title>{html.escape(title)}</title>", f'<rect width="{GRAPH_WIDTH}" height="{height}" fill="#ffffff"/>',
           f'<text x="10" y="22" font-size="14">{html.escape(title)}</text>']
    boxes(root, "", 10.0, -1, height, (GRAPH_WIDTH - 20) / max(root.count, 1), out)
    out.append(f'<text x="10" y="{height - 10}">red: system call; green: Python; yellow: C. Width: time in system calls ({root.count / 1e6:.1f} ms in all)</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("greet.c", "notes.py"):
            shutil.copy(HERE / name, folder)
        pathlib.Path(folder, "greeting.txt").write_text("good morning\n")
        subprocess.run(["cc", "-g", "-o", "greet", "greet.c"], cwd=folder, check=True)
        tool = shlex.quote(TOOL)
        shown = "wc-preload ./greet"
        text = on_a_terminal(shown.replace("wc-preload", tool, 1), folder)
        (HERE / "terminal.svg").write_text(terminal_svg(f"$ {shown}\n{text}"))
        shown = "--frames=python -e pwrite64,fdatasync,unlink -b folded:weight=time -o folded /usr/bin/python3 notes.py"
        subprocess.run(f"{tool} {shown}", shell=True, cwd=folder, check=True)
        folded = pathlib.Path(folder, "folded").read_text()
        (HERE / "flame.svg").write_text(flame_svg(folded, "python3 notes.py: time in pwrite64, fdatasync and unlink"))


if __name__ == "__main__":
    main()
