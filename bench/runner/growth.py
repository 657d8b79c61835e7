"""What a message costs as things grow: rooms, sessions of a room, connections, stored messages, rooms of one user."""

import measure
from machine import connections_max
from servers import SERVERS, Seed

RATE = 1000
HAGGLE = SERVERS[0]


def points(full):
    """Curve → its title and, for each size, how it is made and loaded. What takes long to make is left to --full."""
    held = connections_max()
    pairs = ["pairs", "--pairs=100", f"--rate={RATE}"]
    stored = [1_000, 10_000, 100_000, 1_000_000] + ([10_000_000] if full else [])
    rooms = [100, 1_000, 10_000, 100_000] + ([1_000_000] if full else [])
    sessions = [count for count in (2, 10, 100, 1_000, 10_000) if count <= held] + ([held] if held < 10_000 else [])
    connections = [count for count in (100, 1_000, 5_000, 20_000) if count <= held] + ([held] if held < 20_000 else [])
    return {
        "rooms": ("rooms in the database", [(n, Seed(n), 100, pairs) for n in rooms]),
        "sessions": (
            "sessions in the room",
            [(n, Seed(1000), 1, ["fan-out", f"--sessions={n}", f"--rate={max(2, min(RATE, 20_000 // n))}"]) for n in sessions],
        ),
        "connections": (
            "connections that talk in turn",
            [(n, Seed(10_000), n // 2, ["pairs", f"--pairs={n // 2}", f"--rate={RATE}"]) for n in connections],
        ),
        "stored": ("messages stored before", [(n, Seed(100, n // 100), 100, pairs) for n in stored]),
        "rooms-of-one": (
            "rooms of one seller",
            [(n, Seed(n, 1, sellers=1), min(n, 10), ["pairs", f"--pairs={min(n, 10)}", f"--rate={RATE}"]) for n in (10, 100, 1_000, 10_000, 100_000)],
        ),
        "room-list": (
            "rooms of one seller, the first 20 of them asked for",
            [(n, Seed(n, 1, sellers=1), 1, ["requests", "--page=rooms", "--connections=2"]) for n in (10, 100, 1_000, 10_000, 100_000)],
        ),
        "history": (
            "messages in the room, 50 from the middle asked for",
            [(n, Seed(10, n // 10), 10, ["requests", "--page=older-history", "--connections=4"]) for n in stored],
        ),
    }  # fmt: skip


def run(results, full, quick, only, tell):
    for name, (title, sizes) in points(full).items():
        if only and name != only:
            continue
        curve = []
        for size, seed, rooms, words in sizes:
            outcome = measure.once(HAGGLE, seed, seed.pick(rooms), words, 0.5 if quick else 1, 1 if quick else 4)
            curve.append({"size": size, "outcome": outcome})
            cost = cost_us(outcome)
            tell(f"growth {name} {size:,}: {cost:,.1f} µs of processor time each {measure.trouble(outcome)}".rstrip())
        results.setdefault("growth", {})[name] = {"title": title, "points": curve}
        measure.write_results(results)


def cost_us(outcome):
    """Processor time of the server for each delivery or request, in microseconds."""
    if "failed" in outcome or not outcome.get("server"):
        return float("nan")
    return outcome["server"]["cpuSeconds"] * 1e6 / max(1, outcome["count"])
