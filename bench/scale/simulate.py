#!/usr/bin/env python3
"""What 1 million and 100 million connected users take: writes the tables and the plot of docs/scale.md.

    bench/scale/simulate.py            writes them
    bench/scale/simulate.py --check    says whether they are what the inputs give, exit code 1 if not

Seeded, with Python's standard library alone. The inputs are below, each with where it comes from; docs/scale.md says what follows.
"""

import argparse
import dataclasses
import heapq
import math
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = 20261125


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is counted with; `DESCRIPTIONS` says what each is and where it comes from."""

    # fmt: off
    # What people do.
    sessions_per_user: float = 1.2
    session_minutes: float = 20
    daily_users_per_connected: float = 4
    messages_per_user_day: float = 10
    peak_factor: float = 3
    rooms_entered_per_session: float = 1.5
    rooms_open_per_session: float = 0.3
    other_member_online: float = 0.35
    typing_per_message: float = 2
    reads_per_message: float = 0.8
    # What haggle's nodes send each other in addition to what people do.
    beats_per_second: float = 1
    presence_again_seconds: float = 30
    broadcasts_per_connect: float = 0.5
    # What it costs.
    node_kib_per_connection: float = 24
    node_us_per_connection_second: float = 13
    node_us_per_connect: float = 280
    node_us_per_message: float = 165
    tls_us_per_handshake: float = 120
    nats_us_per_publish: float = 2.4
    nats_us_per_delivery: float = 6.7
    nats_us_per_subscribe: float = 4.9
    nats_bytes_per_subscription: float = 1020
    database_rows_per_second: float = 15_500
    database_us_per_row: float = 62
    database_us_per_history: float = 55
    database_us_per_room_list: float = 480
    database_bytes_per_message: float = 495
    # What it runs on, and how full it may get.
    node_cores: float = 8
    node_gib: float = 16
    nats_cores: float = 8
    nats_gib: float = 32
    database_cores: float = 16
    busy_max: float = 0.5
    connections_per_node_max: float = 100_000
    # fmt: on


DESCRIPTIONS = {
    "sessions_per_user": ("sessions of a connected user: devices and tabs", "assumed"),
    "session_minutes": ("minutes that a session lasts", "assumed"),
    "daily_users_per_connected": ("users of a day for each one connected at the peak", "assumed"),
    "messages_per_user_day": ("messages that a user of the day sends", "assumed"),
    "peak_factor": ("the peak's rate against the day's mean", "assumed"),
    "rooms_entered_per_session": ("rooms entered in a session's life", "assumed"),
    "rooms_open_per_session": ("rooms that a session is in at a time", "assumed"),
    "other_member_online": ("chance that the other member of a room is connected", "assumed"),
    "typing_per_message": ("typing events for each message", "assumed"),
    "reads_per_message": ("read marks for each message", "assumed"),
    "beats_per_second": ("beats of a node, to every other node", "haggle's"),
    "presence_again_seconds": ("seconds after which a node publishes a room's presence again", "haggle's"),
    "broadcasts_per_connect": ("what a new connection makes every node hear: that an inbox was opened, that a session was taken over", "assumed"),
    "node_kib_per_connection": ("KiB of a node's memory for a connection that has entered a room, at rest", "measured"),
    "node_us_per_connection_second": ("µs of a node's CPU each second for a connection at rest: pings, and what others' presence says", "measured"),
    "node_us_per_connect": ("µs of a node's CPU for a connection: token, WebSocket, entry with 50 messages", "measured"),
    "node_us_per_message": ("µs of a node's CPU for a message at 2,000 per second, to two sessions; 18 where it is saturated", "measured"),
    "tls_us_per_handshake": ("µs of the proxy's CPU for a TLS handshake; its signature and keys alone are 70 (`openssl speed`)", "assumed"),
    "nats_us_per_publish": ("µs of nats-server's CPU for a message published", "measured"),
    "nats_us_per_delivery": ("µs of nats-server's CPU for each delivery, its way over a route included", "measured"),
    "nats_us_per_subscribe": ("µs of each nats-server's CPU for a subscription anywhere in the cluster", "measured"),
    "nats_bytes_per_subscription": ("bytes of each nats-server's memory for the same", "measured"),
    "database_rows_per_second": ("rows per second of one PostgreSQL, one batch of 512 at a time, synced", "measured"),
    "database_us_per_row": ("µs of PostgreSQL's CPU for a message stored, its room counted up", "measured"),
    "database_us_per_history": ("µs of PostgreSQL's CPU for a room and 50 of its messages", "measured"),
    "database_us_per_room_list": ("µs of PostgreSQL's CPU for 20 of one's rooms, with what was said last and what is unread", "measured"),
    "database_bytes_per_message": ("bytes of a stored message with its indices", "measured"),
    "node_cores": ("cores of a node", "chosen"),
    "node_gib": ("GiB of a node", "chosen"),
    "nats_cores": ("cores of a nats-server", "chosen"),
    "nats_gib": ("GiB of a nats-server", "chosen"),
    "database_cores": ("cores of a PostgreSQL", "chosen"),
    "busy_max": ("how much of a machine may be busy at the peak", "chosen"),
    "connections_per_node_max": ("most connections of a node: what its loss throws at the others", "chosen"),
}

MEGA = 1_000_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a number of connected users takes at the peak."""

    users: float
    connections: float
    connects_per_second: float
    messages_per_second: float
    nodes: int
    nodes_for: str
    publishes_per_second: float
    deliveries_per_second: float
    broadcasts_per_second: float
    subscriptions: float
    subscribes_per_second: float
    nats_clusters: int
    nats_clusters_addressed: int
    nats_load: dict
    nats_gib_unsharded: float
    rows_per_second: float
    partitions: int
    partitions_for: str
    database_load: dict
    terabytes_a_year: float
    proxies_cores: float


