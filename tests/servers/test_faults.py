"""Each fault shows on the wire what its sentence says."""

import asyncio
import contextlib
import gzip

import pytest

from labs.capture.recording import Event
from labs.servers import faults
from labs.servers.faults import FAULTS, PHASES
from labs.town.gates import Gate
from labs.town.town import Town
from tests.gateway.faults import by_target
from tests.support import kinds

BODY = b"Answer to GET /a HTTP/1.1\n"
TYPE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
OF_26 = TYPE + b"Content-Length: 26\r\n"
GOOD = OF_26 + b"\r\n" + BODY
STOLEN = TYPE + b"Content-Length: 31\r\n\r\nThis answer belongs to nobody.\n"
CHUNKED = TYPE + b"Transfer-Encoding: chunked\r\n\r\n1a\r\n"
GZIP = gzip.compress(BODY, mtime=0)[:23]
EARLY = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n"

WIRE = {  # what the first answer looks like, and how the connection is then
    "close-at-once": (b"", "closed"),
    "reset-at-once": (b"", "reset"),
    "stall-at-once": (b"", "open"),
    "early-answer": (EARLY + b"\r\nEarly\n", "open"),
    "early-close": (EARLY + b"Connection: close\r\n\r\nEarly\n", "closed"),
    "close-in-request": (b"", "closed"),
    "reset-in-request": (b"", "reset"),
    "stall-in-request": (b"", "open"),
    "close-before-head": (b"", "closed"),
    "reset-before-head": (b"", "reset"),
    "stall-before-head": (b"", "open"),
    "close-in-head": (TYPE[:-9], "closed"),
    "reset-in-head": (TYPE[:-9], "reset"),
    "stall-in-head": (TYPE[:-9], "open"),
    "garbage": (b"\x16\x03\x01\x00 garbage\r\n\r\n", "open"),
    "bad-status": (b"HTTP/1.1 two OK\r\n\r\n", "open"),
    "bad-field": (OF_26 + b"X-Bad: a\0b\r\n\r\n" + BODY, "open"),
    "endless-head": (OF_26 + b"X-Long: " + b"x" * (1 << 20) + b"\r\n\r\n" + BODY, "open"),
    "bad-length": (TYPE + b"Content-Length: two\r\n\r\n12", "open"),
    "two-lengths": (OF_26 + b"Content-Length: 1\r\n\r\n" + BODY, "open"),
    "length-and-chunks": (
        TYPE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n" + BODY + b"\r\n0\r\n\r\n",
        "open",
    ),
    "close-in-body": (OF_26 + b"\r\n" + BODY[:13], "closed"),
    "reset-in-body": (OF_26 + b"\r\n" + BODY[:13], "reset"),
    "stall-in-body": (OF_26 + b"\r\n" + BODY[:13], "open"),
    "close-in-chunk": (CHUNKED + BODY[:13], "closed"),
    "reset-in-chunk": (CHUNKED + BODY[:13], "reset"),
    "stall-in-chunk": (CHUNKED + BODY[:13], "open"),
    "close-between-chunks": (CHUNKED + BODY + b"\r\n", "closed"),
    "reset-between-chunks": (CHUNKED + BODY + b"\r\n", "reset"),
    "stall-between-chunks": (CHUNKED + BODY + b"\r\n", "open"),
    "close-until-close": (TYPE + b"\r\n" + BODY[:13], "closed"),
    "reset-until-close": (TYPE + b"\r\n" + BODY[:13], "reset"),
    "stall-until-close": (TYPE + b"\r\n" + BODY[:13], "open"),
    "length-too-long": (GOOD.replace(b"26", b"36"), "open"),
    "length-too-short": (GOOD + b"ten more.\n", "open"),
    "bad-chunk-size": (CHUNKED + BODY + b"\r\nzz\r\nmore\r\n", "open"),
    "bad-chunk-end": (CHUNKED + BODY + b"\r\n2\r\nmore\r\n0\r\n\r\n", "open"),
    "bad-gzip": (OF_26 + b"Content-Encoding: gzip\r\n\r\n" + BODY, "open"),
    "gzip-cut": (TYPE + b"Content-Length: 23\r\nContent-Encoding: gzip\r\n\r\n" + GZIP, "open"),
    "slow": (GOOD, "open"),
    "surplus": (GOOD + STOLEN, "open"),
    "close-after-answer": (GOOD, "closed"),
    "reset-after-answer": (GOOD, "reset"),
    "close-at-second": (GOOD, "open"),
    "reset-at-second": (GOOD, "open"),
    "stall-at-second": (GOOD, "open"),
}
GET = b"GET /a HTTP/1.1\r\nHost: origin.test\r\n\r\n"
HELD = {name for name, fault in FAULTS.items() if isinstance(fault.steps(BODY)[0], bytes)}


async def ending(reader: asyncio.StreamReader, town: Town) -> str:
    """Say how a connection is after its last byte. Without a gate, all was done before that byte came."""
    if not {Event.SERVER_CLOSED, Event.RESET} & set(kinds(town)):
        return "open"
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        return "reset"
    return "closed"


