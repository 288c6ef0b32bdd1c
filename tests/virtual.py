"""A clock in hand: in a loop that runs with it, time passes by turns, and where all wait for it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

TURN = 1e-4  # seconds that one turn of the loop takes, so that who goes round and round has an end
GRACE = 0.01  # real seconds in which the system hands over what was sent on loopback


class VirtualClock:
    """The time of a loop: seconds since it was taken in hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let the whole loop stand still for so long, as `time.sleep` does."""
        self.now += seconds


@contextlib.contextmanager
def virtual_clock() -> Iterator[VirtualClock]:
    """Take the clock of the running loop in hand: where it would wait for a timer, the timer is due at once.

    What a busy computer does takes no time then. The loop must have no timer yet.
    """
    loop: Any = asyncio.get_running_loop()
    clock, selector = VirtualClock(), loop._selector
    select = selector.select

    def wait(timeout: float | None = None) -> Any:
        found = select(timeout and min(timeout, GRACE))
        clock.now += TURN if found or not timeout else timeout
        return found

    selector.select, loop.time = wait, lambda: clock.now
    try:
        yield clock
    finally:
        del selector.select, loop.time
