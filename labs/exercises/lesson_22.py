"""The exercises of lesson 22."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import warnings
from collections.abc import Coroutine, Iterator
from typing import Any

from aiohttp import ClientError, ClientPayloadError, ClientSession, web

from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "22_close_what_you_open"
LISTENERS = 3
HELLO = "hello " * 200_000  # more than comes before somebody reads

_PAGE = "async def page_of(make, url):\n"
_TEXT = "async with session.get(url) as response:\n            return await response.text()\n"


@exercise(
    "use-and-close",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="Two things must be left in order: the session, and the answer.",
    wants="value",
    wrong={
        _PAGE + "    session = make()\n    if session:\n        " + _TEXT: "left open",
        _PAGE
        + "    session = make()\n    try:\n        "
        + _TEXT
        + "    finally:\n        session.close()": "nobody awaited",
        _PAGE
        + "    session = make()\n    async with session.get(url) as response:\n"
        + "        text = await response.text()\n    await session.close()\n    return text": "refused",
        _PAGE
        + "    async with make() as session:\n        response = await session.get(url)\n"
        + "    return await response.text()": "before it was read",
        _PAGE + "    async with make() as session:\n        return session.get(url)": "not the text",
        _PAGE
        + "    async with make() as session:\n        async with session.get(url) as response:\n"
        + "            return response.text()": "not the text",
        _PAGE
        + "    try:\n        async with make() as session, session.get(url) as response:\n"
        + "            return await response.text()\n    except Exception:\n        return ''": "goes unseen",
        _PAGE
        + "    async with make() as session, session.get(url) as response:\n"
        + "        await response.text()": "None",
        "def page_of(make, url):\n    return make().get(url)": "async def",
    },
)
async def use_and_close(page_of: Any) -> Attempt:
    """Demand a page, and a session that is closed on every path."""
    if not is_async(page_of):
        return not_yet("It has to wait for the page: write an `async def`.")

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=HELLO)

    made: list[ClientSession] = []
    got: dict[str, object] = {}
    async with Town() as town:
        await town.open("shop.test", hello)
        await town.open("gone.test", hello)
        await town.close("gone.test")

        def make() -> ClientSession:
            made.append(ClientSession(connector=town.connector("client")))
            return made[-1]

        for name in ("shop.test", "gone.test"):
            try:
                with _unawaited():
                    got[name] = await page_of(make, f"http://{name}/")
            except (ClientError, RuntimeError) as error:  # RuntimeError: read after its session was closed
                got[name] = error
        left = [not it.closed for it in made]
        for session in made:
            await session.close()
    return _used(got, left, len(made))


@contextlib.contextmanager
def _unawaited() -> Iterator[None]:
    """Let an answer forget an `await` without Python's warning of it: the reply says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _used(got: dict[str, object], left: list[bool], made: int) -> Attempt:
    page = got["shop.test"]
    for it in got.values():
        if isinstance(it, Coroutine):  # a call that nobody awaited
            it.close()
    if isinstance(page, Exception):
        return not_yet(f"The answer was let go before it was read: {type(page).__name__}.")
    if page != HELLO:
        return not_yet(
            f"It returned {type(page).__name__}, not the text of the page." if page else "It returned None."
        )
    if left and left[0]:
        return not_yet("The session is left open. If you called `close()`: nobody awaited it.")
    if len(left) > 1 and left[1]:
        return not_yet("When the server refused, the session stayed open: close it on that path, too.")
    if not isinstance(got["gone.test"], ClientError):
        return not_yet("The server refused, and your caller is not told: the error goes unseen.")
    return yes() if made == 2 else not_yet(f"It made {made} sessions for two pages.")


_APP = "async def client_of(app, make):\n"
_KEY = "CLIENT = web.AppKey('CLIENT', ClientSession)\n\n"