def test_every_fault_is_in_the_list_of_this_test() -> None:
    assert WIRE.keys() == FAULTS.keys()
    assert {fault.phase for fault in FAULTS.values()} == set(PHASES)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_shows_on_the_wire_what_it_says(name: str) -> None:
    said, end = WIRE[name]
    async with Town() as town:
        await town.open("origin.test", faults.make(name))
        reader, writer = await asyncio.open_connection(*town.address("origin.test"), limit=1 << 22)
        with town.guest("client"):
            writer.write(GET)
        if not said and end == "open":
            while Event.HEARD not in kinds(town):  # noqa: ASYNC110  the tap tells no event
                await asyncio.sleep(0)
        try:
            assert await reader.readexactly(len(said)) == said
        except ConnectionResetError:
            assert not said
        while not said and end != "open" and kinds(town)[-1] not in (Event.SERVER_CLOSED, Event.RESET):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await ending(reader, town) == end
        writer.close()


@pytest.mark.parametrize(
    "name", sorted(HELD - {"stall-before-head", "close-before-head", "reset-before-head"})
)
async def test_a_gate_stands_where_the_fault_strikes(name: str) -> None:
    before, after = FAULTS[name].steps(BODY)[0], WIRE[name]
    assert isinstance(before, bytes)
    async with Town() as town:
        gate = Gate("the fault")
        await town.open("origin.test", faults.make(name, gate))
        reader, writer = await asyncio.open_connection(*town.address("origin.test"))
        writer.write(GET)
        assert await reader.readexactly(len(before)) == before
        await gate.reached()
        assert kinds(town) == [Event.OPENED, Event.HEARD, Event.SAID]
        gate.open()
        rest = after[0][len(before) :]
        assert await reader.readexactly(len(rest)) == rest
        assert await ending(reader, town) == after[1]
        writer.close()


@pytest.mark.parametrize("name", ["close-at-second", "reset-at-second"])
async def test_a_stale_connection_ends_when_the_second_request_comes(name: str) -> None:
    async with Town() as town:
        await town.open("origin.test", faults.make(name))
        reader, writer = await asyncio.open_connection(*town.address("origin.test"))
        writer.write(GET)
        assert await reader.readexactly(len(GOOD)) == GOOD
        writer.write(GET)
        if name.startswith("reset"):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.read() == b""
        writer.close()


UPLOADS = (
    b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
)


@pytest.mark.parametrize("head", UPLOADS)
async def test_an_early_answer_comes_before_the_request_is_whole_and_the_rest_is_read(head: bytes) -> None:
    async with Town() as town:
        await town.open("origin.test", faults.make("early-answer"))
        reader, writer = await asyncio.open_connection(*town.address("origin.test"))
        said = WIRE["early-answer"][0]
        for _ in range(2):
            writer.write(head)
            assert await reader.readexactly(len(said)) == said
            writer.write(b"hello" + (b"\r\n0\r\nX: 1\r\n\r\n" if b"chunked" in head else b""))
        writer.close()


@pytest.mark.parametrize("head", UPLOADS)
async def test_any_other_answer_waits_for_the_whole_request(head: bytes) -> None:
    async with Town() as town:
        await town.open("origin.test", faults.make("bad-status"))
        reader, writer = await asyncio.open_connection(*town.address("origin.test"))
        writer.write(head)
        while Event.HEARD not in kinds(town):  # noqa: ASYNC110  the tap tells no event
            await asyncio.sleep(0)
        assert Event.SAID not in kinds(town)
        writer.write(b"hello" + (b"\r\n0\r\n\r\n" if b"chunked" in head else b""))
        assert await reader.readuntil(b"\r\n\r\n") == WIRE["bad-status"][0]
        writer.close()


async def test_a_request_chooses_its_fault_by_its_target() -> None:
    async with Town() as town:
        await town.open("origin.test", by_target())
        reader, writer = await asyncio.open_connection(*town.address("origin.test"))
        writer.write(GET)
        assert await reader.readexactly(len(GOOD)) == GOOD
        writer.write(GET.replace(b"/a", b"/a?n=1&fault=close-before-head"))
        assert await reader.read() == b""
        writer.close()


async def test_a_request_for_no_fault_is_told_to_the_loop_and_not_answered() -> None:
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    async with Town() as town:
        await town.open("origin.test", by_target())
        for name in (b"close", b"Close-At-Once", b""):
            reader, writer = await asyncio.open_connection(*town.address("origin.test"))
            writer.write(GET.replace(b"/a", b"/a?fault=" + name))
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
    assert [str(it["exception"]).partition(". ")[0] for it in told] == [
        f'"There is no fault {name!r}' for name in ("close", "Close-At-Once", "")
    ]


def test_a_name_that_is_no_fault_says_which_there_are() -> None:
    with pytest.raises(KeyError, match=r"There is no fault 'close'\. There are: close-at-once, "):
        faults.make("close")


def test_a_fault_knows_whether_the_head_of_the_answer_comes_first() -> None:
    after = {name for name, fault in FAULTS.items() if fault.after_head}
    phases = {FAULTS[name].phase for name in after}
    assert phases == {"in the body", "after the answer"}
    assert {"close-in-body", "reset-until-close", "surplus"} <= after
    assert not {"close-before-head", "reset-in-head", "garbage", "bad-gzip"} & after
