"""What is measured, of whom, and with how much load."""

import re
from dataclasses import dataclass

from machine import connections_max
from servers import SERVERS

STORING_NOTHING = ["haggle", "haggle, Socket.IO wire", "Bun", "socketioxide", "Socket.IO", "bare relay"]
HAGGLE = ["haggle", "haggle, Socket.IO wire"]
# Those that make the same promise: nobody sees a message before it is on the disk.
DURABLE = [
    "haggle", "Bun, FULL, grouped", "Bun, the whole promise", "haggle, Socket.IO wire", "Socket.IO, FULL, grouped",
    "Socket.IO, the whole promise",
]  # fmt: skip
# The rest of the page: peers that store nothing or sync later, next to haggle.
OLD = [server.name for server in SERVERS if server.name in HAGGLE or server.name not in DURABLE]
# What the first tables of the page take from there.
BEFORE = ["fan-out-saturated", "connect", "idle"]
WINDOWS = (1, 2, 8)
ROOMS = (500, 100_000)


@dataclass(frozen=True)
class Workload:
    """One kind of load. `words` is what the load generator gets; `rooms` and `messages` what there is before.

    `active` are the rooms that have clients, spread evenly over all; without it all of them may have.
    """

    name: str
    title: str
    servers: list
    words: list
    rooms: int = 1000
    messages: int = 0
    measure: float = 4
    warm_up: float = 1
    how: str = "load"
    active: int = 0


def is_paced(name):
    """Whether a workload has a fixed rate: then the latency is its figure."""
    return re.search(r"-\d+k?$", name) is not None


def durable_prefix(rooms):
    return f"durable-of-{rooms // 1000}k" if rooms >= 1000 else "durable"


def durable():
    """Pairs against those that make the same promise, by how much is in flight and how many rooms there are."""
    found = []
    for rooms in ROOMS:
        where = f"500 pairs of {rooms:,} rooms"
        shape = {"rooms": rooms, "active": 500, "how": "stored"}
        prefix = durable_prefix(rooms)
        for window in WINDOWS:
            title = f"{where}, saturated ({window} of each sender in flight)"
            found.append(Workload(f"{prefix}-w{window}", title, DURABLE, ["pairs", "--pairs=500", f"--in-flight={window}"], **shape))
        title = f"{where}, 10,000 messages per second"
        found.append(Workload(f"{prefix}-10k", title, DURABLE, ["pairs", "--pairs=500", "--rate=10000"], **shape))
    return found


def first_table():
    """The names of what the page's first tables are about."""
    return [workload.name for workload in durable()] + BEFORE


def all_workloads():
    idle = min(10_000, connections_max())
    return durable() + [
        Workload("pairs-saturated", "500 pairs, saturated (8 messages of each of the 1,000 senders in flight)", OLD, ["pairs", "--pairs=500"]),
        Workload("pairs-10k", "500 pairs, 10,000 messages per second", STORING_NOTHING, ["pairs", "--pairs=500", "--rate=10000"]),
        Workload("pairs-1k", "500 pairs, 1,000 messages per second", STORING_NOTHING, ["pairs", "--pairs=500", "--rate=1000"]),
        Workload("fan-out-saturated", "one to 1,000 sessions, saturated (8 messages in flight)", STORING_NOTHING, ["fan-out", "--sessions=1000"]),
        Workload("fan-out-50", "one to 1,000 sessions, 50 messages per second", STORING_NOTHING, ["fan-out", "--sessions=1000", "--rate=50"]),
        Workload("connect", "connect, token, authorized entry (64 at once)", STORING_NOTHING, ["connect", "--at-once=64"]),
        Workload("idle", f"{idle:,} idle connections, each in a room", STORING_NOTHING, ["idle", f"--connections={idle}"], rooms=5000, warm_up=2, measure=5),
        Workload("history", "REST: the newest 50 messages of a room (16 connections)", ["haggle"], ["requests", "--page=history"], messages=200),
        Workload("older-history", "REST: 50 messages from the middle of a room", ["haggle"], ["requests", "--page=older-history"], messages=200),
        Workload("room-list", "REST: the first 20 rooms of a member who has 100", ["haggle"], ["requests", "--page=rooms"], messages=200),
        Workload("recovery", f"{min(5000, connections_max()):,} clients come back at once after a SIGKILL, each catching up 20 messages", HAGGLE,
                 ["recovery", f"--clients={min(5000, connections_max())}", "--missed=20"], rooms=2500, messages=50, how="recovery"),
    ]  # fmt: skip
