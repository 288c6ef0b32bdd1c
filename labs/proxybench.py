"""Measure proxies side by side, interleaved in one run: ratios to the usual aiohttp proxy, never asserted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import platform
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import NoReturn

import aiohttp
import psutil  # type: ignore[import-untyped]  # ipykernel, which every lesson needs, brings it

from labs.load import Bulk, Client, connect, http
from labs.proxies import FRONTS, Failed, installed, started
from labs.proxyreport import BASE, Findings, chart, table
from labs.weather import SEED

__all__ = ["main", "measure"]

LANES = 32  # keep-alive connections
SLOW = 256 << 20  # bytes at most that the slow reader asks for
CROWD, SHARE = 100, 4 << 20  # uploads at once, and bytes of each at most
WHOLE = 8  # who reads all of a body gets this part of it: the rate is the same, and the memory is there


@dataclass
class Side:
    """Hold one proxy under measurement: its process, and the connections of the load."""

    name: str
    pid: int
    address: tuple[str, int]
    origin: tuple[str, int]
    clients: list[Client] = field(default_factory=list)
    times: int = 10  # requests of each connection in one round

    @property
    def bulk_share(self) -> int:
        """The part of a big body that this one gets: 1 is all."""
        return WHOLE if self.name == "posted" else 1

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has used."""
        with contextlib.suppress(OSError):  # in ns on Linux; elsewhere in ticks of a clock
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9
        used = psutil.Process(self.pid).cpu_times()
        return float(used.user + used.system)

    def memory(self) -> float:
        """Return the resident memory of the process, in bytes."""
        return float(psutil.Process(self.pid).memory_info().rss)


async def _open(side: Side) -> Client:
    client = await connect(side.address)
    answer = await client.learn(http("GET", "/json"))
    if side.name == "redirect":
        client.then = await connect(side.origin)
        answer = await client.then.learn(http("GET", "/json"))
    if b" 200 " not in answer.head[:13] or answer.body != 200:
        raise Failed(f"{side.name} gave no answer of 200 bytes: {answer.head[:60]!r}")
    return client


def _close(clients: Iterable[Client]) -> None:
    for client in clients:
        for one in (client, client.then):
            if one is not None:
                one.transport.abort()


async def _burst(side: Side) -> dict[str, float]:
    used, begin = side.cpu(), perf_counter()
    await asyncio.gather(*(client.ask(side.times) for client in side.clients))
    count = side.times * len(side.clients)
    return {"request": (perf_counter() - begin) / count, "cpu": max(side.cpu() - used, 0.0) / count}


async def _drip(side: Side) -> dict[str, float]:
    begin = perf_counter()
    answer = await _bulk(side, http("GET", "/drip"))
    return {"first byte": answer.first - begin}


async def _down(side: Side, size: int) -> dict[str, float]:
    size //= side.bulk_share
    begin = perf_counter()
    answer = await _bulk(side, http("GET", f"/bytes/{size}"))
    if answer.counter.body != size:
        raise Failed(f"{side.name} delivered {answer.counter.body} bytes of {size}.")
    return {"down": (perf_counter() - begin) / size * 1e6}


async def _up(side: Side, size: int) -> dict[str, float]:
    begin = perf_counter()
    answer = await _bulk(side, http("POST", "/take", size), size)
    if b"x-received: %d\r\n" % size not in answer.counter.head.lower():
        raise Failed(f"{side.name} lost the body")
    return {"up": (perf_counter() - begin) / size * 1e6}


async def _bulk(side: Side, request: bytes, upload: int = 0) -> Bulk:
    addresses = [side.address, side.origin] if side.name == "redirect" else [side.address]
    for address in addresses:  # a redirect is followed on a connection of its own, as from host to host
        _, answer = await asyncio.get_running_loop().create_connection(
            lambda: Bulk(request, upload), *address
        )
        try:
            await asyncio.wait_for(answer.run(), 300)
        finally:
            answer.transport.abort()
    return answer


async def _slow(side: Side, size: int, seconds: float) -> dict[str, float]:
    # 64 KiB each 10 ms: slower than anything that sends.
    loop = asyncio.get_running_loop()
    address = side.origin if side.name == "redirect" else side.address
    request = http("GET", f"/bytes/{min(size, SLOW)}")
    _, answer = await loop.create_connection(lambda: Bulk(request), *address)
    peak, end = side.memory(), perf_counter() + seconds
    running = asyncio.ensure_future(answer.run())
    try:
        while perf_counter() < end and not running.done():
            if answer.counter.raw:
                answer.transport.pause_reading()
            await asyncio.sleep(0.01)
            peak = max(peak, side.memory())
            if answer.counter.raw and not running.done():
                answer.transport.resume_reading()
                await asyncio.sleep(0)
    finally:
        answer.transport.abort()
        await asyncio.gather(running, return_exceptions=True)
    return {"slow reader": peak}


async def _idle(side: Side, count: int) -> dict[str, float]:
    clients: list[Client] = []
    try:
        for _ in range(count):
            clients.append(await _open(side))
        return {"idle": side.memory()}
    finally:
        _close(clients)


