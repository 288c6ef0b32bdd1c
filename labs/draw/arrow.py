"""One arrow between two lifelines: its words, how much room they take, and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labs.capture.said import Said
from labs.draw.sheet import ASK, BODY, FAIL, INK, SMALL, SOFT, Align, Dash, Sheet, width_of
from labs.show.volatile import settle

UNMET = ("refused", "unknown name")  # the connection was never there
STROKES: dict[str, tuple[str, Dash]] = {"request": (ASK, None), "answer": (INK, (4.0, 2.6))}
TUNNEL, FAILURE = (INK, (7.0, 2.0, 1.2, 2.0)), (FAIL, (1.2, 2.4))


@dataclass(frozen=True)
class Arrow:
    """What an arrow says above its line and in notes below, and how much room that takes, in points."""

    said: Said
    shown: list[str]  # the fields asked for
    label: str
    notes: list[str]
    surplus: bool
    width: float
    height: float


def arrow(said: Said, show: Sequence[str]) -> Arrow:
    """Find the words of an arrow, with the values of the fields that `show` names."""
    message = said.message
    surplus = len(message.surplus) if message else 0
    values = [(name, value) for name in show for value in (message.all(name) if message else ())]
    shown = [f"{name}: {settle(name, value)}" for name, value in values]
    label = fit(f"connect: {said.label}" if said.event in UNMET else said.label, 34)
    notes = [line for field in shown for line in _fold(field, 34)]
    if surplus:
        notes.append(f"then {surplus:,} surplus byte{'s' if surplus > 1 else ''}")
    room = 116 if surplus else 34
    width = max([width_of(label, BODY) + room, *(width_of(note, SMALL) + 20 for note in notes)])
    return Arrow(said, shown, label, notes, surplus > 0, width, 36.0 + 14 * len(notes))


def words(it: Arrow) -> str:
    """Say an arrow for the alt text; surplus is told without its number."""
    said, message = it.said, it.said.message
    if message is None:
        verb = "connects" if said.event in UNMET else "ends the connection"
        return f"{said.who} {verb} to {said.whom}: {said.label}"
    asides = it.shown + (["then surplus bytes"] if it.surplus else [])
    verb = "answers" if message.kind == "answer" else "sends"
    return f"{said.who} {verb} {said.label} to {said.whom}" + (f" ({'; '.join(asides)})" if asides else "")


def draw(sheet: Sheet, it: Arrow, tail: float, head: float, y: float, number: int | None) -> None:
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
        sheet.line(
            [tail + 7 * way, head - 7 * way], [y, y], "white", 8, order=2
        )  # cuts the lifelines between
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


def fit(words: str, most: int) -> str:
    """Keep both ends of what is too long: a path and its query say more than its middle."""
    return words if len(words) <= most else f"{words[: most - most // 3 - 1]}…{words[-(most // 3) :]}"


def _fold(words: str, most: int) -> list[str]:
    """Break a long value after a mark of URLs and lists, into three lines at most."""
    lines: list[str] = []
    while len(words) > most and len(lines) < 2:
        cut = max(words.rfind(mark, 8, most) for mark in "/?&;, ") + 1 or most
        lines.append(words[:cut].rstrip())
        words = words[cut:]
    return [*lines, fit(words, most)]
