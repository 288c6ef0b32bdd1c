"""Origins that misbehave on purpose, one named fault each, at every point where an answer can fail.

Raw asyncio, because aiohttp's server cannot be wrong in these ways. A fault that refuses the connection is
not here: `await town.close(name)` does that.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from types import MappingProxyType

from labs.servers.faulty import CLOSE, GATE, PHASES, RESET, STALL, Act, Fault, FaultyServer, Steps, good
from labs.town.gates import Gate

__all__ = ["FAULTS", "PHASES", "Fault", "make"]


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH_TOO = HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n%b\r\nEarly\n"
STOLEN = good(b"This answer belongs to nobody.\n")
UNTIL_CLOSE = HEAD + b"\r\n"


def _nothing(body: bytes) -> bytes:
    return b""


def _endings(where: str, phase: str, what: str, said: Callable[[bytes], bytes] = _nothing) -> list[Fault]:
    ends = {
        CLOSE: "closes in order",
        RESET: "resets the connection",
        STALL: "says nothing more and keeps the connection",
    }
    return [
        Fault(f"{act.name.lower()}-{where}", phase, f"{what}, then {words}.", _then(said, act))
        for act, words in ends.items()
    ]


def _then(said: Callable[[bytes], bytes], act: Act) -> Callable[[bytes], Steps]:
    return lambda body: (said(body), GATE, act) if said is not _nothing else (GATE, act)


def _wrong(head: bytes) -> Callable[[bytes], Steps]:
    return lambda body: (GATE, head)


_TABLE = [
    *_endings("at-once", PHASES[0], "Reads nothing"),
    Fault(
        "early-answer",
        PHASES[1],
        "Answers 413 when it has the head of the request, and reads on.",
        lambda body: (GATE, EARLY % b""),
    ),
    Fault(
        "early-close",
        PHASES[1],
        "Answers 413 when it has the head of the request, says Connection: close, and closes.",
        lambda body: (GATE, EARLY % b"Connection: close\r\n", CLOSE),
    ),
    *_endings("in-request", PHASES[1], "Reads the head of the request"),
    *_endings("before-head", PHASES[2], "Reads the request"),
    *_endings("in-head", PHASES[3], "Sends half of a head", lambda body: HEAD[:-9]),
    Fault("garbage", PHASES[3], "Sends bytes that are no HTTP.", _wrong(b"\x16\x03\x01\x00 garbage\r\n\r\n")),
    Fault("bad-status", PHASES[3], "Sends a status that is no number.", _wrong(b"HTTP/1.1 two OK\r\n\r\n")),
    Fault(
        "bad-field", PHASES[3], "Sends a NUL inside a field.", lambda body: (GATE, good(body, b"X-Bad: a\0b"))
    ),
    Fault(
        "endless-head",
        PHASES[3],
        "Sends a field of a MiB.",
        lambda body: (GATE, good(body, b"X-Long: " + b"x" * (1 << 20))),
    ),
    Fault(
        "bad-length",
        PHASES[3],
        "Sends a Content-Length that is no number.",
        _wrong(HEAD + b"Content-Length: two\r\n\r\n12"),
    ),
    Fault(
        "two-lengths",
        PHASES[3],
        "Sends two Content-Length that differ.",
        lambda body: (GATE, good(body, b"Content-Length: 1")),
    ),
    Fault(
        "length-and-chunks",
        PHASES[3],
        "Sends a chunked body and a Content-Length, too.",
        lambda body: (GATE, LENGTH_TOO + _chunk(body) + b"0\r\n\r\n"),
    ),
    *_endings(
        "in-body",
        PHASES[4],
        "Sends half of the declared length",
        lambda body: good(_half(body), length=len(body)),
    ),
    *_endings(
        "in-chunk",
        PHASES[4],
        "Sends half of a chunk",
        lambda body: CHUNKED + _chunk(body)[: -2 - len(body) // 2],
    ),
    *_endings(
        "between-chunks",
        PHASES[4],
        "Sends a whole chunk and not the last",
        lambda body: CHUNKED + _chunk(body),
    ),
    *_endings(
        "until-close",
        PHASES[4],
        "Sends half of a body that has no length",
        lambda body: UNTIL_CLOSE + _half(body),
    ),
    Fault(
        "length-too-long",
        PHASES[4],
        "Declares ten bytes more than it sends, and keeps the connection.",
        lambda body: (good(body, length=len(body) + 10), GATE, STALL),
    ),
    Fault(
        "length-too-short",
        PHASES[4],
        "Sends ten bytes more than it declares, and keeps the connection.",
        lambda body: (GATE, good(body + b"ten more.\n", length=len(body))),
    ),
    Fault(
        "bad-chunk-size",
        PHASES[4],
        "Sends a chunk whose size is no number.",
        lambda body: (CHUNKED + _chunk(body), GATE, b"zz\r\nmore\r\n"),
    ),
    Fault(
        "bad-chunk-end",
        PHASES[4],
        "Sends a chunk that is longer than its size.",
        lambda body: (CHUNKED + _chunk(body), GATE, b"2\r\nmore\r\n0\r\n\r\n"),
    ),
    Fault(
        "bad-gzip",
        PHASES[4],
        "Says Content-Encoding: gzip of a body that is not.",
        lambda body: (GATE, good(body, b"Content-Encoding: gzip")),
    ),
    Fault(
        "gzip-cut",
        PHASES[4],
        "Sends half of what gzip made, under the length of that half.",
        lambda body: (GATE, good(_half(gzip.compress(body, mtime=0)), b"Content-Encoding: gzip")),
    ),
    Fault(
        "slow",
        PHASES[4],
        "Sends half of the body, and the rest when the gate opens: late, and right.",
        lambda body: (good(_half(body), length=len(body)), GATE, body[len(body) // 2 :]),
    ),
    Fault(
        "surplus",
        PHASES[5],
        "Sends a second answer that nobody asked for.",
        lambda body: (good(body), GATE, STOLEN),
    ),
    Fault(
        "close-after-answer",
        PHASES[5],
        "Answers well, does not say Connection: close, and closes.",
        lambda body: (good(body), GATE, CLOSE),
    ),
    Fault(
        "reset-after-answer",
        PHASES[5],
        "Answers well, and resets the connection.",
        lambda body: (good(body), GATE, RESET),
    ),
    *_endings("at-second", PHASES[6], "Answers the first request of a connection well, and reads the second"),
]
FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _TABLE})


def make(name: str, gate: Gate | None = None) -> Callable[[], FaultyServer]:
    """Return a factory of protocols for `Town.open`. Raise KeyError, which says the names, for any other."""
    if name not in FAULTS:
        raise KeyError(f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
    return FAULTS[name].make(gate)
