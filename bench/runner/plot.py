"""Plots as SVG, readable on light and on dark pages."""

import math
from html import escape

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; font-size: 13px; fill: #1f2328 }
.grid { stroke: #d0d7de; stroke-width: 1 } .ours { fill: #1a7f5a } .theirs { fill: #8c959f }
.line { fill: none; stroke-width: 2 } .c0 { stroke: #1a7f5a } .c1 { stroke: #bf5b04 } .c2 { stroke: #3b6fb6 } .dot { stroke: none }
.f0 { fill: #1a7f5a } .f1 { fill: #bf5b04 } .f2 { fill: #3b6fb6 }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d } .theirs { fill: #656c76 } }
</style>"""


def short(value):
    """A number as a person would say it."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def frame(width, height, title, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">\n{STYLE}\n<text class="title" x="8" y="20">{escape(title)}</text>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def bars(title, rows):
    """Horizontal bars: (label, value, whether it is ours)."""
    widest = max((value for _, value, _ in rows), default=1) or 1
    body = []
    for place, (label, value, ours) in enumerate(rows):
        y, length = 34 + place * 24, 380 * value / widest
        body.append(f'<text x="208" y="{y + 13}" text-anchor="end">{escape(label)}</text>')
        body.append(f'<rect class="{"ours" if ours else "theirs"}" x="216" y="{y}" width="{max(1, length):.1f}" height="17" rx="2"/>')
        body.append(f'<text x="{222 + length:.1f}" y="{y + 13}">{short(value)}</text>')
    return frame(680, 44 + 24 * len(rows), title, body)


def lines(title, across, up, curves):
    """Lines over logarithmic axes: curves are (label, [(x, y)])."""
    points = [(x, y) for _, curve in curves for x, y in curve if x > 0 and y > 0]
    if not points:
        return frame(680, 60, title, [])
    left, top, wide, high = 62, 40, 440, 210
    x_low, x_high = (math.log10(f(x for x, _ in points)) for f in (min, max))
    y_low, y_high = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(max(y for _, y in points)))
    x_high, y_high = max(x_high, x_low + 1), max(y_high, y_low + 1)

    def place(x, y):
        return (
            left + wide * (math.log10(x) - x_low) / (x_high - x_low),
            top + high - high * (math.log10(y) - y_low) / (y_high - y_low),
        )

    body = []
    for power in range(y_low, y_high + 1):
        _, y = place(10**x_low, 10.0**power)
        body.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + wide}" y2="{y:.1f}"/>')
        body.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{short(10.0**power)}</text>')
    for power in range(math.ceil(x_low), math.floor(x_high) + 1):
        x, _ = place(10.0**power, 10.0**y_low)
        body.append(f'<text x="{x:.1f}" y="{top + high + 16}" text-anchor="middle">{short(10.0**power)}</text>')
    for number, (label, curve) in enumerate(curves):
        spots = [place(x, y) for x, y in curve if x > 0 and y > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        color = number % 3
        dash = ' stroke-dasharray="5 3"' if number >= 3 else ""
        body.append(f'<polyline class="line c{color}" points="{path}"{dash}/>')
        body += [f'<circle class="dot f{color}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in spots]
        y = top + 12 + number * 18
        body.append(f'<line class="line c{color}" x1="{left + wide + 12}" y1="{y - 4}" x2="{left + wide + 32}" y2="{y - 4}"{dash}/>')
        body.append(f'<text x="{left + wide + 38}" y="{y}">{escape(label)}</text>')
    body.append(f'<text x="{left + wide / 2}" y="{top + high + 34}" text-anchor="middle">{escape(across)}</text>')
    body.append(f'<text x="8" y="34">{escape(up)}</text>')
    return frame(720, top + high + 44, title, body)