@exercise(
    "open-with-the-app",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="What stands before the yield runs before serving, what stands after it at the end.",
    wants="value",
    wrong={
        _KEY + _APP + "    app[CLIENT] = make()\n    yield": "left open",
        _KEY + _APP + "    app[CLIENT] = make()\n    yield\n    app[CLIENT].close()": "nobody awaited",
        _KEY + _APP + "    app[CLIENT] = make()\n    await app[CLIENT].close()\n    yield": "closed while",
        _KEY
        + _APP
        + "    async with make() as session:\n        app[CLIENT] = session\n    yield": "closed while",
        _KEY + _APP + "    app[CLIENT] = make()\n    await app[CLIENT].close()": "yield",
        _APP + "    session = make()\n    yield\n    await session.close()": "no session",
        _KEY
        + _APP
        + "    make()\n    app[CLIENT] = make()\n    yield\n    await app[CLIENT].close()": "2 sessions",
        "def client_of(app, make):\n    return make()": "yield",
    },
)
async def open_with_the_app(context: Any) -> Attempt:
    """Demand a session that is open while the application serves, and closed when it is over."""
    made: list[ClientSession] = []
    seen: dict[str, bool] = {}

    async def state(request: web.Request) -> web.Response:
        sessions = [it for it in request.app.values() if isinstance(it, ClientSession)]
        seen["there"] = bool(sessions)
        seen["open"] = bool(sessions) and not sessions[0].closed
        return web.Response()

    async with Town() as town:

        def make() -> ClientSession:
            made.append(ClientSession(connector=town.connector("shop.test")))
            return made[-1]

        probe = context(web.Application(), make)
        if not inspect.isasyncgen(probe):
            if inspect.iscoroutine(probe):
                probe.close()
            for session in made:
                await session.close()
            return not_yet("A context has a `yield`, in an `async def`: before it begins, after it ends.")
        app = web.Application()
        app.cleanup_ctx.append(functools.partial(_with, context, make))
        app.router.add_get("/", state)
        await town.open("shop.test", app)
        async with ClientSession(connector=town.connector("client")) as client:
            (await client.get("http://shop.test/")).release()
        with _unawaited():
            await town.close("shop.test")
        left = [it for it in made if not it.closed]
        for session in made:
            await session.close()
    if not seen["there"]:
        return not_yet("While the application served there was no session at app[CLIENT].")
    if not seen["open"]:
        return not_yet(
            "The session was closed while the application still served: close it after the `yield`."
        )
    if len(made) != 1:
        return not_yet(f"It made {len(made)} sessions: one is enough.")
    if left:
        return not_yet("The session is left open. If you called `close()`: nobody awaited it.")
    return yes()


def _with(context: Any, make: Any, app: web.Application) -> Any:
    return context(app, make)


_BYE = "async def goodbye(queues):\n"


@exercise(
    "say-goodbye",
    lesson=LESSON,
    stars=3,
    minutes=11,
    hint="A queue can take two things, one after the other: what is said last, and None.",
    wants="value",
    wrong={
        _BYE + "    for queue in queues:\n        queue.put_nowait(None)": "no goodbye",
        _BYE + "    for queue in queues:\n        queue.put_nowait('bye')": "cut off",
        _BYE + "    queues.clear()": "cut off",
        _BYE
        + "    queue = next(iter(queues))\n    queue.put_nowait('bye')\n    queue.put_nowait(None)": "1 of 3",
        _BYE
        + "    for queue in queues:\n        queue.put_nowait(None)\n"
        + "        queue.put_nowait('bye')": "no goodbye",
        _BYE
        + "    for queue in queues:\n        queue.put_nowait('goodbye')\n"
        + "        queue.put_nowait(None)": "'goodbye'",
        _BYE + "    for queue in queues:\n        queue.put('bye')\n        queue.put(None)": "cut off",
        _BYE
        + "    for queue in queues:\n        queue.put_nowait('bye')\n        queue.put_nowait('bye')\n"
        + "        queue.put_nowait(None)": "twice",
        "async def goodbye(queues):\n    return 0": "cut off",
        "def goodbye(queues):\n    return 0": "async def",
    },
)
async def say_goodbye(goodbye: Any) -> Attempt:
    """Demand that each listener hears `bye` and then the end of its answer, when the server goes down."""
    if not is_async(goodbye):
        return not_yet("A signal's function is an `async def`.")
    queues: set[asyncio.Queue[str | None]] = set()
    all_here = asyncio.Event()

    async def listen(request: web.Request) -> web.StreamResponse:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        queues.add(queue)
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"hello\n")
        if len(queues) == LISTENERS:
            all_here.set()
        try:
            while (word := await queue.get()) is not None:
                await answer.write(f"{word}\n".encode())
        finally:
            queues.discard(queue)
        return answer

    async def shut_down(app: web.Application) -> None:
        await goodbye(queues)

    app = web.Application()
    app.on_shutdown.append(shut_down)
    app.router.add_get("/", listen)
    async with Town() as town:
        await town.open("shop.test", app, shutdown_timeout=0.2)
        async with ClientSession(connector=town.connector("client")) as client:
            heard = await asyncio.gather(*(_listen(client) for _ in range(LISTENERS)), _down(town, all_here))
    return _said(heard[:LISTENERS])


async def _listen(client: ClientSession) -> str | None:
    with contextlib.suppress(ClientPayloadError):
        async with client.get("http://shop.test/") as answer:
            return await answer.text()
    return None


async def _down(town: Town, all_here: asyncio.Event) -> None:
    await all_here.wait()
    with _unawaited():
        await town.close("shop.test")


def _said(heard: list[str | None]) -> Attempt:
    whole = [it for it in heard if it is not None]
    if not whole:
        return not_yet("Every listener was cut off in the middle: end its answer by `None`.")
    if len(whole) < len(heard):
        return not_yet(f"Only {len(whole)} of {len(heard)} listeners heard the end.")
    words = whole[0].split()[1:]
    if not words:
        return not_yet("The answers end in good order, and with no goodbye.")
    if words != ["bye"]:
        return not_yet(
            "A listener heard 'bye' twice." if set(words) == {"bye"} else f"A listener heard {words[0]!r}."
        )
    return yes()
