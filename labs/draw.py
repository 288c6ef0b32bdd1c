"""Draw what was recorded. Text comes first: a figure is the twin of a text, and its alt text says it again.

labs/draw.py and labs/sheet.py are the only rooms that import matplotlib. Each figure is drawn in matplotlib's
own style, whatever style the reader has set.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from matplotlib import style

from labs import deadlines, panel
from labs import mosaic as blocks
from labs.bands import bands
from labs.figure import Figure, sentence
from labs.flow import Flow
from labs.growth import growth
from labs.heat import Grid
from labs.hops import PIECES, counted, hops, words
from labs.memory import Meter
from labs.patience import Run
from labs.scale import scale
from labs.sheet import BODY, INK, LINE, MARGIN, SIDE, SMALL, SOFT, TILES, Sheet, width_of
from labs.trace import Trace
from labs.weather import Weather

__all__ = [
    "Figure",
    "bytes_view",
    "deadlines_view",
    "flow_view",
    "heat_map",
    "lifelines",
    "memory_view",
    "mosaic",
    "weather_view",
]

BELOW, NARROWEST = 30.0, 420.0  # points, as every length here
FRAMED = "Bytes as they crossed the wire; chunk sizes count as body."
DOTS = "Dots: every value. Bar and number: the median."
WEATHER = "This is weather: measured here and now; another run gives other times."


@style.context("default")
def lifelines(sides: Mapping[str, Trace], *, finding: str, show: Sequence[str] = ()) -> Figure:
    """Draw who said what to whom, one panel a side on one vertical scale: the drawn twin of `Trace.lanes()`.

    `show` names fields whose values stand under the arrow. The order is that of the recording; no clock.
    Raises ValueError when there is no side, a side is not a Trace, or the finding is empty.
    """
    _check(sides, finding)
    if isinstance(show, str):
        raise ValueError(f"`show` takes a list of field names: write show=[{show!r}].")
    panels = [panel.panel(name, trace, show) for name, trace in sides.items()]
    bands = panel.bands(panels)
    width = max(sum(it.width for it in band) + panel.BETWEEN * (len(band) - 1) for band in bands)
    rows = zip_longest(*([arrow.height for arrow in it.arrows] for it in panels), fillvalue=0.0)
    heights = [max(row) for row in rows]
    tall = [sum(heights[: max(len(it.arrows) for it in band)]) + panel.HEIGHT for band in bands]
    key = ["Time runs down in the order of the recording, not to scale."]
    if any(arrow.said.message for it in panels for arrow in it.arrows):
        key.append("Solid: request. Dashed: answer.")
    if any(it.numbers for it in panels):
        key.append("Circled: the connection, where a pair had several.")
    sheet = Sheet(max(width, NARROWEST), sum(tall) + BELOW * (len(bands) - 1) + 10, finding, key)
    top = sheet.top
    for band, height in zip(bands, tall, strict=True):
        left = MARGIN
        for it in band:
            panel.draw(sheet, it, left, top, heights)
            left += it.width + panel.BETWEEN
        top += height + BELOW
    return sheet.finish(" ".join([sentence(finding), *map(panel.words, panels)]))


@style.context("default")
def bytes_view(sides: Mapping[str, Trace], *, finding: str, whom: str | None = None) -> Figure:
    """Draw how many bytes crossed each hop, one bar a side and direction: head, body as framed, surplus.

    `whom` keeps only what was sent to that party. All bars share one scale, which starts at zero.
    Raises ValueError when there is no side, a side is not a Trace, the finding is empty, or `whom` heard
    nothing.
    """
    _check(sides, finding)
    found = {name: hops(trace, whom) for name, trace in sides.items()}
    if whom is not None and not any(found.values()):
        known = sorted({s.whom for trace in sides.values() for s in trace.said if s.message})
        choice = ", ".join(map(repr, known)) or "nobody, for nothing was said"
        raise ValueError(f"Nothing was sent to {whom!r}: choose one of {choice}.")
    bars = [(f"{who} → {to}", sizes) for side in found.values() for (who, to), sizes in side.items()]
    names = max((width_of(name, BODY) for name, _ in bars), default=100.0)
    numbers = max((width_of(counted(sizes), SMALL) for _, sizes in bars), default=0.0)
    most = max((sum(sizes) for _, sizes in bars), default=1) or 1
    plot, step = 300.0, 27.0
    height = sum(max(len(side), 1) * step + 44 for side in found.values()) + 26
    sheet = Sheet(names + plot + numbers + 22, height, finding, [FRAMED])
    y, left = sheet.top, MARGIN + names + 10
    for name, side in found.items():
        sheet.heading(y, name, MARGIN, sheet.width - MARGIN)
        y += 28
        for (who, to), sizes in side.items():
            sheet.text(left - 10, y + 14, f"{who} → {to}", BODY, align="right")
            sheet.pieces(left, y + 2, 16, [size * plot / most for size in sizes])
            sheet.text(left + sum(sizes) * plot / most + 8, y + 13.5, counted(sizes), SMALL, SOFT)
            y += step
        if not side:
            sheet.text(MARGIN, y + 14, "Nothing crossed.", BODY, SOFT)
            y += step
        y += 16
    for k, word in enumerate(PIECES):
        if any(sizes[k] for _, sizes in bars):
            sheet.pieces(left, y, 11, [22.0 if k == n else 0.0 for n in range(3)])
            sheet.text(left + 28, y + 9.5, word, SMALL)
            left += 52 + width_of(word, SMALL)
    told = {
        name: "; ".join(words(*hop, sizes) for hop, sizes in side.items()) for name, side in found.items()
    }
    sentences = [sentence(f"{name}: {said or 'nothing crossed'}") for name, said in told.items()]
    return sheet.finish(" ".join([sentence(finding), "Bytes that crossed.", *sentences]))


@style.context("default")
def heat_map(grid: Grid, *, finding: str) -> Figure:
    """Draw a grid of letters, one tile a cell and one block a group: the drawn twin of the grid's text.

    Letter and hatch tell tiles apart before colour does; the key is written below. In a grid with a mark the
    marked tiles are dark, and all the others light. Raises ValueError when `grid` is no Grid, has no mark and
    more letters than there are kinds of tile, or the finding is empty.
    """
    _check_finding(finding)
    if not isinstance(grid, Grid):
        raise ValueError(f"A heat map is drawn of a Grid: give that, not {type(grid).__name__}.")
    key, dark = dict(grid.key), grid.mark[0]
    if not dark and len(key) > len(TILES):
        raise ValueError(f"A heat map has {len(TILES)} kinds of tile, and the key {len(grid.key)} letters.")
    names = max(width_of(row, BODY) for row in grid.rows) + 12
    labels = [it for columns in grid.columns.values() for it in columns]
    wide, tall, apart = max(30.0, *(width_of(it, SMALL) + 8 for it in labels)), 24.0, 22.0
    wide = max(wide, *(width_of(it + dark, BODY, bold=True) + 8 for it in key))
    blocks = [max(wide * len(them), width_of(it, SIDE, bold=True)) for it, them in grid.columns.items()]
    bottom = 44 + tall * len(grid.rows)
    width = names + sum(blocks) + apart * (len(blocks) - 1)
    kinds = dict.fromkeys(key, TILES[0]) if dark else dict(zip(key, TILES, strict=False))
    if dark:
        key[dark], kinds[dark] = grid.mark[1], TILES[2]
    sheet = Sheet(max(width, NARROWEST), bottom + 12 + 20 * len(key), finding, [])
    left = MARGIN + names
    for k, row in enumerate(grid.rows):
        sheet.text(left - 12, sheet.top + 44 + tall * k + 16, row, BODY, align="right")
    for (group, columns), block in zip(grid.columns.items(), blocks, strict=True):
        sheet.heading(sheet.top, group, left, left + block)
        for n, column in enumerate(columns):
            x = left + wide * n
            sheet.text(x + wide / 2, sheet.top + 36, column, SMALL, SOFT, align="center")
            for k, row in enumerate(grid.rows):
                if letter := grid.cells.get(cell := (group, row, column)):
                    kind = kinds[dark if cell in grid.marked else letter]
                    sheet.tile(x, sheet.top + 44 + tall * k, wide, tall, grid.sign(*cell), kind)
        left += block + apart
    for k, (letter, meaning) in enumerate(key.items()):
        y = sheet.top + bottom + 12 + 20 * k
        sheet.tile(MARGIN + names - 12 - 22, y, 22, 16, letter, kinds[letter])
        sheet.text(MARGIN + names, y + 12, meaning, SMALL)
    return sheet.finish(f"{sentence(finding)} {grid.words()}")


@style.context("default")
def deadlines_view(sides: Mapping[str, Mapping[str, Run]], *, finding: str) -> Figure:
    """Draw every run of every side: the timeout it asked for, and when it ended (labs/deadlines.py)."""
    return deadlines.deadlines(sides, finding=finding)


@style.context("default")
def mosaic(grids: Mapping[str, Grid], *, finding: str) -> Figure:
    """Draw several grids of letters on one page, a block for each: a heat map with more rows than a page.

    Raises ValueError when there is no grid, one is no Grid, their keys differ, or the finding is empty.
    """
    _check_finding(finding)
    return blocks.draw(grids, finding)


@style.context("default")
def flow_view(sides: Mapping[str, Flow], *, finding: str) -> Figure:
    """Draw where the bytes of an answer were, turn by turn: what each held as a band, one panel a side.

    How much is on the way is another amount in every run and on every system; the text says only which side
    sent all before its reader began. Raises ValueError when there is no side or more than four, a side is not
    a Flow that moved something, or the finding is empty.
    """
    _check_finding(finding)
    if not 1 <= len(sides) <= 4 or not all(isinstance(it, Flow) and it.sent for it in sides.values()):
        raise ValueError("A flow is drawn of one to four named Flows that moved something: give a dict.")
    return bands(sides, finding)


@style.context("default")
def memory_view(
    sides: Mapping[str, Meter], *, finding: str, along: str = "that the server has sent"
) -> Figure:
    """Draw how much memory each side held while a body was on its way, over the MiB that `along` names.

    Raises ValueError when there is no side or more than four, a side is not a Meter with steps, or the
    finding is empty.
    """
    _check_finding(finding)
    if not 1 <= len(sides) <= 4 or not all(isinstance(it, Meter) and it.steps for it in sides.values()):
        raise ValueError("Memory is drawn of one to four named Meters that marked something: give a dict.")
    return growth(sides, finding, along)


@style.context("default")
def weather_view(weather: Weather, *, finding: str) -> Figure:
    """Draw every measured duration as a dot and each median as a bar; logarithmic where they differ much.

    The picture is another one in every run; its text is not. Raises ValueError when `weather` is not a
    Weather, or the finding is empty.
    """
    _check_finding(finding)
    if not isinstance(weather, Weather):
        raise ValueError(
            f"Weather is drawn of what `weather()` returned: give that, not {type(weather).__name__}."
        )
    axis = scale(value for values in weather.values.values() for value in values)
    names = max(width_of(name, BODY) for name in weather.values)
    plot, step = 430.0, 46.0
    sheet = Sheet(names + plot + 110, len(weather.values) * step + 38, finding, [DOTS, WEATHER])
    left, bottom = MARGIN + names + 16, sheet.top + len(weather.values) * step
    for tick in axis.ticks:
        x = left + axis.place(tick, plot)
        sheet.line([x, x], [sheet.top, bottom], "#dfe3e7", 0.8, order=1)
        sheet.text(x, bottom + 14, f"{tick:g}", SMALL, SOFT, align="center")
    sheet.text(left + plot + 14, bottom + 14, axis.unit + (", log" if axis.log else ""), SMALL, SOFT)
    sheet.line([left, left + plot], [bottom, bottom], LINE, 1)
    dice = random.Random(0)
    for k, (name, values) in enumerate(weather.values.items()):
        y = sheet.top + step * (k + 0.5)
        sheet.text(left - 16, y + 4.5, name, BODY, align="right")
        xs = [left + axis.place(value * axis.factor, plot) for value in values]
        sheet.dots(xs, [y + dice.uniform(-9, 9) for _ in values])  # apart, so that equal ones can be counted
        median = weather.median(name) * axis.factor
        sheet.line([left + axis.place(median, plot)] * 2, [y - 15, y + 15], INK, 2.6)
        sheet.text(left + plot + 14, y + 4.5, f"{median:.3g} {axis.unit}", BODY)
    told = f"Durations of {', '.join(weather.values)}: a dot for every value, a bar at each median."
    return sheet.finish(f"{sentence(finding)} {told} {WEATHER}")


def _check(sides: Mapping[str, Trace], finding: str) -> None:
    _check_finding(finding)
    if not isinstance(sides, Mapping):
        raise ValueError(
            f"A figure is drawn of named sides: give a dict of them, not {type(sides).__name__}."
        )
    if not sides:
        raise ValueError("There is nothing to draw: give at least one side.")
    for name, side in sides.items():
        if not isinstance(side, Trace):
            raise ValueError(f"Side {name!r} is {type(side).__name__}, not Trace: give what was recorded.")


def _check_finding(finding: str) -> None:
    if not isinstance(finding, str) or not finding.strip():
        raise ValueError("A figure says what it shows: give its finding, one sentence.")
