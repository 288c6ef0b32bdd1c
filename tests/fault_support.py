"""What the tests of faults behind a gateway share: the stand, and what the origin heard."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable

from labs.gateway import Options, gateway
from labs.tap import Kind
from labs.town import Town
from tests.support import addresses, crossed, kinds, remains, turns

ENDS = {Kind.CLIENT_CLOSED, Kind.SERVER_CLOSED, Kind.RESET}


@contextlib.asynccontextmanager
async def fronted(origin: Callable[[], asyncio.Protocol], options: Options) -> AsyncIterator[Town]:
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


def upstream(town: Town) -> list[int]:
    """Return the numbers of the connections to the origin."""
    return [number for number, call in enumerate(town.recording.calls) if call.whom == "origin.test"]


def targets(town: Town) -> list[bytes]:
    """Return the target of every request that the origin heard."""
    lines = (
        re.findall(rb"[A-Z]+ (/\S*) HTTP/1\.1\r\n", crossed(town, Kind.HEARD, it)) for it in upstream(town)
    )
    return [target for found in lines for target in found]


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
