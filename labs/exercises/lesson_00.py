"""The exercise of lesson 00."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "00_start_here"
VISITORS = 3
NET = 3.0  # seconds; below the patience of an attempt, so that what blocks the loop is told as such


class _Database:
    """A database that answers once every visitor is in the handler, and notes who kept the loop meanwhile."""

    def __init__(self) -> None:
        self.everybody = threading.Event()
        self.loop = asyncio.get_running_loop()
        self.told: list[str] = []
        self.asked = 0
        self.blocked = False

    def query(self) -> str:
        """Wait, without `await`, and return a row; on the loop's own thread nobody could ever come."""
        self.asked += 1
        try:
            on_loop = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            on_loop = False
        if on_loop or not self.everybody.wait(NET):  # nobody came while somebody waited for this thread
            self.blocked = True
            self.everybody.set()
        row = f"row {len(self.told) + 1}"
        self.told.append(row)
        return row


async def _crowd(front: Any, database: _Database) -> Trace:
    entered: asyncio.Queue[str] = asyncio.Queue()

    async def origin(request: web.Request) -> web.StreamResponse:
        entered.put_nowait(request.path)
        answer: web.StreamResponse = await front(request, database.query)
        return answer

    async def visit(town: Town, path: str) -> None:
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                async with client.get(f"http://origin.test{path}") as answer:
                    await answer.read()
            except ClientError:
                pass  # the trace tells what came

    async with Town() as town, asyncio.TaskGroup() as group:
        await town.open("origin.test", origin)
        for n in range(1, VISITORS + 1):
            group.create_task(visit(town, f"/{n}"))
            await entered.get()
        database.everybody.set()
    return town.trace


@exercise(
    "let-the-others-in",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="`await asyncio.to_thread(work)` runs `work()` in a thread, and returns what it returns.",
    wrong={
        "async def front(request, query):\n    return web.Response(text=query())": "kept the loop",
        "async def front(request, query):\n    return web.Response(text=await query())": "raised TypeError",
        "async def front(request, query):\n"
        "    await asyncio.sleep(0)\n"
        "    return web.Response(text=query())": "kept the loop",
        "async def front(request, query):\n"
        "    return web.Response(text=await asyncio.to_thread(query()))": "raised TypeError",
        "async def front(request, query):\n"
        "    import threading\n"
        "    row = []\n"
        "    it = threading.Thread(target=lambda: row.append(query()))\n"
        "    it.start()\n"
        "    it.join()\n"
        "    return web.Response(text=row[0])": "kept the loop",
        "async def front(request, query):\n    return web.Response(text='done')": "never asked",
        "async def front(request, query):\n"
        "    asyncio.create_task(asyncio.to_thread(query))\n"
        "    return web.Response()": "before",
        "async def front(request, query):\n"
        "    await asyncio.to_thread(query)\n"
        "    return web.Response(text='done')": "answer 200 with the row",
        "async def front(request, query):\n"
        "    return web.Response(status=201, text=await asyncio.to_thread(query))": "heard 201",
        "async def front(request, query):\n    return await asyncio.to_thread(query)": "returned 'row",
        "async def front(request, query):\n    await asyncio.to_thread(query)": "returned None",
        "def front(request, query):\n    return web.Response(text=query())": "async def",
    },
)
async def let_the_others_in(front: Any) -> Attempt:
    """Demand that every visitor is in the handler before the first answer, and that each gets a row."""
    database, before = _Database(), asyncio.all_tasks()
    trace = await _crowd(front, database)
    if left := asyncio.all_tasks() - before:  # what a handler began and did not await
        await asyncio.wait(left, timeout=NET)
    say = partial(not_yet, trace=trace)
    if database.blocked:
        return say("Your handler kept the loop while the database worked: nobody else came in.")
    if not database.asked:
        return say("Your handler never asked the database: it must call query, in a thread.")
    answers = trace.answers(whom="client")
    if [it.message.kind for it in trace.said if it.message].index("answer") < VISITORS:
        return say("Your handler answered before the database did: await what query returns.")
    for it in answers:
        if it.status != 200 or it.body.decode("utf-8", "replace").strip() not in database.told:
            what = f"{it.status} with {it.body[:40]!r}"
            return say(f"The client heard {what}: answer 200 with the row that query returned.")
    return yes(trace)
