"""The exercises of lesson 06."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from aiohttp import ClientResponse, ClientSession, web
from yarl import URL

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "06_keep_one_session"
PATHS = ("/green", "/black", "/white")


class _Tried(NamedTuple):
    came: object  # what was returned
    raised: str
    made: int  # sessions, of which some may be
    left_open: int


async def _try(town: Town, task: Callable[[Any], Awaitable[object]], base: str | None = None) -> _Tried:
    """Let a learner's code make sessions, and close those that it leaves open."""
    made: list[ClientSession] = []
    came: object = None
    raised = ""

    def make(**options: Any) -> ClientSession:
        made.append(ClientSession(base, connector=town.connector("client", **options)))
        return made[-1]

    try:
        came = await task(make)
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    finally:
        left_open = sum(not it.closed for it in made)
        for session in made:
            await session.close()
    return _Tried(came, raised, len(made), left_open)


async def _teas(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"{request.path[1:]} tea\n")


@exercise(
    "share-it",
    lesson=LESSON,
    stars=1,
    minutes=6,
    wants="value",
    hint="`async with make() as session:` around the loop, `async with session.get(path) as answer:` in it.",
    wrong={
        "async def look(make, paths):\n"
        "    texts = []\n"
        "    for path in paths:\n"
        "        async with make() as session, session.get(path) as answer:\n"
        "            texts.append(await answer.text())\n"
        "    return texts": "3 sessions",
        "async def look(make, paths):\n"
        "    session, texts = make(), []\n"
        "    for path in paths:\n"
        "        async with session.get(path) as answer:\n"
        "            texts.append(await answer.text())\n"
        "    return texts": "still open",
        "async def look(make, paths):\n"
        "    async def one(session, path):\n"
        "        async with session.get(path) as answer:\n"
        "            return await answer.text()\n\n"
        "    async with make() as session:\n"
        "        return await asyncio.gather(*(one(session, path) for path in paths))": "at once",
        "async def look(make, paths):\n"
        "    session, texts = make(), []\n"
        "    for path in paths:\n"
        "        async with session, session.get(path) as answer:\n"
        "            texts.append(await answer.text())\n"
        "    return texts": "Session is closed",
        "async def look(make, paths):\n"
        "    async with make() as session:\n"
        "        for path in paths:\n"
        "            async with session.get(path) as answer:\n"
        "                await answer.text()": "not None",
        "async def look(make, paths):\n    return [f'{path[1:]} tea\\n' for path in paths]": "heard nothing",
    },
)
async def share_it(look: Any) -> Attempt:
    """Demand three texts by one session over one connection, and that it is closed at the end."""
    async with Town() as town:
        await town.open("shop.test", _teas)
        tried = await _try(town, lambda make: look(make, PATHS), "http://shop.test")
    trace = town.trace
    if tried.raised:
        return not_yet(f"It raised {tried.raised}.", trace)
    if amiss := _other_than([f"{path[1:]} tea\n" for path in PATHS], tried.came):
        return not_yet(f"Return the list of texts, in the order of the paths, not {amiss}.", trace)
    if not trace.requests():
        return not_yet("The shop heard nothing: ask it for each of `paths`.", trace)
    if tried.made > 1:
        return not_yet(f"It made {tried.made} sessions, and no two share a connection: one will do.", trace)
    if tried.left_open:
        return not_yet("The session is still open: who closes it, on every path?", trace)
    if (many := trace.connections()) != 1:
        return not_yet(f"One session, but {many} connections: you ask for all pages at once.", trace)
    return yes(trace)


def _other_than(wanted: list[str], came: object) -> str:
    """Say what came instead of the texts that are wanted; nothing if they came."""
    if not isinstance(came, list | tuple):
        return "None" if came is None else f"a {type(came).__name__}"
    for it in came:
        if hasattr(it, "close"):
            it.close()  # a request that nobody awaited would complain in some later cell
    if strange := next((it for it in came if not isinstance(it, str)), None):
        return f"of objects like {type(strange).__name__}"
    return "" if list(came) == wanted else f"of {len(came)} other texts"


SITES = ("shop.test", "shop.test:8080", "shop.test.evil.test", "other.test", "help.shop.test")
ASKED = ("http://shop.test/", *(f"http://{it}/" for it in SITES[1:]))
ASKED += ("http://shop.test/?to=http://other.test/", "http://other.test/?to=http://shop.test/")


