"""What the three ways to authorize cost: throughput, latency, processor time, questions to the database."""

import re
import statistics
import urllib.request

import measure
from servers import Running, Seed, Server, load_command

POLICIES = ("on-enter", "every-message", "room-token")
LOADS = {
    "saturated": ["pairs", "--pairs=500"],
    "fixed": ["pairs", "--pairs=500", "--rate=1000"],
    "enter": ["connect", "--at-once=64"],
    # As many entries as in the others and nothing said: what their questions are counted against.
    "silent": ["idle", "--connections=1000"],
}


def run(results, runs, quick, tell):
    seed = Seed(1000)
    found = {policy: {load: [] for load in LOADS} for policy in POLICIES}
    for turn in range(runs):
        for policy in POLICIES:
            server = Server(policy, "haggle", store="whole", sync="FULL", options=(f"--authorize={policy}",))
            for load, words in LOADS.items():
                with Running(server, seed.of("haggle")) as running:
                    before = counters(running.port)
                    # The token of a room is asked for by REST before the connection that shows it.
                    tokens = ["--room-tokens"] if policy == "room-token" else []
                    command = load_command(running, seed.tsv, tokens + words, 0.5 if quick else 1, 1 if quick else 4)
                    outcome = measure.ask(command)
                    after = counters(running.port)
                outcome["counters"] = {name: after.get(name, 0) - before.get(name, 0) for name in after}
                found[policy][load].append(outcome)
                figure = outcome["latencyUs"]["p50"] if load == "fixed" else outcome.get("perSecond", 0)
                tell(f"authorization {turn + 1}/{runs} {policy} {load}: {figure:,.0f} {measure.trouble(outcome)}".rstrip())
    results["authorization"] = found
    measure.write_results(results)


def counters(port):
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    wanted = "database_reads_total|messages_total|deliveries_total|commit_batch_size_count"
    return {name: float(value) for name, value in re.findall(rf"^haggle_({wanted}) ([\d.]+)", text, re.MULTILINE)}


def median(outcomes, figure):
    return statistics.median(figure(outcome) for outcome in outcomes)
