"""What is measured, of whom, and with how much load."""

from dataclasses import dataclass

from machine import connections_max
from servers import SERVERS

ALL = [server.name for server in SERVERS]
STORING_NOTHING = ["haggle", "haggle, Socket.IO wire", "Bun", "socketioxide", "Socket.IO", "bare relay"]
HAGGLE = ["haggle", "haggle, Socket.IO wire"]


@dataclass(frozen=True)
class Workload:
    """One kind of load. `words` is what the load generator is told; `rooms` and `messages` what there is before."""

    name: str
    title: str
    servers: list
    words: list
    rooms: int = 1000
    messages: int = 0
    measure: float = 4
    warm_up: float = 1
    how: str = "load"


def all_workloads():
    idle = min(10_000, connections_max())
    return [
        Workload("pairs-saturated", "500 pairs, saturated (8 messages of each of the 1,000 senders in flight)", ALL, ["pairs", "--pairs=500"]),
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