def plan(users, given, skew=1.0):
    """Counts through one installation. `skew` is how much more than its share the fullest partition gets."""
    connections = users * given.sessions_per_user
    connects = connections / (given.session_minutes * 60)
    messages = users * given.daily_users_per_connected * given.messages_per_user_day / 86400 * given.peak_factor
    entries = connects * given.rooms_entered_per_session

    # Nodes: memory, CPU, and the most that one may lose; and one zone of three may be gone.
    by = {
        "memory": connections * given.node_kib_per_connection / (given.node_gib * 1024 * 1024 * given.busy_max),
        "CPU": (
            connections * given.node_us_per_connection_second
            + connects * given.node_us_per_connect
            + messages * given.node_us_per_message
        )
        / (given.node_cores * MEGA * given.busy_max),
        "connections": connections / given.connections_per_node_max,
    }
    nodes_for = max(by, key=by.get)
    nodes = max(3, math.ceil(by[nodes_for] * 3 / 2))

    # NATS. A message is published once for its room and once for each member's inbox; a node that has nobody there hears nothing.
    elsewhere = 1 - 1 / nodes
    changes = messages * (1 + given.reads_per_message)
    typing = messages * given.typing_per_message
    publishes = messages * 3 + messages * given.reads_per_message * 2 + typing
    to_room = (changes + typing) * given.other_member_online * elsewhere
    to_inboxes = changes * (given.sessions_per_user - 1 + given.other_member_online * given.sessions_per_user) * elsewhere
    rooms = connections * given.rooms_open_per_session
    again = rooms / given.presence_again_seconds
    publishes += again + nodes * given.beats_per_second + connects * given.broadcasts_per_connect
    deliveries = to_room + to_inboxes + again * given.other_member_online * elsewhere
    # To every node, no matter which are there.
    broadcasts = (nodes * given.beats_per_second + connects * given.broadcasts_per_connect) * (nodes - 1)
    # A subscription for each room and for each user on each node: sessions of one room are seldom on one node.
    subscriptions = connections + rooms
    subscribes = 2 * (connects + entries)
    gib = subscriptions * given.nats_bytes_per_subscription / 2**30
    # Each server of a cluster hears of each subscription, and does a third of the rest.
    of_servers = given.nats_cores * MEGA * given.busy_max
    talk = subscribes * given.nats_us_per_subscribe + (publishes * given.nats_us_per_publish + deliveries * given.nats_us_per_delivery) / 3
    nats_load = {
        "memory for subscriptions": gib / (given.nats_gib * given.busy_max),
        "CPU, by what concerns somebody there": talk / of_servers,
        "CPU, with what every node is sent": (talk + broadcasts * given.nats_us_per_delivery / 3) / of_servers,
    }
    addressed = max(list(nats_load.values())[:2])

    # PostgreSQL: read marks and recoveries are rows, too. One transaction writes at a time.
    rows = messages * (1 + given.reads_per_message) + entries
    reading = connects * given.database_us_per_room_list + entries * given.database_us_per_history
    database_by = {
        "the one writer": rows * skew / (given.database_rows_per_second * given.busy_max),
        "CPU": (rows * given.database_us_per_row + reading) * skew / (given.database_cores * MEGA * given.busy_max),
    }
    partitions_for = max(database_by, key=database_by.get)
    stored = users * given.daily_users_per_connected * given.messages_per_user_day * 365 * given.database_bytes_per_message

    return Plan(
        users=users,
        connections=connections,
        connects_per_second=connects,
        messages_per_second=messages,
        nodes=nodes,
        nodes_for=nodes_for,
        publishes_per_second=publishes,
        deliveries_per_second=deliveries,
        broadcasts_per_second=broadcasts,
        subscriptions=subscriptions,
        subscribes_per_second=subscribes,
        nats_clusters=max(1, math.ceil(max(nats_load.values()))),
        nats_clusters_addressed=max(1, math.ceil(addressed)),
        nats_load=nats_load,
        nats_gib_unsharded=gib,
        rows_per_second=rows,
        partitions=max(1, math.ceil(database_by[partitions_for])),
        partitions_for=partitions_for,
        database_load=database_by,
        terabytes_a_year=stored / 1e12,
        proxies_cores=connects * given.tls_us_per_handshake / MEGA / given.busy_max,
    )


