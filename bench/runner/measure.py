"""Runs one server under one load, and keeps what came of it."""

import json
import statistics
import subprocess
import time

from machine import BENCH, Busy
from servers import Running, Seed, load_command

RESULTS = BENCH / "results/results.json"


def read_results():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def write_results(results):
    RESULTS.parent.mkdir(exist_ok=True)
    making = RESULTS.with_suffix(".making")
    making.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    making.rename(RESULTS)


def once(server, seed, rooms, words, warm_up, measure, how="load"):
    """One run: a fresh server on a fresh database, then the load."""
    with Running(server, seed.of(server.kind)) as running:
        busy = Busy()
        command = load_command(running, rooms, words, warm_up, measure)
        outcome = recover(running, command) if how == "recovery" else ask(command)
        outcome["machine"] = busy.since()
        return outcome


def ask(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else {"failed": done.stderr[-500:]}


def recover(running, command):
    """The load says when everybody is there; then the server dies, and is started again on the same port."""
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = load.stdout.readline()
    if line.strip() == "READY":
        running.kill()
        running.start()
        line = load.stdout.readline()
    load.wait(timeout=300)
    return json.loads(line or '{"failed": "no answer"}')


def trouble(outcome):
    """What was wrong with a run, in a few words."""
    if "failed" in outcome:
        return f"failed: {outcome['failed']}"
    wrong = [f"{count} {fault}" for fault, count in outcome["faults"].items() if count]
    if outcome["loadWasTheLimit"]:
        wrong.append("the load generator was the limit")
    return ", ".join(wrong)


def headline(workload, outcome):
    """The figure that a workload is about."""
    if "failed" in outcome:
        return None
    server = outcome.get("server") or {}
    if workload.startswith("idle"):
        return (server.get("rssAfterKib", 0) - server.get("rssBeforeKib", 0)) / max(1, outcome["connections"])
    if workload == "recovery":
        return outcome["seconds"]
    if any(character.isdigit() for character in workload):
        return outcome["latencyUs"]["p50"]
    return outcome["perSecond"]


def spread(values):
    """How far the runs lie apart, as a share of their median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def run(workload, servers, runs, results, quick, tell):
    """All servers in turn, then all again, so that what disturbs one run doesn't disturb one server."""
    measure, warm_up = (1, 0.5) if quick else (workload.measure, workload.warm_up)
    seed = Seed(workload.rooms, workload.messages)
    came = {server.name: [] for server in servers}
    for turn in range(runs):
        for server in servers:
            outcome = once(server, seed, seed.tsv, workload.words, warm_up, measure, workload.how)
            came[server.name].append(outcome)
            figure = headline(workload.name, outcome)
            figure = "-" if figure is None else f"{figure:,.1f}"
            tell(f"{workload.name} {turn + 1}/{runs} {server.name}: {figure} {trouble(outcome)}".rstrip())
    kept = results.setdefault("workloads", {}).setdefault(workload.name, {"title": workload.title, "servers": {}})
    kept["title"] = workload.title
    for name, outcomes in came.items():
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        kept["servers"][name] = {"at": at, "haggle": results["versions"]["haggle"], "runs": outcomes}
    write_results(results)
