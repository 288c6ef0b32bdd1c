"""The exercises of lesson 13."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.instruments.flow import Flow
from labs.instruments.memory import KIB, MIB
from labs.town.gates import Gate
from labs.town.town import Town

LESSON = "13_slow_down_together"
ENOUGH = 2.0  # seconds for a handler to end that waits for nothing
SIZE, PIECE = 32 * MIB, bytes(256 * KIB)
WAY = ("origin.test", "front.test", "client")

_ASK = "async def front(request, inner):\n    async with inner.get('http://origin.test/file') as answer:\n"
_OUT = "        out = web.StreamResponse()\n        await out.prepare(request)\n"
_EACH = "        async for piece in answer.content.iter_any():\n            "


async def _file(request: web.Request) -> web.StreamResponse:
    out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
    await out.prepare(request)
    for _ in range(SIZE // len(PIECE)):
        await out.write(PIECE)
    return out


@exercise(
    "keep-the-brake",
    lesson=LESSON,
    stars=1,
    minutes=8,
    hint="Write each piece before you take the next, and await the write.",
    wrong={
        _ASK + "        return web.Response(body=await answer.read())": "before the first",
        "async def front(request, inner):\n    return web.Response(body=bytes(32 << 20))": "never asked",
        "async def front(request, inner):\n    raise web.HTTPFound('http://origin.test/file')": "never asked",
        _ASK
        + _OUT
        + "        queue = asyncio.Queue()\n"
        + "        async def send():\n"
        + "            while piece := await queue.get():\n"
        + "                await out.write(piece)\n"
        + "        sending = asyncio.ensure_future(send())\n"
        + _EACH
        + "queue.put_nowait(piece)\n"
        + "        queue.put_nowait(b'')\n"
        + "        await sending\n"
        + "        return out": "no limit",
        _ASK
        + _OUT
        + "        async with asyncio.TaskGroup() as group:\n"
        + "    "
        + _EACH.replace("\n", "\n    ")
        + "group.create_task(out.write(piece))\n"
        + "        return out": "no limit",
        _ASK
        + _OUT
        + "        await out.write(await answer.content.readany())\n        return out": "of the 32",
        _ASK + _OUT + "    " + _EACH.strip() + "\n        await out.write(piece)\n    return out": "raised",
    },
)
async def keep_the_brake(front: Any) -> Attempt:
    """Demand that the origin has not sent all while the client reads nothing, and that all comes."""
    async with Town(keep=64 * KIB) as town, Flow(town, WAY) as flow:
        inner = ClientSession(
            connector=town.connector("front.test"), trace_configs=[flow.hears("front.test")]
        )
        mine = ClientSession(connector=town.connector("client"), trace_configs=[flow.hears("client")])

        async def handler(request: web.Request) -> web.StreamResponse:
            answer: web.StreamResponse = await front(request, inner)
            return answer

        await town.open("origin.test", flow.sends("origin.test", _file))
        await town.open("front.test", flow.sends("front.test", handler))
        try:
            async with inner, mine as client, client.get("http://front.test/file") as answer:
                at_head = flow.now()["sent"]
                at_rest = (await flow.rest())["sent"]
                came = sum([len(piece) async for piece in answer.content.iter_any()])
        except ClientError:
            return not_yet("The answer broke off in the middle: what did your front do?")
    if answer.status != 200:
        return not_yet(f"The client heard status {answer.status}, and not a file.")
    if not town.trace.requests(who="front.test", whom="origin.test"):
        return not_yet("Your front never asked the origin: be the proxy, with `inner`.")
    if came != SIZE:
        return not_yet(f"{came // MIB} of the 32 MiB came, though the client read to the end.")
    if at_head >= SIZE:
        return not_yet("Your front took all before the first byte went on: a slow client brakes nobody.")
    if at_rest >= SIZE:
        return not_yet("The client read nothing, and your front took all: something in it has no limit.")
    return yes()


_BEGIN = (
    "async def feed(request, news, here):\n"
    "    out = web.StreamResponse()\n"
    "    await out.prepare(request)\n"
    "    here.append(request)\n"
)
_LOOP = "    async for piece in news:\n        await out.write(piece)\n"
_PASS = "    except ConnectionError:\n        pass\n"
_TRY = _BEGIN + "    try:\n" + "".join(f"    {line}\n" for line in _LOOP.splitlines())


@exercise(
    "until-they-leave",
    lesson=LESSON,
    stars=2,
    minutes=10,
    hint="Catch `ConnectionError` around the write alone; in `finally`, take the request out of the list.",
    wrong={
        _BEGIN + _LOOP + "    return out": "raised ClientConnectionResetError",
        _TRY + "    except ConnectionResetError:\n        pass\n"
        "    finally:\n        here.remove(request)\n    return out": "raised ConnectionError:",
        _TRY + "    except ConnectionError:\n        pass\n    return out": "still stands",
        _BEGIN + "    async for piece in news:\n        try:\n            await out.write(piece)\n"
        "        except ConnectionError:\n            here.clear()\n    return out": "goes on",
        _BEGIN + "    await out.write(b'news')\n    here.remove(request)\n    return out": "was still there",
        _TRY + _PASS + "    finally:\n        here.clear()\n    return out": "There was another",
        (_TRY + _PASS + "    finally:\n        here.remove(request)\n    return out").replace(
            "out.write(piece)", "out.write(b'x')"
        ): "The news were",
        _TRY + _PASS + "    finally:\n        here.pop(0)\n    return out": "There was another",
        _TRY + "    except ConnectionError:\n        here.remove(request)\n    return out": "news ended",
        _TRY + "    except ConnectionError:\n        here.remove(request)\n"
        "    else:\n        here.remove(request)\n    return out": "news failed, and its request",
        _TRY + "    except BaseException:\n        pass\n"
        "    finally:\n        here.remove(request)\n    return out": "hid it: catch only",
        _TRY + _PASS + "    finally:\n        here.remove(request)\n    return out": "around the write alone",
        _TRY.replace("    here.append(request)\n", "") + "    except ConnectionError:\n        pass\n"
        "    return out": "not in the list",
    },
)
async def until_they_leave(feed: Any) -> Attempt:
    """Demand a clean end when the client leaves, between two writes and while one waits, and no harm else."""
    for size in (1, 8 * MIB):
        if words := await _leave(feed, size):
            return not_yet(words)
    words = await _stop(feed, None)
    for error in (_Failed(), ConnectionRefusedError()):
        # Unwrapped, for here an error is right, and is not to be told as a mistake.
        words = words or await _stop(inspect.unwrap(feed), error)
    return not_yet(words) if words else yes()


class _Failed(Exception):
    """Be what the news fail with."""


def _served(
    feed: Callable[..., Awaitable[web.StreamResponse]],
    news: Callable[[], AsyncGenerator[bytes, None]],
    here: list[object],
    raised: list[Exception],
    over: asyncio.Event,
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler that feeds news of its own to each request, and notes what it raised, and its end."""

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            async with aclosing(news()) as pieces:
                return await feed(request, pieces, here)
        except Exception as error:
            raised.append(error)
            raise
        finally:
            over.set()

    return handler