def partition_skew(partitions, dice, products=300_000):
    """How much more than its share the fullest of so many partitions gets, when products are hashed and few have most of the
    messages: Pareto with exponent 1.3, cut off where a seller could not answer any more. Real installations have more
    products and so less skew: this is an upper bound."""
    load = [0.0] * partitions
    for _ in range(products):
        load[dice.randrange(partitions)] += min(dice.paretovariate(1.3), 500)
    return max(load) / (sum(load) / partitions)


@dataclasses.dataclass(frozen=True)
class Storm:
    """What the others feel when nodes are gone."""

    lost: float
    connects_per_second: float
    busy: float
    questions_per_second: float
    seconds_to_99: float


def reconnect_storm(given, one, lost, delay_s, dice, clients=20_000):
    """So many nodes die at once and their clients come back to the others: `clients` stand for all of them.

    A client tries after half to one and a half times `delay_s`, drawn evenly, as the official client does. A node that is
    left serves one connect after another on each core, and each partition of the database its questions (a user's rooms, and
    50 messages of each room that was open), both with what is not at work already.
    """
    left = one.nodes - lost
    share = one.connections * lost / one.nodes / left
    gone = share * left
    at_node_s = given.node_us_per_connect / MEGA / (1 - given.busy_max) * share / clients
    questions = 1 + given.rooms_open_per_session
    asked_us = given.database_us_per_room_list + given.rooms_open_per_session * given.database_us_per_history
    at_database_s = asked_us / MEGA / (given.database_cores * (1 - given.busy_max)) * gone / one.partitions / clients
    cores = [0.0] * int(given.node_cores)
    served = []
    for at in sorted(delay_s * dice.uniform(0.5, 1.5) for _ in range(clients)):
        end = max(at, heapq.heappop(cores)) + at_node_s
        heapq.heappush(cores, end)
        served.append(end)
    done, free = [], 0.0
    for at in sorted(served):
        free = max(at, free) + at_database_s
        done.append(free)
    rate = share / delay_s
    return Storm(
        lost=gone,
        connects_per_second=rate,
        busy=rate * given.node_us_per_connect / MEGA / given.node_cores,
        questions_per_second=rate * left * questions / one.partitions,
        seconds_to_99=done[int(clients * 0.99)],
    )


# What is written.


def number(value):
    """As people read it: 1,234,567 and 3.4 M."""
    if value >= 1e9:
        return f"{value / 1e9:.3g} G"
    if value >= 1e7:
        return f"{value / 1e6:.3g} M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def inputs_table(given):
    rows = []
    for field in dataclasses.fields(given):
        what, source = DESCRIPTIONS[field.name]
        rows.append((f"`{field.name}`", number(getattr(given, field.name)), what, source))
    return table(("input", "value", "what", "source"), rows)


