"""Draw a trace in characters, for nbval, git and a screen reader: its lanes, and the bytes themselves."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from labs.volatile import DECLARED, settle

if TYPE_CHECKING:
    from labs.trace import Said, Trace
    from labs.wire import Message

__all__ = ["Page", "draw", "spell"]

LINE_END = "\\n"  # shown, so that nobody has to guess where a line ends
WIDEST = 64  # characters between two lifelines, at most
NARROWEST = 16
Arrow: TypeAlias = tuple[int, int, str, list[str]]  # from column, to column, label, what stands under it
Settle: TypeAlias = Callable[[str, str], str]
_END_OF_HEAD = re.compile(rb"\n\r?\n")


class Page(str):
    """Be a text that shows itself as it is, so that it can be the value of a cell."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        style = "line-height:1.25;overflow-x:auto;white-space:pre"  # JupyterLab would break a long lane
        return f'<pre style="{style}">{html.escape(str(self), quote=False)}</pre>'


def draw(trace: Trace, show: Sequence[str] = ()) -> Page:
    """Return the lanes: a column a party, an arrow a message, the fields of `show` under their arrow."""
    if not trace.said:
        return Page("(nothing was said)")
    lines = _drawn(trace, show, settle)
    replaced = lines != _drawn(trace, show, _as_it_is)
    return Page("\n".join([*lines, "", DECLARED] if replaced else lines))


def _drawn(trace: Trace, show: Sequence[str], settle: Settle) -> list[str]:
    column = {name: n for n, name in enumerate(trace.parties)}
    arrows = [(column[it.who], column[it.whom], _label(it), _shown(it, show, settle)) for it in trace.said]
    names = [_cells(name) for name in trace.parties]
    at = _places([len(name) for name in names], arrows)
    header: list[str] = []
    for name, x in zip(names, at, strict=True):
        _put(header, x, name)
    lines = ["".join(header)]
    for (a, b, label, under), said in zip(arrows, trace.said, strict=True):
        lines.append(_arrow(at, a, b, label, stopped=bool(said.event)))
        lines.extend(_note(at, min(a, b), max(a, b), text) for text in under)
    return lines


def _as_it_is(name: str, value: str) -> str:
    return value


def _label(said: Said) -> str:
    if said.event in ("refused", "unknown name"):
        return f"connect: {said.event}"
    surplus = len(said.message.surplus) if said.message is not None else 0
    return f"{said.label} + {_bytes(surplus, 'surplus')}" if surplus else said.label


def _bytes(count: int, kind: str) -> str:
    return f"{count} {kind} byte{'s' if count > 1 else ''}"


def _shown(said: Said, show: Sequence[str], settle: Settle) -> list[str]:
    fields = [(name, value) for name in show for value in (said.message.all(name) if said.message else ())]
    return [_visible(f"{name}: {settle(name, value)}") for name, value in fields]


def _visible(text: str) -> str:
    # As Python writes them: few fonts have pictures of control characters.
    return "".join(it if it.isprintable() else repr(it)[1:-1] for it in text)


def _cells(text: str) -> list[str]:
    # A wide character, as of Chinese, takes two places: an empty one follows it.
    return [it for c in text for it in ((c, "") if unicodedata.east_asian_width(c) in "WF" else (c,))]


def _places(names: list[int], arrows: list[Arrow]) -> list[int]:
    gaps = [max(NARROWEST, length + 2) for length in names[:-1]]
    for a, b, label, under in sorted(arrows, key=lambda it: abs(it[0] - it[1])):
        left, right = min(a, b), max(a, b, min(a, b) + 1)  # what somebody says to himself stands on the right
        if right > len(gaps):
            continue
        need = max([len(label) + 8, *(len(text) + 3 for text in under)])
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
    shaft = f" {_fit(label, inside - 4)} ".center(inside, "─")
    end = "✗" if stopped else ("▶" if a < b else "◀")
    shaft = shaft[:-1] + end if a < b else end + shaft[1:]
    return _put(line, left + 1, shaft)


