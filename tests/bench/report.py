"""The figures as a Markdown table and as JSON."""

import json
import os
import shlex
import subprocess
import sys

SIGNS = {"over": "+{} {unit}", "times": "{}x", "share": "{} of {reference}"}


def number(value):
    """Three significant digits, no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread_text(spread, unit=""):
    if spread is None:
        return "-"
    tail = f" {unit}" if unit else ""
    return f"{number(spread['median'])}{tail} ({number(spread['low'])} to {number(spread['high'])})"


def version(command):
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
    except OSError:
        return "not installed"
    return said.splitlines()[0] if said else "unknown"


def head(machine, rounds, figures_are_judged):
    facts = {
        "date": machine["date"],
        "kernel": machine["kernel"],
        "CPUs": machine["cpu"],
        "load before": f"{machine['load']:.2f}",
        "tracer": machine["facts"][0],
        "peer": version(["strace", "--version"]),
        # Files are named by their last part: a path is one machine's.
        "command": shlex.join(word if word.startswith("-") else os.path.basename(word) if os.path.isabs(word) else word
                              for word in [os.path.relpath(sys.argv[0]), *sys.argv[1:]]),
        "rounds": str(rounds),
    }
    if not figures_are_judged:
        facts["note"] = "quick run: shows that the bench works, not how fast the tool is"
    return facts


def judge(row, result):
    """Adds the row's targets to what was measured."""
    for variant in result["variants"]:
        if variant["name"] in row.targets:
            kind, limit = row.targets[variant["name"]]
            reached = variant[kind]
            variant["target"] = {"kind": kind, "limit": limit,
                                 "met": reached["median"] <= limit if reached else None}
    return result


def target_text(variant, unit, reference, figures_are_judged):
    target = variant.get("target")
    if target is None:
        return ""
    text = "at most " + SIGNS[target["kind"]].format(target["limit"], unit=unit, reference=reference)
    if not figures_are_judged or target["met"] is None:
        return text
    return text + (": met" if target["met"] else ": **missed**")


def table_lines(result, figures_are_judged):
    for index, variant in enumerate(result["variants"]):
        cells = [result["title"] if index == 0 else "", variant["name"]]
        if variant["skipped"] or variant["failure"]:
            cells += [f"skipped: {variant['skipped']}" if variant["skipped"]
                      else f"**failed**: {variant['failure']}", "", "", "", ""]
        else:
            cells += [spread_text(variant["figure"], result["unit"]), spread_text(variant["over"]),
                      spread_text(variant["times"]), spread_text(variant["share"]),
                      target_text(variant, result["unit"], result["reference"].removesuffix(" -f"),
                                  figures_are_judged)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


TABLE_HEAD = """\
| what | how | median (quartiles) | over native | times native | cost, of strace's (or the limit row's) | target |
|---|---|---|---|---|---|---|"""


def as_json(facts, results):
    return json.dumps({"head": facts, "rows": results}, indent=1)
