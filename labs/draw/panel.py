"""One side in a figure of lifelines: where its parties stand, and what passes between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.draw import arrow
from labs.draw.arrow import Arrow
from labs.draw.figure import sentence
from labs.draw.sheet import BODY, LINE, SIDE, SOFT, Sheet, width_of

HEIGHT = 78.0  # points of a panel without its arrows
BETWEEN, WIDEST = 48.0, 960.0  # points between panels, and of a band of them at most


@dataclass(frozen=True)
class Panel:
    """A planned side. Lengths are in points, places count from its left edge."""

    name: str
    arrows: list[Arrow]
    parties: dict[str, tuple[str, float, float]]  # name -> its box: word, width, middle
    numbers: dict[int, int]  # arrow -> connection
    width: float


def panel(name: str, trace: Trace, show: Sequence[str]) -> Panel:
    """Place the lifelines of a side so far apart that every arrow has room for its words."""
    arrows = [arrow.arrow(said, show) for said in trace.said]
    labels = [arrow.fit(party, 30) for party in trace.parties]
    boxes = [width_of(label, BODY) + 18 for label in labels]
    xs, right = _places(boxes, [(*_span(it.said, trace.parties), it.width) for it in arrows])
    parties = dict(zip(trace.parties, zip(labels, boxes, xs, strict=True), strict=True))
    width = max(right, width_of(name, SIDE, bold=True), 150.0)
    return Panel(name, arrows, parties, _numbers(trace), width)


def _span(said: Said, parties: Sequence[str]) -> tuple[int, int]:
    i, j = sorted((parties.index(said.who), parties.index(said.whom)))
    return i, j


def _places(boxes: Sequence[float], spans: Sequence[tuple[int, int, float]]) -> tuple[list[float], float]:
    """Return the middles of `boxes` and the right edge; `spans` are (first box, last box, width needed)."""
    if not boxes:
        return [], 0.0
    gaps = [max(104.0, (a + b) / 2 + 16) for a, b in pairwise(boxes)] + [0.0]  # the last: right of all
    for i, j, wide in sorted(spans, key=lambda span: span[1] - span[0]):
        end = max(j, i + 1)  # what a party says to itself stands on its right
        lack = wide + (30 if i == j else 0) - sum(gaps[i:end])
        for k in range(i, end):
            gaps[k] += max(0.0, lack) / (end - i)
    xs = [boxes[0] / 2 + sum(gaps[:k]) for k in range(len(boxes))]
    return xs, xs[-1] + max(boxes[-1] / 2, gaps[-1])


def _numbers(trace: Trace) -> dict[int, int]:
    """Number the arrows of a pair that had several connections, as `Trace.bytes()` does."""
    pairs: dict[frozenset[str], set[int]] = {}
    met = [(i, said) for i, said in enumerate(trace.said) if said.event not in arrow.UNMET]
    for _, said in met:
        pairs.setdefault(frozenset((said.who, said.whom)), set()).add(said.connection)
    return {i: s.connection + 1 for i, s in met if len(pairs[frozenset((s.who, s.whom))]) > 1}


def bands(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Put as many panels next to one another as a page can hold; the others go on below."""
    bands: list[list[Panel]] = [[]]
    for it in panels:
        if bands[-1] and sum(other.width + BETWEEN for other in bands[-1]) + it.width > WIDEST:
            bands.append([])
        bands[-1].append(it)
    return bands


def words(it: Panel) -> str:
    """Say a panel for the alt text: every arrow, in order."""
    return sentence(f"{it.name}: {'; '.join(map(arrow.words, it.arrows)) or 'nothing was said'}")


def draw(sheet: Sheet, it: Panel, left: float, top: float, heights: Sequence[float]) -> None:
    """Draw a panel with its corner at (`left`, `top`); `heights` are those of the rows all panels share."""
    sheet.heading(top, it.name, left, left + it.width)
    start = top + 58
    end = start + sum(heights[: len(it.arrows)]) + 14
    for label, wide, x in it.parties.values():
        sheet.line([left + x, left + x], [start - 4, end], LINE, 1.2, order=1)
        sheet.box(left + x - wide / 2, top + 30, wide, 24)
        sheet.text(left + x, top + 46.3, label, BODY, align="center")
    if not it.arrows:
        sheet.text(left, top + 46, "Nothing was said.", BODY, SOFT)
    y = start
    for i, (one, height) in enumerate(zip(it.arrows, heights, strict=False)):
        tail, head = (left + it.parties[party][2] for party in (one.said.who, one.said.whom))
        arrow.draw(sheet, one, tail, head, y + 26, it.numbers.get(i))
        y += height
