"""Lay out how memory grows while a body arrives: one line a side over the bytes sent."""

from __future__ import annotations

from collections.abc import Mapping

from labs.draw import scale
from labs.draw.figure import Figure, sentence
from labs.draw.sheet import ASK, BODY, FAIL, GRID, INK, LINE, MARGIN, SMALL, SOFT, Sheet, width_of
from labs.instruments.memory import MIB, Meter

__all__ = ["growth"]

FOOT = "Held: what Python has allocated here since the start. What the system buffers is no part of it."
STROKES = (
    (ASK, 2.6, None),
    (INK, 2.2, (5.0, 2.0)),
    (FAIL, 2.6, (1.2, 1.6)),
    (SOFT, 2.2, (7.0, 2.0, 1.2, 2.0)),
)
PLOT, TALL, APART = 380.0, 210.0, 17.0  # points


def growth(sides: Mapping[str, Meter], finding: str, along: str) -> Figure:
    """Draw the most that each side held in each step, over the bytes named by `along`; both in MiB."""
    wide = max(sent for it in sides.values() for sent, _ in it.steps)
    high = max(it.peak for it in sides.values()) or 1
    names = max(width_of(name, BODY) for name in sides)
    sheet = Sheet(46 + PLOT + 26 + names, TALL + 66, finding, [FOOT])
    left, top = MARGIN + 46, sheet.top + 22
    bottom = top + TALL

    def place(sent: float, held: float) -> tuple[float, float]:
        return left + PLOT * sent / wide, bottom - TALL * held / high

    step = scale.step(wide, 6)
    sheet.text(MARGIN, sheet.top + 6, "MiB held", SMALL, SOFT)
    for k in range(int(high / step) + 1):
        _, y = place(0, k * step)
        sheet.line([left, left + PLOT], [y, y], GRID, 0.8, order=1)
        sheet.text(left - 8, y + 3.5, f"{k * step / MIB:g}", SMALL, SOFT, align="right")
    for k in range(int(wide / step) + 1):
        x, _ = place(k * step, 0)
        sheet.text(x, bottom + 15, f"{k * step / MIB:g}", SMALL, SOFT, align="center")
    sheet.line([left, left + PLOT], [bottom, bottom], LINE, 1)
    sheet.text(left + PLOT / 2, bottom + 32, f"MiB {along}", SMALL, SOFT, align="center")
    ends: list[tuple[float, str]] = []
    for (name, meter), (colour, width, dash) in zip(sides.items(), STROKES, strict=False):
        path = [place(sent, held) for sent, held in meter.steps]
        sheet.line([x for x, _ in path], [y for _, y in path], colour, width, dash)
        ends.append((path[-1][1], name))
    _label(sheet, left + PLOT + 14, bottom + 2, ends)
    told = " ".join(sentence(f"{name}: {_said(meter, wide)}") for name, meter in sides.items())
    return sheet.finish(f"{sentence(finding)} Memory held over MiB {along}. {told}")


def _label(sheet: Sheet, x: float, lowest: float, ends: list[tuple[float, str]]) -> None:
    # From the lowest up, each a line's height above the one before, so that equal ends can be read.
    floor = lowest
    for y, name in sorted(ends, reverse=True):
        floor = min(y + 4, floor)
        sheet.text(x, floor, name, BODY)
        floor -= APART


def _said(meter: Meter, body: int) -> str:
    # No nearer: whether a transport copies what it cannot send yet depends on the version of Python.
    return "about the whole body, or more" if meter.peak > body / 2 else "next to nothing"
