"""Many ways in which a server can fail its client, each under a name of its own, and what came of it.

The faults of `labs.faults`, and five failures before there is anybody to misbehave.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from labs import faults
from labs.faults import FAULTS, PHASES
from labs.gates import Gate
from labs.heat import Grid
from labs.noted import Noted
from labs.page import Page
from labs.town import Town
from labs.trace import Trace

__all__ = ["EVERY", "heard", "stand", "table", "view"]

TLS = ("not-tls", "wrong-name", "unknown-ca")
EVERY = ("unknown-name", "refused", *TLS, *FAULTS)
NOTHING = "nothing"
TARGET = "/order"
ENDS = ("close", "reset", "stall")
KEY = {
    "1": "raises; sent once",
    "2": "raises; sent twice",
    "=": "raises nothing; sent once",
    "!": "raises nothing; sent twice",
}


async def _hello(request: web.Request) -> web.StreamResponse:
    return web.Response(text="hello\n")


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
    """List every failure by its phase: what each side raises, and how often it was heard."""
    lines = [_line("", [(f"{side} raises", "heard") for side in traces])]
    phase = ""
    for name in EVERY:
        now = FAULTS[name].phase if name in FAULTS else "before there is anybody to speak to"
        lines += [now] * (now != phase)
        phase = now
        lines += [_line(name, [(it.notes[name], str(heard(name, it))) for it in traces.values()])]
    return Page("\n".join(lines))


def _line(name: str, cells: list[tuple[str, str]]) -> str:
    said = "   ".join(f"{note:32}{count:^5}" for note, count in cells)
    return f"  {name:22}{said}".rstrip()


def view(traces: Mapping[str, Noted]) -> Grid:
    """Map the ends of a connection: a row a place where it ends, a column a way to end it, a group a side."""
    places = [it.removeprefix("close-") for it in FAULTS if it.startswith("close-")]
    cells = {
        (side, place, end): _letter(f"{end}-{place}", trace)
        for side, trace in traces.items()
        for place in places
        for end in ENDS
        if f"{end}-{place}" in FAULTS
    }
    return Grid(places, dict.fromkeys(traces, ENDS), cells, KEY)


def _letter(name: str, trace: Noted) -> str:
    # Who hangs up at once has heard nothing; what was sent to him is counted by connections.
    early = FAULTS[name].phase == PHASES[0]
    sent = trace.connections(whom=f"{name}.test") if early else heard(name, trace)
    return ("=!" if trace.notes[name] == NOTHING else "12")[sent == 2]