async def _site(request: web.Request) -> web.StreamResponse:
    if "to" in request.query:
        raise web.HTTPFound(request.query["to"])
    return web.Response(text="welcome\n")


_IF = "async def with_key(request, handler):\n    if {}:\n        request.headers['X-Api-Key'] = 'K'\n"


@exercise(
    "key-at-home",
    lesson=LESSON,
    stars=2,
    minutes=10,
    wants="value",
    hint="A middleware is called for every hop. Compare `request.url.origin()` with the shop's URL.",
    wrong={
        _IF.format("True") + "    return await handler(request)": "shop.test:8080 got",
        _IF.format("request.url.host == 'shop.test'") + "    return await handler(request)": "8080 got",
        _IF.format("str(request.url).startswith('http://shop.test')")
        + "    return await handler(request)": "8080 got",
        _IF.format("'shop.test' in request.url.host and request.url.port == 80")
        + "    return await handler(request)": "evil.test got",
        _IF.format("request.url.host.endswith('shop.test') and request.url.port == 80")
        + "    return await handler(request)": "help.shop.test got",
        _IF.format("request.url == 'http://shop.test'")
        + "    return await handler(request)": "a URL with a string",
        _IF.format("request.url.origin() == 'http://shop.test'")
        + "    return await handler(request)": "a URL with a string",
        "from yarl import URL\n\n"
        + _IF.format("request.url == URL('http://shop.test')")
        + "    return await handler(request)": "without the key",
        _IF.format("request.url.authority == 'shop.test'") + "    await handler(request)": "returned None",
        _IF.format("request.url.authority == 'shop.test'") + "    return handler(request)": "a coroutine",
        _IF.format("request.origin() == 'http://shop.test'") + "    return await handler(request)": "raised",
    },
)
async def key_at_home(with_key: Any) -> Attempt:
    """Demand the key at its own origin, asked directly or by redirect, and nowhere else."""
    mistakes: list[str] = []
    with_strings: list[object] = []
    true_eq = URL.__eq__

    def eq(self: URL, other: object) -> bool:
        if isinstance(other, str):
            with_strings.append(other)  # aiohttp itself compares URLs with URLs
        return true_eq(self, other)

    async def watched(request: Any, handler: Any) -> ClientResponse:
        try:
            with patch.object(URL, "__eq__", eq):
                answer = await with_key(request, handler)
        except Exception as error:
            mistakes.append(f"Your middleware raised {type(error).__name__}: {error}")
            raise
        if not isinstance(answer, ClientResponse):
            if hasattr(answer, "close"):
                answer.close()  # a coroutine that nobody awaited would complain later
            what = "None" if answer is None else f"a {type(answer).__name__}"
            mistakes.append(f"Your middleware returned {what}: write `return await handler(request)`.")
            raise TypeError(what)
        return answer

    async with Town() as town:
        for name in SITES:
            await town.open(name, _site, known_as=name)
        connector = town.connector("client")
        async with ClientSession(connector=connector, middlewares=(watched,)) as session:
            for url in ASKED:
                try:
                    async with session.get(url) as answer:
                        await answer.read()
                except Exception as error:
                    mistakes.append(f"To ask for {url} raised {type(error).__name__}: {error}")
                if mistakes:
                    return not_yet(mistakes[0], town.trace)
    trace = town.trace
    for it in trace.said:
        if it.message is not None and it.message.kind == "request":
            value = it.message.field("X-Api-Key")
            if it.whom != "shop.test" and value is not None:
                return not_yet(f"{it.whom} got the key, and is another origin.", trace, show=("X-Api-Key",))
            if it.whom == "shop.test" and value != "K" and with_strings:
                words = 'You compare a URL with a string, and they are never equal: write URL("…") around it.'
                return not_yet(words, trace, show=("X-Api-Key",))
            if it.whom == "shop.test" and value != "K":
                return not_yet("http://shop.test was asked without the key.", trace, show=("X-Api-Key",))
    return yes(trace)


PAGES = tuple(f"http://shop.test{path}" for path in PATHS)
ORDERS = (b"2 green", b"1 black", b"3 white")


