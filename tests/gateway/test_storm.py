"""The storm: many requests at once, a hundredth of them faults; each gets its own answer."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from labs.gateway import Options
from labs.servers.faults import FAULTS, PHASES
from labs.town.town import Town
from tests.gateway.faults import ENDS, by_target, fronted, heard, targets_in, upstream
from tests.gateway.support import LEGS
from tests.gateway.test_fault_table import BROKEN, TABLE
from tests.support import tasks

CONCURRENCY = 100
SILENT = "stall-at-second"  # holds whoever comes next until his time is up: no weather for a storm
CHOSEN = [name for name, fault in FAULTS.items() if fault.phase != PHASES[0] and name != SILENT]
CUT = ("gzip-cut", "close-until-close")  # look whole, and are not
LEAVES = {
    "stall-in-request",
    "stall-before-head",
    "stall-in-head",
    "stall-in-body",
    "stall-in-chunk",
    "stall-between-chunks",
    "stall-until-close",
    "length-too-long",
}
STALE = {"close-at-second", "reset-at-second", "close-after-answer", "reset-after-answer", "surplus"}
# These strike a later request, too.
_HEAD = re.compile(rb"HTTP/1\.1 ([0-9]{3})[^\r\n]*\r\n(.*?\r\n)\r\n", re.DOTALL)
_CHUNK = re.compile(rb"([0-9a-f]+)\r\n")


def read(data: bytes) -> tuple[int, bytes, bool]:
    """Return status, body and whether it is whole, of one answer; what comes after it is a failure."""
    head = _HEAD.match(data)
    if head is None:
        return 0, b"", False
    status, rest = int(head[1]), data[head.end() :]
    if length := re.search(rb"Content-Length: ([0-9]+)\r\n", head[2]):
        size = int(length[1])
        assert len(rest) <= size, data
        return status, rest, len(rest) == size
    body, at = b"", 0
    while chunk := _CHUNK.match(rest, at):
        size, at = int(chunk[1], 16), chunk.end()
        if not size:
            assert len(rest) <= at + 2, data
            return status, body, rest[at:] == b"\r\n"
        body, at = body + rest[at : at + size], at + size + 2
    return status, body, False


@dataclass
class Storm:
    """Count what the clients saw."""

    seen: Counter[tuple[str, int | str]] = field(default_factory=Counter)
    wrong: list[tuple[str, bytes]] = field(default_factory=list)


def request(number: int, fault: str) -> tuple[bytes, bytes]:
    """Return a request, and the body of its right answer."""
    target = b"/n/%d" % number + (b"?fault=" + fault.encode() if fault else b"")
    if number % 3 == 0:
        head, body = b"GET", b"\r\n"
    elif number % 3 == 1:
        head, body = b"POST", b"Content-Length: %d\r\n\r\n" % (number % 4000) + b"x" * (number % 4000)
    else:
        head, body = b"PUT", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return b"%b %b HTTP/1.1\r\nHost: a\r\n%b" % (head, target, body), b"Answer to %b %b HTTP/1.1\n" % (
        head,
        target,
    )


async def client(town: Town, numbers: "asyncio.Queue[tuple[int, str]]", storm: Storm) -> None:
    """Send one request after the other, on a connection that is kept while it can be."""
    reader = writer = None
    while not numbers.empty():
        number, fault = numbers.get_nowait()
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection(*town.address("front.test"))
        asked, right = request(number, fault)
        writer.write(asked)
        data, alive = b"", True
        status, body, whole = 0, b"", False
        while alive and not whole:
            if fault in LEAVES and (data or FAULTS[fault].phase in PHASES[1:4]):
                break
            try:
                piece = await reader.read(1 << 16)
            except ConnectionError:
                piece = b""
            alive = bool(piece)
            data += piece
            status, body, whole = read(data)
        outcome = status if whole else "left" if fault in LEAVES else "broken"
        storm.seen[fault or "none", outcome] += 1
        if fault in CUT:
            fits = True
        elif status == 200 and "gzip" not in fault:
            fits = body == right if whole else right.startswith(body[: len(right)])
        else:
            fits = b"Answer to" not in body or body == right
        if not fits or b"nobody" in data:
            storm.wrong.append((asked[:60].decode(), data))
        if not (alive and whole) or b"Connection: close" in data:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


def number_of(target: bytes) -> bytes:
    found = re.match(rb"/n/([0-9]+)", target)
    assert found, target
    return found[1]


async def blow(leg: str, count: int) -> tuple[Storm, float]:
    """Send the storm; see that nothing was asked twice and that only idle connections are left."""
    numbers: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    for number in range(count):
        strikes = number % 100 == 50
        numbers.put_nowait((number, CHOSEN[number // 100 * 5 % len(CHOSEN)] if strikes else ""))
    storm = Storm()
    options = Options(leg=leg, answer_timeout=20, idle_timeout=20, linger=0.05)
    async with fronted(by_target(), options) as town:
        before = set(tasks())
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(client(town, numbers, storm))
        took = time.perf_counter() - began
        while set(tasks()) - before:  # noqa: ASYNC110  whatever leaks keeps this loop until the limit
            await asyncio.sleep(0)
        said = heard(town)
        over = {piece.connection for piece in town.recording.pieces if piece.kind in ENDS}
        last = [targets_in(said[it])[-1] for it in upstream(town) if it not in over and said[it]]
        held = [it for it in last if any(it.endswith(b"=" + name.encode()) for name in BROKEN)]
        assert held == []
        assert len(last) <= options.max_idle
        times = Counter(number_of(it) for data in said.values() for it in targets_in(data))
        assert [number for number, asked in times.items() if asked > 1] == []
    return storm, took


def judge(storm: Storm, count: int) -> None:
    """See that each request got its own answer, and each fault what the table says."""
    assert storm.wrong == []
    assert sum(storm.seen.values()) == count
    struck = sum(number for (fault, _), number in storm.seen.items() if fault in STALE)
    unlucky = {
        outcome: number
        for (fault, outcome), number in storm.seen.items()
        if fault == "none" and outcome != 200
    }
    assert set(unlucky) <= {502}
    assert sum(unlucky.values()) <= struck
    for fault, outcome in storm.seen:
        if fault in LEAVES:
            assert outcome in ("left", 502)
        elif fault != "none" and outcome != 502:  # what the origin broke off at once may have no head yet
            assert outcome == TABLE[fault]


@pytest.mark.parametrize("leg", LEGS)
async def test_a_storm_of_4000_requests_gives_each_its_own_answer(leg: str) -> None:
    storm, _ = await blow(leg, 4000)
    judge(storm, 4000)


@pytest.mark.slow
@pytest.mark.parametrize("leg", LEGS)
async def test_a_storm_of_10000_requests_gives_each_its_own_answer(
    leg: str, capsys: pytest.CaptureFixture[str]
) -> None:
    storm, took = await blow(leg, 10_000)
    with capsys.disabled(), contextlib.suppress(OSError):
        print(f"\n{leg}: 10000 requests in {took:.1f} s", dict(sorted(storm.seen.items(), key=str)))
    judge(storm, 10_000)
