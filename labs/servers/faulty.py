"""One connection of an origin that misbehaves: it reads requests, and does what a fault says instead."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import re
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from labs.town.gates import Gate

__all__ = [
    "CLOSE",
    "GATE",
    "PHASES",
    "RESET",
    "STALL",
    "Fault",
    "FaultyServer",
    "Steps",
    "good",
    "reset",
    "reset_on_close",
]

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

    @property
    def after_head(self) -> bool:
        """Whether the head of the answer has been said when the fault strikes."""
        first = self.steps(b"body")[0]
        return isinstance(first, bytes) and b"\r\n\r\n" in first

    def make(self, gate: Gate | None = None) -> Callable[[], FaultyServer]:
        """Return a factory of protocols for `Town.open`. Without a gate the fault strikes at once."""
        return lambda: FaultyServer(lambda start: self, gate)


def good(body: bytes, *more: bytes, length: int | None = None) -> bytes:
    """Return a right answer, but for the length that is declared and the fields that are added."""
    size = b"Content-Length: %d" % (len(body) if length is None else length)
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: text/plain", size, *more, b"", body))


class FaultyServer(asyncio.Protocol):
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


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with a reset: an abort alone closes in order where nothing was left unread."""
    if (sock := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):  # it may be gone already
            reset_on_close(sock)
    transport.abort()


def reset_on_close(sock: socket.socket) -> None:
    """Let the close of a socket be a reset. Raise OSError for one that is gone."""
    # struct linger: two unsigned shorts on Windows, two ints elsewhere
    linger = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
