"""Runs one server under one load, and keeps what came of it."""

import json
import statistics
import subprocess
import time

import workloads
from log import LogMeter, grown
from machine import BENCH, Busy
from servers import Running, Seed, load_command

RESULTS = BENCH / "results/results.json"
TRIAL = BENCH / ".run/trial.json"


def read_results():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def write_results(results):
    path = TRIAL if results.get("isTrial") else RESULTS
    path.parent.mkdir(exist_ok=True)
    making = path.with_suffix(".making")
    making.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    making.rename(path)


def once(server, seed, rooms, words, warm_up, measure, how="load"):
    """One run: a fresh server on a fresh database, then the load. `how`: load, recovery, or stored, which weighs the database."""
    template = seed.of(server.tables)
    with Running(server, template) as running:
        busy = Busy()
        command = load_command(running, rooms, words, warm_up, measure)
        meter = LogMeter(running.database) if how == "stored" else None
        outcome = recover(running, command) if how == "recovery" else ask(command)
        outcome["machine"] = busy.since()
        if meter:
            log_bytes = meter.stop()
            running.stop()
            outcome["stored"] = grown(template, running.database) | {"logBytes": log_bytes}
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
    if workloads.is_paced(workload):
        return outcome["latencyUs"]["p50"]
    return outcome["perSecond"]


def spread(values):
    """How far the runs lie apart, as a share of their median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def run(workload, servers, runs, results, spans, tell):
    """All servers in turn, then all again, so that what disturbs one run doesn't disturb one server."""
    warm_up, measure = spans
    seed = Seed(workload.rooms, workload.messages)
    rooms = seed.pick(workload.active or workload.rooms)
    came = {server.name: [] for server in servers}
    for turn in range(runs):
        for server in servers:
            outcome = once(server, seed, rooms, workload.words, warm_up, measure, workload.how)
            came[server.name].append(outcome)
            figure = headline(workload.name, outcome)
            figure = "-" if figure is None else f"{figure:,.1f}"
            tell(f"{workload.name} {turn + 1}/{runs} {server.name}: {figure} {trouble(outcome)}".rstrip())
    kept = results.setdefault("workloads", {}).setdefault(workload.name, {"title": workload.title, "servers": {}})
    kept["title"] = workload.title
    for name, outcomes in came.items():
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        kept["servers"][name] = {"at": at, "haggle": results["versions"]["haggle"], "texts": "people", "runs": outcomes}
    write_results(results)
