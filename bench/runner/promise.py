"""The page's first tables: haggle next to peers that make the same promise, and how far it is from its aims."""

from dataclasses import dataclass

import measure
import workloads
from figures import cpu_share, good, middle, notes, table

PLAIN = ("haggle", "Bun, FULL, grouped", "Bun, the whole promise")
SOCKET_IO = ("haggle, Socket.IO wire", "Socket.IO, FULL, grouped", "Socket.IO, the whole promise")


@dataclass(frozen=True)
class Row:
    """One figure. `aim` is a ratio to the first peer, or with `is_absolute` a bound of haggle's own figure."""

    words: str
    workload: str
    figure: callable
    aim: float | None = None
    at_least: bool = False
    is_absolute: bool = False
    form: str = ",.0f"

    def of(self, found, server):
        runs = good(found.get(self.workload, {}).get("servers", {}).get(server, {}).get("runs", []))
        return middle(runs, self.figure) if runs else None

    def aimed(self):
        if self.aim is None:
            return ""
        form = f"{self.aim:g}" if self.is_absolute else f"{self.aim:.1f} ×"
        return f"{'≥' if self.at_least else '≤'} {form}"

    def reached(self, mine, ratio):
        value = mine if self.is_absolute else ratio
        if value is None or self.aim is None:
            return ""
        return "yes" if (value >= self.aim if self.at_least else value <= self.aim) else "no"


def latency(key):
    return lambda run: run["latencyUs"][key]


def stored(key, run):
    found = run.get("stored", {})
    return found.get(key, 0) / max(1, found.get("messages", 0))


def log_kb(run):
    return stored("logBytes", run) / 1000


def written_kb(run):
    # A message between two is two deliveries.
    return run["server"]["writtenBytes"] / max(1, run["count"] / 2) / 1000


def file_bytes(run):
    """Without the search index, which the peers don't have."""
    return stored("bytes", run) - stored("indexBytes", run)


def durable_rows():
    rows = []
    for rooms in workloads.ROOMS:
        prefix = workloads.durable_prefix(rooms)
        of = f"{rooms:,} rooms"
        for window in workloads.WINDOWS:
            aim = 1.5 if window == 8 else 1.0
            words = f"{of}, {window} in flight: deliveries per second"
            rows.append(Row(words, f"{prefix}-w{window}", lambda run: run["perSecond"], aim, at_least=True))
        paced = f"{prefix}-10k"
        rows += [
            Row(f"{of}, 10,000 messages per second: p50 in µs", paced, latency("p50"), 1.0),
            Row("the same: p99 in µs", paced, latency("p99"), 1.0),
            Row("the same: processor, in cores", paced, cpu_share, 1.0, form=".2f"),
            Row("the same: log, KB per message", paced, log_kb, 4, is_absolute=True, form=".1f"),
            Row("the same: log and file, KB written to the disk per message", paced, written_kb, form=".1f"),
            Row("the same: file, bytes per message without its search index", paced, file_bytes, 310, is_absolute=True),
        ]
    return rows


def storing_nothing_rows():
    return [
        Row("fan-out, one to 1,000, saturated: deliveries per second", "fan-out-saturated", lambda run: run["perSecond"], 1.0, at_least=True),
        Row("connect, token, entry: per second", "connect", lambda run: run["perSecond"], 0.9, at_least=True),
        Row("idle connection, KiB", "idle", lambda run: measure.headline("idle", run), 3.0, is_absolute=True, form=".1f"),
    ]  # fmt: skip


def tables(found, measured_only=False):
    """All of them as Markdown. A figure that was not measured is a dash, or with `measured_only` its row is left out."""
    parts = []
    for title, rows, columns, with_aims in (
        ("", durable_rows(), PLAIN, True),
        ("On the Socket.IO wire:\n\n", durable_rows(), SOCKET_IO, False),
        ("Next to Bun that stores nothing:\n\n", storing_nothing_rows(), ("haggle", "Bun"), True),
    ):
        if measured_only:
            columns = [server for server in columns if any(row.of(found, server) is not None for row in rows)]
            rows = [row for row in rows if any(row.of(found, server) is not None for server in columns)]
        if len(columns) > 1:
            parts.append(title + compared(found, rows, columns, with_aims and columns[0] == "haggle"))
    return "\n".join([*parts, wrong(found)])


def compared(found, rows, columns, with_aims):
    mine, first, *others = columns
    head = ["", mine, first, "ratio", *(["aim", "reached"] if with_aims else [])]
    for other in others:
        head += [other, "ratio"]
    lines = []
    for row in rows:
        value = row.of(found, mine)
        line = [row.words, shown(value, row.form)]
        for place, peer in enumerate((first, *others)):
            theirs = row.of(found, peer)
            ratio = value / theirs if value is not None and theirs else None
            line += [shown(theirs, row.form), shown(ratio, ".2f")]
            if place == 0 and with_aims:
                line += [row.aimed(), row.reached(value, ratio)]
        lines.append(line)
    return table(head, lines)


def shown(value, form):
    return "–" if value is None else format(value, form)


def wrong(found):
    """What the load generator's checks found in these runs."""
    names = set(workloads.first_table())
    runs, lines = 0, []
    for name, workload in found.items():
        for server, kept in workload["servers"].items() if name in names else ():
            runs += len(kept["runs"])
            if note := notes(kept["runs"]):
                lines.append(f"- `{name}`, {server}: {note}")
    if not runs:
        return "Not measured yet.\n"
    if not lines:
        return f"In these {runs} runs nothing was lost, repeated, out of order or in a wrong room.\n"
    return f"What was wrong in these {runs} runs:\n\n" + "\n".join(lines) + "\n"
