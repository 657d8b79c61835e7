"""Writes the tables and plots of docs/benchmarks.md and docs/authorization.md between their marks."""

import re
import statistics

import authorization
import growth
import measure
import plot
import promise
import workloads
from figures import cpu_each_us, cpu_share, good, measured_when, middle, notes, table
from machine import ROOT

DOCS = ROOT / "docs"
PLOTS = DOCS / "benchmarks"


def write(results):
    PLOTS.mkdir(exist_ok=True)
    parts = {"machine": machine(results)}
    for name, found in results.get("workloads", {}).items():
        # The page's first tables are made of these.
        if not name.startswith("durable"):
            parts[name] = workload(name, found)
    if "growth" in results:
        parts["growth"] = growth_tables(results["growth"])
    parts["promise"] = promise.tables(results.get("workloads", {}))
    parts["aims"] = aims(results.get("workloads", {}))
    fill(DOCS / "benchmarks.md", parts)
    if "authorization" in results:
        fill(DOCS / "authorization.md", {"machine": machine(results), "authorization": policies(results["authorization"])})


def fill(path, parts):
    """Replaces what stands between `<!-- begin X -->` and `<!-- end X -->`."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- begin {re.escape(name)} -->\n).*?(<!-- end {re.escape(name)} -->)", re.DOTALL)
        text = pattern.sub(lambda found, part=part: found.group(1) + part + found.group(2), text)
    path.write_text(text, encoding="utf-8")


def machine(results):
    if "machine" not in results:
        return ""
    m, v = results["machine"], results["versions"]
    mhz = f" at {m['mhz'] / 1000:.1f} GHz" if m.get("mhz") else ""
    virtual = ", virtual" if m["virtual"] else ""
    return (
        f"{m['cores']} cores of an {m['cpu']}{mhz}{virtual}, {m['memoryGib']} GiB, {m['os']}, Linux {m['kernel']}. "
        f"The server had {len(m['serverCores'])} of them, the load {len(m['loadCores'])}. "
        f"haggle {v['haggle']} (rustc {v['rustc']}), Bun {v['bun']}, Socket.IO {v['socket.io']} on Node {v['node']}, "
        f"socketioxide {v['socketioxide']}.\n"
    )


def workload(name, found):
    rows, chart = [], []
    for server, kept in found["servers"].items():
        runs = good(kept["runs"])
        if not runs:
            rows.append([server, *["–"] * 5, notes(kept["runs"])])
            continue
        figures = [measure.headline(name, run) for run in runs]
        apart = f"{measure.spread(figures):.0%}" if len(figures) > 1 else "–"
        value = statistics.median(figures)
        chart.append((server, value, server.startswith("haggle")))
        latency = [f"{middle(runs, lambda run, key=key: run['latencyUs'][key]):,.0f}" for key in ("p50", "p99", "p999")]
        cpu = f"{middle(runs, cpu_each_us):.2f}"
        note = notes(kept["runs"])
        if name == "idle":
            rows.append([server, f"{value:.1f}", apart, f"{middle(runs, cpu_share):.1%}", note])
        elif name == "recovery":
            rows.append([server, f"{value:.2f}", apart, f"{middle(runs, lambda run: run['latencyUs']['p50']) / 1e6:.2f}", note])
        elif workloads.is_paced(name):
            rows.append([server, *latency, apart, cpu, note])
        else:
            rows.append([server, f"{value:,.0f}", apart, *latency[:2], cpu, note])
    unit = {"connect": "entries", "history": "pages", "older-history": "pages", "room-list": "pages"}.get(name, "deliveries")
    if name == "idle":
        head = ["server", "KiB per connection", "spread", "processor at rest", "notes"]
        title = "KiB per connection"
    elif name == "recovery":
        head = ["server", "seconds until the last", "spread", "until the half", "notes"]
        title = "seconds until the last client has caught up"
    elif workloads.is_paced(name):
        head = ["server", "p50 µs", "p99 µs", "p99.9 µs", "spread of p50", f"processor µs per {unit[:-1].replace('ie', 'y') if unit == 'entries' else 'delivery'}", "notes"]
        title = "p50 in µs"
    else:
        one = {"deliveries": "delivery", "entries": "entry", "pages": "page"}[unit]
        head = ["server", f"{unit} per second", "spread", "p50 µs", "p99 µs", f"processor µs per {one}", "notes"]
        title = f"{unit} per second"
    (PLOTS / f"{name}.svg").write_text(plot.bars(f"{found['title']}: {title}", chart), encoding="utf-8")
    when = measured_when([(name, server, kept) for server, kept in found["servers"].items()])
    return f"![{found['title']}](benchmarks/{name}.svg)\n\n{table(head, rows)}\n{when}\n"


def growth_tables(found):
    parts, curves = [], []
    for name, curve in found.items():
        ok = [point for point in curve["points"] if "failed" not in point["outcome"]]
        costs = [(point["size"], growth.cost_us(point["outcome"])) for point in ok]
        if name not in ("room-list", "history"):
            curves.append((name.replace("-", " "), costs))
        rows = [
            [
                f"{point['size']:,}",
                f"{growth.cost_us(point['outcome']):.1f}",
                f"{point['outcome']['latencyUs']['p50']:,.0f}",
                f"{point['outcome']['latencyUs']['p99']:,.0f}",
                measure.trouble(point["outcome"]),
            ]
            for point in ok
        ]
        parts.append(table([curve["title"], "processor µs each", "p50 µs", "p99 µs", "notes"], rows))
    svg = plot.lines("What a delivery costs as things grow", "how many", "processor µs per delivery", curves)
    (PLOTS / "growth.svg").write_text(svg, encoding="utf-8")
    return "![What a delivery costs as things grow](benchmarks/growth.svg)\n\n" + "\n".join(parts)


def policies(found):
    rows, chart = [], []
    for policy, loads in found.items():
        full, fixed, enter, silent = (good(loads[name]) for name in ("saturated", "fixed", "enter", "silent"))
        if not (full and fixed and enter and silent):
            continue

        def questions(run):
            return run["counters"]["database_reads_total"]

        entering = middle(silent, questions)
        per_message = middle(fixed, lambda run: (questions(run) - entering) / max(1, run["counters"]["messages_total"]))
        rate = middle(full, lambda run: run["perSecond"] / 2)
        chart.append((policy, rate, True))
        rows.append([
            f"`{policy}`",
            f"{rate:,.0f}",
            f"{middle(fixed, lambda run: run['latencyUs']['p50']):,.0f}",
            f"{middle(fixed, lambda run: run['latencyUs']['p99']):,.0f}",
            f"{middle(fixed, cpu_each_us) * 2:.0f}",
            f"{abs(per_message):.2f}",
            f"{entering / silent[0]['connections']:.2f}",
            f"{middle(enter, lambda run: run['perSecond']):,.0f}",
        ])  # fmt: skip
    (PLOTS / "authorization.svg").write_text(plot.bars("Messages per second, 500 pairs saturated", chart), encoding="utf-8")
    head = ["", "messages per second", "p50 µs at 1,000/s", "p99 µs", "processor µs per message at 1,000/s", "questions to the database per message", "questions per entry", "entries per second"]
    return "![Messages per second by policy](benchmarks/authorization.svg)\n\n" + table(head, rows)


def aims(found):
    """What was aimed at next to peers that promise less, against what was measured in the same run."""

    def value(name, server, figure=None):
        runs = good(found.get(name, {}).get("servers", {}).get(server, {}).get("runs", []))
        if not runs:
            return None
        return middle(runs, figure or (lambda run: measure.headline(name, run)))

    def best(name, servers):
        values = [number for server in servers if (number := value(name, server)) is not None]
        return max(values, default=None)

    def ratio(one, other):
        return one / other if one is not None and other else None

    p99 = lambda run: run["latencyUs"]["p99"]  # noqa: E731
    grouped = [f"{peer}, grouped commits" for peer in ("Bun", "socketioxide", "Socket.IO")]
    each = [f"{peer}, a commit each" for peer in ("Bun", "socketioxide", "Socket.IO")]
    sio = "haggle, Socket.IO wire"
    listed = [
        ("pairs saturated, against Bun storing nothing", ratio(value("pairs-saturated", "haggle"), value("pairs-saturated", "Bun")), 1.0, True),
        ("pairs saturated, against the best peer that stores", ratio(value("pairs-saturated", "haggle"), best("pairs-saturated", grouped + each)), 2.5, True),
        ("pairs at 10,000 messages per second: p50, against Bun storing nothing", ratio(value("pairs-10k", "haggle"), value("pairs-10k", "Bun")), 2.0, False),
        ("the same: p99", ratio(value("pairs-10k", "haggle", p99), value("pairs-10k", "Bun", p99)), 1.5, False),
        ("fan-out saturated, against the bare relay", ratio(value("fan-out-saturated", "haggle"), value("fan-out-saturated", "bare relay")), 0.7, True),
        ("the same: processor time per delivery, against Bun", ratio(value("fan-out-saturated", "haggle", cpu_each_us), value("fan-out-saturated", "Bun", cpu_each_us)), 1.0, False),
        ("the Socket.IO wire against the plain one, pairs saturated", ratio(value("pairs-saturated", sio), value("pairs-saturated", "haggle")), 0.85, True),
        ("the Socket.IO wire storing, against socketioxide not storing", ratio(value("pairs-saturated", sio), value("pairs-saturated", "socketioxide")), 1.3, True),
        ("seconds until 5,000 clients have caught up, once the server takes connections again", value("recovery", "haggle"), 5.0, False),
    ]  # fmt: skip
    rows = []
    for what, got, aim, at_least in listed:
        if got is None:
            rows.append([what, f"{'≥' if at_least else '≤'} {aim:g}", "not measured", ""])
            continue
        reached = got >= aim if at_least else got <= aim
        rows.append([what, f"{'≥' if at_least else '≤'} {aim:g}", f"{got:.2f}", "yes" if reached else "no"])
    return table(["haggle storing with FULL", "aim", "measured", "reached"], rows)
