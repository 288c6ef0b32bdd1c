"""Lay out how many bytes crossed each hop: a bar a side and direction, on one scale from zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labs.capture.message import Message
from labs.capture.trace import Trace
from labs.draw.figure import Figure, sentence
from labs.draw.sheet import BODY, MARGIN, SMALL, SOFT, Sheet, width_of

__all__ = ["bars"]

FRAMED = "Bytes as they crossed the wire; chunk sizes count as body."
PLOT, STEP = 300.0, 27.0  # points
PIECES = ("head", "body", "surplus")

Sizes = tuple[int, ...]  # bytes, in the order of PIECES


def bars(sides: Mapping[str, Trace], finding: str, whom: str | None) -> Figure:
    """Draw head, body and surplus of each hop; `whom` keeps only what was sent to that party.

    Raises ValueError when `whom` heard nothing.
    """
    found = {name: _hops(trace, whom) for name, trace in sides.items()}
    if whom is not None and not any(found.values()):
        known = sorted({s.whom for trace in sides.values() for s in trace.said if s.message})
        choice = ", ".join(map(repr, known)) or "nobody, for nothing was said"
        raise ValueError(f"Nothing was sent to {whom!r}: choose one of {choice}.")
    named = [(f"{who} → {to}", sizes) for side in found.values() for (who, to), sizes in side.items()]
    names = max((width_of(name, BODY) for name, _ in named), default=100.0)
    numbers = max((width_of(_counted(sizes), SMALL) for _, sizes in named), default=0.0)
    most = max((sum(sizes) for _, sizes in named), default=1) or 1
    height = sum(max(len(side), 1) * STEP + 44 for side in found.values()) + 26
    sheet = Sheet(names + PLOT + numbers + 22, height, finding, [FRAMED])
    y, left = sheet.top, MARGIN + names + 10
    for name, side in found.items():
        sheet.heading(y, name, MARGIN, sheet.width - MARGIN)
        y += 28
        for (who, to), sizes in side.items():
            sheet.text(left - 10, y + 14, f"{who} → {to}", BODY, align="right")
            sheet.pieces(left, y + 2, 16, [size * PLOT / most for size in sizes])
            sheet.text(left + sum(sizes) * PLOT / most + 8, y + 13.5, _counted(sizes), SMALL, SOFT)
            y += STEP
        if not side:
            sheet.text(MARGIN, y + 14, "Nothing crossed.", BODY, SOFT)
            y += STEP
        y += 16
    for k, word in enumerate(PIECES):
        if any(sizes[k] for _, sizes in named):
            sheet.pieces(left, y, 11, [22.0 if k == n else 0.0 for n in range(3)])
            sheet.text(left + 28, y + 9.5, word, SMALL)
            left += 52 + width_of(word, SMALL)
    told = {
        name: "; ".join(_words(*hop, sizes) for hop, sizes in side.items()) for name, side in found.items()
    }
    sentences = [sentence(f"{name}: {said or 'nothing crossed'}") for name, said in told.items()]
    return sheet.finish(" ".join([sentence(finding), "Bytes that crossed.", *sentences]))


def _hops(trace: Trace, whom: str | None = None) -> dict[tuple[str, str], Sizes]:
    """Add up sizes by (speaker, listener), in order of appearance; `whom` keeps only that listener."""
    found: dict[tuple[str, str], Sizes] = {}
    for said in trace.said:
        if said.message is not None and whom in (None, said.whom):
            before = found.get((said.who, said.whom), (0, 0, 0))
            found[said.who, said.whom] = tuple(map(sum, zip(before, _sizes(said.message), strict=True)))
    return found


def _sizes(message: Message) -> Sizes:
    return len(message.head), len(message.framed), len(message.surplus)


def _counted(sizes: Sequence[int]) -> str:
    """Write sizes as numbers, for the end of a bar."""
    pieces = [(size, word) for size, word in zip(sizes, PIECES, strict=True) if size]
    if len(pieces) == 1:
        return f"{pieces[0][0]:,} bytes, all {pieces[0][1]}"
    return f"{sum(sizes):,} bytes: " + ", ".join(f"{size:,} {word}" for size, word in pieces)


def _words(who: str, whom: str, sizes: Sequence[int]) -> str:
    """Say a hop without its numbers: the length of a head is another one with every version of Python."""
    pieces = [word for size, word in zip(sizes, PIECES, strict=True) if size]
    return f"{who} to {whom}, {' and '.join(pieces) or 'nothing'}"
