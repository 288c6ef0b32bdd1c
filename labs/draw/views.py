"""Draw what was recorded. Text comes first: a figure is the twin of a text, and its alt text says it again.

Each figure is drawn in matplotlib's own style, whatever style the reader has set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import style

from labs.capture.distance import Schedule
from labs.capture.trace import Trace
from labs.draw import sequence, to_scale
from labs.draw.durations import dots
from labs.draw.figure import Figure
from labs.draw.flow_bands import bands
from labs.draw.grids import several, tiles
from labs.draw.hop_bytes import bars
from labs.draw.memory_growth import growth
from labs.draw.timeout_runs import deadlines
from labs.instruments.flow import Flow
from labs.instruments.memory import Meter
from labs.instruments.timeouts import Run
from labs.instruments.timing import Weather
from labs.show.grid import Grid

__all__ = [
    "Figure",
    "bytes_view",
    "deadlines_view",
    "distance_view",
    "flow_view",
    "heat_map",
    "lifelines",
    "memory_view",
    "mosaic",
    "weather_view",
]


@style.context("default")
def lifelines(sides: Mapping[str, Trace], *, finding: str, show: Sequence[str] = ()) -> Figure:
    """Draw who said what to whom, one panel a side on one vertical scale: the drawn twin of `Trace.lanes()`.

    `show` names fields whose values stand under the arrow. The order is that of the recording; no clock.
    Raises ValueError when there is no side, a side is not a Trace, or the finding is empty.
    """
    _check(sides, finding)
    if isinstance(show, str):
        raise ValueError(f"`show` takes a list of field names: write show=[{show!r}].")
    return sequence.draw(sides, finding, show)


@style.context("default")
def distance_view(sides: Mapping[str, Schedule], *, finding: str) -> Figure:
    """Draw when everything would be said over a distance: one panel a side, all on one scale of milliseconds.

    The drawn twin of `Schedule.lanes()`: of `Trace.apart`. Raises ValueError when there is no side, a side is
    not a Schedule, or the finding is empty.
    """
    _check(sides, finding, Schedule, "write `.apart({…})` after what was recorded")
    return to_scale.draw(sides, finding)


@style.context("default")
def bytes_view(sides: Mapping[str, Trace], *, finding: str, whom: str | None = None) -> Figure:
    """Draw how many bytes crossed each hop, one bar a side and direction: head, body as framed, surplus.

    `whom` keeps only what was sent to that party. All bars share one scale, which starts at zero.
    Raises ValueError when there is no side, a side is not a Trace, the finding is empty, or `whom` heard
    nothing.
    """
    _check(sides, finding)
    return bars(sides, finding, whom)


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
    return tiles(grid, finding)


@style.context("default")
def deadlines_view(sides: Mapping[str, Mapping[str, Run]], *, finding: str) -> Figure:
    """Draw every run of every side: the timeout it asked for, and when it ended.

    Raises ValueError when there is no run, one is no Run, or the finding is empty.
    """
    _check_finding(finding)
    named = isinstance(sides, Mapping) and all(isinstance(it, Mapping) for it in sides.values())
    runs = [run for side in sides.values() for run in side.values()] if named else []
    if not runs or not all(isinstance(it, Run) for it in runs):
        raise ValueError("Deadlines are drawn of named sides with at least one run: give a dict of dicts.")
    return deadlines(sides, finding)


@style.context("default")
def mosaic(grids: Mapping[str, Grid], *, finding: str) -> Figure:
    """Draw several grids of letters on one page, a block for each: a heat map with more rows than a page.

    Raises ValueError when there is no grid, one is no Grid, their keys differ, or the finding is empty.
    """
    _check_finding(finding)
    return several(grids, finding)


@style.context("default")
def flow_view(sides: Mapping[str, Flow], *, finding: str) -> Figure:
    """Draw where the bytes of an answer were, turn by turn: what each held as a band, one panel a side.

    How much is on the way is another amount in every run and on every system; the text says only which side
    sent all before its reader began. Raises ValueError when there is no side or more than four, a side is not
    a Flow that moved something, or the finding is empty.
    """
    _check_finding(finding)
    if not _one_to_four(sides) or not all(isinstance(it, Flow) and it.sent for it in sides.values()):
        raise ValueError("A flow is drawn of one to four named Flows that moved something: give a dict.")
    return bands(sides, finding)


@style.context("default")
def memory_view(
    sides: Mapping[str, Meter], *, finding: str, along: str = "that the server has sent"
) -> Figure:
    """Draw how much memory each side held while a body was on its way, over the MiB that `along` names.

    Raises ValueError when there is no side or more than four, a side is not a Meter that marked a byte, or
    the finding is empty.
    """
    _check_finding(finding)
    if not _one_to_four(sides) or not all(isinstance(it, Meter) and _marked(it) for it in sides.values()):
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
    return dots(weather, finding)


def _one_to_four(sides: object) -> bool:
    return isinstance(sides, Mapping) and 1 <= len(sides) <= 4


def _marked(meter: Meter) -> bool:
    return any(sent for sent, _ in meter.steps)


def _check(
    sides: Mapping[str, object], finding: str, kind: type = Trace, remedy: str = "give what was recorded"
) -> None:
    _check_finding(finding)
    if not isinstance(sides, Mapping):
        raise ValueError(
            f"A figure is drawn of named sides: give a dict of them, not {type(sides).__name__}."
        )
    if not sides:
        raise ValueError("There is nothing to draw: give at least one side.")
    for name, side in sides.items():
        if not isinstance(side, kind):
            raise ValueError(f"Side {name!r} is {type(side).__name__}, not {kind.__name__}: {remedy}.")


def _check_finding(finding: str) -> None:
    if not isinstance(finding, str) or not finding.strip():
        raise ValueError("A figure says what it shows: give its finding, one sentence.")
