"""Each fault shows on the wire what its sentence says."""

import asyncio
import contextlib

import pytest

from labs.capture.recording import Event
from labs.servers import faults
from labs.servers.faults import FAULTS, PHASES
from labs.town.town import Town
from tests.gateway.faults import by_target
from tests.servers.support import GET, GOOD, WIRE, ending
from tests.support import kinds


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
