"""The report of the proxy benchmark: a table, every value for a program, and a figure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from labs.draw.figure import Figure, sentence
from labs.draw.scale import ROUND, Scale
from labs.draw.sheet import BODY, GRID, INK, LINE, MARGIN, SIDE, SMALL, SOFT, Sheet, width_of
from labs.instruments.timing import Ratio, Weather

__all__ = ["BASE", "Findings", "chart", "table"]

BASE = "typical"
RATES = {
    "request": "requests/s",
    "down": "down, MB/s",
    "up": "up, MB/s",
}  # kept as seconds of one
STEP, PLOT, GAP = 32.0, 250.0, 92.0  # points


@dataclass
class Findings:
    """Hold every value: measure -> proxy -> one value a round, in seconds or bytes; `notes` are sentences."""

    rounds: int
    size: int
    idle: int
    machine: str
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Every proxy that was measured, in order."""
        return list(self.values["request"])

    def median(self, measure: str, name: str) -> float | None:
        """Return the median of what was measured, or None."""
        values = self.values.get(measure, {}).get(name)
        return statistics.median(values) if values else None

    def ratio(self, measure: str, name: str) -> Ratio | None:
        """Return `name`'s rate over the usual proxy's, round by round; None if not measured."""
        values = {it: tuple(every) for it, every in self.values.get(measure, {}).items()}
        if not {BASE, name} <= set(values):
            return None
        return Weather(values).ratio(BASE, name)

    def record(self) -> dict[str, object]:
        """Return all of it as JSON holds it."""
        ratios = {
            measure: {
                name: [it.median, it.low, it.high] for name in self.names if (it := self.ratio(measure, name))
            }
            for measure in (*RATES, "cpu")
        }
        units = "values: seconds (request, cpu, first byte), seconds a MB (down, up), bytes (the others)"
        more = {"base": BASE, "units": units, "ratios": ratios}
        return {**vars(self), **more}


def _rate(found: Findings, measure: str, name: str) -> str:
    value = found.median(measure, name)
    if value is None:
        return "-"
    return f"{1 / value:,.0f}"


