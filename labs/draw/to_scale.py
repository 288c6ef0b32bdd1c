"""Lay out when everything would be said over a distance: time runs down to scale, and arrows slope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labs.capture.distance import MODEL, Schedule, Timed
from labs.draw.figure import Figure, sentence
from labs.draw.scale import scale
from labs.draw.sequence import FAILURE, STROKES, TUNNEL, UNMET
from labs.draw.sheet import BODY, GRID, INK, LINE, MARGIN, SIDE, SMALL, SOFT, Dash, Sheet, width_of

__all__ = ["draw"]

TALL = 300.0  # points, for all of the time
TOP, AXIS, BETWEEN, LANE = 62.0, 58.0, 40.0, 118.0  # points
APART = 14.0  # points between the words of two arrows, one below the other


@dataclass(frozen=True)
class _Panel:
    """A planned side: where its parties stand, in points from its left edge."""

    name: str
    schedule: Schedule
    places: dict[str, float]
    width: float


def draw(sides: Mapping[str, Schedule], finding: str) -> Figure:
    """Draw a panel for each side in their order, next to one another."""
    panels = [_panel(name, it) for name, it in sides.items()]
    every = [it for side in sides.values() for it in side.timed]
    last = max([it.arrived for it in every], default=0.0) or 1.0
    ticks = scale([last / 1000])
    high = ticks.ticks[-1] / ticks.factor * 1000  # milliseconds
    width = AXIS + sum(it.width for it in panels) + BETWEEN * (len(panels) - 1)
    sheet = Sheet(
        width, TOP + TALL + 34, finding, [MODEL, "Solid: request. Dashed: answer. Dotted: connect."]
    )
    start = sheet.top + TOP
    for tick in ticks.ticks:
        y = start + tick / ticks.ticks[-1] * TALL
        sheet.line([MARGIN + AXIS - 8, MARGIN + width], [y, y], GRID, 0.8, order=0.5)
        sheet.text(MARGIN, y + 4, f"{tick:g} {ticks.unit}", SMALL, SOFT)
    left = MARGIN + AXIS
    for panel in panels:
        _draw_panel(sheet, panel, left, start, TALL / high)
        left += panel.width + BETWEEN
    return sheet.finish(" ".join([sentence(finding), *map(_say_panel, panels), MODEL]))


def _panel(name: str, schedule: Schedule) -> _Panel:
    """Place the lifelines so far apart that boxes do not touch and the words of an arrow fit."""
    boxes = [width_of(party, SMALL) + 14 for party in schedule.parties]
    places: dict[str, float] = {}
    x = boxes[0] / 2 if boxes else 0.0
    for n, party in enumerate(schedule.parties):
        if n:
            pair = {schedule.parties[n - 1], party}
            labels = [_words(it) for it in schedule.timed if {it.said.who, it.said.whom} == pair]
            widest = max([width_of(it, SMALL) + 44 for it in labels], default=0.0)
            x += max(LANE, (boxes[n - 1] + boxes[n]) / 2 + 12, widest)
        places[party] = x
    return _Panel(
        name, schedule, places, max(x + (boxes[-1] / 2 if boxes else 0), width_of(name, SIDE, bold=True))
    )


def _draw_panel(sheet: Sheet, it: _Panel, left: float, start: float, unit: float) -> None:
    """Draw a panel whose time begins at `start`; a millisecond takes `unit` points."""
    sheet.heading(start - TOP, it.name, left, left + it.width)
    for party, x in it.places.items():
        wide = width_of(party, SMALL) + 14
        sheet.line([left + x, left + x], [start - 8, start + TALL + 4], LINE, 1.2, order=1)
        sheet.box(left + x - wide / 2, start - 32, wide, 20)
        sheet.text(left + x, start - 18, party, SMALL, align="center")
    for opening in it.schedule.openings:
        a, b = left + it.places[opening.who], left + it.places[opening.whom]
        middle = (opening.called + opening.ready) / 2
        ys = [start + at * unit for at in (opening.called, middle, opening.ready)]
        sheet.line([a, b, a], ys, SOFT, 1.0, (1.0, 2.0), order=2)
    written: list[tuple[float, float]] = []  # middles of words
    for timed in it.schedule.timed:
        _draw_arrow(sheet, timed, it.places, left, start, unit, written)
    if not it.schedule.timed:
        sheet.text(left, start + 14, "Nothing was said.", BODY, SOFT)
        return
    heard = max(one.arrived for one in it.schedule.timed)
    y = start + heard * unit
    sheet.line([left, left + it.width], [y, y], INK, 1.0, (5.0, 3.0), order=1)
    sheet.text(left + it.width, y + 15, f"{heard:g} ms", BODY, bold=True, align="right", clear=False)


def _draw_arrow(
    sheet: Sheet,
    timed: Timed,
    places: Mapping[str, float],
    left: float,
    start: float,
    unit: float,
    written: list[tuple[float, float]],
) -> None:
    """Draw an arrow from when it leaves to when it arrives, and its words where none stand yet."""
    said = timed.said
    message = said.message
    colour, dash = FAILURE if message is None else STROKES.get(message.kind, TUNNEL)
    tail, head = left + places[said.who], left + places[said.whom]
    y, end = start + timed.left * unit, start + timed.arrived * unit
    way = 1 if head >= tail else -1
    if said.event in UNMET:  # there and back: who called hears that it came to nothing
        sheet.line([tail, head, tail], [y, (y + end) / 2, end], colour, 1.7, dash)
        sheet.cross(head - 9 * way, (y + end) / 2, colour)
    elif head == tail:
        sheet.line([tail, tail + 20, tail + 20, tail + 5], [y - 4, y - 4, y + 4, y + 4], colour, 1.7, dash)
    else:
        _slope(sheet, (tail, y), (head, end), colour, dash)
        if message is None:
            sheet.cross(head - 9 * way, end, colour)
        else:
            sheet.head(head, end, way, colour, filled=message.kind == "request")
    words = _words(timed)
    x, wide = (tail + head) / 2, width_of(words, SMALL)
    rise = (end - y) * wide / 2 / abs(head - tail) if head != tail else 0.0  # above the line at both ends
    place = (y + end) / 2 - 5 - rise
    while any(abs(place - other) < APART and abs(x - beside) < LANE - 8 for beside, other in written):
        place = max(place + APART, end + APART)
    written.append((x, place))
    sheet.text(x, place, words, SMALL, colour, align="center", clear=True)


def _slope(
    sheet: Sheet, tail: tuple[float, float], head: tuple[float, float], colour: str, dash: Dash
) -> None:
    """Draw the line of an arrow; its last piece is level, so that its head stands on it."""
    way = 1 if head[0] >= tail[0] else -1
    sheet.line(
        [tail[0], head[0] - 12 * way, head[0] - 3 * way], [tail[1], head[1], head[1]], colour, 1.7, dash
    )


def _words(timed: Timed) -> str:
    said = timed.said
    words = f"connect: {said.label}" if said.event in UNMET else said.label
    return words if len(words) <= 22 else f"{words[:14]}…{words[-7:]}"


def _say_panel(it: _Panel) -> str:
    """Say a panel for the alt text: every message with its times."""
    told = [
        f"at {one.left:g} ms {one.said.who} to {one.said.whom}: {one.said.label}, there at {one.arrived:g} ms"
        for one in it.schedule.timed
    ]
    return sentence(f"{it.name}: {'; '.join(told) or 'nothing was said'}")