def plans(given):
    """The plan for each size, with the skew that its own number of partitions has."""
    found = []
    for users in (100_000, MEGA, 10 * MEGA, 100 * MEGA):
        even = plan(users, given)
        skew = partition_skew(even.partitions, random.Random(SEED))
        found.append((plan(users, given, skew), skew))
    return found


def plans_table(given):
    found = plans(given)
    line = lambda name, cell: (name, *(cell(one, skew) for one, skew in found))
    rows = [
        line("connections", lambda one, _: number(one.connections)),
        line("new connections per second", lambda one, _: number(one.connects_per_second)),
        line("messages per second", lambda one, _: number(one.messages_per_second)),
        line("**nodes**, a zone of three to spare", lambda one, _: f"**{number(one.nodes)}**"),
        line("… what they are for", lambda one, _: one.nodes_for),
        line("proxies: cores for TLS handshakes", lambda one, _: number(one.proxies_cores)),
        line("NATS: published per second", lambda one, _: number(one.publishes_per_second)),
        line("NATS: delivered per second", lambda one, _: number(one.deliveries_per_second)),
        line("NATS: subscriptions", lambda one, _: number(one.subscriptions)),
        line("NATS: subscribed and unsubscribed per second", lambda one, _: number(one.subscribes_per_second)),
        line("… GiB of them in each server of one cluster", lambda one, _: number(one.nats_gib_unsharded)),
        line("NATS: sent to every node, delivered per second", lambda one, _: number(one.broadcasts_per_second)),
        line("**NATS clusters** of three servers, as haggle is", lambda one, _: f"**{number(one.nats_clusters)}**"),
        line("… without what every node is sent", lambda one, _: number(one.nats_clusters_addressed)),
        line("PostgreSQL: rows written per second", lambda one, _: number(one.rows_per_second)),
        line("**PostgreSQL partitions**", lambda one, _: f"**{number(one.partitions)}**"),
        line("… what they are for", lambda one, _: one.partitions_for if one.partitions > 1 else "one is enough"),
        line("… the fullest has, of its share", lambda _, skew: f"{skew:.2f} ×"),
        line("TB stored a year", lambda one, _: number(one.terabytes_a_year)),
    ]
    return table(("at the peak", *(f"{number(one.users)} users" for one, _ in found)), rows)


def sensitivity_table(given, users=100 * MEGA):
    base = plan(users, given)
    rows = []
    for field in dataclasses.fields(given):
        value = getattr(given, field.name)
        limit = 0.95 if field.name in {"busy_max", "other_member_online"} else math.inf
        halved, doubled = (
            plan(users, dataclasses.replace(given, **{field.name: min(value * factor, limit)})) for factor in (0.5, 2)
        )
        cells = []
        for what in ("nodes", "nats_clusters", "partitions"):
            pair = (getattr(halved, what), getattr(doubled, what))
            cells.append("" if pair == (getattr(base, what),) * 2 else f"{number(pair[0])} … {number(pair[1])}")
        if any(cells):
            rows.append((f"`{field.name}`", *cells))
    head = ("halved … doubled", f"nodes ({number(base.nodes)})", f"NATS clusters ({number(base.nats_clusters)})")
    return table((*head, f"partitions ({number(base.partitions)})"), rows)