async def _crowd(side: Side, size: int) -> dict[str, float]:
    share = min(SHARE, size)
    uploads = [asyncio.ensure_future(_up(side, share)) for _ in range(CROWD)]
    peak = side.memory()
    try:
        while (await asyncio.wait(uploads, timeout=0.01))[1]:
            peak = max(peak, side.memory())
        await asyncio.gather(*uploads)
    finally:
        for upload in uploads:
            upload.cancel()
        await asyncio.gather(*uploads, return_exceptions=True)
    return {"uploads": peak}


async def _interleaved(
    sides: Sequence[Side], rounds: int, call: Callable[[Side], Awaitable[dict[str, float]]], found: Findings
) -> None:
    """Call each side once a round, in shuffled order; who cannot do it is left out, with a note."""
    order, dice = list(sides), random.Random(SEED)
    values: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds + 1):  # the first is a warm-up
        dice.shuffle(order)
        for side in tuple(order):
            try:
                got = await call(side)
            except Failed as failure:
                found.notes.append(str(failure) + ".")
                order.remove(side)
                for lists in values.values():
                    lists.pop(side.name, None)
                continue
            for measure, value in got.items() if number or rounds == 1 else ():
                values.setdefault(measure, {}).setdefault(side.name, []).append(value)
    names = [side.name for side in sides]
    for measure, lists in values.items():
        found.values[measure] = {name: lists[name] for name in names if name in lists}


async def measure(names: Sequence[str], *, rounds: int, size: int, idle: int) -> Findings:
    """Measure `names` (of "direct" and FRONTS) and return all. Raise Failed where one does not start."""
    found = Findings(rounds=rounds, size=size, idle=idle, machine=_machine())
    short = rounds < 10
    with contextlib.ExitStack() as stack:
        process, origin = stack.enter_context(started("origin"))
        sides = [Side("direct", process.pid, origin, origin)] if "direct" in names else []
        for name in names:
            if name != "direct":
                process, address = stack.enter_context(started(name, f"http://{origin[0]}:{origin[1]}"))
                sides.append(Side(name, process.pid, address, origin))
        stack.callback(lambda: _close(client for side in sides for client in side.clients))
        for side in sides:
            side.clients = [await _open(side) for _ in range(LANES)]
            for _ in range(1 if short else 5):
                took = (await _burst(side))["request"] * LANES
            side.times = max(2, round((0.01 if short else 0.2) / took))
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        await _interleaved(sides, rounds, _burst, found)
        for side in sides:
            _close(side.clients)
            side.clients.clear()
        await _interleaved(sides, max(2, rounds // 3), _drip, found)
        proxies = [
            side for side in sides if side.name not in ("direct", "redirect")
        ]  # who else holds anything
        await _interleaved(proxies, 1, lambda side: _slow(side, size, 0.1 if short else 2.0), found)
        await _interleaved([it for it in sides if it.name != "direct"], 1, lambda it: _idle(it, idle), found)
        bulk = max(2, rounds // 5)
        await _interleaved(sides, bulk, lambda side: _down(side, size), found)
        await _interleaved(
            [it for it in sides if it.name != "redirect"], bulk, lambda side: _up(side, size), found
        )
        able = [it for it in proxies if it.name in found.values["up"]]  # who loses one body loses a hundred
        await _interleaved(able, 1, lambda side: _crowd(side, size), found)
    return found


def _machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}"
    return f"{versions}, {platform.system()}, {os.cpu_count()} cores{load}"


def _room() -> None:
    # 1 000 idle connections need more than the 1 024 files that many systems begin with. Children inherit it.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _ended(*_: object) -> NoReturn:
    raise SystemExit(143)  # so that every process is killed on the way out


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the report, and write what was asked for. Return 0, or 1 after one sentence."""
    parser = argparse.ArgumentParser(prog="python -m labs bench proxies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="of small requests; big bodies get a fifth")
    parser.add_argument(
        "--size", type=float, default=1024, metavar="MIB", help="of a big body (default: 1024)"
    )
    parser.add_argument("--idle", type=int, default=1000, help="idle connections (default: 1000)")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=["direct", *FRONTS], help="repeatable"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every value")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="as PNG")
    told = parser.parse_args(argv)
    if told.rounds < 2 or told.size <= 0 or told.idle < 1:
        parser.error("--rounds must be 2 or more, --size and --idle more than 0.")
    missing = {name: why for name, why in installed().items() if why}
    wanted = [name for name in ("direct", *FRONTS) if not told.only or name in (*told.only, BASE)]
    _room()
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        names = [name for name in wanted if name not in missing]
        size = max(int(told.size * (1 << 20)), 1 << 10)
        found = asyncio.run(measure(names, rounds=told.rounds, size=size, idle=told.idle))
    except (Failed, OSError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    found.notes += [f"{name} is left out: {why}." for name, why in missing.items() if name in wanted]
    print(table(found))
    if told.json:
        told.json.write_text(json.dumps(found.record(), indent=1) + "\n", "utf-8", newline="\n")
    if told.figure:
        figure = chart(found)
        figure.save(told.figure)
        print(f"\n{figure.alt}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
