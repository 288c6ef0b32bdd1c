"""Origins that misbehave on purpose, one named fault each, at every point where an answer can fail.

Raw asyncio, because aiohttp's server cannot be wrong in these ways. A fault that refuses the connection is
not here: `await town.close(name)` does that.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gzip
import re
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeAlias, cast

from labs.gates import Gate

__all__ = ["FAULTS", "PHASES", "Fault", "by_target", "make"]

PHASES = (
    "at the connection",
    "in the request",
    "before the head",
    "in the head",
    "in the body",
    "after the answer",
    "at the second request",
)


class Act(enum.Enum):
    """Name what a fault does besides writing bytes."""

    GATE = "stand at the gate, if there is one"
    CLOSE = "close the connection in order"
    RESET = "end the connection with a reset"
    STALL = "say nothing more, and keep the connection"


GATE, CLOSE, RESET, STALL = Act
Steps: TypeAlias = tuple[bytes | Act, ...]
Factory: TypeAlias = Callable[[], asyncio.Protocol]


@dataclass(frozen=True)
class Fault:
    """Describe one way to misbehave.

    `phase` is one of PHASES, `sentence` says what happens on the wire. `steps` turns the body of a good
    answer into what is done instead. A gate stands where the fault strikes: what comes before has been said.
    """

    name: str
    phase: str
    sentence: str
    steps: Callable[[bytes], Steps]

    def make(self, gate: Gate | None = None) -> Factory:
        """Return a factory of protocols for `Town.open`. Without a gate the fault strikes at once."""
        return lambda: _Origin(lambda start: self, gate)


def good(body: bytes, *more: bytes, length: int | None = None) -> bytes:
    """Return a right answer, but for the length that is declared and the fields that are added."""
    size = b"Content-Length: %d" % (len(body) if length is None else length)
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: text/plain", size, *more, b"", body))


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EARLY = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n%b\r\nEarly\n"
STOLEN = good(b"This answer belongs to nobody.\n")
UNTIL_CLOSE = HEAD + b"\r\n"


def _endings(where: str, phase: str, what: str, said: Callable[[bytes], bytes]) -> list[Fault]:
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
    return lambda body: (said(body), GATE, act)


def _wrong(head: bytes) -> Callable[[bytes], Steps]:
    return lambda body: (GATE, head)


_TABLE = [
    Fault(
        "close-at-once",
        PHASES[0],
        "Closes each connection before it reads a byte.",
        lambda body: (GATE, CLOSE),
    ),
    Fault(
        "reset-at-once",
        PHASES[0],
        "Resets each connection before it reads a byte.",
        lambda body: (GATE, RESET),
    ),
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
    Fault(
        "reset-in-request",
        PHASES[1],
        "Resets the connection when it has the head of the request.",
        lambda body: (GATE, RESET),
    ),
    *_endings("before-head", PHASES[2], "Reads the request", lambda body: b""),
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
    Fault(
        "reset-until-close",
        PHASES[4],
        "Sends half of a body that has no length, then resets the connection.",
        lambda body: (UNTIL_CLOSE + _half(body), GATE, RESET),
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
        "close-at-second",
        PHASES[6],
        "Answers the first request of a connection well, and closes when the second comes.",
        lambda body: (GATE, CLOSE),
    ),
    Fault(
        "reset-at-second",
        PHASES[6],
        "Answers the first request of a connection well, and resets when the second comes.",
        lambda body: (GATE, RESET),
    ),
]
FAULTS: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in _TABLE})


def make(name: str, gate: Gate | None = None) -> Factory:
    """Return a factory of protocols for `Town.open`. Raise KeyError, which says the names, for any other."""
    if name not in FAULTS:
        raise KeyError(f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
    return FAULTS[name].make(gate)


def by_target(gate: Gate | None = None) -> Factory:
    """Return an origin whose requests choose: the target /anything?fault=NAME; without it, a good answer.

    A fault of the phase "at the connection" strikes when its request has come: earlier nobody has named it.
    """

    def named(start: bytes) -> Fault | None:
        found = re.search(rb"[?&]fault=([a-z-]+)", start)
        return FAULTS[found[1].decode()] if found else None

    return lambda: _Origin(named, gate)


class _Origin(asyncio.Protocol):
    """Serve one connection: read a request, say what the fault says, and so on.

    The body of an answer repeats the request's first line: so it is known whose answer it is.
    """

    def __init__(self, choose: Callable[[bytes], Fault | None], gate: Gate | None) -> None:
        self._choose, self._gate = choose, gate
        self._buffer = self._start = b""
        self._left = 0  # bytes of the request's body that are still to come, or of one of its chunks
        self._chunked = False
        self._fault: Fault | None = None
        self._second: Fault | None = None  # strikes at the second request
        self._owes = self._held = self._silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # the tap's is one in all but its class
        fault = self._choose(b"")
        if fault is not None and fault.phase == PHASES[0]:
            self._silent = True
            self._do(fault.steps(b""))

    def data_received(self, data: bytes) -> None:
        if not self._silent:
            self._buffer += data
            self._read()

    def _read(self) -> None:
        while not (self._held or self._silent or self._transport.is_closing()):
            if not self._start and not self._begin():
                return
            if self._owes and self._fault is not None and self._fault.phase == PHASES[1]:
                self._owes = False
                self._do(self._fault.steps(b""))
            elif not self._skip():
                return
            else:
                start, self._start = self._start, b""
                if self._owes:
                    self._answer(b"Answer to %b\n" % start)

    def _begin(self) -> bool:
        # Take the head of a request, if it has come.
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._start, self._buffer, self._owes = head.partition(b"\r\n")[0], rest, True
        length = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
        self._chunked = re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE) is not None
        self._left = int(length[1]) if length and not self._chunked else 0
        self._fault = self._second or self._choose(self._start)
        return True

    def _skip(self) -> bool:
        # Throw the body of a request away; return whether all of it has come.
        while True:
            gone = min(self._left, len(self._buffer))
            self._buffer, self._left = self._buffer[gone:], self._left - gone
            if self._left or not self._chunked:
                return not self._left
            line, end, _ = self._buffer.partition(b"\r\n")
            if not end:
                return False
            if size := int(line.partition(b";")[0], 16):
                self._left = len(line) + size + 4
            elif (last := self._buffer.find(b"\r\n\r\n")) >= 0:
                self._left, self._chunked = last + 4, False
            else:
                return False

    def _answer(self, body: bytes) -> None:
        fault = self._fault
        if fault is not None and fault.phase == PHASES[6] and self._second is None:
            self._second, fault = fault, None
        self._do(fault.steps(body) if fault else (good(body),))

    def _do(self, steps: Steps) -> None:
        for at, step in enumerate(steps, 1):
            if isinstance(step, bytes):
                self._transport.write(step)
            elif step is CLOSE:
                self._transport.close()
            elif step is RESET:
                reset(self._transport)
            elif step is STALL:
                self._silent = True
            elif self._gate is not None:
                self._held = True
                self._gate.on_open(partial(self._go_on, steps[at:]))
                return

    def _go_on(self, steps: Steps) -> None:
        self._held = False
        if not self._transport.is_closing():
            self._do(steps)
            self._read()


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a reset: an abort alone closes in order where nothing was left unread."""
    if (sock := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):  # it may be gone already
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
