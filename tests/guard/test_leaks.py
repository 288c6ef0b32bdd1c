"""What is left over is found once, and looking for it asks no object that is dead."""

import asyncio
import weakref

from labs.guard.guard import Guard
from labs.guard.leaks import TASK, left
from tests.support import forever


async def test_a_dead_proxy_does_not_stop_the_guard() -> None:
    class Thing:
        pass

    thing = Thing()
    proxies = [weakref.proxy(thing)]
    del thing
    guard = Guard()
    await guard.clean()
    assert len(proxies) == 1


async def test_a_task_that_has_not_begun_is_one_task_left() -> None:
    task = asyncio.create_task(forever())
    assert [kind for kind, _, _ in left(asyncio.get_running_loop())] == [TASK]
    task.cancel()
