"""The page's first tables: haggle next to peers that make the same promise, and how far it is from its aims."""

from dataclasses import dataclass

import measure
import workloads
from figures import cpu_share, good, measured_when, middle, notes, table

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

    def runs(self, found, server):
        return good(found.get(self.workload, {}).get("servers", {}).get(server, {}).get("runs", []))

    def of(self, found, server):
        runs = self.runs(found, server)
        return middle(runs, self.figure) if runs else None

    def spread(self, found, servers):
        """The wider one of several servers; nothing for single runs."""
        figures = [[self.figure(run) for run in self.runs(found, server)] for server in servers]
        return max((measure.spread(values) for values in figures if len(values) > 1), default=None)

    def aimed(self):
        if self.aim is None:
            return ""
        form = f"{self.aim:g}" if self.is_absolute else f"{self.aim:.1f} ×"
        return f"{'≥' if self.at_least else '≤'} {form}"

    def reached(self, found, mine, ratio, servers):
        value = mine if self.is_absolute else ratio
        if value is None or self.aim is None:
            return ""
        if any(run["loadWasTheLimit"] for server in servers for run in self.runs(found, server)):
            return "not valid"
        return "yes" if (value >= self.aim if self.at_least else value <= self.aim) else "no"


def latency(key):
    return lambda run: run["latencyUs"][key]


def stored(key, run):
    found = run.get("stored", {})
    return found.get(key, 0) / max(1, found.get("messages", 0))


def log_kb(run):
    return stored("logBytes", run) / 1000


def messages(run):
    """A message between two is two deliveries."""
    return max(1, run["count"] / 2)


def written_kb(run):
    return run["server"]["writtenBytes"] / messages(run) / 1000


def cpu_us(run):
    return run["server"]["cpuSeconds"] * 1e6 / messages(run)


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
            saturated = f"{prefix}-w{window}"
            rows += [
                Row(words, saturated, lambda run: run["perSecond"], aim, at_least=True),
                Row("the same: processor, µs per message", saturated, cpu_us, form=".1f"),
            ]
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
    """All of them as Markdown. A figure that was not measured is a dash, or with `measured_only` its row is left out.

    A table without aims and without a figure is left out in either case.
    """
    parts = []
    for title, rows, columns, with_aims in (
        ("", durable_rows(), PLAIN, True),
        ("On the Socket.IO wire:\n\n", durable_rows(), SOCKET_IO, False),
        ("Next to Bun that stores nothing:\n\n", storing_nothing_rows(), ("haggle", "Bun"), True),
    ):
        names = {row.workload for row in rows}
        if measured_only or not with_aims:
            columns = [server for server in columns if any(row.of(found, server) is not None for row in rows)]
            rows = [row for row in rows if any(row.of(found, server) is not None for server in columns)]
        if len(columns) > 1:
            parts.append(title + compared(found, rows, columns, with_aims and columns[0] == "haggle"))
            parts.append(checked(found, names, columns))
    return "\n".join(parts)


def compared(found, rows, columns, with_aims):
    mine, first, *others = columns
    head = ["", mine, first, "ratio", "spread", *(["aim", "reached"] if with_aims else [])]
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
            if place == 0:
                line.append(shown(row.spread(found, (mine, first)), ".0%"))
                line += [row.aimed(), row.reached(found, value, ratio, (mine, first))] if with_aims else []
        lines.append(line)
    return table(head, lines)


def shown(value, form):
    return "–" if value is None else format(value, form)


def checked(found, names, columns):
    """When these were measured, and what the load generator's checks found."""
    kept = [
        (name, server, workload["servers"][server])
        for name, workload in found.items()
        for server in columns
        if name in names and server in workload["servers"]
    ]
    if not kept:
        return "Not measured yet.\n"
    runs = sum(len(one["runs"]) for _, _, one in kept)
    wrong = [f"- `{name}`, {server}: {note}" for name, server, one in kept if (note := notes(one["runs"]))]
    if not wrong:
        return f"{measured_when(kept)} In these {runs} runs nothing was lost, repeated, out of order or in a wrong room.\n"
    return f"{measured_when(kept)} What the load generator found in these {runs} runs:\n\n" + "\n".join(wrong) + "\n"