def _times(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    if ratio.a == ratio.b:
        return "1"
    return f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" + ("" if ratio.seen else " =")


def table(found: Findings) -> str:
    """Return the report as text: medians, and each rate over the usual proxy's with its interval."""
    units = [
        ("cpu", 1e6, "CPU µs"),
        ("first byte", 1e3, "first byte ms"),
        ("slow reader", 1 / (1 << 20), "slow MiB"),
        ("idle", 1 / (1 << 20), "idle MiB"),
        ("uploads", 1 / (1 << 20), "uploads MiB"),
    ]
    rows = [["proxy"]]
    for label in RATES.values():
        rows[0] += [label, f"x {BASE}"]
    rows[0] += [label for _, _, label in units]
    for name in found.names:
        row = [name]
        for measure in RATES:
            row += [_rate(found, measure, name), _times(found.ratio(measure, name))]
        for measure, factor, _ in units:
            value = found.median(measure, name)
            row.append(
                "-"
                if value is None
                else f"{value * factor:.2f}"
                if "first" in measure
                else f"{value * factor:.0f}"
            )
        rows.append(row)
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [f"{cell:>{w}}" for cell, w in zip(row[1:], wide[1:], strict=True)]
        lines.append("  ".join([f"{row[0]:<{wide[0]}}", *cells]).rstrip())
    lines += [
        "",
        f"Medians of {found.rounds} interleaved rounds; [95 % interval]; = means: no difference was seen.",
        f"32 connections, 200 bytes of JSON. Big bodies: {found.size / (1 << 20):g} MiB (posted: an eighth "
        f"of it), {max(2, found.rounds // 5)} rounds.",
        "CPU: of the proxy's process, a request (direct: the origin's). First byte: of a source that drips.",
        f"Memory of the whole process, at most: slow: one slow reader of a big body. idle: {found.idle} idle "
        "connections. uploads: 100 at once.",
        f"{found.machine}. This is weather: another run gives other figures; trust the ratios.",
        *found.notes,
    ]
    return "\n".join(lines)


def _finding(found: Findings) -> str:
    best = found.ratio("request", "gateway, direct leg")
    if best is None or not best.seen:
        return "Proxies side by side: each rate as a multiple of the usual aiohttp proxy's"
    how = f"{best.median:.1f} times as many" if best.median > 1 else f"{best.median:.2f} times as many"
    return f"Over its direct leg, the gateway answers {how} small requests as the usual aiohttp proxy"


def chart(found: Findings) -> Figure:
    """Draw the ratios: a dot at each median, a line over its interval, logarithmic, one panel a rate."""
    panels = {
        it: {n: r for n in found.names if (r := found.ratio(it, n))} for it in RATES if it in found.values
    }
    every = [
        end for ratios in panels.values() for ratio in ratios.values() for end in (ratio.low, ratio.high)
    ]
    steps = [step for step in ROUND if min([*every, 0.5]) / 2.5 < step < max([*every, 2.0]) * 2.5]
    ticks = [it for it in steps if it <= min(every)][-1:] + [
        it for it in steps if min(every) < it < max(every)
    ]
    ticks += [it for it in steps if it >= max(every)][:1]
    axis = Scale(ticks, 1.0, "", True)
    left = MARGIN + max(width_of(name, BODY) for name in found.names) + 16
    foot = [
        f"Multiples of {BASE}, log scale; dot: median, line: 95 % interval, number: the rate itself.",
        f"Medians of {found.rounds} interleaved rounds; {found.machine}.",
        "This is weather: another run gives other figures.",
    ]
    wide = left - MARGIN + len(panels) * (PLOT + GAP)
    sheet = Sheet(wide, len(found.names) * STEP + 66, _finding(found), foot)
    top, bottom = sheet.top + 30, sheet.top + 30 + len(found.names) * STEP
    said = []
    for number, (measure, ratios) in enumerate(panels.items()):
        start = left + number * (PLOT + GAP)
        sheet.text(start, sheet.top + 14, RATES[measure], SIDE, bold=True)
        for tick in ticks:
            x = start + axis.place(tick, PLOT)
            if tick == 1:
                sheet.line([x, x], [top, bottom], INK, 1.2, order=1)
            else:
                sheet.line([x, x], [top, bottom], GRID, 0.8, order=1)
            if len(ticks) < 9 or str(tick)[0 if tick >= 1 else -1] == "1":
                sheet.text(x, bottom + 14, f"{tick:g}", SMALL, SOFT, align="center")
        sheet.line([start, start + PLOT], [bottom, bottom], LINE, 1)
        for row, name in enumerate(found.names):
            y = top + STEP * (row + 0.5)
            if not number:
                sheet.text(left - 16, y + 4.5, name, BODY, align="right")
            rate = _rate(found, measure, name)
            if name not in ratios:
                sheet.text(start + PLOT + 10, y + 4.5, "not measured", SMALL, SOFT)
                continue
            ratio = ratios[name]
            ends = [start + axis.place(end, PLOT) for end in (ratio.low, ratio.high)]
            sheet.line(ends, [y, y], INK, 2)
            for end in ends:
                sheet.line([end, end], [y - 5, y + 5], INK, 1.4)
            sheet.dots([start + axis.place(ratio.median, PLOT)] * 2, [y, y])
            sheet.text(start + PLOT + 10, y + 4.5, rate, BODY)
            said.append(
                f"{name}: {rate} {RATES[measure].rpartition(', ')[2]}"
                + (f" {measure}" if measure != "request" else "")
                + f", {_times(ratio).removesuffix(' =')} times {BASE}."
            )
    return sheet.finish(" ".join([sentence(sheet.finding), *said, foot[-1]]))
