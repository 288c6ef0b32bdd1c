"""What the tests of faults behind a gateway share: the stand, and what the origin heard."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable

from labs.capture.recording import Event
from labs.gateway import Options, gateway
from labs.servers import faults
from labs.servers.faulty import Fault, FaultyServer
from labs.town.gates import Gate
from labs.town.listener import Factory
from labs.town.town import Town
from tests.support import addresses, kinds, remains, turns

ENDS = {Event.CLIENT_CLOSED, Event.SERVER_CLOSED, Event.RESET}


@contextlib.asynccontextmanager
async def fronted(origin: Factory, options: Options) -> AsyncIterator[Town]:
    """Stand a gateway at front.test before an origin of raw protocols; see that nothing stays open."""
    async with Town() as town:

        async def dial(host: str, port: int) -> tuple[str, int]:
            return town.address(f"{host}:{port}", on="front.test")

        await town.open("origin.test", origin)
        app = gateway(
            "http://origin.test", options, connector=lambda: town.connector("front.test"), dial=dial
        )
        await town.open("front.test", app)
        servers = addresses(town)
        yield town
    await turns(4)
    assert remains(servers) == []
    assert not [it for it in remains() if isinstance(it, asyncio.Task)]


def by_target(gate: Gate | None = None) -> Callable[[], FaultyServer]:
    """Return an origin whose requests choose: the target /anything?fault=NAME; without it, a good answer.

    A fault of the phase "at the connection" strikes when its request has come: earlier nobody has named it.
    A name that no fault has is a KeyError in the loop, and ends the connection.
    """

    def named(start: bytes) -> Fault | None:
        found = re.search(rb"[?&]fault=([^&# ]*)", start)
        if found is None:
            return None
        name = found[1].decode("latin-1")
        faults.make(name)  # which raises KeyError for a name that no fault has
        return faults.FAULTS[name]

    return lambda: FaultyServer(named, gate)


def upstream(town: Town) -> list[int]:
    """Return the numbers of the connections to the origin."""
    return [number for number, call in enumerate(town.recording.calls) if call.whom == "origin.test"]


def heard(town: Town) -> dict[int, bytes]:
    """Return what the origin heard on each of its connections."""
    said: dict[int, list[bytes]] = {number: [] for number in upstream(town)}
    for piece in town.recording.pieces:
        if piece.kind is Event.HEARD and piece.connection in said:
            said[piece.connection].append(piece.data)
    return {number: b"".join(pieces) for number, pieces in said.items()}


def targets_in(data: bytes) -> list[bytes]:
    """Return the target of every request in what an origin heard."""
    return re.findall(rb"[A-Z]+ (/\S*) HTTP/1\.1\r\n", data)


def targets(town: Town) -> list[bytes]:
    """Return the target of every request that the origin heard."""
    return [target for data in heard(town).values() for target in targets_in(data)]


async def ended(town: Town) -> None:
    """Wait until the newest connection to the origin is over; the limit of the test is the limit."""
    while not (upstream(town) and ENDS & set(kinds(town, upstream(town)[-1]))):  # noqa: ASYNC110
        await asyncio.sleep(0)


async def everything(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    """Read until the end; return the bytes, and whether the end was a reset."""
    data = b""
    try:
        while piece := await reader.read(1 << 16):
            data += piece
    except ConnectionResetError:
        return data, True
    return data, False
