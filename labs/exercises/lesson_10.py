"""The exercises of lesson 10."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.instruments.disconnects import disconnected
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "10_give_up_first"
SIZE, PIECE = 16 << 20, 64 << 10  # bytes; more than all the buffers on the way hold
KIND, CUT = "image/png", -2
TURNS = 20  # of the loop: so many a handler has to end, once it is cancelled
SOON = 2.0  # seconds; only an attempt that is wrong waits so long


async def _ask(session: ClientSession, method: str, url: str) -> bytes:
    async with session.request(method, url) as answer:
        return await answer.read()


async def _leave(asking: asyncio.Task[Any], request: web.Request) -> None:
    asking.cancel()
    await asyncio.wait([asking])
    await disconnected(request)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_STREAM = (
    "async def front(request, inner):\n"
    "    async with inner.get('http://origin.test/file') as answer:\n"
    "        names = ('Content-Length', 'Content-Type')\n"
    "        out = web.StreamResponse(headers={it: answer.headers[it] for it in names})\n"
    "        await out.prepare(request)\n"
)
_ALL = "            async for piece in answer.content.iter_any():\n                await out.write(piece)\n"


@exercise(
    "stop-the-origin",
    lesson=LESSON,
    stars=1,
    minutes=8,
    hint="Write each piece as it comes, and let a failing write end the `async with`.",
    wrong={
        "async def front(request, inner):\n"
        "    async with inner.get('http://origin.test/file') as answer:\n"
        "        return web.Response(body=await answer.read(), content_type='image/png')": "for nobody",
        _STREAM + "        try:\n" + _ALL + "        except BaseException:\n"
        "            pass\n"
        "        return out": "waits for the rest",
        _STREAM.replace(", 'Content-Type'", ", ")
        + "        try:\n"
        + _ALL
        + "        except ConnectionError:\n"
        "            pass\n"
        "        return out": "Content-Type",
        _STREAM.replace("('Content-Length'", "('Content-Type'")
        + "        try:\n"
        + _ALL
        + "        except ConnectionError:\n"
        "            pass\n"
        "        return out": "Content-Length",
        _STREAM + "        async for piece in answer.content.iter_any():\n"
        "            try:\n"
        "                await out.write(piece)\n"
        "            except ConnectionError:\n"
        "                pass\n"
        "        return out": "for nobody",
        _STREAM + "        async for piece in answer.content.iter_any():\n"
        "            await out.write(piece)\n"
        "        return out": "ClientConnectionResetError",
        _STREAM + "        await out.write(await answer.content.readany())\n"
        "        return out": "not the whole file",
        _STREAM.replace("await out.prepare(request)", "pass")
        + "        async for piece in answer.content.iter_any():\n"
        "            await out.write(piece)\n"
        "        return out": "RuntimeError",
    },
)
async def stop_the_origin(front: Any) -> Attempt:
    """Demand the file for who stays, an origin that stops for who leaves, and no waiting for a broken one."""
    trace, got = await _file(front, leave=False)
    if got != SIZE:
        return not_yet(
            "The client that stays should get all of the file: this was not the whole file.", trace
        )
    if trace.answers(who="front.test")[-1].field("Content-Length") != str(SIZE):
        return not_yet("The origin said how long the file is, in Content-Length: pass it on.", trace)
    if trace.answers(who="front.test")[-1].field("Content-Type") != KIND:
        return not_yet(f"The Content-Type of the origin is {KIND}: pass it on.", trace)
    trace, _ = await _file(front, leave=True)
    if not (sent := trace.answers(who="origin.test")):
        return not_yet("Your front did not ask the origin.", trace)
    if sent[0].complete:
        return not_yet("The client left, and the origin sent all of the file, for nobody.", trace)
    kept = trace
    trace, got = await _file(front, leave=False, breaks=True)
    if got != CUT:
        return not_yet("The origin broke off, and the client waits for the rest: catch less.", trace)
    return yes(kept)


async def _file(front: Any, *, leave: bool, breaks: bool = False) -> tuple[Trace, int]:
    """Ask for the file; return the trace and how many bytes came: -1 for none, CUT if cut short."""
    came: asyncio.Queue[web.Request] = asyncio.Queue()
    more, sent, answered = Gate("the rest"), asyncio.Event(), asyncio.Event()
    failed: list[Exception] = []

    async def origin(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Length": str(SIZE), "Content-Type": KIND})
        with contextlib.suppress(ConnectionError):
            await out.prepare(request)
            for number in range(SIZE // PIECE):
                await out.write(bytes(PIECE))
                if number == 0:
                    await more
                    if breaks and request.transport is not None:
                        request.transport.close()
                        break
        sent.set()
        return out

    async def proxy(request: web.Request) -> web.StreamResponse:
        came.put_nowait(request)
        try:
            async with ClientSession(connector=town.connector("front.test")) as inner:
                answer: web.StreamResponse = await front(request, inner)
                return answer
        except Exception as error:
            failed.append(error)
            raise
        finally:
            answered.set()

    got = -1
    async with Town(keep=PIECE) as town:
        await town.open("origin.test", origin)
        await town.open("front.test", proxy)
        async with ClientSession(connector=town.connector("client")) as client:
            asking = asyncio.create_task(_ask(client, "GET", "http://front.test/file"))
            asked = asyncio.create_task(more.reached())
            try:
                await asyncio.wait([asking, asked], return_when=asyncio.FIRST_COMPLETED)
                if leave and not asking.done():
                    await _leave(asking, await came.get())
                more.open()
                await answered.wait()
                if leave and asked.done():
                    await sent.wait()
                elif not leave:
                    await asyncio.wait([asking], timeout=SOON)  # all is written; a part may wait for more
                    if asking.done():
                        got = CUT if asking.exception() else len(asking.result())
            finally:
                await _end(asking, asked)
    if failed and leave:
        return Trace((), ()), 0  # what it raised is told by the watcher
    return town.trace, got


_KEPT = (
    "async def order(request, job, kept):\n"
    "    task = asyncio.create_task(job())\n"
    "    kept.add(task)\n"
    "    task.add_done_callback(kept.discard)\n"
)


@exercise(
    "see-it-through",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="`asyncio.create_task`, `kept.add`, `task.add_done_callback(kept.discard)`, `asyncio.shield(task)`.",
    wrong={
        "async def order(request, job, kept):\n"
        "    await job()\n"
        "    return web.Response(text='thank you')": "cancelled",
        "async def order(request, job, kept):\n"
        "    await asyncio.shield(job())\n"
        "    return web.Response(text='thank you')": "was not in `kept`",
        "async def order(request, job, kept):\n"
        "    task = asyncio.create_task(job())\n"
        "    kept.add(task)\n"
        "    try:\n"
        "        await asyncio.shield(task)\n"
        "    finally:\n"
        "        kept.discard(task)\n"
        "    return web.Response(text='thank you')": "with your handler",
        _KEPT.replace("kept.discard", "lambda _: kept.clear()") + "    await asyncio.shield(task)\n"
        "    return web.Response(text='thank you')": "another",
        _KEPT + "    await asyncio.shield(task)\n    return web.Response(status=202)": "202",
        _KEPT + "    await task\n    return web.Response(text='thank you')": "cancelled",
        _KEPT + "    return web.Response(text='thank you')": "before",
        "async def order(request, job, kept):\n"
        "    task = asyncio.create_task(job())\n"
        "    kept.add(task)\n"
        "    await asyncio.shield(task)\n"
        "    return web.Response(text='thank you')": "still in `kept`",
        "async def order(request, job, kept):\n    return web.Response(text='thank you')": "has not begun",
        "async def order(request, job, kept):\n"
        "    kept.add(job())\n"
        "    return web.Response(text='thank you')": "no task",
    },
)
async def keep_the_promise(order: Any) -> Attempt:
    """Demand that the job is finished though the client leaves, that it is in `kept`, and then no more."""
    trace, during, _, _ = await _order(order, leave=False)
    if during < 0:
        return not_yet("In `kept` stands something that is no task: `asyncio.create_task(job())` makes one.")
    heard = [it.target for it in trace.requests(whom="depot.test")]
    said = [it.who for it in trace.said if it.message and it.message.kind == "answer"]
    if not trace.requests(whom="bank.test"):
        return not_yet("Your handler ended, and the job has not begun: call `job()`.", trace)
    if "shop.test" not in said or not heard:
        return not_yet("The client that stayed should get its answer when the job is done.", trace)
    if said.index("shop.test") < said.index("depot.test"):
        return not_yet("The client got its answer before the job was done: it may fail yet. Wait.", trace)
    if (status := trace.answers(who="shop.test")[-1].status) != 200:
        return not_yet(f"The client that stayed should get 200, and got {status}.", trace)
    trace, during, left, after = await _order(order, leave=True)
    if not trace.requests(whom="depot.test"):
        return not_yet("The client left, and the job was cancelled with your handler.", trace)
    if not during:
        return not_yet(
            "It was finished, but its task was not in `kept`: at the shutdown nobody waits for it.", trace
        )
    if not left:
        return not_yet("Its task left `kept` with your handler, and the job was not done yet.", trace)
    if after is None:
        return not_yet("`kept` held another task, too, and it is gone: take out your own only.", trace)
    if after:
        return not_yet("The job is done, and its task is still in `kept`: who takes it out?", trace)
    return yes(trace)


async def _order(order: Any, *, leave: bool) -> tuple[Trace, int, int, int | None]:
    """Order; return the trace, and how many tasks of the handler stood in `kept`, three times.

    While the job runs, when the client has left, and when the job is done; None if another's task is gone.
    """
    pause, over = Gate("the pause"), asyncio.Event()
    other: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    kept: set[asyncio.Task[Any]] = {other}
    came: asyncio.Queue[web.Request] = asyncio.Queue()
    during, left, after, called = 0, 0, 0, False

    async def done(request: web.Request) -> web.StreamResponse:
        return web.Response(text="done\n")

    async def handler(request: web.Request) -> web.StreamResponse:
        came.put_nowait(request)
        answer: web.StreamResponse = await order(request, job, kept)
        return answer

    async with (
        Town() as town,
        ClientSession(connector=town.connector("shop.test")) as inner,
        ClientSession(connector=town.connector("client")) as client,
    ):

        async def job() -> None:
            nonlocal called
            called = True
            try:
                await _ask(inner, "POST", "http://bank.test/charge")
                await pause
                await _ask(inner, "POST", "http://depot.test/ship")
            finally:
                over.set()

        for name in ("bank.test", "depot.test"):
            await town.open(name, done)
        await town.open("shop.test", handler, handler_cancellation=True)
        asking = asyncio.create_task(_ask(client, "POST", "http://shop.test/order"))
        begun = asyncio.create_task(pause.reached())
        try:
            await asyncio.wait([asking, begun], return_when=asyncio.FIRST_COMPLETED)
            if not called:
                return town.trace, -1 if _strangers(kept) else 0, 0, 0
            await begun
            if not all(isinstance(task, asyncio.Future) for task in kept):
                return town.trace, -1, 0, 0
            during = sum(not task.done() for task in kept - {other})
            if leave and not asking.done():
                await _leave(asking, await came.get())
            for _ in range(TURNS):
                await asyncio.sleep(0)
            left = sum(not task.done() for task in kept - {other})
            pause.open()
            await over.wait()
            if not leave:
                await asyncio.wait([asking])
            await asyncio.sleep(0)  # callbacks of a task that has ended
            await asyncio.sleep(0)
        finally:
            gone, after = other not in kept, len(kept - {other})
            for stranger in _strangers(kept):
                if hasattr(stranger, "close"):
                    stranger.close()  # a call that nobody awaited would complain in some later cell
            await _end(asking, begun, other, *(kept - _strangers(kept)))
    return town.trace, during, left, None if gone else after


def _strangers(kept: set[Any]) -> set[Any]:
    return {it for it in kept if not isinstance(it, asyncio.Future)}


_FETCH = (
    "async def fetch(inner, name):\n"
    "    async with inner.get(f'http://{name}/page') as answer:\n"
    "        return await answer.text()\n\n"
    "async def race(request, inner):\n"
)
_TASKS = "    tasks = [asyncio.create_task(fetch(inner, name)) for name in ('a.test', 'b.test')]\n"
_FIRST = "    first, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)\n"


@exercise(
    "first-wins",
    lesson=LESSON,
    stars=3,
    minutes=13,
    hint="Two tasks, `asyncio.wait(..., return_when=asyncio.FIRST_COMPLETED)`, and `finally` cancel both.",
    wrong={
        _FETCH + "    return web.Response(text=await fetch(inner, 'a.test'))": "at once",
        _FETCH + "    both = await asyncio.gather(fetch(inner, 'a.test'), fetch(inner, 'b.test'))\n"
        "    return web.Response(text=both[0])": "at once",
        _FETCH + _TASKS + _FIRST + "    return web.Response(text=first.pop().result())": "gone on with",
        _FETCH + _TASKS + _FIRST + "    for task in rest:\n"
        "        task.cancel()\n"
        "    return web.Response(text=first.pop().result())": "client left",
        _FETCH + _TASKS + "    try:\n    " + _FIRST + "        return web.Response(text='here I am')\n"
        "    finally:\n"
        "        for task in tasks:\n"
        "            task.cancel()": "the page of",
    },
)
async def first_wins(race: Any) -> Attempt:
    """Demand the first of two answers, and that no origin is kept waiting for somebody who has left."""
    for fast, slow in (("a.test", "b.test"), ("b.test", "a.test")):
        trace, text, left = await _race(race, fast, slow)
        if text is None:
            return not_yet(
                f"{fast} answers when {slow} is asked, too, and nothing came of it: ask both at once.", trace
            )
        if text != f"the page of {fast}":
            return not_yet(f"{fast} was first, and the client did not get the page of {fast}.", trace)
        if not left:
            return not_yet(f"The client has its answer, and your front has gone on with {slow}.", trace)
    trace, _, left = await _race(race, "", "b.test")
    if not left:
        return not_yet("The client left, and your front went on asking for it.", trace)
    return yes(trace)


async def _race(race: Any, fast: str, slow: str) -> tuple[Trace, str | None, bool]:
    """Ask the front; `fast` answers as soon as `slow` is asked. With no `fast`, the client leaves."""
    fronts: list[web.Request] = []
    held: list[web.Request] = []
    text, left = None, False

    async def origin(name: str, request: web.Request) -> web.StreamResponse:
        if name == fast:
            await waiting.reached()
        else:
            held.append(request)
            await waiting
        return web.Response(text=f"the page of {name}")

    async def front(request: web.Request) -> web.StreamResponse:
        fronts.append(request)
        answer: web.StreamResponse = await race(request, inner)
        return answer

    async with (
        Town() as town,
        ClientSession(connector=town.connector("front.test")) as inner,
        ClientSession(connector=town.connector("client")) as client,
    ):
        for name in ("a.test", "b.test"):
            await town.open(name, partial(origin, name))
        await town.open("front.test", front, handler_cancellation=True)
        with Gate("the slow one") as waiting:
            asking = asyncio.create_task(_ask(client, "GET", "http://front.test/page"))
            try:
                async with asyncio.timeout(SOON):
                    if fast:
                        text = (await asyncio.shield(asking)).decode()
                    else:
                        await waiting.reached(2)
                        await _leave(asking, fronts[0])
                    for request in held:
                        await disconnected(request)
                    left = True
            except (TimeoutError, ClientError):
                pass
            await _end(asking)
    return town.trace, text, left
