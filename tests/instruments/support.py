"""What the tests of instruments and of their figures share."""

from aiohttp import ClientSession, web

from labs.instruments.flow import Flow
from labs.instruments.memory import MIB, Meter
from labs.town.town import Town

SIZE = 16 << 20


def metered(*sizes: int) -> Meter:
    with Meter() as meter:
        kept = []
        for k, size in enumerate(sizes, 1):
            kept.append(bytes(size))
            meter.mark(k * MIB)
        del kept
    return meter


async def origin(request: web.Request) -> web.StreamResponse:
    out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
    await out.prepare(request)
    for _ in range(SIZE >> 18):
        await out.write(bytes(1 << 18))
    return out


async def follow(keep_all: bool) -> tuple[Flow, dict[str, int], dict[str, int]]:
    """Let a client read all at once, or nothing until nothing moves."""
    async with Town(keep=1 << 10) as town, Flow(town, ("origin.test", "client")) as it:
        await town.open("origin.test", it.sends("origin.test", origin))
        connector = town.connector("client")
        async with (
            ClientSession(connector=connector, trace_configs=[it.hears("client")]) as client,
            client.get("http://origin.test/") as answer,
        ):
            if keep_all:
                body = await answer.read()
                at_rest = await it.rest()
                it.read(len(body))
            else:
                at_rest = await it.rest()
                async for piece in answer.content.iter_any():
                    it.read(len(piece))
            end = it.now()
    return it, dict(at_rest), dict(end)
