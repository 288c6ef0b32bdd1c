"""Who said what to whom, in which order: the recording as plain values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from labs.capture import dump, har, lanes, parser
from labs.capture.distance import Distances, Schedule, schedule
from labs.capture.message import Message
from labs.capture.recording import Call, Event, Piece, Recording
from labs.capture.said import Said
from labs.show.page import Page

__all__ = ["Trace", "told"]


@dataclass(frozen=True)
class Trace:
    """Hold a recorded conversation. `parties` are the columns of the lanes, in order of appearance."""

    said: tuple[Said, ...]
    parties: tuple[str, ...]
    calls: tuple[Call, ...] = ()  # of every connection, refused ones included
    servers: tuple[str, ...] = ()  # those that nobody asked included

    def requests(self, *, who: str | None = None, whom: str | None = None) -> tuple[Message, ...]:
        """Return the requests from `who` to `whom`, in order; None stands for anybody."""
        return tuple(_kind("request", self.said, who, whom))

    def answers(self, *, who: str | None = None, whom: str | None = None) -> tuple[Message, ...]:
        """Return the answers from `who` to `whom`, in order; None stands for anybody."""
        return tuple(_kind("answer", self.said, who, whom))

    def events(self, *, who: str | None = None, whom: str | None = None) -> tuple[str, ...]:
        """Return what happened instead of messages: "refused", "unknown name", "closed", "reset".

        A TLS handshake that failed is "TLS failed: unknown CA", or another of `labs.town.handshake.REASONS`.
        """
        return tuple(it.event for it in self.said if it.event and _is(it, who, whom))

    def connections(self, *, who: str | None = None, whom: str | None = None) -> int:
        """Count the connections that `who` opened to `whom`: not refused ones, but those whose TLS failed."""
        refused = {it.connection for it in self.said if it.event in (Event.REFUSED, Event.UNKNOWN_NAME)}
        return sum(
            number not in refused and who in (None, call.who) and whom in (None, call.whom)
            for number, call in enumerate(self.calls)
        )

    def lanes(self, *show: str) -> Page:
        """Draw the conversation in characters; the values of the fields in `show` stand under their arrow."""
        return lanes.draw(self.said, self.parties, show)

    def bytes(self, *, who: str | None = None, whom: str | None = None, body: int = 256) -> Page:
        """Show what crossed: line ends visible, volatile values stable, at most `body` bytes of each body."""
        return dump.dump((it for it in self.said if _is(it, who, whom)), body)

    def apart(self, distances: Distances) -> Schedule:
        """Compute when everything would be said if the parties were that far apart: see `capture.distance`.

        `distances` are round trips in milliseconds, as in `{("client", "front.test"): 40}`. Raises
        DistanceError for one that is negative, no number, given twice, or for nobody.
        """
        return schedule(self.said, self.parties, self.calls, distances, self.servers)

    def har(self) -> dict[str, object]:
        """Return the conversation as HTTP Archive 1.2, which a browser's developer tools open."""
        return har.archive(self.said, self.calls)

    def __repr__(self) -> str:
        return str(self.lanes())

    def _repr_html_(self) -> str:
        return self.lanes()._repr_html_()


def _is(it: Said, who: str | None, whom: str | None) -> bool:
    return who in (None, it.who) and whom in (None, it.whom)


def _kind(kind: str, said: Iterable[Said], who: str | None, whom: str | None) -> Iterable[Message]:
    messages = (it.message for it in said if it.message is not None and _is(it, who, whom))
    return (it for it in messages if it.kind == kind)


def told(recording: Recording) -> Trace:
    """Read a recording and return its trace."""
    said: list[Said] = []
    pieces: list[list[tuple[int, Piece]]] = [[] for _ in recording.calls]
    for order, piece in enumerate(recording.pieces):
        pieces[piece.connection].append((order, piece))
    for number, call in enumerate(recording.calls):
        said.extend(_connection(recording, number, call.who, call.whom, pieces[number]))
    said.sort(key=lambda it: it.order)
    parties = dict.fromkeys(name for it in said for name in (it.who, it.whom))
    return Trace(tuple(said), tuple(parties), tuple(recording.calls), tuple(recording.servers))


@dataclass
class _Way:
    """Gather one direction of a connection."""

    kept: list[bytes] = field(default_factory=list)
    crossed: int = 0  # bytes
    short: bool = False  # not all was kept, so what comes later is counted only
    places: list[tuple[int, int]] = field(default_factory=list)  # (offset, order) of pieces

    def add(self, piece: Piece, order: int) -> None:
        self.places.append((self.crossed, order))
        self.crossed += piece.size
        if not self.short:
            self.kept.append(piece.data)
        self.short = self.short or len(piece.data) < piece.size

    def piece_of(self, offset: int) -> int:
        return self.places[bisect_right(self.places, offset, key=lambda it: it[0]) - 1][1]


def _connection(
    recording: Recording, number: int, who: str, whom: str, pieces: list[tuple[int, Piece]]
) -> Iterable[Said]:
    heard, said = _Way(), _Way()
    boundaries: list[tuple[int, int]] = []
    end: Event | None = None
    ended = any(piece.kind is Event.SERVER_CLOSED for _, piece in pieces)
    for order, piece in pieces:
        if piece.kind in (Event.REFUSED, Event.UNKNOWN_NAME, Event.TLS_FAILED):
            words = f"{piece.kind}: {piece.data.decode()}" if piece.data else piece.kind
            yield Said(who, whom, None, words, number, order, recording.began + piece.at)
        elif piece.kind is Event.HEARD:
            boundaries.append((heard.crossed, said.crossed))
            heard.add(piece, order)
        elif piece.kind is Event.SAID:
            said.add(piece, order)
        elif piece.kind is not Event.OPENED and end is None:
            end, end_order, end_at = piece.kind, order, piece.at
    sizes = heard.crossed, said.crossed
    requests, answers = parser.parse(b"".join(heard.kept), b"".join(said.kept), boundaries, ended, sizes)
    for spoken, way, a, b in ((requests, heard, who, whom), (answers, said, whom, who)):
        for it in spoken:
            order = way.piece_of(it.begin)
            yield Said(a, b, it.message, "", number, order, recording.began + recording.pieces[order].at)
    asked = [it.message for it in requests if it.message.kind == "request"]
    finals = [it.message for it in answers if it.message.kind == "answer" and not it.message.interim]
    unanswered = len(finals) < len(asked)
    if end is not None and (unanswered or any(not it.complete for it in finals)):
        a, b = (who, whom) if end is Event.CLIENT_CLOSED else (whom, who)
        event = "reset" if end is Event.RESET else "closed"
        yield Said(a, b, None, event, number, end_order, recording.began + end_at)
