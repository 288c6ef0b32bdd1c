"""What is in force, and which alarms are set: overheard without changing anything."""

import asyncio

import pytest
from aiohttp import ClientSession, ClientTimeout

from labs.instruments.timers import Timer, clock_in_hand, in_force, recorded_timers
from labs.town.town import Town
from tests.support import get, hello


async def asked(limits: ClientTimeout) -> tuple[list[ClientTimeout], list[Timer]]:
    async with Town() as town:
        await town.open("origin.test", hello)
        connector = town.connector("client")
        heard = in_force(connector)
        async with ClientSession(connector=connector, timeout=limits) as client:
            with recorded_timers() as set_:
                for _ in range(2):
                    assert await get(client, "http://origin.test/") == "hello"
        assert "call_at" not in vars(asyncio.get_running_loop())
    return heard, set_


@pytest.mark.parametrize("name", ["total", "connect", "sock_connect", "sock_read"])
async def test_a_timeout_is_overheard_and_so_is_its_alarm(name: str) -> None:
    timeout = ClientTimeout(**{name: 60.5})
    heard, set_ = await asked(timeout)
    assert heard == [timeout, timeout]
    assert len(set_) >= (1 if "connect" in name else 2)  # the second request has a connection already
    assert {it.whole for it in set_} == {name != "sock_read"}


async def test_without_a_timeout_no_alarm_is_set() -> None:
    heard, set_ = await asked(ClientTimeout())
    assert (heard, set_) == ([ClientTimeout()] * 2, [])


async def test_alarms_of_others_are_not_taken_for_the_clients() -> None:
    loop, rang = asyncio.get_running_loop(), asyncio.Event()
    with recorded_timers() as heard:
        loop.call_later(0.001, rang.set)
        await rang.wait()
    assert heard == []


async def test_the_loop_is_as_before_also_after_an_error() -> None:
    with pytest.raises(KeyError), recorded_timers():
        raise KeyError
    assert "call_at" not in vars(asyncio.get_running_loop())


async def test_a_clock_in_hand_stands_until_it_is_moved_and_then_alarms_ring() -> None:
    loop, rung = asyncio.get_running_loop(), asyncio.Event()
    with clock_in_hand() as let_pass:
        began = loop.time()
        loop.call_later(3600, rung.set)
        let_pass(3599)
        await asyncio.sleep(0)
        assert (loop.time() - began, began.is_integer(), rung.is_set()) == (3599, True, False)
        let_pass(1)
        await rung.wait()
    assert "time" not in vars(loop)


async def test_the_clock_is_given_back_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), clock_in_hand():
        _ = 1 / 0
    assert "time" not in vars(asyncio.get_running_loop())
