"""Spell a trace out: the bytes that crossed, with their line ends."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

from labs.capture.message import Message, end_of_head
from labs.capture.part import Part, kept
from labs.capture.said import Said
from labs.show.page import Page, as_it_is, counted, has_sign
from labs.show.volatile import DECLARED, Settle, settle

__all__ = ["dump"]

FURTHER = "[not recorded further]"
LINE_END = "\\n"  # shown, so that nobody has to guess where a line ends


def dump(said: Iterable[Said], limit: int) -> Page:
    """Return the bytes of messages, one block each: heads with their line ends, `limit` bytes of a body."""
    told = list(said)
    blocks = [_block(it, limit, settle) for it in told]
    if blocks != [_block(it, limit, as_it_is) for it in told]:
        blocks.append(DECLARED)
    return Page("\n\n".join(blocks) or "(nothing was said)")


def _block(it: Said, limit: int, settle: Settle) -> str:
    title = f"{it.who} → {it.whom}, connection {it.connection + 1}"
    lines = [it.event] if it.message is None else _spelled(it.message, limit, settle)
    return "\n".join([title, *(f"    {line}" for line in lines)])


def _spelled(message: Message, limit: int, settle: Settle) -> list[str]:
    if message.kind == "tunnel" or end_of_head(kept(message.raw)) is None:
        lines = [_settled(line, settle) for line in _excerpt(message.raw, limit)]
    else:
        head = message.head.removesuffix(b"\n").split(b"\n")
        lines = [_settled(_exact(text, tabs=False), settle) + LINE_END for text in map(_decoded, head)]
        lines += _excerpt(message.framed, limit, *_boundary(message, settle))
    if message.problem:
        lines.append(f"[malformed: {message.problem}]")
    elif not message.complete and isinstance(message.raw, bytes):
        lines.append(FURTHER if message.lost else "[cut short]")
    if message.surplus:
        belongs = "belong" if len(message.surplus) > 1 else "belongs"
        lines.append(f"[{counted(len(message.surplus), 'surplus')} that {belongs} to no message]")
        lines += _excerpt(message.surplus, limit)
    return lines


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _exact(text: str, *, tabs: bool) -> str:
    # So that the bytes can be told from it: UTF-8 as it reads, and every other byte as an escape.
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_sign(text, n, tabs) for n in range(len(text)))


def _sign(text: str, at: int, tabs: bool) -> str:
    char = text[at]
    if char == "\\":
        return "\\\\"
    if has_sign(text, at) or (tabs and char == "\t"):
        return char
    if char.isascii():
        return repr(char)[1:-1]
    return "".join(f"\\x{it:02x}" for it in char.encode("utf-8", "surrogateescape"))


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


def _excerpt(some: bytes, limit: int, volatile: str = "", stable: str = "") -> list[str]:
    data, crossed = kept(some), len(some)
    cut = data.rfind(volatile.encode(), 0, limit + len(volatile) - 1) if volatile else -1
    if cut >= 0 and cut + len(volatile) > limit:  # never a part of what is made stable
        limit = cut
    part = data[:limit]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(part, final=len(part) == crossed)
    except UnicodeDecodeError:
        text = "\0"
    if all(unicodedata.category(it) != "Cc" or it in "\r\n\t" for it in text):
        more = crossed - len(text.encode())
        if volatile:
            text = text.replace(volatile, stable)
        lines = [_exact(line, tabs=True) + LINE_END for line in text.split("\n")]
        lines[-1] = lines[-1].removesuffix(LINE_END)
        if not lines[-1]:
            lines.pop()
    else:
        more = crossed - len(part)
        rows = [part[i : i + 16] for i in range(0, len(part), 16)]
        lines = [f"{it.hex(' '):<47}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in it)}" for it in rows]
    if more:
        lines.append(f"[and {counted(more, 'more')}]")
    return [*lines, FURTHER] if isinstance(some, Part) else lines
