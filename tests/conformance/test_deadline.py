"""A deadline counts the ticks of the loop: who hangs is ended, and who got no processor is not."""

import asyncio
import time

import pytest

from labs.conformance.deadline import MOST, TICK, deadline


async def test_who_hangs_is_ended() -> None:
    with pytest.raises(TimeoutError):
        async with deadline(TICK):
            await asyncio.Event().wait()


async def test_a_loop_that_stands_still_counts_as_one_tick() -> None:
    async with deadline(5 * TICK):
        time.sleep(10 * TICK)  # noqa: ASYNC251  the computer stands still
        for _ in range(3):  # turns: at most one tick each
            await asyncio.sleep(0)


async def test_who_moves_is_given_more_time_and_not_for_ever() -> None:
    moves = iter(range(1000))
    with pytest.raises(TimeoutError):
        async with deadline(2 * TICK, lambda: next(moves)):
            await asyncio.Event().wait()
    assert next(moves) == 2 * MOST + 1  # one look at each tick, and one before the first


async def test_who_moved_once_has_the_whole_time_again() -> None:
    looks = iter("aabbb")  # before the first tick, and at four: the second sees a move
    with pytest.raises(TimeoutError):
        async with deadline(3 * TICK, lambda: next(looks)):
            await asyncio.Event().wait()
    assert list(looks) == []


async def test_who_is_ready_leaves_no_timer() -> None:
    gone = asyncio.Event()
    with pytest.raises(LookupError):
        async with deadline(TICK):
            raise LookupError
    asyncio.get_running_loop().call_later(3 * TICK, gone.set)
    await gone.wait()  # a tick that was left would cancel this task
