"""Lay out where the bytes of an answer were, turn by turn: a band for each place, one panel a side."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from labs.draw import scale
from labs.draw.figure import Figure, sentence
from labs.draw.sheet import ASK, BODY, GRID, INK, LINE, MARGIN, OVER, SMALL, SOFT, Sheet, width_of
from labs.instruments.flow import READ, Flow
from labs.instruments.memory import MIB

__all__ = ["bands"]

FOOT = (
    "Only turns of the event loop in which bytes moved are drawn; they are not equally long.",
    "This is weather: how much is on the way depends on the system and on the moment.",
)
READ_FILL, AWAY_FILL, HELD_FILL = (GRID, ""), ("white", "...."), (ASK, "")
SENDS_FILL = (OVER, "//////")
PLOT, TALL, APART = 205.0, 170.0, 34.0  # points


def bands(sides: Mapping[str, Flow], finding: str) -> Figure:
    """Draw the bytes read, on the way and held, stacked to what the sender has written, in MiB."""
    high = max(sum(step) for it in sides.values() for step in it.steps)
    kinds = {
        "read by the reader": READ_FILL,
        "held by the reader": HELD_FILL,
        "on the way, in the system": AWAY_FILL,
        "held by who sends it, or passes it on": SENDS_FILL,
    }
    width = 40 + (PLOT + APART) * len(sides) - APART
    sheet = Sheet(width, TALL + 76 + 20 * len(kinds), finding, FOOT)
    top, step = sheet.top + 34, scale.step(high, 5)
    bottom = top + TALL
    for n, (name, flow) in enumerate(sides.items()):
        left = MARGIN + 40 + (PLOT + APART) * n
        sheet.heading(sheet.top - 6, name, left, left + PLOT)
        for k in range(int(high / step) + 1):
            y = bottom - TALL * k * step / high
            sheet.line([left, left + PLOT], [y, y], LINE, 0.6, order=1)
            if n == 0:
                sheet.text(left - 8, y + 3.5, f"{k * step / MIB:g}", SMALL, SOFT, align="right")
        _panel(sheet, flow, left, bottom, high)
    sheet.text(MARGIN, bottom + 18, "MiB", SMALL, SOFT)
    middle = MARGIN + 40 + (width - 40) / 2
    sheet.text(middle, bottom + 18, "turns in which bytes moved", SMALL, SOFT, align="center")
    for k, (words, (fill, hatch)) in enumerate(kinds.items()):
        y = bottom + 34 + 20 * k
        sheet.tile(MARGIN + 40, y, 26, 14, "", (fill, "", INK))
        if hatch:
            sheet.area([MARGIN + 40, MARGIN + 66], [y] * 2, [y + 14] * 2, fill, hatch)
        sheet.text(MARGIN + 76, y + 11, words, BODY)
    return sheet.finish(" ".join([sentence(finding), *map(_words, sides, sides.values())]))


def _panel(sheet: Sheet, flow: Flow, left: float, bottom: float, high: int) -> None:
    xs = [left + PLOT * k / max(len(flow.steps) - 1, 1) for k in range(len(flow.steps))]
    tops = [[bottom - TALL * it / high for it in accumulate(step)] for step in flow.steps]
    below = [bottom] * len(xs)
    for place, upper in zip(flow.places, zip(*tops, strict=True), strict=True):
        sheet.area(xs, upper, below, *_fill(flow, place))
        below = list(upper)
    sheet.line(xs, below, INK, 1.4)
    begins = next((x for x, step in zip(xs, flow.steps, strict=True) if step[0]), None)
    if begins is not None:
        sheet.line([begins] * 2, [bottom - TALL, bottom], INK, 1.2, (3.0, 3.0))
        words = "begins to read"
        room = begins - left > width_of(words, SMALL) + 8
        sheet.text(begins - 5 if room else begins + 5, bottom - TALL - 4, words, SMALL,
                   align="right" if room else "left")  # fmt: skip


def _fill(flow: Flow, place: str) -> tuple[str, str]:
    if place == READ:
        return READ_FILL
    if "→" in place:
        return AWAY_FILL
    return HELD_FILL if place == f"in {flow.way[-1]}" else SENDS_FILL


def _words(name: str, flow: Flow) -> str:
    # Heads and frames are sent too, but they are small: an answer is all sent when its last hundredth is.
    all_sent = flow.ahead > 0.99 * flow.sent
    return f"{name}: {'all' if all_sent else 'a part'} was sent before the reader began."
