"""Medians, notes and Markdown tables of what was measured."""

import re
import statistics

import growth
import measure


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] + ["---:"] * (len(head) - 1)) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def good(runs):
    return [run for run in runs if "failed" not in run]


def middle(runs, figure):
    return statistics.median(figure(run) for run in runs)


def cpu_share(run):
    server = run.get("server")
    return server["cpuSeconds"] / server["seconds"] if server and server["seconds"] else 0.0


def cpu_each_us(run):
    return growth.cost_us(run)


def notes(runs):
    """What was wrong in any of the runs."""
    found = sorted({re.sub(r"^\d+ ", "", note) for run in runs for note in measure.trouble(run).split(", ") if note})
    stood_still = middle(good(runs), lambda run: run.get("stoodStill", 0)) if good(runs) else 0
    if stood_still >= 0.01:
        found.append(f"the machine stood still {stood_still:.0%} of the time")
    return "; ".join(found)


def measured_when(kept):
    """Of how many runs, on which days, with which build, and with which texts: (workload, server, what was kept of it)."""
    days = sorted({one["at"][:10] for _, _, one in kept})
    runs = sorted({len(one["runs"]) for _, _, one in kept})
    medians = "One run each" if runs == [1] else f"Medians of {' to '.join(map(str, runs[:1] + runs[1:][-1:]))}"
    builds = {one["haggle"] for _, server, one in kept if server.startswith("haggle")}
    build = f", haggle {', '.join(sorted(builds))}" if builds else ""
    talking = [(server, one) for name, server, one in kept if name.startswith(("durable", "pairs", "fan-out"))]
    older = [server for server, one in talking if one.get("texts") != "people"]
    texts = ""
    if older:
        whose = "" if len(older) == len(kept) else f" ({'; '.join(dict.fromkeys(older))})"
        texts = f" Before the texts had digits or a `clientId`{whose}: 120 bytes of letters."
    return f"{medians}, {' to '.join(days[:1] + days[1:][-1:])}{build}.{texts}"