async def _stop(feed: Callable[..., Awaitable[web.StreamResponse]], error: Exception | None) -> str:
    """End the news after one piece, or let them fail; return what is wrong with the handler's end."""
    stays = object()
    here: list[object] = [stays]
    over = asyncio.Event()
    raised: list[Exception] = []

    async def news() -> AsyncGenerator[bytes, None]:
        yield b"news"
        if error:
            raise error

    what = "failed" if error else "ended"
    async with Town(keep=64 * KIB) as town:
        await town.open("news.test", _served(feed, news, here, raised, over))
        client = ClientSession(connector=town.connector("client"))
        with suppress(ClientError):
            async with client, client.get("http://news.test/") as answer:
                try:
                    async with asyncio.timeout(ENOUGH):
                        await over.wait()
                except TimeoutError:
                    return f"The news {what}, and your handler goes on."
                if not raised and (came := await answer.read()) != b"news":
                    return f"The news were b'news', and the client got {came!r:.40}."
    if len(here) > 1:
        return f"The news {what}, and its request still stands in the list."
    if isinstance(error, ConnectionError) and error not in raised:
        return (
            f"The news failed with {type(error).__name__}, and your handler took that for a client that has "
            "left: catch around the write alone."
        )
    if error and error not in raised:
        return "The news failed, and your handler hid it: catch only what means that the client has left."
    return ""


