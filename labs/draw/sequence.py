"""Lay out who said what to whom: a panel a side, in bands, on one vertical scale; an arrow a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from labs.capture.said import Said
from labs.capture.trace import Trace
from labs.draw.figure import Figure, sentence
from labs.draw.sheet import (
    ASK,
    BODY,
    FAIL,
    INK,
    LINE,
    MARGIN,
    SIDE,
    SMALL,
    SOFT,
    Align,
    Dash,
    Sheet,
    width_of,
)
from labs.show.volatile import settle

__all__ = ["draw"]

HEIGHT = 78.0  # points of a panel without its arrows
BETWEEN, WIDEST = 48.0, 960.0  # points between panels, and of a band of them at most
BELOW, NARROWEST = 30.0, 420.0  # points
UNMET = ("refused", "unknown name")  # the connection was never there
STROKES: dict[str, tuple[str, Dash]] = {"request": (ASK, None), "answer": (INK, (4.0, 2.6))}
TUNNEL, FAILURE = (INK, (7.0, 2.0, 1.2, 2.0)), (FAIL, (1.2, 2.4))


@dataclass(frozen=True)
class _Arrow:
    """What an arrow says above its line and in notes below, and how much room that takes, in points."""

    said: Said
    shown: list[str]  # the fields asked for
    label: str
    notes: list[str]
    surplus: bool
    width: float
    height: float


@dataclass(frozen=True)
class _Panel:
    """A planned side. Lengths are in points, places count from its left edge."""

    name: str
    arrows: list[_Arrow]
    parties: dict[str, tuple[str, float, float]]  # name -> its box: word, width, middle
    numbers: dict[int, int]  # arrow -> connection
    width: float


def draw(sides: Mapping[str, Trace], finding: str, show: Sequence[str]) -> Figure:
    """Draw a panel for each side in their order; `show` names fields whose values stand under the arrow."""
    panels = [_panel(name, trace, show) for name, trace in sides.items()]
    bands = _bands(panels)
    width = max(sum(it.width for it in band) + BETWEEN * (len(band) - 1) for band in bands)
    rows = zip_longest(*([arrow.height for arrow in it.arrows] for it in panels), fillvalue=0.0)
    heights = [max(row) for row in rows]
    tall = [sum(heights[: max(len(it.arrows) for it in band)]) + HEIGHT for band in bands]
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
            _draw_panel(sheet, it, left, top, heights)
            left += it.width + BETWEEN
        top += height + BELOW
    return sheet.finish(" ".join([sentence(finding), *map(_say_panel, panels)]))


def _panel(name: str, trace: Trace, show: Sequence[str]) -> _Panel:
    """Place the lifelines of a side so far apart that every arrow has room for its words."""
    arrows = [_arrow(said, show) for said in trace.said]
    labels = [_fit(party, 30) for party in trace.parties]
    boxes = [width_of(label, BODY) + 18 for label in labels]
    xs, right = _places(boxes, [(*_span(it.said, trace.parties), it.width) for it in arrows])
    parties = dict(zip(trace.parties, zip(labels, boxes, xs, strict=True), strict=True))
    width = max(right, width_of(name, SIDE, bold=True), 150.0)
    return _Panel(name, arrows, parties, _numbers(trace), width)


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
    met = [(i, said) for i, said in enumerate(trace.said) if said.event not in UNMET]
    for _, said in met:
        pairs.setdefault(frozenset((said.who, said.whom)), set()).add(said.connection)
    return {i: s.connection + 1 for i, s in met if len(pairs[frozenset((s.who, s.whom))]) > 1}


def _bands(panels: Sequence[_Panel]) -> list[list[_Panel]]:
    """Put as many panels next to one another as a page can hold; the others go on below."""
    bands: list[list[_Panel]] = [[]]
    for it in panels:
        if bands[-1] and sum(other.width + BETWEEN for other in bands[-1]) + it.width > WIDEST:
            bands.append([])
        bands[-1].append(it)
    return bands


def _say_panel(it: _Panel) -> str:
    """Say a panel for the alt text: every arrow, in order."""
    return sentence(f"{it.name}: {'; '.join(map(_say_arrow, it.arrows)) or 'nothing was said'}")


def _draw_panel(sheet: Sheet, it: _Panel, left: float, top: float, heights: Sequence[float]) -> None:
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
        _draw_arrow(sheet, one, tail, head, y + 26, it.numbers.get(i))
        y += height


def _arrow(said: Said, show: Sequence[str]) -> _Arrow:
    """Find the words of an arrow, with the values of the fields that `show` names."""
    message = said.message
    surplus = len(message.surplus) if message else 0
    asked = () if message is None or message.headless else show
    values = [(name, value) for name in asked for value in (message.all(name) if message else ())]
    shown = [f"{name}: {settle(name, value)}" for name, value in values]
    label = _fit(f"connect: {said.label}" if said.event in UNMET else said.label, 34)
    notes = [line for field in shown for line in _fold(field, 34)]
    if surplus:
        notes.append(f"then {surplus:,} surplus byte{'s' if surplus > 1 else ''}")
    room = 116 if surplus else 34
    width = max([width_of(label, BODY) + room, *(width_of(note, SMALL) + 20 for note in notes)])
    return _Arrow(said, shown, label, notes, surplus > 0, width, 36.0 + 14 * len(notes))


def _say_arrow(it: _Arrow) -> str:
    """Say an arrow for the alt text; surplus is told without its number."""
    said, message = it.said, it.said.message
    if message is None:
        verb = "connects" if said.event in UNMET else "ends the connection"
        return f"{said.who} {verb} to {said.whom}: {said.label}"
    asides = it.shown + (["then surplus bytes"] if it.surplus else [])
    verb = "answers" if message.kind == "answer" else "sends"
    return f"{said.who} {verb} {said.label} to {said.whom}" + (f" ({'; '.join(asides)})" if asides else "")


def _draw_arrow(sheet: Sheet, it: _Arrow, tail: float, head: float, y: float, number: int | None) -> None:
    """Draw an arrow from x = `tail` to `head`: its line says the kind, its end the fate.

    `number` is that of its connection; None where the pair had one only.
    """
    message = it.said.message
    colour, dash = FAILURE if message is None else STROKES.get(message.kind, TUNNEL)
    way = 1 if head >= tail else -1
    align: Align = "left" if head == tail else "center"
    if head == tail:  # a party that speaks to itself
        sheet.line([tail, tail + 24, tail + 24, tail + 5], [y - 8, y - 8, y + 4, y + 4], colour, 1.7, dash)
        middle, way, end = tail + 32, -1, y + 4
    else:
        # White, to cut the lifelines between.
        sheet.line([tail + 7 * way, head - 7 * way], [y, y], "white", 8, order=2)
        sheet.line([tail, head - (9 if message is None else 4) * way], [y, y], colour, 1.7, dash)
        middle, end = (tail + head) / 2, y
    if message is None:
        sheet.cross(head - 9 * way, end, colour)
    else:
        sheet.head(head, end, way, colour, filled=message.kind == "request")
    if it.surplus:
        sheet.pieces(min(tail + 11 * way, tail + 45 * way), y - 4, 8, (0, 0, 34))
    if number:
        sheet.circled(tail, y, number)
    sheet.text(middle, y - 6, it.label, BODY, colour, bold=message is None, align=align, clear=True)
    for k, note in enumerate(it.notes):
        sheet.text(middle, y + 14 + 14 * k, note, SMALL, SOFT, align=align, clear=True)


def _fit(words: str, most: int) -> str:
    """Keep both ends of what is too long: a path and its query say more than its middle."""
    return words if len(words) <= most else f"{words[: most - most // 3 - 1]}…{words[-(most // 3) :]}"


def _fold(words: str, most: int) -> list[str]:
    """Break a long value after a mark of URLs and lists, into three lines at most."""
    lines: list[str] = []
    while len(words) > most and len(lines) < 2:
        cut = max(words.rfind(mark, 8, most) for mark in "/?&;, ") + 1 or most
        lines.append(words[:cut].rstrip())
        words = words[cut:]
    return [*lines, _fit(words, most)]