def _note(at: list[int], left: int, right: int, text: str) -> str:
    right = max(right, left + 1)
    room = at[right] - at[left] - 3 if right < len(at) else WIDEST
    return _put(_lifelines(at), at[left] + 2, _fit(text, room))


def _fit(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _put(line: list[str], x: int, text: Iterable[str]) -> str:
    cells = list(text)
    line += [" "] * (x + len(cells) - len(line))
    line[x : x + len(cells)] = cells
    return "".join(line).rstrip()


def _lifelines(at: list[int]) -> list[str]:
    return ["│" if x in at else " " for x in range(at[-1] + 1)]


def spell(said: Iterable[Said], limit: int) -> Page:
    """Return the bytes of messages, one block each: heads with their line ends, `limit` bytes of a body."""
    told = list(said)
    blocks = [_block(it, limit, settle) for it in told]
    if blocks != [_block(it, limit, _as_it_is) for it in told]:
        blocks.append(DECLARED)
    return Page("\n\n".join(blocks) or "(nothing was said)")


def _block(it: Said, limit: int, settle: Settle) -> str:
    title = f"{it.who} → {it.whom}, connection {it.connection + 1}"
    lines = [it.event] if it.message is None else _spelled(it.message, limit, settle)
    return "\n".join([title, *(f"    {line}" for line in lines)])


def _spelled(message: Message, limit: int, settle: Settle) -> list[str]:
    end = _END_OF_HEAD.search(message.raw) if message.kind != "tunnel" else None
    if end is None:
        lines = [_settled(line, settle) for line in _excerpt(message.raw, limit)]
    else:
        head = message.raw[: end.end()].decode("latin-1").removesuffix("\n").split("\n")
        lines = [_settled(_visible(line), settle) + LINE_END for line in head]
        lines += _excerpt(message.raw[end.end() :], limit, *_boundary(message, settle))
    if message.problem:
        lines.append(f"[malformed: {message.problem}]")
    elif not message.complete:
        lines.append("[cut short]")
    if message.surplus:
        belongs = "belong" if len(message.surplus) > 1 else "belongs"
        lines.append(f"[{_bytes(len(message.surplus), 'surplus')} that {belongs} to no message]")
        lines += _excerpt(message.surplus, limit)
    return lines


def _settled(line: str, settle: Settle) -> str:
    name, colon, value = line.partition(":")
    bare = value.removesuffix(LINE_END).removesuffix("\\r")
    return f"{name}:{settle(name, bare)}{value[len(bare) :]}" if colon else line


def _boundary(message: Message, settle: Settle) -> tuple[str, str]:
    # The boundary of a multipart body stands in the body, too, and changes there as in Content-Type.
    boundary = re.search(r'boundary="?([^";]+)', message.field("Content-Type") or "")
    if boundary is None:
        return "", ""
    return boundary[1], settle("Content-Type", boundary[0]).partition("=")[2]


def _excerpt(data: bytes, limit: int, volatile: str = "", stable: str = "") -> list[str]:
    cut = data.rfind(volatile.encode("latin-1"), 0, limit + len(volatile) - 1) if volatile else -1
    if cut >= 0 and cut + len(volatile) > limit:  # never a part of what is made stable
        limit = cut
    part = data[:limit]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(part, final=len(part) == len(data))
    except UnicodeDecodeError:
        text = "\0"
    if all(it.isprintable() or it in "\r\n\t" for it in text):
        more = len(data) - len(text.encode())
        if volatile:
            text = text.replace(volatile, stable)
        text = (
            text.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", LINE_END + "\n").removesuffix("\n")
        )
        lines = text.split("\n") if text else []
    else:
        more = len(data) - len(part)
        rows = [part[i : i + 16] for i in range(0, len(part), 16)]
        lines = [f"{it.hex(' '):<47}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in it)}" for it in rows]
    return [*lines, f"[and {_bytes(more, 'more')}]"] if more else lines
