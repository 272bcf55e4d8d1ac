"""The figures as a Markdown table and as JSON."""

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys

from measure import Spread, compare

SIGNS = {"over": "+{} {unit}", "times": "{}x", "strace": "{} of strace"}


def number(value):
    """Three significant digits, no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread_text(spread, unit=""):
    if spread is None:
        return "-"
    tail = f" {unit}" if unit else ""
    return f"{number(spread.median)}{tail} ({number(spread.low)} to {number(spread.high)})"


def version(command):
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
    except OSError:
        return "not installed"
    return said.splitlines()[0] if said else "unknown"


def cpu_model():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def head(launcher, rounds, figures_are_judged):
    facts = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "CPUs": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}, {cpu_model()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "tracer": version([launcher, "--version"]),
        "peer": version(["strace", "--version"]),
        "command": shlex.join([os.path.relpath(sys.argv[0]), *sys.argv[1:]]),
        "rounds": str(rounds),
    }
    if not figures_are_judged:
        facts["note"] = "quick run: shows that the bench works, not how fast the tool is"
    return facts


def find(row, name):
    return next((v for v in row.variants if v.name == name and v.samples), None)


def results(row):
    """One dictionary a variant, with everything that both forms of the report show."""
    native, strace = row.variants[0], find(row, "strace -f")
    for variant in row.variants:
        result = {"row": row.title, "variant": variant.name, "unit": row.unit,
                  "command": variant.command, "skipped": variant.skipped,
                  "failure": variant.failure, "samples": list(variant.samples.values()),
                  "figure": Spread.of(variant.samples.values())}
        for kind in ("over", "times", "strace"):
            foreign = variant is not native and not (kind == "strace" and variant is strace)
            result[kind] = compare(variant, native, strace, kind) if foreign else None
        if variant.name in row.targets:
            kind, limit = row.targets[variant.name]
            reached = result[kind]
            result["target"] = {"kind": kind, "limit": limit,
                                "met": reached.median <= limit if reached else None}
        yield result


def target_text(result, figures_are_judged):
    target = result.get("target")
    if target is None:
        return ""
    text = "at most " + SIGNS[target["kind"]].format(target["limit"], unit=result["unit"])
    if not figures_are_judged or target["met"] is None:
        return text
    return text + (": met" if target["met"] else ": **missed**")


def table_lines(row_results, figures_are_judged):
    for index, result in enumerate(row_results):
        cells = [result["row"] if index == 0 else "", result["variant"]]
        if result["skipped"] or result["failure"]:
            cells += [f"skipped: {result['skipped']}" if result["skipped"]
                      else f"**failed**: {result['failure']}", "", "", "", ""]
        else:
            cells += [spread_text(result["figure"], result["unit"]), spread_text(result["over"]),
                      spread_text(result["times"]), spread_text(result["strace"]),
                      target_text(result, figures_are_judged)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


TABLE_HEAD = """\
| what | how | median (quartiles) | over native | times native | cost, of strace's | target |
|---|---|---|---|---|---|---|"""


def as_json(facts, all_results):
    def plain(value):
        return vars(value) if isinstance(value, Spread) else str(value)

    return json.dumps({"head": facts, "results": all_results}, default=plain, indent=1)
