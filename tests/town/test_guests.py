"""Whoever was told an address is who calls there, also when everybody calls at once."""

import asyncio
import contextlib
import contextvars
import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession

from labs.capture.trace import Trace
from labs.town.guests import STRANGER, Guests
from labs.town.town import Town, TownError
from tests.support import get, hello, listening, raw, remains, turns

PROGRAM = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"


def fetch(address: tuple[str, int], path: str) -> None:
    connection = http.client.HTTPConnection(*address, timeout=20)
    connection.request("GET", path, headers={"Host": "origin.test"})
    try:
        assert connection.getresponse().read() == b"hello"
    finally:
        connection.close()


async def in_a_thread(town: Town, path: str) -> None:
    await asyncio.to_thread(fetch, town.address("origin.test"), path)


async def asked_in_a_thread(town: Town, path: str) -> None:
    await asyncio.to_thread(lambda: fetch(town.address("origin.test"), path))


async def in_a_task(town: Town, path: str) -> None:
    ask = b"GET %b HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n" % path.encode()
    await asyncio.create_task(raw(town.address("origin.test"), ask))


async def in_a_program(town: Town, path: str) -> None:
    host, port = town.address("origin.test")
    command = [sys.executable, "-S", "-c", PROGRAM, f"http://{host}:{port}{path}"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


WAYS: list[Callable[[Town, str], Awaitable[None]]] = [in_a_thread, asked_in_a_thread, in_a_task, in_a_program]


def names_of(trace: Trace) -> dict[str, str]:
    """Return who sent each request, by its target."""
    return {it.message.target: it.who for it in trace.said if it.message and it.message.kind == "request"}


async def visit(town: Town, who: str, way: Callable[[Town, str], Awaitable[None]]) -> None:
    with town.guest(who):
        await turns(3)
        await way(town, f"/{who}")


@pytest.mark.parametrize("way", WAYS)
async def test_guests_at_once_are_not_mixed_up(way: Callable[[Town, str], Awaitable[None]]) -> None:
    count = 2 if way is in_a_program else 9
    async with Town() as town, Town() as other:
        await town.open("origin.test", hello)
        await other.open("origin.test", hello)
        visits = [visit(it, f"guest-{n}", way) for n in range(count) for it in (town, other)]
        unknown = [way(it, f"/{STRANGER}") for it in (town, other)]
        async with ClientSession(connector=town.connector("client")) as client:
            await asyncio.gather(*visits, *unknown, get(client, "http://origin.test/client"))
        await way(town, "/later")
    everybody = {f"/{it}": it for it in (*(f"guest-{n}" for n in range(count)), STRANGER)}
    assert names_of(other.trace) == everybody
    assert names_of(town.trace) == everybody | {"/client": "client", "/later": STRANGER}
    assert remains() == []


async def test_after_its_block_a_guest_is_a_stranger() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        with town.guest("curl"):
            told = town.address("origin.test")
            await asyncio.to_thread(fetch, told, "/in")
            over = asyncio.Event()
            late = asyncio.create_task(afterwards(town, over))
        over.set()
        await late
        await asyncio.to_thread(fetch, told, "/after")
        with town.guest("urllib"):
            await asyncio.to_thread(fetch, told, "/again")
        with contextlib.suppress(ZeroDivisionError), town.guest("requests"):
            raise ZeroDivisionError
        await asyncio.to_thread(fetch, town.address("origin.test"), "/end")
    assert names_of(town.trace) == {
        "/in": "curl",
        "/after": STRANGER,
        "/late": STRANGER,
        "/again": "urllib",
        "/end": STRANGER,
    }


async def afterwards(town: Town, over: asyncio.Event) -> None:
    """Ask in a context that began in a block, when the block is over."""
    await over.wait()
    await in_a_task(town, "/late")


async def test_a_block_in_a_block_is_the_inner_one() -> None:
    async with Town() as town, Town() as other:
        await town.open("origin.test", hello)
        await other.open("origin.test", hello)
        with town.guest("outer"), other.guest("elsewhere"):
            told = town.address("origin.test")
            with town.guest("inner"):
                await asyncio.to_thread(fetch, told, "/told-outside")
                await in_a_thread(town, "/told-inside")
                await in_a_thread(other, "/elsewhere")
            await asyncio.to_thread(fetch, told, "/outer")
    assert names_of(town.trace) == {"/told-outside": "inner", "/told-inside": "inner", "/outer": "outer"}
    assert names_of(other.trace) == {"/elsewhere": "elsewhere"}


async def test_a_thread_that_is_started_by_hand_is_the_only_guest() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        with town.guest("thread"):
            one = threading.Thread(target=lambda: fetch(town.address("origin.test"), "/by-hand"))
            one.start()
            await asyncio.to_thread(one.join)
    assert names_of(town.trace) == {"/by-hand": "thread"}


async def test_who_can_not_be_told_apart_is_refused_with_a_sentence() -> None:
    sentence = "a and b are guests at once, and nobody knows whose the connection is that was ended: ask for"
    async with Town() as town:
        await town.open("origin.test", hello)
        told = town.address("origin.test")  # in no block
        both = asyncio.Barrier(2)

        async def one(who: str) -> None:
            with town.guest(who):
                await both.wait()
                try:
                    await asyncio.to_thread(fetch, told, f"/{who}")
                finally:
                    await both.wait()  # until both were ended, both are guests

        came = await asyncio.gather(one("a"), one("b"), return_exceptions=True)
        assert [type(it) for it in came] == [TownError, TownError]
        assert all(str(it).startswith(sentence) for it in came)
        assert isinstance(came[0].__cause__, OSError)  # type: ignore[union-attr]
        with pytest.raises(TownError, match=r"with town.address\(...\)\.$"), town.guest("a"):
            await asyncio.create_task(silently(town, told))
        await asyncio.to_thread(fetch, told, "/alone")
    assert names_of(town.trace) == {"/alone": STRANGER}
    assert town.trace.connections() == 1


async def silently(town: Town, told: tuple[str, int]) -> None:
    """Connect while a second guest is there, and notice nothing of it."""
    other = asyncio.Event()

    async def second() -> None:
        with contextlib.suppress(TownError), town.guest("b"):
            other.set()
            await turns(9)

    guest = asyncio.get_running_loop().create_task(second(), context=contextvars.Context())
    await other.wait()
    with socket.create_connection(told):
        await guest


async def test_a_guest_over_tls_is_refused_too() -> None:
    async with Town() as town:
        await town.open("origin.test", hello, tls=True)
        told = town.address("origin.test", tls=True)
        both = asyncio.Barrier(2)

        async def one(who: str) -> None:
            with town.guest(who):
                await both.wait()
                trust = town.ca.client_context()
                reader, writer = await asyncio.open_connection(
                    *told, ssl=trust, server_hostname="origin.test"
                )
                writer.write(b"GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n")
                try:
                    assert await reader.read() == b""
                finally:
                    writer.close()

        came = await asyncio.gather(one("a"), one("b"), return_exceptions=True)
        assert [type(it) for it in came] == [TownError, TownError]
    assert town.trace.said == () and town.trace.calls == ()


async def test_each_guest_has_one_door_and_all_are_closed() -> None:
    async with Town() as town:
        await town.open("origin.test", hello)
        await town.open("localhost:9000", hello, on="b")
        own = town.address("origin.test")
        for _ in range(3):
            for who in ("a", "b"):
                with town.guest(who):
                    assert town.address("origin.test") != own
                    town.table(who)
        assert town.address("origin.test") == own
        assert len(listening()) == 2 + 3  # two servers, a door of each guest, and one on b's own machine
        await town.close("origin.test")
        assert len(listening()) == 2
        with town.guest("a"), socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            sock.connect(town.address("origin.test"))
        assert town.trace.events() == ("refused",)
        await town.open("origin.test", hello)
        with town.guest("a"):
            town.address("origin.test")  # and the town is left at once
    assert remains() == []


# ── who may be meant ──────────────────────────────────────────────────────────────────────────────────────


def test_without_a_guest_everybody_is_a_stranger() -> None:
    guests = Guests()
    assert (guests.here(), guests.door("s"), guests.caller("s", "")) == (STRANGER, "", STRANGER)


def test_who_is_sure_not_to_be_a_guest_has_a_door_too() -> None:
    guests, other = Guests(), Guests()
    with guests.known(), other.known(), guests.block("a"):
        with other.block("b"):
            assert guests.here() == "a" and other.here() == "b"
            outside = contextvars.Context()
            assert outside.run(guests.door, "s") == ""  # it may be a's thread
        assert other.door("s") == ""  # nobody is a guest there
        assert guests.caller("s", STRANGER) == STRANGER and guests.caller("s", "") == "a"


def test_who_has_a_door_claims_no_other() -> None:
    guests = Guests()
    with guests.block("a"):
        assert guests.caller("s", "") == "a"
        assert guests.door("s") == "a"
        assert (guests.caller("s", ""), guests.caller("t", "")) == (STRANGER, "a")
    with guests.block("a", claims=False):
        assert (guests.caller("s", ""), guests.caller("s", "a")) == (STRANGER, "a")
    assert guests.caller("s", "a") == STRANGER
