"""The exercises of lesson 18."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, web

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, is_async, not_yet, yes
from labs.town.town import Town

LESSON = "18_look_inside"
PORT = 9000


@exercise(
    "for-me-alone",
    lesson=LESSON,
    stars=1,
    minutes=4,
    hint="Without host= it is every address. Which one can only this computer reach?",
    wants="value",
    wrong={
        "options = {'port': 9000}": "every address",
        "options = {'host': None, 'port': 9000}": "every address",
        "options = {'host': '0.0.0.0', 'port': 9000}": "every address",
        "options = {'host': '::', 'port': 9000}": "every address",
        "options = {'host': '127.0.0.1'}": "8080",
        "options = {'host': '127.0.0.1', 'port': '9000'}": "a number",
        "options = {'host': '127.0.0.1:9000'}": "in host=",
        "options = {'host': '192.168.1.5', 'port': 9000}": "another computer",
        "options = ('127.0.0.1', 9000)": "a dict",
        "options = {'address': '127.0.0.1', 'port': 9000}": "takes no 'address'",
        "options = {'host': 'example.com', 'port': 9000}": "a name",
    },
)
async def for_me_alone(options: Any) -> Attempt:
    """Demand arguments with which run_app listens on loopback, at port 9000."""
    if not isinstance(options, Mapping):
        return not_yet(f"This is a {type(options).__name__}; give a dict of arguments.")
    if strange := [it for it in options if it not in ("host", "port")]:
        return not_yet(f"`run_app` takes no {strange[0]!r} that says where it listens: use host and port.")
    host, port = options.get("host"), options.get("port", 8080)
    if isinstance(host, list | tuple) and len(host) == 1:
        host = host[0]
    if host is None:
        return not_yet("Without a host it listens on every address of your computer.")
    if not isinstance(host, str):
        return not_yet(f"The host is a {type(host).__name__}; give an address as text.")
    if host != "localhost":
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            name = "a port stands in host=: it has a place of its own" if ":" in host else "it is a name"
            return not_yet(f"{host!r} is no address: {name}.")
        if address.is_unspecified:
            return not_yet(f"{host} stands for every address of your computer.")
        if not address.is_loopback:
            return not_yet(f"At {host} another computer can reach it, if the address is yours at all.")
    if port == PORT and isinstance(port, int):
        return yes()
    if not isinstance(port, int):
        return not_yet(f"The port is {port!r}: give a number.")
    return not_yet(f"It listens at port {port}, which is not {PORT}.")


@exercise(
    "step-by-step",
    lesson=LESSON,
    stars=2,
    minutes=8,
    hint="Make a runner, set it up, make a site, start it. Which of these are awaited?",
    wants="value",
    wrong={
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await web.TCPSite(runner, '127.0.0.1', 0).start()\n"
        "    return runner": "setup()",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    return runner": "no site",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    web.TCPSite(runner, '127.0.0.1', 0)\n"
        "    return runner": "no site",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    await web.TCPSite(runner, port=0).start()\n"
        "    return runner": "every address",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    await web.TCPSite(runner, '127.0.0.1', 0).start()": "returned NoneType",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    site = web.TCPSite(runner, '127.0.0.1', 0)\n"
        "    await site.start()\n"
        "    return site": "returned TCPSite",
        "async def serve(app):\n    web.run_app(app, host='127.0.0.1', port=0)": "a loop of its own",
        "async def serve(app):\n    return web.AppRunner(app)": "setup()",
        "async def serve(app):\n"
        "    runner = web.AppRunner(web.Application())\n"
        "    await runner.setup()\n"
        "    await web.TCPSite(runner, '127.0.0.1', 0).start()\n"
        "    return runner": "404",
        "async def serve(app):\n"
        "    runner = web.AppRunner(app)\n"
        "    await runner.setup()\n"
        "    await web.TCPSite(runner, '127.0.0.1', 0).start()\n"
        "    await runner.cleanup()\n"
        "    return runner": "cleaned up already",
        "def serve(app):\n    return web.AppRunner(app)": "async def",
    },
)
async def step_by_step(serve: Any) -> Attempt:
    """Demand a runner whose site listens on loopback and serves the application."""
    if not is_async(serve):
        return not_yet("Two of the steps must be awaited: write an `async def`.")

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    if "run_app" in getattr(getattr(serve, "__code__", None), "co_names", ()):
        return not_yet("`run_app` wants a loop of its own, and one runs here already.")
    app = web.Application()
    app.router.add_get("/", hello)
    with _listening() as servers:
        try:
            runner = await serve(app)
        except RuntimeError as error:
            return not_yet(f"{error} A runner is set up, by `setup()`, before its site is started.")
        if not isinstance(runner, web.AppRunner | web.ServerRunner):
            kind = type(runner).__name__
            return not_yet(f"It returned {kind}: whoever called needs the runner, to clean up.")
        try:
            return await _reached(runner, begun=bool(servers))
        finally:
            await runner.cleanup()


@contextlib.contextmanager
def _listening() -> Iterator[list[asyncio.Server]]:
    """Yield the servers that are made meanwhile, and close them: an answer may lose its runner."""
    servers: list[asyncio.Server] = []
    loop: Any = asyncio.get_running_loop()

    async def create_server(*arguments: Any, **options: Any) -> asyncio.Server:
        servers.append(await type(loop).create_server(loop, *arguments, **options))
        return servers[-1]

    loop.create_server = create_server
    try:
        yield servers
    finally:
        del loop.create_server
        for server in servers:
            server.close()


async def _reached(runner: Any, *, begun: bool) -> Attempt:
    if runner.server is None:
        if begun:
            return not_yet("It was cleaned up already: leave that to whoever called.")
        return not_yet("The runner is made and no more: `setup()` makes its server, if you await it.")
    if not runner.addresses:
        return not_yet("It listens nowhere: no site was started. Did you await `start()`?")
    if any(not ipaddress.ip_address(it[0]).is_loopback for it in runner.addresses):
        return not_yet("It listens on every address of your computer: give the site a host.")
    host, port = runner.addresses[0][:2]
    try:
        async with ClientSession() as client, client.get(f"http://{host}:{port}/") as answer:
            status = answer.status
    except ClientError as error:
        return not_yet(f"A client could not get the page: {type(error).__name__}.")
    return (
        yes() if status == 200 else not_yet(f"A client heard {status}: is it the application that was given?")
    )


ASKED = (
    ("GET", "/"),
    ("GET", "/nope"),
    ("POST", "/"),
    ("GET", "/nope?/"),
    ("POST", "/nope"),
    ("GET", "/?q=1"),
)
DUE = {("GET", "/"): 200, ("POST", "/"): 405, ("GET", "/?q=1"): 200}
_BY_HAND = "async def by_hand(request):\n"
_HELLO = "    return web.Response(text='Hello, World!')"


@exercise(
    "without-routes",
    lesson=LESSON,
    stars=3,
    minutes=8,
    hint="request.path and request.method decide. aiohttp has exceptions for 404 and 405.",
    wrong={
        _BY_HAND + _HELLO: "heard 200 for GET /nope",
        _BY_HAND
        + "    if request.path != '/':\n        raise web.HTTPNotFound()\n"
        + _HELLO: "heard 200 for POST /",
        _BY_HAND
        + "    if request.method != 'GET':\n        raise web.HTTPMethodNotAllowed(request.method, ['GET'])\n"
        + "    if request.path != '/':\n        raise web.HTTPNotFound()\n"
        + _HELLO: "heard 405 for POST /nope",
        _BY_HAND
        + "    if request.path_qs != '/':\n        raise web.HTTPNotFound()\n"
        + "    if request.method != 'GET':\n        raise web.HTTPMethodNotAllowed(request.method, ['GET'])\n"
        + _HELLO: "heard 404 for GET /?q=1",
        _BY_HAND
        + "    if request.path != '/':\n        raise web.HTTPNotFound()\n"
        + "    if request.method != 'GET':\n        return web.Response(status=405)\n"
        + _HELLO: "Allow",
        _BY_HAND
        + "    if request.path != '/':\n        raise web.HTTPNotFound()\n"
        + "    if request.method != 'GET':\n"
        + "        raise web.HTTPMethodNotAllowed(request.method, ['POST'])\n"
        + _HELLO: "Allow",
        _BY_HAND
        + "    if request.path != '/':\n        return web.Response(text='Not Found')\n"
        + "    if request.method != 'GET':\n        raise web.HTTPMethodNotAllowed(request.method, ['GET'])\n"
        + _HELLO: "heard 200 for GET /nope",
        _BY_HAND
        + "    if request.path != '/':\n        raise web.HTTPNotFound()\n"
        + "    if request.method != 'GET':\n        raise web.HTTPMethodNotAllowed(request.method, ['GET'])\n"
        + "    return web.Response(text='hello')": "'hello'",
    },
)
async def without_routes(handler: Any) -> Attempt:
    """Demand of one function what an application's router does for a page at /."""
    heard: dict[tuple[str, str], tuple[int, str]] = {}
    async with Town() as town:
        await town.open("front.test", web.Server(handler))
        async with ClientSession("http://front.test", connector=town.connector("client")) as client:
            for method, path in ASKED:
                with contextlib.suppress(ClientError):
                    async with client.request(method, path) as answer:
                        heard[method, path] = answer.status, await answer.text()
    return _routed(heard, town.trace)


def _routed(heard: Mapping[tuple[str, str], tuple[int, str]], trace: Trace) -> Attempt:
    for method, path in ASKED:
        status, text = heard.get((method, path), (0, ""))
        due = DUE.get((method, path), 404)
        if status != due:
            return not_yet(
                f"The client heard {status or 'nothing'} for {method} {path}: that is a {due}.", trace
            )
        if due == 200 and text != "Hello, World!":
            return not_yet(f"The page says {text!r}.", trace)
    allow = next(it.field("Allow") for it in trace.answers(whom="client") if it.status == 405)
    if allow != "GET":
        return not_yet(
            f"A 405 says in Allow which methods there are; this one says {allow or 'nothing'}.", trace
        )
    return yes(trace)
