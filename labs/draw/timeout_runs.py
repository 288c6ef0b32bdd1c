"""Draw runs with a timeout: what was asked, and when the request ended. Weather; the verdicts are text."""

from __future__ import annotations

from collections.abc import Mapping

from labs.draw.figure import Figure, sentence
from labs.draw.scale import scale
from labs.draw.sheet import BODY, FAIL, GRID, INK, LINE, MARGIN, SMALL, SOFT, Sheet, width_of
from labs.instruments.timeouts import Run

__all__ = ["deadlines"]

PLOT, STEP, HEAD, BELOW = 430.0, 17.0, 30.0, 10.0  # points, as every length here
KEY = (
    "Bar: the timeout that was asked for.",
    "Dot: the timeout was raised. Open arrowhead: it was not, and the request went on to its end.",
    "This is weather: measured here and now; another run gives other times.",
)


def deadlines(sides: Mapping[str, Mapping[str, Run]], finding: str) -> Figure:
    """Draw every run of every side, one line each: from the start, past what was asked, to the end."""
    runs = [run for side in sides.values() for run in side.values()]
    names = max(width_of(name, BODY) for side in sides.values() for name in side)
    longest = max(max(run.asked, run.took) for run in runs)
    axis = scale([longest, longest])  # linear, from zero
    tall = len(runs) * STEP + len(sides) * (HEAD + BELOW)
    sheet = Sheet(names + PLOT + 64, tall + 30, finding, KEY)
    left, y = MARGIN + names + 16, sheet.top
    for tick in axis.ticks:
        x = left + axis.place(tick, PLOT)
        sheet.line([x, x], [sheet.top + HEAD, sheet.top + tall], GRID, 0.8, order=1)
        sheet.text(x, sheet.top + tall + 14, f"{tick:g}", SMALL, SOFT, align="center")
    sheet.text(left + PLOT + 14, sheet.top + tall + 14, axis.unit, SMALL, SOFT)
    for side, them in sides.items():
        sheet.heading(y, side, MARGIN, left + PLOT)
        y += HEAD
        for name, run in them.items():
            middle = y + STEP / 2
            asked, end = (left + axis.place(it * axis.factor, PLOT) for it in (run.asked, run.took))
            sheet.text(left - 12, middle + 4, name, BODY, align="right")
            sheet.line([left, end], [middle, middle], LINE, 1.4)
            sheet.line([asked, asked], [middle - 6, middle + 6], INK, 2.2)
            if run.error is None:
                sheet.head(end, middle, 1, FAIL, filled=False)
            else:
                sheet.dots([end], [middle])
                sheet.dots([end], [middle])  # twice: a single value is seen from afar
            y += STEP
        y += BELOW
    told = (f"{side}: {'; '.join(map(_words, them.items()))}." for side, them in sides.items())
    return sheet.finish(" ".join([sentence(finding), *told, KEY[-1]]))


def _words(item: tuple[str, Run]) -> str:
    name, run = item
    return f"{name}, " + (f"ended by {run.raised}" if run.error else "went on")
