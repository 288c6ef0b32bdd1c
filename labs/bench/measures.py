"""What is measured of one proxy: each measure asks it for something, and returns figures by name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import psutil  # type: ignore[import-untyped]  # ipykernel, which every lesson needs, brings it

from labs.bench.load import Bulk, LoadClient, connect, http
from labs.bench.processes import ProcessFailed

__all__ = ["Measured", "blamed", "burst", "close", "crowd", "down", "drip", "idle", "opened", "slow", "up"]

SLOW = 256 << 20  # bytes at most that the slow reader asks for
CROWD, SHARE = 100, 4 << 20  # uploads at once, and bytes of each at most
WHOLE = 8  # who reads all of a body gets this part of it: the rate is the same, and the memory is there
PATIENCE = 300.0  # seconds, for one big body


@dataclass
class Measured:
    """Hold one proxy under measurement: its process, and the connections of the load."""

    name: str
    pid: int
    address: tuple[str, int]
    origin: tuple[str, int]
    clients: list[LoadClient] = field(default_factory=list)
    times: int = 10  # requests of each connection in one round

    @property
    def bulk_share(self) -> int:
        """The part of a big body that this one gets: 1 is all."""
        return WHOLE if self.name == "posted" else 1

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has used."""
        with contextlib.suppress(OSError):  # in ns on Linux; elsewhere in ticks of a clock
            return int(Path(f"/proc/{self.pid}/schedstat").read_text("ascii").split()[0]) / 1e9
        used = psutil.Process(self.pid).cpu_times()
        return float(used.user + used.system)

    def memory(self) -> float:
        """Return the resident memory of the process, in bytes."""
        return float(psutil.Process(self.pid).memory_info().rss)


@contextlib.contextmanager
def blamed(side: Measured) -> Iterator[None]:
    """Raise ProcessFailed, with the name of the proxy, for what it breaks off or lets wait."""
    try:
        yield
    except TimeoutError:
        raise ProcessFailed(f"{side.name} did not answer in time") from None
    except OSError as error:
        raise ProcessFailed(f"{side.name} broke off: {error}") from error
    except psutil.Error as error:
        raise ProcessFailed(f"the process of {side.name} has ended") from error


async def opened(side: Measured) -> LoadClient:
    """Open a keep-alive connection that has had its first answer. Raise ProcessFailed, OSError."""
    client = await connect(side.address)
    try:
        answer = await client.learn(http("GET", "/json"))
        if side.name == "redirect":
            client.then = await connect(side.origin)
            answer = await client.then.learn(http("GET", "/json"))
        if b" 200 " not in answer.head[:13] or answer.body != 200:
            raise ProcessFailed(f"{side.name} gave no answer of 200 bytes: {answer.head[:60]!r}")
    except BaseException:
        close([client])
        raise
    return client


def close(clients: Iterable[LoadClient]) -> None:
    """End connections, and those to which they were redirected."""
    for client in clients:
        for one in (client, client.then):
            if one is not None:
                one.transport.abort()


async def burst(side: Measured) -> dict[str, float]:
    """Ask for 200 bytes on every connection at once: seconds and seconds of CPU a request."""
    used, begin = side.cpu(), perf_counter()
    await asyncio.gather(*(client.ask(side.times) for client in side.clients))
    count = side.times * len(side.clients)
    return {"request": (perf_counter() - begin) / count, "cpu": max(side.cpu() - used, 0.0) / count}


async def drip(side: Measured) -> dict[str, float]:
    """Return the seconds until the first byte of a body whose second byte is late."""
    begin = perf_counter()
    answer = await _bulk(side, http("GET", "/drip"))
    return {"first byte": answer.first - begin}


async def down(side: Measured, size: int) -> dict[str, float]:
    """Download one body of `size` bytes: seconds a MB."""
    size //= side.bulk_share
    begin = perf_counter()
    answer = await _bulk(side, http("GET", f"/bytes/{size}"))
    if answer.counter.body != size:
        raise ProcessFailed(f"{side.name} delivered {answer.counter.body} bytes of {size}")
    return {"down": (perf_counter() - begin) / size * 1e6}


async def up(side: Measured, size: int) -> dict[str, float]:
    """Upload one body of `size` bytes: seconds a MB."""
    begin = perf_counter()
    answer = await _bulk(side, http("POST", "/take", size), size)
    if b"x-received: %d\r\n" % size not in answer.counter.head.lower():
        raise ProcessFailed(f"{side.name} lost the body")
    return {"up": (perf_counter() - begin) / size * 1e6}


async def _bulk(side: Measured, request: bytes, upload: int = 0) -> Bulk:
    addresses = [side.address, side.origin] if side.name == "redirect" else [side.address]
    for address in addresses:  # a redirect is followed on a connection of its own, as from host to host
        _, answer = await asyncio.get_running_loop().create_connection(
            lambda: Bulk(request, upload), *address
        )
        try:
            await asyncio.wait_for(answer.run(), PATIENCE)
        finally:
            answer.transport.abort()
    return answer


async def slow(side: Measured, size: int, seconds: float) -> dict[str, float]:
    """Read a body slowly for so many `seconds`: the most memory meanwhile, in bytes."""
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
        if running.done():
            running.result()  # raises where it was broken off: who holds nothing any more needs no memory
    finally:
        answer.transport.abort()
        await asyncio.gather(running, return_exceptions=True)
    return {"slow reader": peak}


async def idle(side: Measured, count: int) -> dict[str, float]:
    """Hold `count` connections open: memory, in bytes."""
    clients: list[LoadClient] = []
    try:
        for _ in range(count):
            clients.append(await opened(side))  # noqa: PERF401  closed below, those that were opened
        return {"idle": side.memory()}
    finally:
        close(clients)


async def crowd(side: Measured, size: int) -> dict[str, float]:
    """Upload CROWD bodies at once: the most memory meanwhile, in bytes."""
    share = min(SHARE, size)
    uploads = [asyncio.ensure_future(up(side, share)) for _ in range(CROWD)]
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
