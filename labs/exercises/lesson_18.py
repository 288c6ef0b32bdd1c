"""The exercises of lesson 18."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "18_look_inside"
HERE = "127.0.0.1"
GREETING = "Hello, World!"

LINES = {
    "a": 'site = web.TCPSite(runner, "127.0.0.1", 0)',
    "b": "await runner.cleanup()",
    "c": "server = web.Server(app)",
    "d": "await runner.setup()",
    "e": "web.run_app(app)",
    "f": "runner = web.AppRunner(app)",
    "g": "await site.start()",
    "h": "client = aiohttp.Client()",
}


async def _greet(request: web.Request) -> web.StreamResponse:
    return web.Response(text=GREETING)


def _app(done: list[str]) -> web.Application:
    async def started(app: web.Application) -> None:
        done.append("on_startup")

    async def cleaned(app: web.Application) -> None:
        done.append("on_cleanup")

    app = web.Application()
    app.router.add_get("/", _greet)
    app.on_startup.append(started)
    app.on_cleanup.append(cleaned)
    return app


async def _page(address: tuple[str, int]) -> str:
    try:
        async with ClientSession() as client, client.get(f"http://{address[0]}:{address[1]}/") as answer:
            return await answer.text()
    except ClientError as error:
        return type(error).__name__


@exercise(
    "put-in-order",
    lesson=LESSON,
    stars=1,
    minutes=6,
    wants="value",
    hint="A site asks its runner for the Server when it is made, and setup() makes that.",
    wrong={
        "def order():\n    return 'fadgb'": "before setup",
        "def order():\n    return 'dfagb'": "no runner yet",
        "def order():\n    return 'fdgab'": "no site yet",
        "def order():\n    return 'fdabg'": "is over",
        "def order():\n    return 'fdag'": "Five letters",
        "def order():\n    return 'fdagc'": "500",
        "def order():\n    return 'fdage'": "a loop of its own",
        "def order():\n    return 'hfdag'": "no such class",
        "def order():\n    return 'fdaab'": "twice",
        "def order():\n    return ['f', 'd', 'a', 'g', 'z']": "only the letters",
    },
)
async def put_in_order(order: Any) -> Attempt:
    """Demand the five lines that serve an application, by running them in the order given."""
    if not callable(order) or is_async(order):
        return not_yet("Write a plain `def order():` that returns the letters.")
    given = order()
    letters = list(given) if isinstance(given, str | list | tuple) else []
    if not letters or any(it not in [*LINES] for it in letters):
        return not_yet('Give a string of letters, and only the letters from a to h, such as "abcde".')
    if len(letters) != 5:
        return not_yet(f"Five letters are needed, and these are {len(letters)}.")
    if twins := sorted({it for it in letters if letters.count(it) > 1}):
        return not_yet(f"{twins[0]} stands there twice: each line is run once.")
    done: list[str] = []
    app, runner, site, served = _app(done), None, None, ""
    try:
        for letter in letters:
            amiss = _too_soon(letter, runner, site, done)
            if amiss:
                return not_yet(f"Line {letter}, `{LINES[letter]}`: {amiss}")
            match letter:
                case "f":
                    runner = web.AppRunner(app, access_log=None)
                case "d" if runner:
                    await runner.setup()
                case "a" if runner:
                    site = web.TCPSite(runner, HERE, 0)
                case "g" if runner and site:
                    await site.start()
                    served = await _page(runner.addresses[0])
                case "b" if runner:
                    await runner.cleanup()
    finally:
        if runner is not None and "on_cleanup" not in done:
            await runner.cleanup()
    return yes() if served == GREETING else not_yet("Nobody was greeted: when does it listen?")


def _too_soon(letter: str, runner: object, site: object, done: list[str]) -> str:
    """Say why a line cannot do its part where it stands, or nothing."""
    if letter == "c":
        return "with an application in it, such a Server answers every request with 500, and nobody needs it."
    if letter == "e":
        return "it wants a loop of its own, and here one runs already."
    if letter == "h":
        return "there is no such class, and a server needs no client."
    if letter in ("a", "b", "d") and runner is None:
        return "there is no runner yet."
    if letter == "g" and site is None:
        return "there is no site yet."
    if letter in ("a", "g") and "on_cleanup" in done:
        return "the runner has cleaned up, so it is over."
    if letter == "a" and "on_startup" not in done:
        return "a site that is made before setup() finds no Server, and raises RuntimeError."
    return ""


_SERVE = (
    "from aiohttp import web\n\n"
    "async def serve(app, port):\n"
    "    runner = web.AppRunner(app)\n"
    "    await runner.setup()\n"
)
_SAFE = (
    "    try:\n"
    "        await web.TCPSite(runner, '127.0.0.1', port).start()\n"
    "    except {what}:\n"
    "        {then}\n"
)


@exercise(
    "start-or-clean-up",
    lesson=LESSON,
    stars=2,
    minutes=10,
    wants="value",
    hint="on_startup has run when start() fails: `await runner.cleanup()`, and then `raise`.",
    wrong={
        _SERVE
        + "    await web.TCPSite(runner, '127.0.0.1', port).start()\n"
        + "    return runner": "what on_startup opened is still open",
        _SERVE + "    await web.TCPSite(runner, port=port).start()\n    return runner": "every address",
        _SERVE + "    web.TCPSite(runner, '127.0.0.1', port)\n    return runner": "listens nowhere",
        _SERVE
        + _SAFE.format(what="OSError", then="await runner.cleanup()")
        + "    return runner": "hears nothing",
        _SERVE
        + _SAFE.format(what="OSError", then="await runner.cleanup()\n        raise"): "returned NoneType",
        _SERVE
        + "    await web.TCPSite(runner, '127.0.0.1', port).start()\n"
        + "    await runner.cleanup()\n"
        + "    return runner": "listens nowhere",
        _SERVE
        + "    try:\n"
        + "        await web.TCPSite(runner, '127.0.0.1', 0).start()\n"
        + "    except OSError:\n"
        + "        await runner.cleanup()\n"
        + "        raise\n"
        + "    return runner": "another port",
        "from aiohttp import web\n\n"
        "async def serve(app, port):\n"
        "    runner = web.AppRunner(app)\n"
        "    await web.TCPSite(runner, '127.0.0.1', port).start()\n"
        "    return runner": "Call runner.setup() before",
        "def serve(app, port):\n    return app": "async def",
    },
)
async def start_or_clean_up(serve: Any) -> Attempt:
    """Demand a runner that serves at one address, and nothing left open where the port is taken."""
    if not is_async(serve):
        return not_yet("Write an `async def` that takes an application and a port.")
    with _ended(), socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        done: list[str] = []
        runner = None
        try:
            runner = await serve(_app(done), port)
        except OSError:
            if "on_cleanup" not in done:
                failed = "The port was taken, and what on_startup opened is still open: clean up."
            else:
                failed = ""
        else:
            failed = "The port was taken, and whoever called it hears nothing of that: let the OSError out."
        finally:
            await _end(runner)
    with _ended():  # what comes when all is well is told first: a learner tries that first
        return await _serves(serve, port) or (not_yet(failed) if failed else yes())


async def _serves(serve: Any, port: int) -> Attempt | None:
    done: list[str] = []
    runner = None
    try:
        runner = await serve(_app(done), port)
        if not isinstance(runner, web.AppRunner):
            return not_yet(f"It returned {type(runner).__name__}: return the runner.")
        if not runner.addresses:
            return not_yet("It listens nowhere: what does start() do, and what ends it?")
        if any(address[0] != HERE for address in runner.addresses):
            return not_yet(f"It listens at every address of this computer: give the host {HERE}.")
        if [address[1] for address in runner.addresses] != [port]:
            return not_yet("It listens at another port than it was told.")
        if (page := await _page(runner.addresses[0])) != GREETING:
            return not_yet(f"A visitor was not greeted, and heard {page}.")
    finally:
        await _end(runner)
    return None


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    """End what listens in the block, also where the runner was lost."""
    loop: Any = asyncio.get_running_loop()
    create, opened = loop.create_server, []

    async def create_server(*args: Any, **options: Any) -> Any:
        opened.append(await create(*args, **options))
        return opened[-1]

    loop.create_server = create_server
    try:
        yield
    finally:
        del loop.create_server
        for server in opened:
            server.close()


async def _end(runner: Any) -> None:
    if isinstance(runner, web.AppRunner):
        with contextlib.suppress(Exception):
            await runner.cleanup()


_ROUTER = "from aiohttp import web\n\nasync def router(request):\n"
_GREET = "    return web.Response(text='Hello, World!')"
_NOPE = "    if request.path != '/':\n        raise web.HTTPNotFound()\n"


@exercise(
    "be-the-router",
    lesson=LESSON,
    stars=3,
    minutes=12,
    hint="Look at request.path first, then at request.method; HTTPMethodNotAllowed writes Allow.",
    wrong={
        _ROUTER + _GREET: "/nope heard 200",
        _ROUTER + _NOPE + _GREET: "POST / heard 200",
        _ROUTER
        + _NOPE
        + "    if request.method != 'GET':\n        raise web.HTTPNotFound()\n"
        + _GREET: "HEAD",
        _ROUTER
        + _NOPE
        + "    if request.method not in ('GET', 'HEAD'):\n        raise web.HTTPNotFound()\n"
        + _GREET: "there is a page",
        _ROUTER
        + _NOPE
        + "    if request.method not in ('GET', 'HEAD'):\n        return web.Response(status=405)\n"
        + _GREET: "Allow",
        _ROUTER
        + "    if request.path_qs != '/':\n        raise web.HTTPNotFound()\n"
        + "    if request.method not in ('GET', 'HEAD'):\n"
        + "        raise web.HTTPMethodNotAllowed(request.method, ['GET', 'HEAD'])\n"
        + _GREET: "query",
        _ROUTER
        + "    if request.method not in ('GET', 'HEAD'):\n"
        + "        raise web.HTTPMethodNotAllowed(request.method, ['GET', 'HEAD'])\n"
        + _NOPE
        + _GREET: "no page at all",
        _ROUTER
        + "    if request.match_info['path'] != '/':\n        raise web.HTTPNotFound()\n"
        + _GREET: "match_info",
    },
)
async def be_the_router(router: Any) -> Attempt:
    """Demand of a bare Server's handler the greeting at /, 404 for other paths, 405 with Allow."""
    asked = (
        ("GET", "/"),
        ("GET", "/nope"),
        ("HEAD", "/"),
        ("POST", "/"),
        ("GET", "/?who=me"),
        ("PUT", "/nope"),
    )
    heard: list[tuple[int, str, str]] = []
    async with Town() as town:
        await town.open("front.test", web.Server(router, access_log=None))
        async with ClientSession(connector=town.connector("client")) as client:
            for method, target in asked:
                async with client.request(method, f"http://front.test{target}") as answer:
                    heard.append((answer.status, await answer.text(), answer.headers.get("Allow", "")))
    trace = town.trace
    page, nope, head, post, query, put = heard
    if page[:2] != (200, GREETING):
        return not_yet(f"GET / heard {page[0]} and {page[1].strip() or 'nothing'!r}.", trace)
    if nope[0] != 404:
        return not_yet(f"GET /nope heard {nope[0]}: there is no such page.", trace)
    if head[0] != 200:
        return not_yet(f"HEAD / heard {head[0]}: it asks for the head of what GET gets.", trace)
    if post[0] != 405:
        why = "there is a page, but not for this method" if post[0] == 404 else "nobody offered it"
        return not_yet(f"POST / heard {post[0]}: {why}.", trace)
    if {it.strip() for it in post[2].split(",")} != {"GET", "HEAD"}:
        return not_yet("POST / heard 405, and Allow does not say what would do.", trace, show=("Allow",))
    if query[:2] != (200, GREETING):
        return not_yet(f"GET /?who=me heard {query[0]}: a query is no part of the path.", trace)
    if put[0] != 404:
        return not_yet(f"PUT /nope heard {put[0]}, and there is no page at all.", trace)
    return yes(trace)
