"""Draw a trace in characters, for nbval, git and a screen reader: a column a party, an arrow a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from labs.capture.message import Latin1
from labs.capture.said import Said
from labs.show.page import Page, as_it_is, counted, visible
from labs.show.volatile import DECLARED, Settle, settle
from labs.show.width import cells, center, fit, wide

__all__ = ["draw"]

WIDEST = 64  # characters between two lifelines, at most
NARROWEST = 16
Arrow: TypeAlias = tuple[int, int, str, list[str]]  # from column, to column, label, what stands under it


def draw(
    said: Sequence[Said],
    parties: Sequence[str],
    show: Sequence[str] = (),
    *,
    times: Sequence[str] = (),
    waits: Sequence[int] = (),
) -> Page:
    """Return the lanes: a column a party, an arrow a message, the fields of `show` under their arrow.

    `times` stand left of the arrows; `waits` are the rows before each in which nobody begins to speak.
    """
    if not said:
        return Page("(nothing was said)")
    times, waits = times or [""] * len(said), waits or [0] * len(said)
    lines = _drawn(said, parties, show, settle, times, waits)
    replaced = lines != _drawn(said, parties, show, as_it_is, times, waits)
    return Page("\n".join([*lines, "", DECLARED] if replaced else lines))


def _drawn(
    said: Sequence[Said],
    parties: Sequence[str],
    show: Sequence[str],
    settle: Settle,
    times: Sequence[str],
    waits: Sequence[int],
) -> list[str]:
    column = {name: n for n, name in enumerate(parties)}
    arrows = [(column[it.who], column[it.whom], _label(it), _shown(it, show, settle)) for it in said]
    names = [cells(visible(name)) for name in parties]
    at = _places([len(name) for name in names], arrows)
    header: list[str] = []
    for name, x in zip(names, at, strict=True):
        _put(header, x, name)
    margin = max(map(wide, times)) + 3 if any(times) else 0
    blank = " " * margin + "".join(_lifelines(at)).rstrip()
    lines = [" " * margin + "".join(header)]
    for (a, b, label, under), it, time, wait in zip(arrows, said, times, waits, strict=True):
        lines += [blank] * wait
        lines.append(f"{time:<{margin}}" + _arrow(at, a, b, label, stopped=bool(it.event)))
        lines.extend(" " * margin + _note(at, min(a, b), max(a, b), text) for text in under)
    return lines


def _label(said: Said) -> str:
    if said.event in ("refused", "unknown name"):
        return f"connect: {said.event}"
    surplus = len(said.message.surplus) if said.message is not None else 0
    return f"{said.label} + {counted(surplus, 'surplus')}" if surplus else said.label


def _shown(said: Said, show: Sequence[str], settle: Settle) -> list[str]:
    message = said.message
    if message is None or message.headless:
        return []
    fields = [(name, value) for name in show for value in message.all(name)]
    return [
        visible(f"{name}: {settle(name, value)}") + " (Latin-1)" * isinstance(value, Latin1)
        for name, value in fields
    ]


def _places(names: list[int], arrows: list[Arrow]) -> list[int]:
    gaps = [max(NARROWEST, length + 2) for length in names[:-1]]
    for a, b, label, under in sorted(arrows, key=lambda it: abs(it[0] - it[1])):
        left, right = min(a, b), max(a, b, min(a, b) + 1)  # what somebody says to himself stands on the right
        if right > len(gaps):
            continue
        need = max([wide(label) + 8, *(wide(text) + 3 for text in under)])
        missing = min(need, WIDEST * (right - left)) - sum(gaps[left:right])
        if missing > 0:
            gaps[right - 1] += missing
    places = [0]
    for gap in gaps:
        places.append(places[-1] + gap)
    return places


def _arrow(at: list[int], a: int, b: int, label: str, stopped: bool) -> str:
    if a == b:
        return _note(at, a, b, f"{'✗' if stopped else '↺'} {label}")
    line = _lifelines(at)
    left, right = sorted((at[a], at[b]))
    inside = right - left - 1
    shaft = cells(center(f" {fit(label, inside - 4)} ", inside, "─"))
    shaft[-1 if a < b else 0] = "✗" if stopped else ("►" if a < b else "◄")
    return _put(line, left + 1, shaft)


def _note(at: list[int], left: int, right: int, text: str) -> str:
    right = max(right, left + 1)
    room = at[right] - at[left] - 3 if right < len(at) else WIDEST
    return _put(_lifelines(at), at[left] + 2, cells(fit(text, room)))


def _put(line: list[str], x: int, text: Sequence[str]) -> str:
    line += [" "] * (x + len(text) - len(line))
    line[x : x + len(text)] = text
    return "".join(line).rstrip()


def _lifelines(at: list[int]) -> list[str]:
    return ["│" if x in at else " " for x in range(at[-1] + 1)]
