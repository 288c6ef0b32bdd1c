"""How many bytes crossed each hop, in one direction: head, body as framed, surplus."""

from __future__ import annotations

from collections.abc import Sequence

from labs.capture.message import Message
from labs.capture.trace import Trace

PIECES = ("head", "body", "surplus")

Sizes = tuple[int, ...]  # bytes, in the order of PIECES


def hops(trace: Trace, whom: str | None = None) -> dict[tuple[str, str], Sizes]:
    """Add up sizes by (speaker, listener), in order of appearance; `whom` keeps only that listener."""
    found: dict[tuple[str, str], Sizes] = {}
    for said in trace.said:
        if said.message is not None and whom in (None, said.whom):
            before = found.get((said.who, said.whom), (0, 0, 0))
            found[said.who, said.whom] = tuple(map(sum, zip(before, _sizes(said.message), strict=True)))
    return found


def _sizes(message: Message) -> Sizes:
    return len(message.head), len(message.framed), len(message.surplus)


def counted(sizes: Sequence[int]) -> str:
    """Write sizes as numbers, for the end of a bar."""
    pieces = [(size, word) for size, word in zip(sizes, PIECES, strict=True) if size]
    if len(pieces) == 1:
        return f"{pieces[0][0]:,} bytes, all {pieces[0][1]}"
    return f"{sum(sizes):,} bytes: " + ", ".join(f"{size:,} {word}" for size, word in pieces)


def words(who: str, whom: str, sizes: Sequence[int]) -> str:
    """Say a hop without its numbers: the length of a head is another one with every version of Python."""
    pieces = [word for size, word in zip(sizes, PIECES, strict=True) if size]
    return f"{who} to {whom}, {' and '.join(pieces) or 'nothing'}"