async def _leave(feed: Callable[..., Awaitable[web.StreamResponse]], size: int) -> str:
    """Take a piece and leave; return what is wrong with the handler's end, if anything."""
    stays = object()
    here: list[object] = [stays]
    over = asyncio.Event()
    raised: list[Exception] = []
    early, entered = True, False

    async def news() -> AsyncGenerator[bytes, None]:
        while True:
            yield bytes(size)
            await asyncio.sleep(0)

    async with Town(keep=64 * KIB) as town:
        await town.open("news.test", _served(feed, news, here, raised, over))
        client = ClientSession(connector=town.connector("client"))
        with suppress(ClientError):  # a handler that fails breaks off
            async with client, client.get("http://news.test/") as answer:
                await answer.content.readany()
                early, entered = over.is_set(), len(here) > 1
        try:
            async with asyncio.timeout(ENOUGH):
                await over.wait()
        except TimeoutError:
            return "The client has left, and your handler goes on."
    if raised:
        return f"It raised {type(raised[0]).__name__} when the client left."
    if early:
        return "Your handler ended while the client was still there."
    if not entered:
        return "While its client was there, the request was not in the list."
    if stays not in here:
        return "There was another client, which stays, and you took it out of the list."
    return "The client has left, and its request still stands in the list." if len(here) > 1 else ""


PLACES, EVENTS = 4, 20

_OFFER = "def offer(queue, event):\n    "


@exercise(
    "one-slow-listener",
    lesson=LESSON,
    stars=3,
    minutes=15,
    hint="If `queue.full()`, take one with `get_nowait()`. Then `put_nowait(event)`.",
    wants="value",
    wrong={
        _OFFER + "queue.put_nowait(event)": "QueueFull",
        _OFFER + "if not queue.full():\n        queue.put_nowait(event)": "newest",
        _OFFER + "queue._queue.append(event)": "nobody was woken",
        _OFFER
        + "while not queue.empty():\n        queue.get_nowait()\n    queue.put_nowait(event)": "oldest",
        _OFFER + "while queue.full():\n        while not queue.empty():\n"
        "            queue.get_nowait()\n    queue.put_nowait(event)": "keeps 1:",
        _OFFER + "if queue.full():\n        queue.get_nowait()\n        queue.get_nowait()\n"
        "    queue.put_nowait(event)": "keeps 3:",
        _OFFER + "return queue.put(event)": "await",
        "async def offer(queue, event):\n    await queue.put(event)": "plain",
    },
)
async def one_slow_listener(offer: Any) -> Attempt:
    """Demand that a listener who reads gets every event, and one who does not is kept the newest four."""
    if inspect.iscoroutinefunction(offer) or not callable(offer):
        return not_yet("A plain function was asked for, a `def`: nobody waits for it.")
    queues: dict[str, asyncio.Queue[bytes]] = {}
    events = [f"event {number}\n".encode() for number in range(EVENTS)]
    words = ""

    async def listen(request: web.Request) -> web.StreamResponse:
        queue = queues[request.path] = asyncio.Queue(PLACES)
        out = web.StreamResponse()
        await out.prepare(request)
        await out.write(b"\n")
        if request.path == "/slow":
            await gate  # as in a write that waits
        while True:
            await out.write(await queue.get())

    async with Town() as town:
        with Gate("the slow listener") as gate:
            await town.open("news.test", listen)
            async with (
                ClientSession(connector=town.connector("client")) as client,
                client.get("http://news.test/slow"),
                client.get("http://news.test/quick") as quick,
            ):
                await quick.content.readline()
                slow = queues["/slow"]
                for number, event in enumerate(events, 1):
                    if words := _offered(offer, queues, event):
                        break
                    try:
                        async with asyncio.timeout(ENOUGH):
                            await quick.content.readline()
                    except TimeoutError:
                        words = "The quick listener got no event: it was put, and nobody was woken."
                        break
                    if slow.qsize() != min(number, PLACES):
                        break
                kept = [slow.get_nowait() for _ in range(slow.qsize())]
    if not words and kept != events[max(number - PLACES, 0) : number]:
        newest = kept and kept[-1] == events[number - 1]
        words = (
            f"The slow listener's queue should keep the {PLACES} newest, and keeps {len(kept)}: of those "
            f"that wait, {'only the oldest goes' if newest else 'the newest was lost'}."
        )
    return not_yet(words, town.trace) if words else yes(town.trace)


def _offered(offer: Any, queues: dict[str, asyncio.Queue[bytes]], event: bytes) -> str:
    for queue in queues.values():
        try:
            reply = offer(queue, event)
        except asyncio.QueueFull:
            return "It raised QueueFull: there was no room for the event, and none was made."
        if inspect.iscoroutine(reply):
            reply.close()
            return (
                "It returned a call that nobody awaits: `put` waits for room, and nobody here can await it."
            )
    return "" if queues["/quick"].qsize() else "The quick listener's queue was empty, and nothing was put."
