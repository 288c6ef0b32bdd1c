"""Follow a body from the server that sends it to the client that reads it, and see where its bytes are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from time import monotonic
from types import SimpleNamespace, TracebackType

from aiohttp import ClientSession, StreamReader, TraceConfig, TraceRequestEndParams, web
from aiohttp.typedefs import Handler

from labs.capture.recording import Event
from labs.town.gates import PATIENCE, GateStuck
from labs.town.town import Town

__all__ = ["Flow"]

QUIET, TURNS = 0.1, 100  # seconds and turns of the loop without a byte that moves: both must pass
READ = "read"


class Flow:
    """Count where the bytes of one answer are, turn by turn. Use as `async with Flow(town, way) as flow:`.

    `way` names who passes the answer on: ("origin.test", "front.test", "client"). `sends(who, handler)` wraps
    each handler on the way, `hears(who)` is a trace config for the session of each that receives, and the
    reader calls `read(size)`. `places` are, from the reader back to the sender, "read", "in client",
    "front.test → client", and so on: "in" is memory of the process, an arrow is what the system buffers.
    `steps` holds the bytes at each place, head and framing included, for every turn in which some moved.
    Raises ValueError for a way of fewer than two.
    """

    def __init__(self, town: Town, way: Sequence[str]) -> None:
        if len(way) < 2:
            raise ValueError("A body goes from somebody to somebody: name two at least, the sender first.")
        self.way = tuple(way)
        back = self.way[::-1]
        hops = [(f"in {b}", f"{a} → {b}") for b, a in pairwise(back)]
        self.places = (READ, *(place for hop in hops for place in hop), f"in {back[-1]}")
        self.steps: list[tuple[int, ...]] = []
        self._recording = town.recording
        self._seen = 0  # pieces of the recording
        self._said: Counter[str] = Counter()
        self._writes: dict[str, asyncio.Transport] = {}
        self._heard: dict[str, StreamReader] = {}
        self._read = 0
        self._handle: asyncio.Handle | None = None
        self._moved, self._since = monotonic(), 0  # when and how many turns ago a byte moved last

    async def __aenter__(self) -> Flow:
        self._turn()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._handle is not None
        self._handle.cancel()
        self._note()
        self._writes.clear()  # what is left are plain values: a figure is drawn of them later
        self._heard.clear()

    def sends(self, who: str, handler: Handler) -> Handler:
        """Return the handler, and count what it writes as sent by `who`. Raises ValueError for a stranger."""
        if who not in self.way[:-1]:
            raise ValueError(f"{who!r} sends nothing on this way: {' → '.join(self.way)}.")

        async def sending(request: web.Request) -> web.StreamResponse:
            if request.transport is not None:
                self._writes[who] = request.transport
            return await handler(request)

        return sending

    def hears(self, who: str) -> TraceConfig:
        """Return one of the `trace_configs` for a session of `who`. Raises ValueError for a stranger."""
        if who not in self.way[1:]:
            raise ValueError(f"{who!r} receives nothing on this way: {' → '.join(self.way)}.")
        config = TraceConfig()

        async def has_begun(
            session: ClientSession, context: SimpleNamespace, params: TraceRequestEndParams
        ) -> None:
            self._heard[who] = params.response.content

        config.on_request_end.append(has_begun)
        return config

    def read(self, size: int) -> None:
        """Say that the reader is done with `size` more bytes."""
        self._read += size

    @property
    def sent(self) -> int:
        """How many bytes the sender has written."""
        return sum(self.steps[-1]) if self.steps else 0

    @property
    def ahead(self) -> int:
        """How many bytes the sender had written when the reader read its first."""
        return next((sum(step) for step in self.steps if step[0]), self.sent)

    def now(self) -> Mapping[str, int]:
        """Return how many bytes are at each place now, and as "sent" how many the sender has written."""
        counts = self._counts()
        return {**dict(zip(self.places, counts, strict=True)), "sent": sum(counts)}

    async def rest(self) -> Mapping[str, int]:
        """Wait until no byte moves any more, and return `now()`. Raises GateStuck when they never rest."""
        end = monotonic() + PATIENCE
        self._since, self._moved = 0, monotonic()
        while self._since < TURNS or monotonic() < self._moved + QUIET:
            if monotonic() > end:
                raise GateStuck(f"The bytes did not come to rest within {PATIENCE:g} s.")
            await asyncio.sleep(0)
        return self.now()

    def _turn(self) -> None:
        self._note()
        self._handle = asyncio.get_running_loop().call_soon(self._turn)

    def _note(self) -> None:
        counts = self._counts()
        if self.steps and counts == self.steps[-1]:
            self._since += 1
        else:
            self._since, self._moved = 0, monotonic()
            self.steps.append(counts)

    def _counts(self) -> tuple[int, ...]:
        recording = self._recording
        for piece in recording.pieces[self._seen :]:
            if piece.kind is Event.SAID:
                self._said[recording.calls[piece.connection].whom] += piece.size
        self._seen = len(recording.pieces)
        marks = [self._read]
        for b, a in pairwise(self.way[::-1]):
            waiting = self._writes[a].get_write_buffer_size() if a in self._writes else 0
            # A head and the frames of chunks are said, and not heard: a mark is never behind the one before.
            marks.append(max(marks[-1], self._heard[b].total_bytes if b in self._heard else 0))
            marks.append(max(marks[-1], self._said[a] - waiting))
        marks.append(max(marks[-1], self._said[self.way[0]]))
        return (marks[0], *(high - low for low, high in pairwise(marks)))
