"""Many ways in which a server can fail its client, each under a name of its own, and what came of it.

The faults of `labs.servers.faults`, five failures before there is anybody to misbehave, and two at a second
connection, when the request has been heard on the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

from labs.capture.notes import Noted
from labs.capture.trace import Trace
from labs.servers import faults
from labs.servers.faults import FAULTS, PHASES
from labs.show.grid import Grid
from labs.show.page import Page
from labs.town.gates import Gate
from labs.town.town import Town

__all__ = ["EVERY", "heard", "stand", "table", "view"]

TLS = ("not-tls", "wrong-name", "unknown-ca")
LATER = ("redirect-refused", "retry-refused")
EVERY = ("unknown-name", "refused", *TLS, *LATER, *FAULTS)
BEFORE, SECOND = "before there is anybody to speak to", "at a second connection"
NOTHING = "nothing"
TARGET = "/order"
ENDS = ("close", "reset", "stall")
LETTERS = {
    "ServerDisconnectedError": "D",
    "ClientOSError": "O",
    "SocketTimeoutError": "T",
    "ClientPayloadError": "P",
    NOTHING: "–",
}
OTHER = "?"
OFTEN = ("never", "once", "TWICE")
TWICE = ("×2", "sent twice")


class _Stopping(Gate):
    """Stop a server when a connection comes to the gate, and let that connection go on."""

    def __init__(self, town: Town, host: str) -> None:
        super().__init__(host)
        self._town, self._host = town, host
        self.open()

    def on_open(self, callback: Callable[[], None]) -> None:
        # The task's first step closes the listening socket. It is due before the end of the connection.
        self._task = asyncio.get_running_loop().create_task(self._town.close(self._host))
        super().on_open(callback)


async def _hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello\n")


async def _moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther("http://gone.test/receipt")


async def stand(town: Town, name: str) -> tuple[str, Gate]:
    """Open the server that fails like one of EVERY, at NAME.test; return its URL and its gate.

    The gate is open, but for a fault that strikes when the head of the answer has been said: that one waits
    until the experiment opens it. Raise ValueError for a name that is not in EVERY.
    """
    if name not in EVERY:
        raise ValueError(f"{name!r} is no failure of the lab: choose one of {', '.join(EVERY)}.")
    gate = Gate(name)
    if name not in FAULTS or not FAULTS[name].after_head:
        gate.open()
    host = f"{name}.test"
    if name in FAULTS:
        await town.open(host, faults.make(name, gate))
    elif name == "retry-refused":
        await town.open(host, faults.make("close-before-head", _Stopping(town, host)))
    elif name == "redirect-refused":
        await town.open(host, _moved)
        await town.open("gone.test", _hello)
        await town.close("gone.test")
    elif name == "not-tls":
        await town.open(f"{host}:443", _hello)
    elif name != "unknown-name":
        await town.open(host, _hello, tls=name in TLS)
    if name == "refused":
        await town.close(host)
    return f"{'https' if name in TLS else 'http'}://{host}{TARGET}", gate


def heard(name: str, trace: Trace) -> int:
    """Count how often the server of a failure heard the order."""
    return sum(it.target == TARGET for it in trace.requests(whom=f"{name}.test"))


def table(traces: Mapping[str, Noted]) -> Page:
    """List every failure by its phase: what each side raises, and how often the request was sent."""
    lines = [_line("", [(f"{side} raises", "sent") for side in traces])]
    phase = ""
    for name in EVERY:
        now = FAULTS[name].phase if name in FAULTS else SECOND if name in LATER else BEFORE
        lines += [now] * (now != phase)
        phase = now
        lines += [_line(name, [(it.notes[name], OFTEN[_sent(name, it)]) for it in traces.values()])]
    return Page("\n".join(lines))


def _line(name: str, cells: list[tuple[str, str]]) -> str:
    said = "   ".join(f"{note:32}{count:5}" for note, count in cells)
    return f"  {name:22}{said}".rstrip()


def view(traces: Mapping[str, Noted]) -> Grid:
    """Map the ends of a connection: a row a place where it ends, a column a way to end it, a group a side.

    The letter says what is raised. A cell is marked where the request was sent twice.
    """
    places = [it.removeprefix("close-") for it in FAULTS if it.startswith("close-")]
    ends = {
        (side, place, end): (f"{end}-{place}", trace)
        for side, trace in traces.items()
        for place in places
        for end in ENDS
        if f"{end}-{place}" in FAULTS
    }
    cells = {cell: LETTERS.get(trace.notes[name], OTHER) for cell, (name, trace) in ends.items()}
    key = {letter: f"raises {raised}" for raised, letter in LETTERS.items()}
    key |= {OTHER: "raises another exception"} if OTHER in cells.values() else {}
    twice = {cell for cell, (name, trace) in ends.items() if _sent(name, trace) == 2}
    return Grid(places, dict.fromkeys(traces, ENDS), cells, key, twice, TWICE)


def _sent(name: str, trace: Noted) -> int:
    # Who hangs up at once has heard nothing; what was sent to him is counted by connections.
    early = name in FAULTS and FAULTS[name].phase == PHASES[0]
    return trace.connections(whom=f"{name}.test") if early else heard(name, trace)
