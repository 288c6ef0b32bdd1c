"""Turn recorded bytes into messages, and never hide what is malformed.

h11 reads, strictly (RFC 9112). What it refuses is shown as what it is, with the reason; what is left over is
surplus.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import h11

from labs.capture.message import Message, end_of_head, text_of
from labs.capture.part import Part, cut

__all__ = ["Message", "Spoken", "parse"]

HEAD_LIMIT = 1 << 20  # bytes; generous, because a lab wants to see what a server would refuse
TWO_LENGTHS = "Content-Length beside Transfer-Encoding (RFC 9112 section 6.3)"
_REQUEST_LINE = re.compile(rb"[!-~]+ \S+ HTTP/1\.[01]\r?\n")


@dataclass(frozen=True)
class Spoken:
    """Place a message in the stream of its direction: bytes `begin` to `end`, without surplus."""

    message: Message
    begin: int
    end: int


@dataclass(frozen=True)
class _Stream:
    """Hold what was kept of one direction, and how many bytes crossed."""

    kept: bytes
    size: int

    def cut(self, begin: int, end: int) -> Any:
        return cut(self.kept, begin, end)


def parse(
    heard: bytes,
    said: bytes,
    boundaries: Sequence[tuple[int, int]],
    ended: bool,
    sizes: tuple[int, int] = (0, 0),
) -> tuple[list[Spoken], list[Spoken]]:
    """Read both directions of one connection; return its requests and its answers.

    `boundaries` holds, for each piece heard, (bytes heard before it, bytes said before it): it tells surplus
    bytes from the next answer. `ended` says that the server closed in an orderly way, which ends a body that
    has no length. `sizes` are the bytes that crossed each way, where more did than were kept: nothing is made
    up for those. After a 101, or a 2xx to CONNECT, what is left of a direction is one "tunnel" message.
    """
    up, down = (_Stream(it, max(size, len(it))) for it, size in zip((heard, said), sizes, strict=True))
    requests = _requests(up, boundaries)
    answers, switched = _answers(down, requests, boundaries, ended)
    if switched < len(requests):
        last = requests[switched]
        plain = replace(last, message=replace(last.message, surplus=b""))
        requests[switched:] = [plain, *_tunnel(up, last.end)]
    return requests, answers


def _requests(heard: _Stream, boundaries: Sequence[tuple[int, int]]) -> list[Spoken]:
    turns = [b[0] for a, b in pairwise(boundaries) if b[1] > a[1]]  # the client speaks, after the server did
    spoken: list[Spoken] = []
    begin = 0
    while begin < heard.size:
        message = _one(heard.kept, begin, len(heard.kept), "request", None, False)
        if message.problem and not message.complete:
            # Nobody can read where it ends, but a client that was answered and asks anew has ended it.
            later = turns[bisect_right(turns, begin) :]
            anew = (it for it in later if _REQUEST_LINE.match(heard.kept, it))
            message = _until(next(anew, heard.size), message, heard, begin, None)
        elif not message.complete:
            message = _counted(message, heard, begin, heard.size, False)
        end = after = begin + len(message.raw)
        while heard.kept.startswith(b"\r\n", after):  # empty lines before the next: RFC 9112 section 2.2
            after += 2
        spoken.append(Spoken(replace(message, surplus=heard.kept[end:after]), begin, end))
        begin = after
    return spoken


def _answers(
    said: _Stream, requests: list[Spoken], boundaries: Sequence[tuple[int, int]], ended: bool
) -> tuple[list[Spoken], int]:
    # Returns the answers, and the number of the request that switched the protocol: one too many if none did.
    spoken: list[Spoken] = []
    begin, turn = 0, 0
    whole = ended and said.size == len(said.kept)
    while begin < said.size:
        # Of the last request the head was not kept, so nobody knows whether there are more, and which.
        unsure = bool(requests) and requests[-1].message.headless and turn + 1 >= len(requests)
        asked = None if unsure or turn >= len(requests) else requests[turn].message
        fresh = said.size  # where the answer to the next request can begin, at the earliest
        if unsure:
            fresh = begin
        elif turn + 1 < len(requests):
            fresh = boundaries[bisect_right(boundaries, (requests[turn + 1].begin, said.size)) - 1][1]
        until = fresh if fresh > begin else said.size
        message = _one(said.kept, begin, len(said.kept), "answer", asked, whole)
        if message.problem and not message.complete:
            message = _until(until, message, said, begin, asked)
        elif not message.complete:
            message = _counted(message, said, begin, until, ended)
        if unsure and not message.complete:  # to a HEAD, it may be whole; or these bytes are surplus
            message = replace(message, problem="", lost=True)
        end = begin + len(message.raw)
        if not (message.problem or message.headless) and _switches(message, asked):
            return [*spoken, Spoken(message, begin, end), *_tunnel(said, end)], turn
        if message.interim:
            spoken.append(Spoken(message, begin, end))
            begin = end
            continue
        turn += 1
        after = max(end, fresh)
        surplus = said.cut(end, after)
        lost = message.lost or isinstance(surplus, Part)
        spoken.append(Spoken(replace(message, surplus=surplus, lost=lost), begin, end))
        begin = after
    return spoken, len(requests)


def _switches(answer: Message, asked: Message | None) -> bool:
    connected = asked is not None and asked.method == "CONNECT" and 200 <= answer.status < 300
    return answer.status == 101 or connected


def _tunnel(stream: _Stream, begin: int) -> list[Spoken]:
    if begin >= stream.size:
        return []
    rest = stream.cut(begin, stream.size)
    lost = isinstance(rest, Part)
    return [Spoken(Message("tunnel", "", body=rest, raw=rest, lost=lost), begin, stream.size)]


def _until(end: int, message: Message, stream: _Stream, begin: int, asked: Message | None) -> Message:
    shorter = _one(stream.kept, begin, min(end, len(stream.kept)), message.kind, asked, False)
    raw = stream.cut(begin, end)
    lost = isinstance(raw, Part)
    body: Any = Part(shorter.body, None) if lost else shorter.body
    return replace(shorter, raw=raw, body=body, complete=False, problem=message.problem, lost=lost)


def _counted(message: Message, stream: _Stream, begin: int, until: int, ended: bool) -> Message:
    """Say of a message that did not end in what was kept how long it is, if the count of bytes tells.

    `until` is where it ends at the latest. `ended` says that the end of the stream is its end.
    """
    if stream.size == len(stream.kept):
        return message
    head, end, complete = end_of_head(stream.kept[begin:]), until, False
    body: Any = Part(message.body, None)
    if head is not None and message.field("Transfer-Encoding") is None:
        length = message.field("Content-Length")
        end, complete = stream.size, ended
        if length is not None:
            due = begin + head + int(length.partition(",")[0])  # h11 takes a list of equal ones
            end, complete = min(due, stream.size), due <= stream.size
        body = Part(message.body, end - begin - head)
    return replace(message, raw=stream.cut(begin, end), body=body, complete=complete, lost=True)


def _one(data: bytes, begin: int, limit: int, kind: str, asked: Message | None, ended: bool) -> Message:
    if kind == "request":
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    else:
        reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        reader.send(_question(asked))
        reader.send(h11.EndOfMessage())
    head = begin
    while kind == "request" and data.startswith(b"\r\n", head, limit):
        head += 2
    body: list[bytes] = []
    trailers: tuple[tuple[str, str], ...] = ()
    complete, problem = False, ""
    fed, step = head, 1 << 12  # fed in steps: a message costs its own length, whatever follows it
    over = False
    try:
        while not complete:
            event = reader.next_event()
            if event is h11.NEED_DATA and fed < limit:
                reader.receive_data(data[fed : min(fed + step, limit)])
                fed, step = min(fed + step, limit), min(2 * step, 1 << 20)
            elif event is h11.NEED_DATA and ended and not over:
                reader.receive_data(b"")
                over = True
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                trailers, complete = _pairs(event.headers), True
            elif isinstance(event, h11.InformationalResponse) or event is h11.PAUSED:  # or a 2xx to CONNECT
                complete = True
            elif not isinstance(event, h11.Request | h11.Response):  # the rest never came
                break
    except h11.RemoteProtocolError as error:
        problem = "" if over else str(error).replace("bytearray(b", "(b")  # over: it is only cut short
    raw = data[begin : fed - len(reader.trailing_data[0]) if complete else limit]
    start, fields = _head(raw[head - begin :])
    names = {name.lower() for name, _ in fields}
    if complete and {"content-length", "transfer-encoding"} <= names:
        problem = TWO_LENGTHS
    if not (complete or problem) and "HTTP/" not in start and b"\n" in raw[head - begin :]:
        problem = "illegal start line"  # which h11 refuses only when it has the whole head
    return Message(kind, start, fields, b"".join(body), raw, complete, b"", problem, trailers)


def _question(asked: Message | None) -> h11.Request:
    # h11 reads an answer in the light of its request: HEAD has no body, CONNECT and Upgrade may switch.
    fields = [(b"Host", b"lab")]
    method = "GET"
    if asked is not None and re.fullmatch("[A-Z]+", asked.method):
        method = asked.method
    if asked is not None and asked.complete:
        some = ((name, value) for name, value in asked.fields if name.lower() in ("upgrade", "connection"))
        fields += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in some]
    return h11.Request(method=method, target="/", headers=fields)


def _head(raw: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    # Not h11's: it drops repeats of Content-Length, and has no fields for what it refuses.
    end = end_of_head(raw)
    if end is None:
        return text_of(raw.partition(b"\n")[0].rstrip(b"\r")), ()
    start, *lines = raw[:end].rstrip(b"\r\n").split(b"\n")
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, colon, value = line.rstrip(b"\r").partition(b":")
        if fields and line.startswith((b" ", b"\t")):  # a folded line goes on with the value before it
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif colon:
            fields.append((name, value.strip(b" \t")))
    return text_of(start.rstrip(b"\r")), _texts(fields)


def _pairs(headers: h11._headers.Headers) -> tuple[tuple[str, str], ...]:
    return _texts(headers.raw_items())


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((text_of(name), text_of(value)) for name, value in pairs)
