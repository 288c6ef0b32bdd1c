"""A connection that misbehaves reads requests all the same: to their end, or to where its fault strikes."""

import asyncio

import pytest

from labs.capture.recording import Event
from labs.servers import faults
from labs.servers.faults import FAULTS
from labs.town.gates import Gate
from labs.town.town import Town
from tests.servers.support import BODY, GET, GOOD, WIRE, ending
from tests.support import kinds

HELD = {name for name, fault in FAULTS.items() if isinstance(fault.steps(BODY)[0], bytes)}
UPLOADS = (
    b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
)


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


def test_a_fault_knows_whether_the_head_of_the_answer_comes_first() -> None:
    after = {name for name, fault in FAULTS.items() if fault.after_head}
    phases = {FAULTS[name].phase for name in after}
    assert phases == {"in the body", "after the answer"}
    assert {"close-in-body", "reset-until-close", "surplus"} <= after
    assert not {"close-before-head", "reset-in-head", "garbage", "bad-gzip"} & after
