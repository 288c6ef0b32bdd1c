"""Measure what the lab itself costs: starting a town, and the tap. Ratios within one run, never asserted."""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from labs.bench.load import LoadClient, connect, http
from labs.capture.recording import Recording
from labs.instruments.timing import Ratio, weather
from labs.town.names import LOOPBACK
from labs.town.tap import tapped
from labs.town.town import Town

__all__ = ["main"]

BURST = 200  # small requests in one measurement
BULK = 8 << 20  # bytes of one big answer


async def tap_costs(rounds: int) -> dict[str, Ratio]:
    """Return how much longer the same requests take with the tap than without, and the A/A controls."""
    piece = b"x" * (64 << 10)
    app = web.Application()

    async def small(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 200)

    async def big(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(BULK)})
        await answer.prepare(request)
        for _ in range(BULK // len(piece)):
            await answer.write(piece)
        return answer

    app.router.add_get("/small", small)
    app.router.add_get("/big", big)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    loop = asyncio.get_running_loop()
    recordings: list[Recording] = []

    def forget() -> None:  # what is kept is memory, not time: a lesson is short, a benchmark is not
        for recording in recordings:
            recording.pieces.clear()

    servers: list[asyncio.Server] = []
    clients: list[LoadClient] = []
    try:
        paths: dict[str, dict[str, Callable[[], Awaitable[object]]]] = {"small": {}, "big": {}}
        for name in ("plain", "tapped", "plain again"):
            assert runner.server is not None
            factory: Callable[[], asyncio.BaseProtocol] = runner.server
            if name == "tapped":
                recordings.append(Recording())
                factory = tapped(factory, recordings[0], "origin", lambda peer: "client", set())
            server = await loop.create_server(factory, LOOPBACK, 0)
            servers.append(server)
            port = server.sockets[0].getsockname()[1]
            for path, times in (("small", BURST), ("big", 1)):
                client = await connect((LOOPBACK, port))
                clients.append(client)
                await client.learn(http("GET", f"/{path}"))
                paths[path][name] = _asking(client, times, forget)
        found: dict[str, Ratio] = {}
        for path, variants in paths.items():
            times_of = await weather(variants, rounds=rounds)
            found[path] = times_of.ratio("tapped", "plain")
            found[f"{path}, control"] = times_of.ratio("plain again", "plain")
        return found
    finally:
        for client in clients:
            client.transport.abort()
        for server in servers:
            server.close()
        await runner.cleanup()


def _asking(client: LoadClient, times: int, forget: Callable[[], None]) -> Callable[[], Awaitable[object]]:
    async def ask() -> None:
        await client.ask(times)
        forget()

    return ask


async def town_costs(rounds: int) -> list[float]:
    """Return the seconds that opening and closing a town of three servers took, one value a round."""
    values = []
    for _ in range(rounds):
        begin = time.perf_counter()
        async with Town() as town:
            for name in ("a.test", "b.test", "c.test"):
                await town.open(name, web.Application())
        values.append(time.perf_counter() - begin)
    return values


async def _report(rounds: int) -> None:
    random.seed(0)
    gc.collect()
    costs = await town_costs(max(rounds, 30))
    median = f"{statistics.median(costs) * 1000:.2f} ms (median of {len(costs)})"
    print(f"A town of three servers, opened and closed: {median}")
    print("Time with the tap over time without it, interleaved in one run:")
    for name, ratio in (await tap_costs(rounds)).items():
        print(f"  {name:<16} {ratio}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="python -m labs bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="measurements of each variant")
    told = parser.parse_args(argv)
    if told.rounds < 2:
        parser.error("--rounds must be 2 or more.")
    asyncio.run(_report(told.rounds))
    return 0