def storm_table(given):
    rows = []
    for users in (MEGA, 100 * MEGA):
        one = plan(users, given)
        for lost, what in ((1, "a node"), (one.nodes // 3, "a zone of three"), (one.nodes - max(1, one.nodes // 10), "nine of ten")):
            for delay in (1, 5):
                storm = reconnect_storm(given, one, lost, delay, random.Random(SEED))
                rows.append(
                    (
                        f"{number(users)} users, {number(one.nodes)} nodes: {what}",
                        f"{delay} s",
                        number(storm.lost),
                        number(storm.connects_per_second),
                        f"{storm.busy * 100:,.0f} %",
                        number(storm.questions_per_second),
                        f"{storm.seconds_to_99:.1f} s",
                    )
                )
    head = ("what is lost", "clients' delay, ± half", "clients", "connects per second, each node left", "of its CPU")
    return table((*head, "questions per second, each partition", "99 % are back after"), rows)


def breaking_table(given):
    """At how many users one of each is full."""
    loads = {
        "one PostgreSQL: the one writer": lambda one: one.database_load["the one writer"],
        "one PostgreSQL: CPU": lambda one: one.database_load["CPU"],
        "one NATS cluster: memory for subscriptions": lambda one: one.nats_load["memory for subscriptions"],
        "one NATS cluster: CPU, by what concerns somebody there": lambda one: one.nats_load["CPU, by what concerns somebody there"],
        "one NATS cluster: CPU, with what every node is sent": lambda one: one.nats_load["CPU, with what every node is sent"],
    }
    full = []
    for name, load in loads.items():
        low, high = 1e4, 1e10
        while high / low > 1.001:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if load(plan(middle, given)) < 1 else (low, middle)
        full.append((low, name))
    return table(("what is full", "at connected users"), [(name, f"{number(float(f'{users:.2g}'))}") for users, name in sorted(full)])


def cell_table(given):
    """Installations side by side, instead of one that is a hundred times as large."""
    rows = []
    for size in (MEGA, 2 * MEGA, 5 * MEGA):
        one = plan(size, given)
        count = math.ceil(100 * MEGA / size)
        rows.append(
            (f"{count} of {number(size)} users", one.nodes, one.nats_clusters, one.partitions, number(one.messages_per_second), number(count * one.nodes))
        )
    return table(("cells", "nodes each", "NATS clusters each", "PostgreSQL each", "messages per second each", "nodes in all"), rows)


SERIES = (
    ("nodes", "#2a6fdb", lambda one: one.nodes),
    ("NATS servers, as it is", "#c2571a", lambda one: 3 * one.nats_clusters),
    ("NATS servers, addressed", "#e0a030", lambda one: 3 * one.nats_clusters_addressed),
    ("PostgreSQL partitions", "#2c8a4b", lambda one: one.partitions),
)


def plot(given):
    """Machines against users, both by powers of ten."""
    width, height, left, right, top, bottom = 640, 360, 56, 170, 20, 44
    decades_x, decades_y = (5, 8), (0, 4)
    x = lambda users: left + (math.log10(users) - decades_x[0]) / (decades_x[1] - decades_x[0]) * (width - left - right)
    y = lambda count: height - bottom - (math.log10(max(1, count)) - decades_y[0]) / (decades_y[1] - decades_y[0]) * (
        height - top - bottom
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img">',
        "<title>Machines for 100,000 to 100 million connected users</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for power in range(decades_y[0], decades_y[1] + 1):
        at = y(10**power)
        parts.append(f'<path d="M{left} {at:.1f}H{width - right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    for power in range(decades_x[0], decades_x[1] + 1):
        at = x(10**power)
        parts.append(f'<path d="M{at:.1f} {top}V{height - bottom}" stroke="#eee"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 18}" text-anchor="middle">{number(10**power)}</text>')
    parts.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 6}" text-anchor="middle">connected users</text>')
    steps = [10 ** (decades_x[0] + step / 20) for step in range((decades_x[1] - decades_x[0]) * 20 + 1)]
    ends = []
    for name, colour, count in SERIES:
        line = " ".join(f"{x(users):.1f},{y(count(plan(users, given))):.1f}" for users in steps)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        ends.append([y(count(plan(steps[-1], given))), name, colour])
    ends.sort()
    for place, end in enumerate(ends):
        # Names that would lie on each other are moved apart.
        end[0] = max(end[0], ends[place - 1][0] + 15) if place else end[0]
        parts.append(f'<text x="{width - right + 8}" y="{end[0] + 4:.1f}" fill="{end[2]}">{end[1]}</text>')
    return "\n".join([*parts, "</svg>", ""])


def written(given, document):
    """The document with each table in its place."""
    tables = {
        "inputs": inputs_table,
        "plans": plans_table,
        "sensitivities": sensitivity_table,
        "breaking": breaking_table,
        "storms": storm_table,
        "cells": cell_table,
    }
    for name, make in tables.items():
        place = re.compile(rf"(<!-- simulate\.py: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert len(place.findall(document)) == 1, f"docs/scale.md has no one place for `{name}`"
        document = place.sub(lambda found, text=make(given): f"{found[1]}{text}\n{found[2]}", document)
    return document


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    given = Inputs()
    page, picture = ROOT / "docs" / "scale.md", ROOT / "docs" / "scale.svg"
    before = page.read_text(encoding="utf-8")
    results = {page: written(given, before), picture: plot(given)}
    if options.check:
        stale = [path.name for path, text in results.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        if stale:
            sys.exit(f"{' and '.join(stale)}: run bench/scale/simulate.py")
        return
    for path, text in results.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
