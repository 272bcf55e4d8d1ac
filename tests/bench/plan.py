"""A plan for `wc-tracerd measure`: it runs the commands in turn and does the statistics, the same code as
for --compare. The rows are made here because making them is scripting: programs, folders, a repository."""

import json
import subprocess
from dataclasses import dataclass, field

# What the small programs print, alone on a line of standard error (bench.h).
FIGURE = {"pattern": "^([0-9.]+)$", "better": "less", "from": "stderr"}


@dataclass
class Variant:
    """One way to run the program of a row."""

    name: str
    command: list
    skipped: str = ""  # why it cannot run here


@dataclass
class Row:
    title: str
    unit: str  # of its figures: "ns" or "ms"
    variants: list  # the first one is native
    targets: dict = field(default_factory=dict)  # variant -> (kind of comparison, limit)
    timed_by: str = "program"  # or its "load", which print a figure; or "wall": from start to end
    runs: int = 1  # in one figure
    pick: str = "mean"  # or "best": which one stands for them
    per: int = 1  # what the figure is divided by
    load: str = ""  # shell command against a server, whose figure it prints
    figure: dict = field(default_factory=lambda: FIGURE)
    before: list = field(default_factory=list)  # a command that is run before each run, not timed
    reference: str = "strace -f"  # whose cost over native the others' is given as a share of

    def as_plan(self):
        plan = {"title": self.title, "unit": self.unit, "runs": self.runs, "pick": self.pick,
                "per": self.per, "reference": self.reference,
                "variants": [{"name": v.name, "command": v.command, "skipped": v.skipped}
                             for v in self.variants]}
        if self.timed_by != "wall":
            plan["figure"] = self.figure
        if self.load:
            plan["load"] = {"command": self.load}
        if self.before:
            plan["before"] = self.before
        return plan


def measure(tracer, rows, rounds, limit, file, **where):
    """Yields what `wc-tracerd measure` says: ("head", facts), ("row", result) for each row once it is
    done, ("others", share of one CPU that others used meanwhile)."""
    with open(file, "w") as plan:
        json.dump({"rounds": rounds, "limit": limit, "rows": [row.as_plan() for row in rows]}, plan)
    with subprocess.Popen([tracer, "measure", file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, **where) as process:
        for line in process.stdout:
            yield from json.loads(line).items()
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, [tracer, "measure", file])
