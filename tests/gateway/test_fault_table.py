"""The table of fault x phase, for both legs of the gateway: what the client gets, and what is left."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from labs.gateway import Options
from labs.servers import faults
from labs.servers.faults import FAULTS, PHASES
from labs.servers.faulty import reset
from labs.town.gates import Gate
from labs.town.town import Town
from tests.gateway.faults import by_target, ended, everything, fronted, targets, upstream
from tests.gateway.support import LEGS, answer

TABLE = {  # what the client gets: a status, or "broken" for an answer that ends before its end
    "close-at-once": 502,
    "reset-at-once": 502,
    "stall-at-once": 504,
    "early-answer": 413,
    "early-close": 413,
    "close-in-request": 502,
    "reset-in-request": 502,
    "stall-in-request": 408,
    "close-before-head": 502,
    "reset-before-head": 502,
    "stall-before-head": 504,
    "close-in-head": 502,
    "reset-in-head": 502,
    "stall-in-head": 504,
    "garbage": 502,
    "bad-status": 502,
    "bad-field": 502,
    "endless-head": 502,
    "bad-length": 502,
    "two-lengths": 502,
    "length-and-chunks": 200,
    "close-in-body": "broken",
    "reset-in-body": "broken",
    "stall-in-body": "broken",
    "close-in-chunk": "broken",
    "reset-in-chunk": "broken",
    "stall-in-chunk": "broken",
    "close-between-chunks": "broken",
    "reset-between-chunks": "broken",
    "stall-between-chunks": "broken",
    "close-until-close": 200,
    "reset-until-close": "broken",
    "stall-until-close": "broken",
    "length-too-long": "broken",
    "length-too-short": 200,
    "bad-chunk-size": "broken",
    "bad-chunk-end": "broken",
    "bad-gzip": 200,
    "gzip-cut": 200,
    "slow": 200,
    "surplus": 200,
    "close-after-answer": 200,
    "reset-after-answer": 200,
    "close-at-second": 200,
    "reset-at-second": 200,
    "stall-at-second": 200,
}
SENTENCES = {
    b"The server behind this gateway cannot be reached.\n",
    b"The server behind this gateway gave no valid answer.\n",
    b"The server behind this gateway did not answer in time.\n",
}
BROKEN = [name for name, outcome in TABLE.items() if outcome == "broken"]
IN_REQUEST = [name for name, fault in FAULTS.items() if fault.phase == PHASES[1]]
AT_SECOND = [name for name, fault in FAULTS.items() if fault.phase == PHASES[6]]
ENDS_AT_SECOND = [name for name in AT_SECOND if not name.startswith("stall")]


def options(leg: str, name: str = "", *, retry: bool = False) -> Options:
    """Return options with short times, where a fault stalls; the others must end by themselves."""
    short = 0.1 if "stall" in name or name == "length-too-long" else 20
    late = 20 if name in IN_REQUEST else short  # here the client's half is what is waited for: one clock only
    return Options(leg=leg, retry=retry, answer_timeout=late, idle_timeout=short, linger=0.05)


def asking(name: str) -> bytes:
    """Return a request that meets a fault; one that strikes inside the request is not whole."""
    target = f"/a?fault={name}" if name else "/a"
    if name in IN_REQUEST:
        return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf".encode()
    return f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


@contextlib.asynccontextmanager
async def client(town: Town, said: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*town.address("front.test"))
    try:
        writer.write(said)
        yield reader, writer
    finally:
        writer.close()


async def goes_on(town: Town) -> None:
    """See that the next request gets its own answer."""
    async with client(town, asking("")) as (reader, _):
        data, _ = await everything(reader)
    heard = answer(data, asking(""))
    assert (heard.status, heard.body, heard.complete) == (200, b"Answer to GET /a HTTP/1.1\n", True)


def test_every_fault_is_in_the_table() -> None:
    assert TABLE.keys() == FAULTS.keys()


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", TABLE)
async def test_a_fault_of_the_origin_gives_the_client_what_the_table_says(name: str, leg: str) -> None:
    early = FAULTS[name].phase == PHASES[0]
    async with fronted(faults.make(name) if early else by_target(), options(leg, name)) as town:
        async with client(town, asking(name)) as (reader, _):
            data, _ = await everything(reader)
        if not early and name not in AT_SECOND:
            await goes_on(town)
        asked = [target for target in targets(town) if b"fault" in target]
    assert data.count(b"HTTP/1.1 ") <= 1
    if not early:
        assert asked == [b"/a?fault=" + name.encode()]
    assert b"nobody" not in data and b"ten more" not in data
    if TABLE[name] == "broken":
        if data and not data.startswith(b"HTTP/1.1 502"):
            heard = answer(data, asking(name))
            assert heard.status == 200
            assert not heard.complete
            assert not heard.problem
        return
    heard = answer(data, asking(name))
    assert heard.status == TABLE[name]
    assert heard.complete
    assert not heard.surplus
    if heard.status >= 500:
        assert heard.body in SENTENCES
    elif heard.status == 200 and "gzip" not in name:
        right = b"Answer to GET /a?fault=%b HTTP/1.1\n" % name.encode()
        # The end of the connection is the end of this body: nobody can tell that half of it is missing.
        assert heard.body == (right[: len(right) // 2] if name == "close-until-close" else right)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_after_the_head_an_incomplete_answer_ends_incomplete(
    name: str, leg: str, version: bytes
) -> None:
    gate = Gate("the fault")
    async with fronted(by_target(gate), options(leg, name)) as town:
        async with client(town, asking(name).replace(b"1.1", version)) as (reader, _):
            data = await reader.readuntil(b"\r\n\r\n")
            await gate.reached()
            gate.open()
            rest, was_reset = await everything(reader)
        await goes_on(town)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"HTTP/1.1 " not in rest
    if b"Content-Length: " in data or b"Transfer-Encoding: chunked" in data:
        assert not answer(data + rest, asking(name)).complete
    else:
        assert was_reset  # the end of the connection would be the end of the answer


@pytest.mark.parametrize("leg", LEGS)
async def test_a_refused_connection_is_502_and_the_gateway_goes_on_when_the_origin_is_back(leg: str) -> None:
    async with fronted(by_target(), options(leg)) as town:
        await goes_on(town)
        await town.close("origin.test")
        async with client(town, asking("")) as (reader, _):
            data, _ = await everything(reader)
        assert answer(data).status == 502
        assert answer(data).body in SENTENCES
        await town.open("origin.test", by_target())
        await goes_on(town)


WAYS = ("close", "reset")
WHEN = [
    "reset-in-request",
    "stall-before-head",
    "stall-in-head",
    "stall-in-body",
    "stall-in-chunk",
    "stall-between-chunks",
    "reset-until-close",
    "slow",
]


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("name", WHEN)
@pytest.mark.parametrize("how", WAYS)
async def test_a_client_that_leaves_takes_its_request_along_at_every_phase(
    name: str, leg: str, how: str
) -> None:
    with Gate("never in this test") as gate:
        async with fronted(by_target(gate), options(leg)) as town:
            async with client(town, asking(name)) as (reader, writer):
                await gate.reached()
                if FAULTS[name].phase == PHASES[4]:
                    await reader.readuntil(b"\r\n\r\n")
                if how == "reset":
                    reset(writer.transport)
                else:
                    writer.close()
                await ended(town)
            assert len(upstream(town)) == 1
            await goes_on(town)


def repeats(method: bytes, name: str) -> bytes:
    length = b"Content-Length: 2\r\n" if method in (b"POST", b"PUT") else b""
    body = b"ab" if length else b""
    return method + b" /b?fault=%b HTTP/1.1\r\nHost: a\r\n%b\r\n%b" % (name.encode(), length, body)


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"DELETE"])
@pytest.mark.parametrize("name", [*AT_SECOND, "close-before-head", "reset-before-head", "close-in-head"])
async def test_nothing_is_asked_twice(leg: str, method: bytes, name: str) -> None:
    async with fronted(by_target(), options(leg, name)) as town:
        async with client(town, asking(name if name in AT_SECOND else "")) as (reader, _):
            assert answer((await everything(reader))[0]).status == 200
        async with client(town, repeats(method, name)) as (reader, _):
            status = b"504" if name.startswith("stall") else b"502"
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 " + status)
        assert [it for it in targets(town) if it.startswith(b"/b")] == [b"/b?fault=" + name.encode()]
        assert len(upstream(town)) == 1


@pytest.mark.parametrize("name", ENDS_AT_SECOND)
@pytest.mark.parametrize(("method", "asked"), [(b"GET", 2), (b"DELETE", 2), (b"POST", 1), (b"PUT", 1)])
async def test_with_the_option_retry_it_is_asked_twice_where_that_is_documented(
    name: str, method: bytes, asked: int
) -> None:
    async with fronted(by_target(), options("direct", retry=True)) as town:
        async with client(town, asking(name)) as (reader, _):
            assert answer((await everything(reader))[0]).status == 200
        async with client(town, repeats(method, name).replace(b"/b?fault=" + name.encode(), b"/b")) as (
            reader,
            _,
        ):
            status = (await reader.readuntil(b"\r\n"))[9:12]
        assert status == (b"200" if asked == 2 else b"502")
        assert targets(town).count(b"/b") == asked


@pytest.mark.parametrize("leg", LEGS)
async def test_a_surplus_that_comes_late_answers_nobody(leg: str) -> None:
    gate = Gate("the surplus")
    async with fronted(by_target(gate), options(leg)) as town:
        async with client(town, asking("surplus")) as (reader, _):
            assert answer((await everything(reader))[0]).status == 200
        gate.open()
        await goes_on(town)