def _strict_shop() -> Any:
    known: set[object] = set()

    async def shop(request: web.Request) -> web.StreamResponse:
        body, transport = await request.text(), request.transport
        again = transport in known
        known.add(transport)
        if request.method == "POST" and again and transport is not None:
            transport.close()  # as a server does that had just given the idle connection up
        return web.Response(text=f"receipt for {body}" if body else "tea\n")

    return shop


_READ = (
    "    for url in pages:\n"
    "        async with {0}.get(url) as answer:\n"
    "            await answer.read()\n"
    "    receipts = []\n"
    "    for order in orders:\n"
)
_BUY = (
    "        async with {0}.{1}('http://shop.test/orders', data=order) as answer:\n"
    "            receipts.append(await answer.text())\n"
)
_ONE = "async def errands(make, pages, orders):\n    session = make()\n"
_END = "    await session.close()\n    return receipts"


@exercise(
    "orders-go-once",
    lesson=LESSON,
    stars=3,
    minutes=15,
    wants="value",
    hint="Two sessions: `make()` for the pages, `make(force_close=True)` for the orders.",
    wrong={
        _ONE + _READ.format("session") + _BUY.format("session", "post") + _END: "ServerDisconnectedError",
        (_ONE + _READ.format("session") + _BUY.format("session", "post") + _END).replace(
            "make()", "make(force_close=True)"
        ): "3 connections",
        (_ONE + _READ.format("session") + _BUY.format("session", "put") + _END): "PUT",
        (_ONE + _READ.format("session") + _BUY.format("session", "post") + _END).replace(
            "/orders", "/"
        ): "send it to",
        _ONE
        + _READ.format("session")
        + "        while True:\n"
        + "            try:\n"
        + "                async with session.post('http://shop.test/orders', data=order) as answer:\n"
        + "                    receipts.append(await answer.text())\n"
        + "                break\n"
        + "            except Exception:\n"
        + "                pass\n"
        + _END: "heard 6 orders",
        (_ONE + _READ.format("session") + _BUY.format("buyer", "post") + _END).replace(
            "    session =", "    buyer = make(force_close=True)\n    session ="
        ): "still open",
        "async def errands(make, pages, orders):\n"
        "    async with make() as reader:\n"
        "        for url in pages:\n"
        "            async with reader.get(url) as answer:\n"
        "                await answer.read()\n"
        "    for order in orders:\n"
        "        async with make() as buyer:\n"
        "            async with buyer.post('http://shop.test/orders', data=order) as answer:\n"
        "                await answer.read()": "not None",
    },
)
async def orders_go_once(errands: Any) -> Attempt:
    """Demand the pages over one connection, and each order once, on a connection that is new."""
    async with Town() as town:
        await town.open("shop.test", _strict_shop())
        tried = await _try(town, lambda make: errands(make, PAGES, ORDERS))
    trace = town.trace
    words = _amiss(trace, tried.came, tried.raised, tried.left_open)
    return not_yet(words, trace) if words else yes(trace)


def _amiss(trace: Trace, receipts: object, raised: str, left_open: int) -> str:
    heard = [(it.connection, it.message) for it in trace.said if it.message and it.who == "client"]
    orders = [it for _, it in heard if it.body]
    pages = [connection for connection, it in heard if it.method == "GET"]
    if wrong := [it.method for it in orders if it.method != "POST"]:
        return f"An order came as {wrong[0]}, which is repeated without asking you: send it with POST."
    if wrong := [it.target for it in orders if it.target != "/orders"]:
        return f"An order came to {wrong[0]}: send it to http://shop.test/orders."
    if raised.startswith("ServerDisconnectedError"):
        return "ServerDisconnectedError: an order went out on a connection that the shop was giving up."
    if raised:
        return f"It raised {raised}."
    if len(orders) != len(ORDERS):
        return f"The shop heard {len(orders)} orders, and should hear {len(ORDERS)}."
    if len(pages) != len(PAGES):
        return f"The shop was asked for {len(pages)} pages, and there are {len(PAGES)}."
    if len(set(pages)) != 1:
        return f"The pages took {len(set(pages))} connections, and one would do."
    if amiss := _other_than([f"receipt for {it.decode()}" for it in ORDERS], receipts):
        return f"Every order was taken. Now return the list of the receipts' texts, not {amiss}."
    return "A session is still open: close both, on every path." if left_open else ""
