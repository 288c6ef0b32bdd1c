"""Who said what to whom, in which order: the recording as plain values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from labs.capture import dump, har, lanes, parser
from labs.capture.message import Message
from labs.capture.recording import Event, Piece, Recording
from labs.capture.said import Said
from labs.show.page import Page

__all__ = ["Trace", "told"]


@dataclass(frozen=True)
class Trace:
    """Hold a recorded conversation. `parties` are the columns of the lanes, in order of appearance."""

    said: tuple[Said, ...]
    parties: tuple[str, ...]
    calls: tuple[tuple[str, str], ...] = ()  # (who, whom) of every connection, refused ones included

    def requests(self, *, who: str | None = None, whom: str | None = None) -> tuple[Message, ...]:
        """Return the requests from `who` to `whom`, in order; None stands for anybody."""
        return tuple(_kind("request", self.said, who, whom))

    def answers(self, *, who: str | None = None, whom: str | None = None) -> tuple[Message, ...]:
        """Return the answers from `who` to `whom`, in order; None stands for anybody."""
        return tuple(_kind("answer", self.said, who, whom))

    def events(self, *, who: str | None = None, whom: str | None = None) -> tuple[str, ...]:
        """Return what happened instead of messages: "refused", "unknown name", "closed", "reset"."""
        return tuple(it.event for it in self.said if it.event and _is(it, who, whom))

    def connections(self, *, who: str | None = None, whom: str | None = None) -> int:
        """Count the connections that `who` opened to `whom`; refused ones are not opened."""
        refused = {it.connection for it in self.said if it.event in (Event.REFUSED, Event.UNKNOWN_NAME)}
        return sum(
            number not in refused and who in (None, caller) and whom in (None, called)
            for number, (caller, called) in enumerate(self.calls)
        )

    def lanes(self, *show: str) -> Page:
        """Draw the conversation in characters; the values of the fields in `show` stand under their arrow."""
        return lanes.draw(self.said, self.parties, show)

    def bytes(self, *, who: str | None = None, whom: str | None = None, body: int = 256) -> Page:
        """Show what crossed: line ends visible, volatile values stable, at most `body` bytes of each body."""
        return dump.dump((it for it in self.said if _is(it, who, whom)), body)

    def har(self) -> dict[str, object]:
        """Return the conversation as HTTP Archive 1.2, which a browser's developer tools open."""
        return har.archive(self.said)

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
    return Trace(tuple(said), tuple(parties), tuple((call.who, call.whom) for call in recording.calls))


def _connection(
    recording: Recording, number: int, who: str, whom: str, pieces: list[tuple[int, Piece]]
) -> Iterable[Said]:
    heard, said = bytearray(), bytearray()
    kept = {Event.HEARD: 0, Event.SAID: 0}  # bytes, before those that were counted only
    boundaries: list[tuple[int, int]] = []
    places: dict[Event, list[tuple[int, int]]] = {
        Event.HEARD: [],
        Event.SAID: [],
    }  # (offset, order) of pieces
    end: Event | None = None
    ended = any(piece.kind is Event.SERVER_CLOSED for _, piece in pieces)
    for order, piece in pieces:
        if piece.kind in (Event.REFUSED, Event.UNKNOWN_NAME):
            yield Said(who, whom, None, piece.kind, number, order, recording.began + piece.at)
        elif piece.kind is Event.HEARD:
            boundaries.append((len(heard), len(said)))
            places[Event.HEARD].append((len(heard), order))
            kept[Event.HEARD] += len(piece.data)
            heard += piece.data.ljust(piece.size, b"\0")
        elif piece.kind is Event.SAID:
            places[Event.SAID].append((len(said), order))
            kept[Event.SAID] += len(piece.data)
            said += piece.data.ljust(piece.size, b"\0")
        elif piece.kind is not Event.OPENED and end is None:
            end, end_order, end_at = piece.kind, order, piece.at
    requests, answers = parser.parse(bytes(heard), bytes(said), boundaries, ended)
    if kept[Event.HEARD] < len(heard) or kept[Event.SAID] < len(said):
        read = parser.parse(
            bytes(heard[: kept[Event.HEARD]]), bytes(said[: kept[Event.SAID]]), boundaries, False
        )
        requests = _forgiven(requests, read[0], kept[Event.HEARD])
        answers = _forgiven(answers, read[1], kept[Event.SAID])
    for spoken, kind, a, b in ((requests, Event.HEARD, who, whom), (answers, Event.SAID, whom, who)):
        for it in spoken:
            order = places[kind][bisect_right(places[kind], (it.begin, len(recording.pieces))) - 1][1]
            yield Said(a, b, it.message, "", number, order, recording.began + recording.pieces[order].at)
    asked = [it.message for it in requests if it.message.kind == "request"]
    finals = [it.message for it in answers if it.message.kind == "answer" and not it.message.interim]
    unanswered = len(finals) < len(asked)
    if end is not None and (unanswered or any(not it.complete for it in finals)):
        a, b = (who, whom) if end is Event.CLIENT_CLOSED else (whom, who)
        event = "reset" if end is Event.RESET else "closed"
        yield Said(a, b, None, event, number, end_order, recording.began + end_at)


def _forgiven(spoken: list[parser.Spoken], before: list[parser.Spoken], kept: int) -> list[parser.Spoken]:
    # Zero bytes stand for what was not kept, and nobody can read chunks from them. A problem that is not
    # there in the part that was kept is the recording's, and not the speaker's.
    known = {it.begin for it in before if it.message.problem}
    return [
        replace(it, message=replace(it.message, problem="", lost=True))
        if it.end > kept and it.begin not in known and (it.message.problem or _without_end(it.message))
        else it
        for it in spoken
    ]


def _without_end(message: Message) -> bool:
    return not message.complete and message.field("Transfer-Encoding") is not None
