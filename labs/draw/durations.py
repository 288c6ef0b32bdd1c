"""Lay out measured durations: a dot for every value, a bar at each median."""

from __future__ import annotations

import random

from labs.draw.figure import Figure, sentence
from labs.draw.scale import scale
from labs.draw.sheet import BODY, GRID, INK, LINE, MARGIN, SMALL, SOFT, Sheet, width_of
from labs.instruments.timing import Weather

__all__ = ["dots"]

DOTS = "Dots: every value. Bar and number: the median."
WEATHER = "This is weather: measured here and now; another run gives other times."
PLOT, STEP = 430.0, 46.0  # points


def dots(weather: Weather, finding: str) -> Figure:
    """Draw one row a name on one scale; logarithmic where the durations differ much."""
    axis = scale(value for values in weather.values.values() for value in values)
    names = max(width_of(name, BODY) for name in weather.values)
    sheet = Sheet(names + PLOT + 110, len(weather.values) * STEP + 38, finding, [DOTS, WEATHER])
    left, bottom = MARGIN + names + 16, sheet.top + len(weather.values) * STEP
    for tick in axis.ticks:
        x = left + axis.place(tick, PLOT)
        sheet.line([x, x], [sheet.top, bottom], GRID, 0.8, order=1)
        sheet.text(x, bottom + 14, f"{tick:g}", SMALL, SOFT, align="center")
    sheet.text(left + PLOT + 14, bottom + 14, axis.unit + (", log" if axis.log else ""), SMALL, SOFT)
    sheet.line([left, left + PLOT], [bottom, bottom], LINE, 1)
    dice = random.Random(0)
    for k, (name, values) in enumerate(weather.values.items()):
        y = sheet.top + STEP * (k + 0.5)
        sheet.text(left - 16, y + 4.5, name, BODY, align="right")
        xs = [left + axis.place(value * axis.factor, PLOT) for value in values]
        sheet.dots(xs, [y + dice.uniform(-9, 9) for _ in values])  # apart, so that equal ones can be counted
        median = weather.median(name) * axis.factor
        sheet.line([left + axis.place(median, PLOT)] * 2, [y - 15, y + 15], INK, 2.6)
        sheet.text(left + PLOT + 14, y + 4.5, f"{median:.3g} {axis.unit}", BODY)
    told = f"Durations of {', '.join(weather.values)}: a dot for every value, a bar at each median."
    return sheet.finish(f"{sentence(finding)} {told} {WEATHER}")
